#include "standards/mta_sts/record.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"

namespace posthorn::mta_sts {
namespace {

constexpr std::string_view kVersion = "v=STSv1";

struct Field {
  std::string_view name, value;
};

/// sts-ext-name = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
bool is_field_name(std::string_view name) {
  return !name.empty() && name.size() <= field_name_octets_max && text::is_alnum(name.front()) &&
         std::ranges::all_of(name, [](char c) { return text::is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

/// sts-ext-value = 1*(%x21-3A / %x3C / %x3E-7E), without "=", ";", space and control characters
bool is_field_value(std::string_view value) {
  return !value.empty() && std::ranges::all_of(value, [](char c) { return text::is_visible(c) && c != '='; });
}

/// sts-id = "id=" 1*32(ALPHA / DIGIT)
std::string why_no_id(std::string_view id) {
  if (id.empty()) return "id= is empty";
  if (!std::ranges::all_of(id, text::is_alnum)) return "id= may have letters and digits only";
  if (id.size() > id_octets_max)
    return fmt::format("id= has {} characters; at most {} are allowed", id.size(), id_octets_max);
  return {};
}

/// sts-field, without the white space of the delimiters around it.
Result<Field, std::string> parse_field(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos)
    return fail(fmt::format("\"{}\" is no field (name=value)", text::printable(text, 60)));
  const Field field{text.substr(0, equals), text.substr(equals + 1)};
  if (!is_field_name(field.name))
    return fail(fmt::format("\"{}\" is no name of a field", text::printable(field.name, 60)));
  if (field.name != "id" && !is_field_value(field.value))
    return fail(fmt::format("{}= has a value that is not allowed", field.name));
  return field;
}

}  // namespace

bool is_sts_record(std::string_view text) {
  // RFC 8461 3.1: "v=STSv1;", with the white space that sts-field-delim allows before the semicolon.
  if (!text.starts_with(kVersion)) return false;
  return text::trim(text.substr(kVersion.size())).starts_with(';');
}

Result<TxtRecord, std::string> parse_record(std::string_view text) {
  if (!is_sts_record(text)) return fail(std::string("the record does not begin with \"v=STSv1;\""));
  std::string_view rest = text::trim(text.substr(kVersion.size()));
  rest.remove_prefix(1);
  TxtRecord out;
  bool has_id = false;
  std::size_t fields = 0;
  // sts-text-record = sts-version 1*(sts-field-delim sts-field) [sts-field-delim]
  for (bool more = true; more;) {
    const auto end = rest.find(';');
    const std::string_view piece = text::trim(rest.substr(0, end));
    more = end != std::string_view::npos;
    rest.remove_prefix(more ? end + 1 : rest.size());
    if (piece.empty() && !more && fields > 0) break;
    const auto field = parse_field(piece);
    if (!field) return fail(field.error());
    ++fields;
    // RFC 8461 3.2: of duplicates the first counts.
    if (field->name != "id" || std::exchange(has_id, true)) continue;
    if (std::string why = why_no_id(field->value); !why.empty()) return fail(std::move(why));
    out.id = field->value;
  }
  if (!has_id) return fail(std::string("id= is missing"));
  return out;
}

std::string record_text(const TxtRecord& record) {
  return fmt::format("v=STSv1; id={};", record.id);
}

std::string_view text(RecordState state) {
  static constexpr std::array<std::string_view, 5> names{"found", "absent", "several", "invalid", "unavailable"};
  return names[static_cast<std::size_t>(state)];
}

namespace {

void judge(RecordLookup& out) {
  if (out.texts.empty()) {
    out.state = RecordState::absent;
    out.reason = "there is no MTA-STS record";
  } else if (out.texts.size() > 1) {
    // RFC 8461 3.1: "If the number of resulting records is not one …": as if there were none.
    out.state = RecordState::several;
    out.reason = fmt::format("there are {} MTA-STS records: senders use none", out.texts.size());
  } else if (auto record = parse_record(out.texts.front())) {
    out.state = RecordState::found;
    out.record = std::move(*record);
  } else {
    out.state = RecordState::invalid;
    out.reason = std::move(record.error());
  }
}

}  // namespace

Task<RecordLookup> find_record(dns::Resolver& resolver, dns::Name domain) {
  RecordLookup out;
  const auto name = domain.child("_mta-sts");
  if (!name) {
    out.reason = "the domain is too long for an MTA-STS record";
    co_return out;
  }
  const dns::TxtLookup lookup = co_await dns::lookup_txt(resolver, *name);
  out.answers.push_back(lookup.answer);
  if (!dns::is_definite(lookup.status())) {
    out.state = RecordState::unavailable;
    out.reason = fmt::format("{} TXT could not be looked up: {}", name->text(), dns::text(lookup.status()));
    co_return out;
  }
  // RFC 8461 3.1: what does not begin with "v=STSv1;" is discarded.
  std::ranges::copy_if(lookup.texts, std::back_inserter(out.texts), is_sts_record);
  judge(out);
  co_return out;
}

}  // namespace posthorn::mta_sts
