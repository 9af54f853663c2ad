#include "standards/dns/caa.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "standards/dns/zone.h"

namespace posthorn::dns {
namespace {

// IANA "Certification Authority Restriction Properties".
constexpr std::array<std::string_view, 6> known_tags{"issue",     "issuewild",    "iodef",
                                                     "issuemail", "contactemail", "contactphone"};

bool is_known(std::string_view tag) {
  return std::ranges::any_of(known_tags, [&](std::string_view known) { return text::iequals(known, tag); });
}

bool names_issuer(const Caa& record) {
  return text::iequals(record.tag, "issue") || text::iequals(record.tag, "issuewild") ||
         text::iequals(record.tag, "issuemail");
}

/// issue-value = *WSP [issuer-domain-name *WSP] [";" *WSP [parameters *WSP]]; "" where it is right.
std::string why_no_issue_value(const Caa& record) {
  const std::string issuer = caa_issuer(record);
  const bool is_name = std::ranges::all_of(issuer, [](char c) { return text::is_alnum(c) || c == '-' || c == '.'; });
  if (!is_name) return fmt::format("\"{}\" is no name of a CA", text::printable(issuer, 60));
  const auto semicolon = record.value.find(';');
  if (semicolon == std::string::npos) return {};
  for (const std::string_view piece : text::split(std::string_view(record.value).substr(semicolon + 1), ';')) {
    const std::string_view parameter = text::trim(piece);
    if (!parameter.empty() && !parameter.contains('='))
      return fmt::format("\"{}\" is no parameter (tag=value)", text::printable(parameter, 60));
  }
  return {};
}

std::string why_no_iodef(const Caa& record) {
  constexpr std::array<std::string_view, 3> schemes{"mailto:", "https://", "http://"};
  const bool has_scheme =
      std::ranges::any_of(schemes, [&](std::string_view scheme) { return text::istarts_with(record.value, scheme); });
  return has_scheme ? "" : fmt::format("\"{}\" is no URL (mailto: or https:)", text::printable(record.value, 60));
}

bool is_whole_record(std::string_view line) {
  return std::ranges::any_of(text::words(line), [](std::string_view word) {
    return text::iequals(word, "CAA") || text::iequals(word, "TYPE257");
  });
}

constexpr std::string_view kWhatToWrite =
    "write 0 issue \"ca.example\" with your authority's name, or 0 issue \";\" where nobody is to issue";

std::string record_text(const Caa& record) {
  return fmt::format("{} {} \"{}\"", record.flags, text::lower(record.tag), record.value);
}

}  // namespace

Result<Caa, std::string> parse_caa(std::string_view text) {
  const std::string_view line = text::trim_lines(text);
  const std::string whole = is_whole_record(line) ? std::string(line) : fmt::format("caa. CAA {}", line);
  const auto zone = Zone::parse(whole);
  if (!zone) return fail(zone.error().reason);
  for (const Record& record : zone->records())
    if (const auto* caa = std::get_if<Caa>(&record.data)) return *caa;
  return fail(std::string("this is no CAA record (flags tag \"value\")"));
}

std::string caa_issuer(const Caa& record) {
  return std::string(text::trim(std::string_view(record.value).substr(0, record.value.find(';'))));
}

CaaReview review_caa(std::string_view text) {
  CaaReview out;
  const bool typographic = text::has_typographic_quotes(text);
  const auto record = parse_caa(text);
  const auto add = [&](std::string_view id, FindingLevel level, std::string reason, std::string correction) {
    out.findings.push_back({std::string(id), level, std::move(reason), std::move(correction)});
  };
  if (typographic) {
    const auto clean = parse_caa(text::without_quotes(text));
    add("quotes-typographic", FindingLevel::error, "typographic quotation marks are part of the record",
        clean ? record_text(*clean) : "");
  }
  if (!record) {
    out.problem = fmt::format("{}: CAs refuse to issue, or do not see it; {}", record.error(), kWhatToWrite);
    return out;
  }
  out.record = *record;
  std::string why;
  if (names_issuer(*record)) why = why_no_issue_value(*record);
  if (text::iequals(record->tag, "iodef")) why = why_no_iodef(*record);
  out.valid = why.empty() && !typographic;
  if (!why.empty()) out.problem = fmt::format("{}; {}", why, kWhatToWrite);
  if (!is_known(record->tag))
    add("tag-unknown", FindingLevel::info,
        fmt::format("\"{}\" is no property that is registered{}", text::printable(record->tag, 40),
                    (record->flags & caa_critical) != 0 ? "; it is marked critical, so no CA may issue" : ""),
        "");
  return out;
}

}  // namespace posthorn::dns
