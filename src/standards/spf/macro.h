// Macro strings (RFC 7208 7): their syntax, and their expansion for one evaluation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/ip_address.h"

namespace posthorn::spf {

/// Where a macro string stands decides which letters it may use (RFC 7208 7.2: c, r and t only in explanations).
enum class MacroUse : unsigned char { domain_spec, modifier_value, explanation };

/// Nullopt where `text` is a legal macro-string for that use; else what is wrong with it. explanation: the
/// explain-string, in which spaces are legal too.
[[nodiscard]] std::optional<std::string> macro_fault(std::string_view text, MacroUse use);
/// domain-spec (RFC 7208 7.1): a macro-string that ends in "." toplabel or a macro-expand.
[[nodiscard]] std::optional<std::string> domain_spec_fault(std::string_view text);
/// Whether the string holds %{p}, whose value costs DNS queries.
[[nodiscard]] bool uses_validated_name(std::string_view text);

struct MacroContext {
  std::string_view sender;  ///< %{s}; always with a local part
  std::string_view domain;  ///< %{d}: whose record is being evaluated
  std::string_view helo;
  std::string_view receiver;
  IpAddress ip;
  std::string_view validated_name = "unknown";  ///< %{p}
  std::int64_t unix_time = 0;                   ///< %{t}
};
/// Precondition: macro_fault() found nothing.
[[nodiscard]] std::string expand_macros(std::string_view text, const MacroContext& context);

}  // namespace posthorn::spf
