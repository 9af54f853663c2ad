#include "flow/queue/envelope.h"

#include "foundation/codec/xtext.h"

namespace posthorn::queue {

namespace {

constexpr std::uint8_t bit(NotifyBit b) {
  return static_cast<std::uint8_t>(b);
}

}  // namespace

std::uint8_t notify_bits(const smtp::Notify& notify) {
  if (!notify.given) return 0;
  if (notify.is_never()) return bit(NotifyBit::never);
  return static_cast<std::uint8_t>((notify.success ? bit(NotifyBit::success) : 0) |
                                   (notify.failure ? bit(NotifyBit::failure) : 0) |
                                   (notify.delay ? bit(NotifyBit::delay) : 0));
}

smtp::Notify notify_from(std::uint8_t bits) {
  smtp::Notify notify;
  if (bits == 0) return notify;
  notify.given = true;
  notify.success = (bits & bit(NotifyBit::success)) != 0;
  notify.failure = (bits & bit(NotifyBit::failure)) != 0;
  notify.delay = (bits & bit(NotifyBit::delay)) != 0;
  return notify;
}

std::string original_text(const std::optional<smtp::OriginalRecipient>& original) {
  return original ? original->type + ";" + codec::xtext_encode(original->value) : std::string();
}

std::optional<smtp::OriginalRecipient> original_from(std::string_view text) {
  const auto semicolon = text.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  const auto value = codec::xtext_decode(text.substr(semicolon + 1));
  if (!value) return std::nullopt;
  return smtp::OriginalRecipient{std::string(text.substr(0, semicolon)), *value};
}

std::string ret_text(const std::optional<smtp::Ret>& ret) {
  if (!ret) return {};
  return *ret == smtp::Ret::full ? "FULL" : "HDRS";
}

std::optional<smtp::Ret> ret_from(std::string_view text) {
  if (text == "FULL") return smtp::Ret::full;
  if (text == "HDRS") return smtp::Ret::headers;
  return std::nullopt;
}

std::string envelope_id_text(std::string_view envid) {
  return codec::xtext_encode(envid);
}

std::string envelope_id_from(std::string_view xtext) {
  return codec::xtext_decode(xtext).value_or(std::string(xtext));
}

}  // namespace posthorn::queue
