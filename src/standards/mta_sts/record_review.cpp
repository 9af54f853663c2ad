// What is wrong, or not wise, with an MTA-STS record.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "standards/mta_sts/record.h"

namespace posthorn::mta_sts {
namespace {

/// "v = stsv1, id=…": as near as a hand comes to it.
bool looks_like_version(std::string_view field) {
  std::string squeezed;
  std::ranges::copy_if(text::lower(field), std::back_inserter(squeezed), text::is_alnum);
  return squeezed.starts_with("vsts");
}

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
    const auto clean = parse_record(plain_);
    if (!record) syntax(record.error(), clean ? record_text(*clean) : mended());
    return std::move(out_);
  }

 private:
  void add(std::string_view id, FindingLevel level, std::string reason, std::string correction = {}) {
    out_.findings.push_back({std::string{id}, level, std::move(reason), std::move(correction)});
  }

  void syntax(std::string_view fault, const std::string& better) {
    add("sts-txt-syntax", FindingLevel::error,
        fmt::format("{}: senders find no policy{}", fault,
                    better.empty()
                        ? "; write v=STSv1; id=ID; with 1 to 32 letters and digits that change with the policy"
                        : ""),
        better);
  }

  /// "v=STSv1, id=…".
  void commas() {
    std::string mended = plain_;
    std::ranges::replace(mended, ',', ';');
    if (mended == plain_ || !plain_.contains('=')) return;
    if (const auto record = parse_record(mended))
      add("separator-comma", FindingLevel::error, "a comma stands where fields are separated by semicolons",
          record_text(*record));
  }

  void fields() {
    std::vector<std::string> seen;
    for (const std::string_view piece : text::split(plain_, ';')) {
      const std::string_view field = text::trim_lines(piece);
      const std::string name{text::trim(field.substr(0, field.find('=')))};
      if (field.empty() || !field.contains('=')) continue;
      if (std::ranges::find(seen, name) != seen.end())
        add("tag-duplicate", FindingLevel::error,
            fmt::format("{}= appears twice; only the first counts", text::printable(name, 40)));
      else if (name != "v" && name != "id")
        add("tag-unknown", FindingLevel::info,
            fmt::format("\"{}\" is no field of MTA-STS", text::printable(field, 40)));
      seen.push_back(name);
    }
  }

  /// With the version as it is written and an id of the letters and digits that are there; empty: no idea.
  [[nodiscard]] std::string mended() const {
    const auto pieces = text::split(plain_, ';');
    if (!looks_like_version(pieces.front())) return {};
    for (const std::string_view piece : pieces) {
      const std::string_view field = text::trim_lines(piece);
      if (!text::istarts_with(field, "id=")) continue;
      TxtRecord record;
      std::ranges::copy_if(field.substr(3), std::back_inserter(record.id), text::is_alnum);
      record.id.resize(std::min(record.id.size(), id_octets_max));
      if (!record.id.empty()) return record_text(record);
    }
    return {};
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
      return {{"sts-missing", FindingLevel::info,
               fmt::format("{} has no MTA-STS: a sender cannot know that TLS is to be had", domain.text()),
               fmt::format("_mta-sts.{} TXT \"v=STSv1; id=…;\" once the policy file is served", domain.text())}};
    case RecordState::several:
      return {{"sts-txt-multiple", FindingLevel::error,
               fmt::format("_mta-sts.{} has {} MTA-STS records: senders use none of them", domain.text(),
                           lookup.texts.size()),
               "keep the record whose id is that of the policy file, and remove the others"}};
    case RecordState::found:
    case RecordState::invalid:
      return review_record(lookup.texts.front()).findings;
    case RecordState::unavailable:
      break;
  }
  return {};
}

}  // namespace posthorn::mta_sts
