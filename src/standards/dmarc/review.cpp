// What is wrong, or not wise, with one DMARC record: without asking the DNS.
#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "standards/dmarc/record.h"

namespace posthorn::dmarc {
namespace {

constexpr std::string_view kKnownTags = " v p sp np adkim aspf psd t fo rua ruf ";
constexpr std::string_view kRemovedTags = " pct rf ri ";  // RFC 9989 removed what RFC 7489 had

bool is_in(std::string_view list, std::string_view name) {
  return list.contains(fmt::format(" {} ", name));
}

class Review {
 public:
  explicit Review(std::string_view given) : given_(given), plain_(text::without_quotes(given)) {}

  RecordReview run() {
    const auto record = parse_record(given_);
    out_.valid = record && !record->unusable;
    if (record) out_.record = *record;
    const auto clean = record ? record : parse_record(plain_);
    const std::string better = clean ? record_text(*clean) : std::string{};
    if (text::has_typographic_quotes(given_))
      add("quotes-typographic", FindingLevel::error, "typographic quotation marks are part of the record", plain_);
    commas();
    if (!record)
      add("dmarc-syntax", FindingLevel::error, "the record does not begin with v=DMARC1", better);
    else if (!record->fault.empty())
      add("dmarc-syntax", FindingLevel::error,
          fmt::format("{}: receivers {}", record->fault,
                      record->unusable ? "do not use the record" : "take it as p=none"),
          better);
    tags(better);
    if (record) advise(*record);
    return std::move(out_);
  }

 private:
  void add(std::string_view id, FindingLevel level, std::string reason, std::string correction = {}) {
    out_.findings.push_back({std::string{id}, level, std::move(reason), std::move(correction)});
  }

  /// "v=DMARC1, p=none": a comma where a tag begins; those between report addresses are right.
  void commas() {
    std::string mended;
    bool found = false;
    for (const std::string_view piece : text::split(plain_, ',')) {
      const auto equals = piece.find('=');
      const std::string_view name = text::trim_lines(piece.substr(0, equals));
      const bool begins_tag =
          !mended.empty() && equals != std::string_view::npos && (is_in(kKnownTags, name) || is_in(kRemovedTags, name));
      if (!mended.empty()) mended += begins_tag ? ';' : ',';
      mended += piece;
      found |= begins_tag;
    }
    if (found)
      add("separator-comma", FindingLevel::error, "a comma stands where tags are separated by semicolons", mended);
  }

  void tags(const std::string& better) {
    std::vector<std::string> seen;
    for (const std::string_view element : text::split(plain_, ';')) {
      const std::string_view whole = text::trim_lines(element);
      if (whole.empty()) continue;
      const auto equals = whole.find('=');
      const std::string name{text::trim_lines(whole.substr(0, equals))};
      if (std::ranges::find(seen, name) != seen.end())
        add("tag-duplicate", FindingLevel::error, fmt::format("tag {}= appears twice", text::printable(name, 40)),
            better);
      else if (is_in(kRemovedTags, name))
        add("dmarc-removed-tag", FindingLevel::info,
            fmt::format("{}: RFC 9989 removed the tag, and receivers ignore it{}", text::printable(whole, 40),
                        name == "pct" ? "; t=y is what is left of it" : ""),
            better);
      else if (!is_in(kKnownTags, name))
        add("tag-unknown", FindingLevel::info, fmt::format("\"{}\" is no tag of DMARC", text::printable(whole, 40)),
            better);
      seen.push_back(name);
    }
  }

  void advise(const Record& record) {
    if (record.fault.empty() && record.p == Policy::none)
      add("dmarc-none", FindingLevel::info, "p=none asks receivers for nothing but reports");
    if (record.rua.empty())
      add("dmarc-no-rua", FindingLevel::warning, "without rua= nobody receives aggregate reports");
  }

  std::string_view given_;
  std::string plain_;
  RecordReview out_;
};

}  // namespace

RecordReview review_record(std::string_view text) {
  return Review{text}.run();
}

}  // namespace posthorn::dmarc
