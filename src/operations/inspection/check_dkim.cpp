// DKIM keys of the selectors that are known to be in use.
#include <algorithm>

#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "operations/domains/provider.h"
#include "operations/inspection/check_work.h"
#include "standards/dkim/tag_list.h"
#include "standards/dkim/verify.h"

namespace posthorn::inspection {
namespace {

constexpr std::size_t kPermutedMax = 5;        // strings whose orders are tried
constexpr std::size_t kStringOctetsMax = 255;  // RFC 1035 3.3

void add_selector(std::vector<KnownSelector>& known, KnownSelector selector) {
  const auto same = [&](const KnownSelector& k) { return text::iequals(k.selector, selector.selector); };
  if (selector.selector.empty() || known.size() >= selectors_checked_max || std::ranges::any_of(known, same)) return;
  known.push_back(std::move(selector));
}

void add_streams(std::vector<KnownSelector>& known, const domains::Model& model, const dns::Name& domain) {
  for (const domains::Stream& stream : model.all_streams()) {
    for (const domains::DkimReference& reference : stream.dkim)
      add_selector(known, {reference.selector, {}, !reference.waited_for(), false});
    const domains::Provider* const provider = domains::find_provider(stream.provider);
    if (provider == nullptr) continue;
    // A value that the provider has yet to give is waited for, not missed.
    for (const domains::DkimReference& reference : domains::provider_for(*provider, domain.text()).dkim)
      add_selector(known, {reference.selector, {}, !reference.waited_for(), false});
  }
}

bool is_key_text(std::string_view text) {
  return dkim::parse_key_record(text).has_value();
}

std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '"' && c != '\\' && c != ' ' && c != '\t') out.push_back(c);
  return out;
}

/// p= says how long the key is (DER), and it is cut off: at the end of a string, when the next one was lost.
bool is_cut_off(std::string_view text) {
  const auto tags = dkim::TagList::parse(text);
  if (!tags || text.size() < kStringOctetsMax) return false;
  std::string key = tags->squeezed("p").value_or("");
  key.resize(key.size() / 4 * 4);
  const auto der = codec::base64_decode(key);
  if (!der || der->size() < 4) return false;
  const auto octet = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>((*der)[at])); };
  if (octet(0) != 0x30 || octet(1) != 0x82) return false;
  return (octet(2) << 8 | octet(3)) + 4 > der->size();
}

/// The strings give the key in another order, or with what stood between them in a zone file.
bool is_split_wrongly(const dns::Txt& txt, const std::string& wanted) {
  const std::string joined = txt.joined();
  const auto gives_key = [&](const std::string& text) {
    return wanted.empty() ? is_key_text(text) : squeezed(text) == squeezed(wanted);
  };
  if (is_key_text(joined) && (wanted.empty() || squeezed(joined) != squeezed(wanted) || joined == wanted)) return false;
  if (joined.contains('"') && gives_key(squeezed(joined))) return true;
  if (is_cut_off(joined)) return true;
  std::vector<std::string> strings = txt.strings;
  if (strings.size() < 2 || strings.size() > kPermutedMax) return false;
  std::ranges::sort(strings);
  do {
    std::string text;
    for (const std::string& string : strings) text += string;
    if (text != joined && gives_key(text)) return true;
  } while (std::ranges::next_permutation(strings).found);
  return false;
}

std::string key_of(std::string_view text) {
  const auto tags = dkim::TagList::parse(text);
  return tags ? tags->squeezed("p").value_or("") : std::string{};
}

class KeyCheck {
 public:
  KeyCheck(CheckWork& work, const KnownSelector& known)
      : work_(work), known_(known), name_(below(work.domain, known.selector + "._domainkey")) {}

  Task<> run() {
    const Published* const published = co_await work_.ask(name_, dns::RecordType::txt);
    const dns::Answer* const answer = published->value();
    if (answer == nullptr || !dns::is_definite(answer->status())) co_return;
    if (answer->records().empty()) {
      missing(*answer);
      co_return;
    }
    for (const dns::Txt* txt : answer->all<dns::Txt>()) {
      if (!is_split_wrongly(*txt, known_.record)) continue;
      add("dkim-string-split", FindingLevel::error,
          fmt::format("the strings of the record at {} do not join to the key: one is missing, out of order, or "
                      "quotation marks became part of it",
                      name_.text()),
          wanted_line());
      co_return;
    }
    const dkim::KeyLookup lookup = co_await dkim::find_key(work_.resolver(), name_);
    judge(lookup);
  }

 private:
  void add(std::string_view id, FindingLevel level, std::string reason, std::string correction) {
    work_.add({std::string(id), level, std::move(reason), std::move(correction)}, name_, dns::RecordType::txt,
              known_.record);
  }

  [[nodiscard]] std::string wanted_line() const {
    if (!known_.record.empty()) return txt_line(name_, known_.record);
    return fmt::format("publish the record again as whoever signs with selector {} gives it", known_.selector);
  }

  void missing(const dns::Answer& answer) {
    if (!answer.cname_chain().empty() && answer.status() == dns::Status::no_data)
      add("alias-dangling", FindingLevel::error,
          fmt::format("{} is an alias of {}, where there is no key", name_.text(), answer.canonical_name().text()),
          fmt::format("remove the alias, or have {} publish its key again", answer.canonical_name().text()));
    if (known_.in_use)
      add("dkim-missing", FindingLevel::error,
          fmt::format("{} has no key record: what is signed with selector {} does not verify", name_.text(),
                      known_.selector),
          wanted_line());
  }

  void judge(const dkim::KeyLookup& lookup) {
    if (lookup.problem == dkim::Result::temperror) return;
    if (lookup.text.empty()) {
      add("dkim-key-syntax", FindingLevel::error, fmt::format("{}: {}", name_.text(), lookup.reason), wanted_line());
      return;
    }
    const dkim::KeyReview review = dkim::review_key_record(lookup.text);
    for (Finding finding : review.findings) {
      if (finding.id == "dkim-revoked" && (known_.revoked || !known_.in_use || work_.is_parked)) continue;
      const bool has_text = !finding.correction.empty();
      if (!known_.record.empty() || !has_text)
        finding.correction = wanted_line();
      else
        finding.correction = txt_line(name_, finding.correction);
      work_.add(std::move(finding), name_, dns::RecordType::txt, known_.record);
    }
    if (review.valid && !lookup.record)
      add("dkim-key-syntax", FindingLevel::error, fmt::format("{}: {}", name_.text(), lookup.reason), wanted_line());
    const bool differs =
        !known_.record.empty() && !known_.revoked && review.valid && key_of(lookup.text) != key_of(known_.record);
    if (differs)
      add("dkim-key-differs", FindingLevel::error,
          fmt::format("the key at {} is not the one we sign with: our signatures fail", name_.text()), wanted_line());
  }

  CheckWork& work_;
  const KnownSelector& known_;
  dns::Name name_;
};

}  // namespace

std::vector<KnownSelector> known_selectors(const CheckWork& work) {
  std::vector<KnownSelector> known;
  for (const domains::OwnKey& key : work.expectation.around.keys)
    add_selector(known, {key.selector, key.record, key.signing, key.revoked});
  if (work.expectation.model) {
    if (!work.is_parked) add_streams(known, *work.expectation.model, work.domain);
    for (const std::string& selector : work.expectation.model->selectors) add_selector(known, {selector, {}});
  }
  for (const std::string& selector : work.options.selectors) add_selector(known, {selector, {}});
  // A zone that can be listed shows its selectors by itself.
  const dns::Name keys = below(work.domain, "_domainkey");
  for (const dns::Record& record : work.listed)
    if (record.owner.parent() == keys && record.owner.first_label() != "*")
      add_selector(known, {std::string(record.owner.first_label()), {}, false, false});
  return known;
}

Task<> check_dkim(CheckWork& work) {
  for (const KnownSelector& known : known_selectors(work)) {
    KeyCheck check(work, known);
    co_await check.run();
  }
}

}  // namespace posthorn::inspection
