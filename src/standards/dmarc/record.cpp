#include "standards/dmarc/record.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"

namespace posthorn::dmarc {
namespace {

constexpr std::array<std::string_view, 3> kPolicies{"none", "quarantine", "reject"};

struct Tag {
  std::string_view name;
  std::string_view value;
};

/// RFC 9989 4.8: what is no tag at all is passed over, so that "ri=3600;,;" harms nothing.
std::vector<Tag> split_tags(std::string_view text) {
  std::vector<Tag> out;
  for (const std::string_view element : text::split(text, ';')) {
    const auto equals = element.find('=');
    if (equals == std::string_view::npos) continue;
    out.push_back({text::trim_lines(element.substr(0, equals)), text::trim_lines(element.substr(equals + 1))});
  }
  return out;
}

/// Policy words compare without case: the world writes "Reject".
std::optional<Policy> parse_policy(std::string_view text) {
  for (std::size_t i = 0; i < kPolicies.size(); ++i)
    if (text::iequals(kPolicies[i], text)) return static_cast<Policy>(i);
  return std::nullopt;
}

/// RFC 3986 3.1 scheme ":" something, without white space; the retired "!10m" is taken off.
std::optional<ReportUri> parse_report_uri(std::string_view text) {
  text = text::trim_lines(text);
  text = text.substr(0, text.find('!'));
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return std::nullopt;
  const auto is_visible = [](char c) { return text::is_visible(c); };
  if (!std::ranges::all_of(text, is_visible) || !text::is_alpha(text[0])) return std::nullopt;
  ReportUri out{std::string{text}, {}};
  if (!text::iequals(text.substr(0, colon), "mailto")) return out;
  const std::string_view mailbox = text.substr(colon + 1, text.find('?') - colon - 1);
  const auto at = mailbox.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == mailbox.size()) return std::nullopt;
  out.domain = text::lower(mailbox.substr(at + 1));
  return out;
}

std::vector<ReportUri> parse_report_uris(std::string_view text) {
  std::vector<ReportUri> out;
  for (const std::string_view element : text::split(text, ','))
    if (auto uri = parse_report_uri(element); uri && out.size() < report_uris_max) out.push_back(std::move(*uri));
  return out;
}

/// Tags other than v, p, sp and np: a value that is not legal counts as the default (RFC 9989 4.8).
void read_option(const Tag& tag, Record& out) {
  if (tag.name == "adkim" && text::iequals(tag.value, "s")) out.adkim = AlignmentMode::strict;
  if (tag.name == "aspf" && text::iequals(tag.value, "s")) out.aspf = AlignmentMode::strict;
  if (tag.name == "psd" && text::iequals(tag.value, "y")) out.psd = Psd::yes;
  if (tag.name == "psd" && text::iequals(tag.value, "n")) out.psd = Psd::no;
  if (tag.name == "t") out.testing = text::iequals(tag.value, "y");
  if (tag.name == "fo" && !tag.value.empty()) out.fo = tag.value;
  if (tag.name == "rua") out.rua = parse_report_uris(tag.value);
  if (tag.name == "ruf") out.ruf = parse_report_uris(tag.value);
}

}  // namespace

std::string_view text(Policy policy) {
  return kPolicies[static_cast<std::size_t>(policy)];
}

Policy step_down(Policy policy) {
  return policy == Policy::reject ? Policy::quarantine : Policy::none;
}

std::string_view text(Psd psd) {
  static constexpr std::array<std::string_view, 3> names{"u", "y", "n"};
  return names[static_cast<std::size_t>(psd)];
}

bool is_dmarc_record(std::string_view text) {
  const auto semicolon = text.find(';');
  const std::string_view first = text.substr(0, semicolon);
  const auto equals = first.find('=');
  if (equals == std::string_view::npos || !text.starts_with('v')) return false;
  // dmarc-version = "v" equals %s"DMARC1", equals = *WSP "=" *WSP
  return text::trim(first.substr(0, equals)) == "v" && text::trim_lines(first.substr(equals + 1)) == "DMARC1";
}

std::optional<Record> parse_record(std::string_view text) {
  if (!is_dmarc_record(text)) return std::nullopt;
  Record out;
  std::optional<std::string_view> p, sp, np;
  std::vector<std::string_view> seen;
  for (const Tag& tag : split_tags(text)) {
    if (std::ranges::find(seen, tag.name) != seen.end()) continue;  // the first of duplicates counts
    seen.push_back(tag.name);
    if (tag.name == "p") p = tag.value;
    if (tag.name == "sp") sp = tag.value;
    if (tag.name == "np") np = tag.value;
    read_option(tag, out);
  }
  const auto policy = parse_policy(p.value_or(""));
  if (sp) out.sp = parse_policy(*sp);
  if (np) out.np = parse_policy(*np);
  if (!policy) out.fault = p ? "p= is not a policy" : "p= is missing";
  if (sp && !out.sp) out.fault = "sp= is not a policy";
  if (np && !out.np) out.fault = "np= is not a policy";
  out.p = policy.value_or(Policy::none);
  if (out.fault.empty()) return out;
  // RFC 9989 4.10.1: with a report address it acts as p=none, without one it does nothing.
  out.acts_as_none = !out.rua.empty();
  out.unusable = out.rua.empty();
  out.p = Policy::none;
  out.sp.reset();
  out.np.reset();
  return out;
}

std::string record_text(const Record& record) {
  std::string out = fmt::format("v=DMARC1; p={}", text(record.p));
  if (record.sp) out += fmt::format("; sp={}", text(*record.sp));
  if (record.np) out += fmt::format("; np={}", text(*record.np));
  if (record.adkim == AlignmentMode::strict) out += "; adkim=s";
  if (record.aspf == AlignmentMode::strict) out += "; aspf=s";
  if (record.psd != Psd::unknown) out += fmt::format("; psd={}", text(record.psd));
  if (record.testing) out += "; t=y";
  const auto add_uris = [&](std::string_view name, const std::vector<ReportUri>& uris) {
    for (std::size_t i = 0; i < uris.size(); ++i)
      out += fmt::format("{}{}", i == 0 ? fmt::format("; {}=", name) : ",", uris[i].uri);
  };
  add_uris("rua", record.rua);
  add_uris("ruf", record.ruf);
  if (record.fo != "0") out += fmt::format("; fo={}", record.fo);
  return out;
}

}  // namespace posthorn::dmarc
