#include "standards/tls_rpt/record.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "standards/tls_rpt/uri.h"

namespace posthorn::tls_rpt {
namespace {

constexpr std::string_view kVersion = "v=TLSRPTv1";
constexpr std::size_t kExtensionNameMax = 32;

/// tlsrpt-ext-name = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
bool is_extension_name(std::string_view name) {
  return !name.empty() && name.size() <= kExtensionNameMax && text::is_alnum(name.front()) &&
         std::ranges::all_of(name, [](char c) { return text::is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

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

Result<void, std::string> read_field(std::string_view text, Reading& out) {
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  if (equals == std::string_view::npos || !is_extension_name(name))
    return fail(fmt::format("\"{}\" is no field (name=value)", text::printable(text, 60)));
  if (name == "rua") read_rua(text.substr(equals + 1), out);
  return {};
}

/// tlsrpt-record = tlsrpt-version 1*(field-delim tlsrpt-field) [field-delim]
Result<Reading, std::string> read(std::string_view text) {
  if (!is_tls_rpt_record(text)) return fail(std::string("the record does not begin with \"v=TLSRPTv1;\""));
  std::string_view rest = text::trim(text.substr(kVersion.size()));
  rest.remove_prefix(1);
  Reading out;
  std::size_t fields = 0;
  for (bool more = true; more; ++fields) {
    const auto end = rest.find(';');
    const std::string_view piece = text::trim(rest.substr(0, end));
    more = end != std::string_view::npos;
    rest.remove_prefix(more ? end + 1 : rest.size());
    if (piece.empty() && !more && fields > 0) break;
    if (auto field = read_field(piece, out); !field) return fail(std::move(field.error()));
  }
  if (!out.has_rua) return fail(std::string("rua= is missing"));
  return out;
}

}  // namespace

bool is_tls_rpt_record(std::string_view text) {
  if (!text.starts_with(kVersion)) return false;
  return text::trim(text.substr(kVersion.size())).starts_with(';');
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

std::string_view text(RecordState state) {
  static constexpr std::array<std::string_view, 5> names{"found", "absent", "several", "invalid", "unavailable"};
  return names[static_cast<std::size_t>(state)];
}

namespace {

void judge(RecordLookup& out) {
  if (out.texts.empty()) {
    out.reason = "there is no TLS-RPT record";
  } else if (out.texts.size() > 1) {
    // RFC 8460 3: "If the number of resulting records is not one …": there is no TLS-RPT.
    out.state = RecordState::several;
    out.reason = fmt::format("there are {} TLS-RPT records: nobody reports", out.texts.size());
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
  const auto tls = domain.child("_tls");
  const auto name = tls ? tls->child("_smtp") : tls;
  if (!name) {
    out.reason = "the domain is too long for a TLS-RPT record";
    co_return out;
  }
  const dns::TxtLookup lookup = co_await dns::lookup_txt(resolver, *name);
  out.answers.push_back(lookup.answer);
  if (!dns::is_definite(lookup.status())) {
    out.state = RecordState::unavailable;
    out.reason = fmt::format("{} TXT could not be looked up: {}", name->text(), dns::text(lookup.status()));
    co_return out;
  }
  std::ranges::copy_if(lookup.texts, std::back_inserter(out.texts), is_tls_rpt_record);
  judge(out);
  co_return out;
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
    if (!record)
      add("tlsrpt-syntax", FindingLevel::error, fmt::format("{}: nobody reports", record.error()), mended());
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
