#include "standards/tls_rpt/record.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "standards/dns/policy_lookup.h"
#include "standards/tls_rpt/uri.h"

namespace posthorn::tls_rpt {
namespace {

constexpr std::string_view kVersion = "v=TLSRPTv1";

struct Reading {
  Record record;
  std::vector<std::string> bad_uris;
  bool has_rua = false;
};

/// tlsrpt-rua = "rua=" tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)
void read_rua(std::string_view value, Reading& out) {
  out.has_rua = true;
  for (const std::string_view piece : text::split(value, ',')) {
    const std::string_view uri = text::trim(piece);
    if (const std::string why = why_no_destination(uri); !why.empty())
      out.bad_uris.push_back(why);
    else if (out.record.rua.size() < report_uris_max)
      out.record.rua.emplace_back(uri);
  }
}

/// tlsrpt-record = tlsrpt-version 1*(field-delim tlsrpt-field) [field-delim]
Result<Reading, std::string> read(std::string_view text) {
  Reading out;
  const auto take = [&out](const dns::PolicyField& field) -> Result<void, std::string> {
    if (field.name == "rua") read_rua(field.value, out);
    return {};
  };
  if (auto read = dns::read_policy_fields(text, kVersion, take); !read) return fail(std::move(read.error()));
  if (!out.has_rua) return fail(std::string("rua= is missing"));
  return out;
}

}  // namespace

bool is_tls_rpt_record(std::string_view text) {
  return dns::has_policy_version(text, kVersion);
}

Result<Record, std::string> parse_record(std::string_view text) {
  auto reading = read(text);
  if (!reading) return fail(std::move(reading.error()));
  // What cannot be reported to is passed over; a record must leave somebody.
  if (reading->record.rua.empty()) return fail(std::move(reading->bad_uris.front()));
  return std::move(reading->record);
}

std::string record_text(const Record& record) {
  return fmt::format("v=TLSRPTv1; rua={}", fmt::join(record.rua, ","));
}

Task<RecordLookup> find_record(dns::Resolver& resolver, dns::Name domain) {
  const dns::PolicyKind kind{kVersion, "TLS-RPT", "nobody reports"};
  std::vector<std::string> labels{"_smtp", "_tls"};
  dns::PolicyTexts found = co_await dns::find_policy_texts(resolver, std::move(domain), std::move(labels), kind);
  co_return dns::read_policy<RecordLookup>(std::move(found), parse_record);
}

// ---------------------------------------------------------------- review

namespace {

class Review {
 public:
  explicit Review(std::string_view given) : given_(given), plain_(text::without_quotes(given)) {}

  RecordReview run() {
    const auto record = parse_record(given_);
    out_.valid = record.has_value();
    if (record) out_.record = *record;
    if (text::has_typographic_quotes(given_))
      add("quotes-typographic", FindingLevel::error, "typographic quotation marks are part of the record", plain_);
    commas();
    fields();
    const std::string better = record ? std::string{} : mended();
    if (!record)
      add("tlsrpt-syntax", FindingLevel::error,
          fmt::format("{}: nobody reports{}", record.error(),
                      better.empty() ? "; write v=TLSRPTv1; rua=mailto:ADDRESS" : ""),
          better);
    else
      destinations();
    return std::move(out_);
  }

 private:
  void add(std::string_view id, FindingLevel level, std::string reason, std::string correction = {}) {
    out_.findings.push_back({std::string{id}, level, std::move(reason), std::move(correction)});
  }

  /// "v=TLSRPTv1,rua=…": the comma between addresses is right.
  void commas() {
    const auto comma = plain_.find(',');
    if (comma == std::string::npos || plain_.find(';') < comma) return;
    std::string mended = plain_;
    mended[comma] = ';';
    if (const auto record = parse_record(mended))
      add("separator-comma", FindingLevel::error, "a comma stands where fields are separated by semicolons",
          record_text(*record));
  }

  void fields() {
    for (const std::string_view piece : text::split(plain_, ';')) {
      const std::string_view field = text::trim_lines(piece);
      const std::string_view name = text::trim(field.substr(0, field.find('=')));
      if (!field.contains('=') || name == "v" || name == "rua") continue;
      add("tag-unknown", FindingLevel::info, fmt::format("\"{}\" is no field of TLS-RPT", text::printable(field, 40)));
    }
  }

  /// A record that is used, with an address in it that is not.
  void destinations() {
    const auto reading = read(given_);
    if (!reading) return;
    for (const std::string& why : reading->bad_uris)
      add("tlsrpt-syntax", FindingLevel::error, fmt::format("{}: no report goes there", why),
          record_text(reading->record));
  }

  /// With the version as it is written and the addresses that are there; empty: no idea.
  [[nodiscard]] std::string mended() const {
    if (const auto clean = parse_record(plain_)) return record_text(*clean);
    const auto at = text::lower(plain_).find("rua=");
    if (at == std::string::npos) return {};
    const std::string_view rua = std::string_view(plain_).substr(at + 4);
    Record record;
    for (const std::string_view piece : text::split(rua.substr(0, rua.find(';')), ',')) {
      const std::string_view uri = text::trim(piece);
      // An address without its scheme is the usual slip.
      const std::string guess =
          uri.contains('@') && !uri.contains(':') ? fmt::format("mailto:{}", uri) : std::string(uri);
      if (why_no_destination(guess).empty()) record.rua.push_back(guess);
    }
    return record.rua.empty() ? std::string{} : record_text(record);
  }

  std::string_view given_;
  std::string plain_;
  RecordReview out_;
};

}  // namespace

RecordReview review_record(std::string_view text) {
  return Review{text}.run();
}

Findings findings_of(const RecordLookup& lookup, const dns::Name& domain) {
  switch (lookup.state) {
    case RecordState::absent:
      return {{"tlsrpt-missing", FindingLevel::info,
               fmt::format("{} has no TLS-RPT record: nobody tells when TLS fails", domain.text()),
               fmt::format("_smtp._tls.{} TXT \"v=TLSRPTv1; rua=mailto:…\"", domain.text())}};
    case RecordState::several:
      return {{"tlsrpt-multiple", FindingLevel::error,
               fmt::format("_smtp._tls.{} has {} TLS-RPT records: nobody reports", domain.text(), lookup.texts.size()),
               "keep one record with every address in its rua, and remove the others"}};
    case RecordState::found:
    case RecordState::invalid:
      return review_record(lookup.texts.front()).findings;
    case RecordState::unavailable:
      break;
  }
  return {};
}

}  // namespace posthorn::tls_rpt
