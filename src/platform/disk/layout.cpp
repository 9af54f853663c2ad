#include "platform/disk/layout.h"

#include <charconv>

namespace posthorn::disk {

std::optional<std::uint64_t> Layout::segment_id(std::string_view name) {
  constexpr std::string_view suffix = ".segment";
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return id;
}

std::optional<MailId> Layout::message_id(std::string_view name) {
  constexpr std::string_view suffix = ".message";
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  return MailId::parse(name);
}

}  // namespace posthorn::disk
