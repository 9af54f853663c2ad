#include "standards/spf/record.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/spf/macro.h"

namespace posthorn::spf {
namespace {

constexpr std::string_view kVersion = "v=spf1";

/// What a mechanism's text may hold after its name.
enum class Argument : unsigned char { none, domain, optional_domain, optional_domain_and_cidr, ip4, ip6 };

struct MechanismRow {
  std::string_view name;
  MechanismKind kind;
  Argument argument;
};
constexpr std::array<MechanismRow, 8> kMechanisms{{
    {"all", MechanismKind::all, Argument::none},
    {"include", MechanismKind::include, Argument::domain},
    {"a", MechanismKind::a, Argument::optional_domain_and_cidr},
    {"mx", MechanismKind::mx, Argument::optional_domain_and_cidr},
    {"ptr", MechanismKind::ptr, Argument::optional_domain},
    {"ip4", MechanismKind::ip4, Argument::ip4},
    {"ip6", MechanismKind::ip6, Argument::ip6},
    {"exists", MechanismKind::exists, Argument::domain},
}};

using Fault = std::optional<std::string>;

/// cidr-length without its "/": "0" or a number without leading zeros, up to `limit`.
Fault read_prefix(std::string_view digits, unsigned limit, unsigned& out) {
  const auto number = text::parse_number(digits);
  const bool leading_zero = digits.size() > 1 && digits[0] == '0';
  if (!number || digits.size() > 3 || leading_zero || *number > limit)
    return fmt::format("\"/{}\" is not a prefix length of 0 to {}", text::printable(digits), limit);
  out = static_cast<unsigned>(*number);
  return std::nullopt;
}

/// Takes `separator` and the digits (or nothing) that end `text` off it; nullopt where it does not end so.
std::optional<std::string_view> take_length(std::string_view& text, std::string_view separator) {
  const auto last = text.find_last_not_of("0123456789");
  if (last == std::string_view::npos || !text.substr(0, last + 1).ends_with(separator)) return std::nullopt;
  const std::string_view digits = text.substr(last + 1);
  text = text.substr(0, last + 1 - separator.size());
  return digits;
}

/// [ ":" domain-spec ] [ dual-cidr-length ], dual-cidr-length = [ "/" cidr4 ] [ "//" cidr6 ]
Fault read_domain_and_cidr(std::string_view rest, Mechanism& out) {
  if (const auto digits = take_length(rest, "//"))
    if (auto fault = read_prefix(*digits, 128, out.prefix6)) return fault;
  if (const auto digits = take_length(rest, "/"))
    if (auto fault = read_prefix(*digits, 32, out.prefix4)) return fault;
  if (rest.empty()) return std::nullopt;
  if (rest[0] != ':') return "something other than a domain or a prefix length follows the name";
  out.domain_spec = rest.substr(1);
  return domain_spec_fault(out.domain_spec);
}

Fault read_network(std::string_view rest, bool v4, Mechanism& out) {
  if (rest.empty() || rest[0] != ':') return "the address is missing";
  std::string_view address = rest.substr(1);
  const auto slash = address.find('/');
  if (slash != std::string_view::npos) {
    const auto digits = address.substr(slash + 1);
    if (auto fault = v4 ? read_prefix(digits, 32, out.prefix4) : read_prefix(digits, 128, out.prefix6)) return fault;
    address = address.substr(0, slash);
  }
  // RFC 7208 5.6: host bits may be set, and RFC 4291's dotted tail is legal.
  const auto ip = v4 ? IpAddress::parse_v4(address) : IpAddress::parse_v6(address);
  if (!ip) return fmt::format("\"{}\" is not an IPv{} address", text::printable(address), v4 ? 4 : 6);
  out.network = *ip;
  return std::nullopt;
}

Fault read_argument(Argument argument, std::string_view rest, Mechanism& out) {
  switch (argument) {
    case Argument::none:
      return rest.empty() ? Fault{} : Fault{"nothing may follow its name"};
    case Argument::optional_domain:
      if (rest.empty()) return std::nullopt;
      [[fallthrough]];
    case Argument::domain:
      if (rest.empty() || rest[0] != ':') return "a domain name is missing";
      out.domain_spec = rest.substr(1);
      return domain_spec_fault(out.domain_spec);
    case Argument::optional_domain_and_cidr:
      return read_domain_and_cidr(rest, out);
    case Argument::ip4:
      return read_network(rest, true, out);
    case Argument::ip6:
      break;
  }
  return read_network(rest, false, out);
}

/// directive = [ qualifier ] mechanism
Fault read_mechanism(std::string_view term, Record& record) {
  Mechanism out;
  out.text = term;
  switch (term[0]) {
    case '-':
      out.qualifier = Result::fail;
      break;
    case '~':
      out.qualifier = Result::softfail;
      break;
    case '?':
      out.qualifier = Result::neutral;
      break;
    default:
      break;
  }
  if (std::string_view{"+-~?"}.contains(term[0])) term.remove_prefix(1);
  const std::string_view name = term.substr(0, term.find_first_of(":/"));
  const auto row = std::ranges::find_if(kMechanisms, [&](const auto& r) { return text::iequals(r.name, name); });
  if (row == kMechanisms.end()) return fmt::format("\"{}\" is not a mechanism", text::printable(name));
  out.kind = row->kind;
  if (auto fault = read_argument(row->argument, term.substr(name.size()), out)) return fault;
  record.mechanisms.push_back(std::move(out));
  return std::nullopt;
}

/// modifier = redirect / explanation / unknown-modifier
Fault read_modifier(std::string_view name, std::string_view value, Record& record) {
  const bool is_redirect = text::iequals(name, "redirect");
  if (!is_redirect && !text::iequals(name, "exp")) {
    if (auto fault = macro_fault(value, MacroUse::modifier_value)) return fault;
    record.unknown_modifiers.push_back({text::lower(name), std::string{value}});
    return std::nullopt;
  }
  auto& slot = is_redirect ? record.redirect : record.exp;
  if (slot) return fmt::format("{}= appears twice", text::lower(name));  // RFC 7208 6
  if (auto fault = domain_spec_fault(value)) return fault;
  slot = value;
  return std::nullopt;
}

/// name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ), the whole of what stands before the first "=".
bool is_modifier_name(std::string_view name) {
  const auto is_legal = [](char c) { return text::is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && text::is_alpha(name[0]) && std::ranges::all_of(name, is_legal);
}

Fault read_term(std::string_view term, Record& record) {
  const auto equals = term.find('=');
  if (equals != std::string_view::npos && is_modifier_name(term.substr(0, equals)))
    return read_modifier(term.substr(0, equals), term.substr(equals + 1), record);
  return read_mechanism(term, record);
}

}  // namespace

std::string_view text(Result result) {
  static constexpr std::array<std::string_view, 7> names{"none",     "neutral",   "pass",     "fail",
                                                         "softfail", "temperror", "permerror"};
  return names[static_cast<std::size_t>(result)];
}

std::string_view text(MechanismKind kind) {
  return kMechanisms[static_cast<std::size_t>(kind)].name;
}

bool asks_dns(MechanismKind kind) {
  return kind != MechanismKind::all && kind != MechanismKind::ip4 && kind != MechanismKind::ip6;
}

bool Record::has_all() const {
  return std::ranges::any_of(mechanisms, [](const Mechanism& m) { return m.kind == MechanismKind::all; });
}

std::string SyntaxError::text() const {
  return fmt::format("{}: {}", term, reason);
}

bool is_spf_record(std::string_view text) {
  return text::istarts_with(text, kVersion) && (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

posthorn::Result<Record, SyntaxError> parse_record(std::string_view text) {
  if (!is_spf_record(text)) return fail(SyntaxError{text::printable(text, 40), "does not begin with v=spf1"});
  if (text.size() > record_octets_max) return fail(SyntaxError{"v=spf1", "the record is too long"});
  Record record;
  // terms = *( 1*SP ( directive / modifier ) ): spaces separate, other white space does not.
  std::string_view rest = text.substr(kVersion.size());
  while (!rest.empty()) {
    const std::string_view term = text::take_until(rest, ' ');
    if (term.empty()) continue;
    if (auto fault = read_term(term, record)) return fail(SyntaxError{text::printable(term), std::move(*fault)});
  }
  return record;
}

}  // namespace posthorn::spf
