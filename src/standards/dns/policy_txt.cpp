#include "standards/dns/policy_txt.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"

namespace posthorn::dns {
namespace {

/// (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
bool is_field_name(std::string_view name) {
  return !name.empty() && name.size() <= policy_field_name_octets_max && text::is_alnum(name.front()) &&
         std::ranges::all_of(name, [](char c) { return text::is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

/// A field without the white space of the delimiters around it.
Result<PolicyField, std::string> parse_field(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos)
    return fail(fmt::format("\"{}\" is no field (name=value)", text::printable(text, 60)));
  const PolicyField field{text.substr(0, equals), text.substr(equals + 1)};
  if (!is_field_name(field.name))
    return fail(fmt::format("\"{}\" is no name of a field", text::printable(field.name, 60)));
  return field;
}

std::optional<Name> below(Name domain, const std::vector<std::string>& labels) {
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    auto child = domain.child(*label);
    if (!child) return std::nullopt;
    domain = std::move(*child);
  }
  return domain;
}

}  // namespace

bool has_policy_version(std::string_view text, std::string_view version) {
  if (!text.starts_with(version)) return false;
  return text::trim(text.substr(version.size())).starts_with(';');
}

Result<void, std::string> read_policy_fields(std::string_view text, std::string_view version, const TakeField& take) {
  if (!has_policy_version(text, version)) return fail(fmt::format("the record does not begin with \"{};\"", version));
  std::string_view rest = text::trim(text.substr(version.size()));
  rest.remove_prefix(1);
  std::size_t fields = 0;
  for (bool more = true; more; ++fields) {
    const auto end = rest.find(';');
    const std::string_view piece = text::trim(rest.substr(0, end));
    more = end != std::string_view::npos;
    rest.remove_prefix(more ? end + 1 : rest.size());
    if (piece.empty() && !more && fields > 0) break;
    const auto field = parse_field(piece);
    if (!field) return fail(field.error());
    if (auto taken = take(*field); !taken) return taken;
  }
  return {};
}

std::string_view text(RecordState state) {
  static constexpr std::array<std::string_view, 5> names{"found", "absent", "several", "invalid", "unavailable"};
  return names[static_cast<std::size_t>(state)];
}

Task<PolicyTexts> find_policy_texts(Resolver& resolver, Name domain, std::vector<std::string> labels, PolicyKind kind) {
  PolicyTexts out;
  const auto name = below(std::move(domain), labels);
  if (!name) {
    out.reason = fmt::format("the domain is too long for the record of {}", kind.name);
    co_return out;
  }
  const TxtLookup lookup = co_await lookup_txt(resolver, *name);
  out.answers.push_back(lookup.answer);
  if (!is_definite(lookup.status())) {
    out.state = RecordState::unavailable;
    out.reason = fmt::format("{} TXT could not be looked up: {}", name->text(), text(lookup.status()));
    co_return out;
  }
  // RFC 8461 3.1, RFC 8460 3: what does not begin with the version is discarded; of several that are left, all are.
  for (const std::string& text : lookup.texts)
    if (has_policy_version(text, kind.version)) out.texts.push_back(text);
  if (out.texts.size() == 1) {
    out.state = RecordState::found;
  } else if (out.texts.empty()) {
    out.reason = fmt::format("there is no {} record", kind.name);
  } else {
    out.state = RecordState::several;
    out.reason = fmt::format("there are {} {} records: {}", out.texts.size(), kind.name, kind.of_several);
  }
  co_return out;
}

}  // namespace posthorn::dns
