// What is wrong, or not wise, with one DMARC record: without asking the DNS.
#include <algorithm>
#include <array>
#include <tuple>

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

constexpr std::string_view kWhatToWrite = "write v=DMARC1; p=none; rua=mailto:ADDRESS, where reports are to go";
constexpr std::size_t kSlipMax = 3;  // letters changed, left out or added: "quarentine", "regect"

/// Levenshtein's distance; words of policies are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({changed, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

/// The policy a word was meant to be; empty where it is nothing like one.
std::string_view nearest_policy(std::string_view word) {
  static constexpr std::array<std::string_view, 3> policies{"none", "quarantine", "reject"};
  const std::string given = text::lower(word.substr(0, 20));
  std::string_view best;
  std::size_t least = std::min(kSlipMax + 1, given.size());
  for (const std::string_view policy : policies)
    if (const std::size_t d = distance(given, policy); d < least) std::tie(least, best) = std::pair{d, policy};
  return best;
}

bool is_policy_tag(std::string_view name) {
  return name == "p" || name == "sp" || name == "np";
}

/// The tags of a record that no receiver uses, rebuilt: the version first, policies by their likeness. Nothing where
/// there is nothing like a tag.
std::optional<Record> rebuild(std::string_view plain) {
  std::string text = "v=DMARC1";
  bool any = false;
  for (const std::string_view element : text::split(plain, ';')) {
    const auto equals = element.find_first_of("=:");
    const std::string name = text::lower(text::trim_lines(element.substr(0, equals)));
    if (equals == std::string_view::npos || name == "v" || !is_in(kKnownTags, name)) continue;
    std::string_view value = text::trim_lines(element.substr(equals + 1));
    if (is_policy_tag(name)) value = nearest_policy(value);
    if (value.empty()) continue;
    any = true;
    text += fmt::format("; {}={}", name, value);
  }
  if (!any) return std::nullopt;
  auto record = parse_record(text);
  if (record && !record->fault.empty()) record = parse_record(text + "; p=none");
  return record;
}

class Review {
 public:
  explicit Review(std::string_view given) : given_(given), plain_(text::without_quotes(given)) {}

  RecordReview run() {
    const auto record = parse_record(given_);
    out_.valid = record && !record->unusable;
    if (record) out_.record = *record;
    if (text::has_typographic_quotes(given_))
      add("quotes-typographic", FindingLevel::error, "typographic quotation marks are part of the record", plain_);
    const std::string semicolons = commas();
    auto clean = record && record->fault.empty() ? record : rebuild(semicolons);
    if (!clean) clean = record;
    const std::string better = clean ? record_text(*clean) : std::string{};
    if (!record)
      add("dmarc-syntax", FindingLevel::error, told("the record does not begin with v=DMARC1", better), better);
    else if (!record->fault.empty())
      add("dmarc-syntax", FindingLevel::error,
          told(fmt::format("{}: receivers {}", record->fault,
                           record->unusable ? "do not use the record" : "take it as p=none"),
               better),
          better);
    tags(better);
    if (record) advise(*record);
    return std::move(out_);
  }

 private:
  void add(std::string_view id, FindingLevel level, std::string reason, std::string correction = {}) {
    out_.findings.push_back({std::string{id}, level, std::move(reason), std::move(correction)});
  }

  static std::string told(std::string reason, const std::string& better) {
    return better.empty() ? fmt::format("{}; {}", reason, kWhatToWrite) : reason;
  }

  /// "v=DMARC1, p=none": a comma where a tag begins; those between report addresses are right. Returns
  /// the record without it.
  std::string commas() {
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
    return mended;
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
    if (!record.rua.empty()) return;
    const bool tried = std::ranges::any_of(text::split(plain_, ';'), [](std::string_view element) {
      return text::trim_lines(element.substr(0, element.find('='))) == "rua";
    });
    add("dmarc-no-rua", FindingLevel::warning,
        tried ? "rua= has no address that can be used, so nobody receives aggregate reports: write rua=mailto:ADDRESS, "
                "in ASCII"
              : "without rua= nobody receives aggregate reports: add rua=mailto:ADDRESS");
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
