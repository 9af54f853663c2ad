#include "standards/mta_sts/record.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/dns/policy_lookup.h"

namespace posthorn::mta_sts {
namespace {

constexpr std::string_view kVersion = "v=STSv1";

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

}  // namespace

bool is_sts_record(std::string_view text) {
  return dns::has_policy_version(text, kVersion);
}

Result<TxtRecord, std::string> parse_record(std::string_view text) {
  TxtRecord out;
  bool has_id = false;
  // sts-text-record = sts-version 1*(sts-field-delim sts-field) [sts-field-delim]
  const auto take = [&](const dns::PolicyField& field) -> Result<void, std::string> {
    if (field.name != "id") {
      if (is_field_value(field.value)) return {};
      return fail(fmt::format("{}= has a value that is not allowed", field.name));
    }
    // RFC 8461 3.2: of duplicates the first counts.
    if (std::exchange(has_id, true)) return {};
    if (std::string why = why_no_id(field.value); !why.empty()) return fail(std::move(why));
    out.id = field.value;
    return {};
  };
  if (auto read = dns::read_policy_fields(text, kVersion, take); !read) return fail(std::move(read.error()));
  if (!has_id) return fail(std::string("id= is missing"));
  return out;
}

std::string record_text(const TxtRecord& record) {
  return fmt::format("v=STSv1; id={};", record.id);
}

Task<RecordLookup> find_record(dns::Resolver& resolver, dns::Name domain) {
  const dns::PolicyKind kind{kVersion, "MTA-STS", "senders use none"};
  std::vector<std::string> labels{"_mta-sts"};
  dns::PolicyTexts found = co_await dns::find_policy_texts(resolver, std::move(domain), std::move(labels), kind);
  co_return dns::read_policy<RecordLookup>(std::move(found), parse_record);
}

}  // namespace posthorn::mta_sts
