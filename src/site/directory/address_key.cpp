#include "site/directory/address_key.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include <uninorm.h>

#include "foundation/text/ascii.h"

namespace posthorn::directory {
namespace {

using namespace std::string_view_literals;

/// RFC 2142 3–5 without the business and list roles, which mean nothing unless somebody has them.
constexpr std::array roles{"abuse"sv, "noc"sv, "security"sv, "hostmaster"sv, "webmaster"sv, "mailer-daemon"sv};

struct Free {
  void operator()(std::uint8_t* octets) const { std::free(octets); }
};

}  // namespace

std::string nfc(std::string_view text) {
  std::size_t length = 0;
  const auto* octets = reinterpret_cast<const std::uint8_t*>(text.data());
  const std::unique_ptr<std::uint8_t, Free> normal(u8_normalize(UNINORM_NFC, octets, text.size(), nullptr, &length));
  if (normal == nullptr) return std::string(text);
  return {reinterpret_cast<const char*>(normal.get()), length};
}

std::string local_part_key(std::string_view local_part) {
  if (text::is_ascii(local_part) || !text::is_utf8(local_part)) return text::lower(local_part);
  return text::lower(nfc(local_part));
}

std::string address_key(const address::LocalPart& local_part, const address::Domain& domain) {
  // "@domain" is the catch-all's key: an empty local part must not be it.
  std::string key = local_part.value().empty() ? "\"\"" : local_part_key(local_part.value());
  key += '@';
  key += domain.a_label();
  return key;
}

std::optional<Detail> split_detail(std::string_view local_part) {
  const auto plus = local_part.find('+');
  if (plus == std::string_view::npos || plus == 0) return std::nullopt;
  return Detail{std::string(local_part.substr(0, plus)), std::string(local_part.substr(plus + 1))};
}

bool is_postmaster(std::string_view local_part_key) {
  return local_part_key == "postmaster";
}

bool is_role(std::string_view local_part_key) {
  return is_postmaster(local_part_key) || std::ranges::find(roles, local_part_key) != roles.end();
}

}  // namespace posthorn::directory
