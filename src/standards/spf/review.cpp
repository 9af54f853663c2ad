// What is wrong, or not wise, with one SPF record: without asking the DNS; and what an evaluation shows besides.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "standards/spf/check_host.h"
#include "standards/spf/record.h"

namespace posthorn::spf {
namespace {

constexpr unsigned kWidestPrefix4 = 2;   // a quarter of IPv4 and more is nobody's network
constexpr unsigned kWidestPrefix6 = 12;  // IANA gives registries /12 at most

/// "xx.xx.xx.xx", "x.x.x.x", "<your-ip>": a value that somebody was to fill in.
bool is_placeholder(std::string_view term) {
  const auto colon = term.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string value = text::lower(term.substr(colon + 1));
  if (value.find_first_of("<>[]") != std::string::npos) return true;
  const bool only_x = value.find_first_not_of("x./") == std::string::npos;
  return only_x && value.find('x') != std::string::npos;
}

/// The record's terms without those that `drop` picks, after "v=spf1".
template <class Drop>
std::string without_terms(std::string_view record, Drop drop) {
  std::string out = "v=spf1";
  bool first = true;
  for (const std::string_view term : text::words(record)) {
    if (std::exchange(first, false) || drop(term)) continue;
    out += fmt::format(" {}", term);
  }
  return out;
}

std::string replace_term(std::string_view record, std::string_view old_term, std::string_view new_term) {
  std::string out;
  for (const std::string_view term : text::words(record)) {
    const std::string_view written = term == old_term ? new_term : term;
    if (!out.empty() && !written.empty()) out += ' ';
    out += written;
  }
  return out;
}

/// What hands write for a term's name, and what it is called.
struct Slip {
  std::string_view written, meant;
};
constexpr std::array<Slip, 12> kSlips{{{"ipv4:", "ip4:"},
                                       {"ipv6:", "ip6:"},
                                       {"ip4=", "ip4:"},
                                       {"ip6=", "ip6:"},
                                       {"include=", "include:"},
                                       {"includes:", "include:"},
                                       {"redirect:", "redirect="},
                                       {"exp:", "exp="},
                                       {"a=", "a:"},
                                       {"mx=", "mx:"},
                                       {"exists=", "exists:"},
                                       {"ptr=", "ptr:"}}};

/// One term with the usual slip undone; as it is where none is known.
std::string mended_term(std::string_view term) {
  while (!term.empty() && (term.back() == ';' || term.back() == ',')) term.remove_suffix(1);
  std::string_view qualifier;
  if (!term.empty() && std::string_view("+-~?").contains(term.front())) {
    qualifier = term.substr(0, 1);
    term.remove_prefix(1);
  }
  std::string meant{term};
  for (const Slip& slip : kSlips)
    if (text::istarts_with(term, slip.written))
      meant = fmt::format("{}{}", slip.meant, term.substr(slip.written.size()));
  if (text::istarts_with(meant, "ip:")) meant = fmt::format("ip4:{}", meant.substr(3));
  // An address of the other family, or no name before it at all.
  const std::string value = meant.substr(meant.find(':') == std::string::npos ? 0 : meant.find(':') + 1);
  const bool named = text::istarts_with(meant, "ip4:") || text::istarts_with(meant, "ip6:");
  if (const auto address =
          IpAddress::parse(std::string_view(named ? value : meant).substr(0, (named ? value : meant).find('/'))))
    meant = fmt::format("{}:{}", address->is_v4() ? "ip4" : "ip6", named ? value : meant);
  return fmt::format("{}{}", qualifier, meant);
}

/// The record with slips undone and the spaces that were put after colons and qualifiers taken out.
std::string mended(std::string_view record) {
  std::string out = "v=spf1";
  std::string open;  // a term that seems to go on: "ip4:" or "-"
  bool first = true;
  for (const std::string_view word : text::words(record)) {
    // The version, however it was written; a record without one begins with a term.
    if (std::exchange(first, false) && text::lower(word).contains("spf")) continue;
    open += word;
    if (open.ends_with(':') || open.ends_with('=') || open == "-" || open == "~" || open == "?" || open == "+")
      continue;
    if (std::string term = mended_term(open); !term.empty()) out += fmt::format(" {}", term);
    open.clear();
  }
  return out;
}

/// Terms that no receiver can read, each alone.
bool is_unreadable(std::string_view term) {
  return !parse_record(fmt::format("v=spf1 {}", term));
}

/// Whether the record names anybody who may send, ptr not counted: that goes, too. A proposal that names nobody any
/// more would shut its owner out.
bool names_senders(std::string_view text) {
  const auto record = parse_record(text);
  if (!record) return false;
  const auto names = [](const Mechanism& m) {
    return m.qualifier == Result::pass && m.kind != MechanismKind::all && m.kind != MechanismKind::ptr;
  };
  return record->redirect || std::ranges::any_of(record->mechanisms, names);
}

constexpr std::string_view kSaysLess =
    "; what is proposed leaves it out: hosts that only this term let send need ip4:, ip6: or include: of their own";
constexpr std::string_view kNothingLeft = "; nothing is proposed, since no sender would be left in the record";

class Review {
 public:
  explicit Review(std::string_view given) : given_(given), text_(text::without_quotes(given)) {}

  RecordReview run() {
    out_.valid = parse_record(given_).has_value();
    if (text::has_typographic_quotes(given_))
      add("quotes-typographic", FindingLevel::error,
          "typographic quotation marks are part of the record: no receiver finds v=spf1", text_);
    placeholders();
    auto record = parse_record(text_);
    if (!record || (!out_.valid && out_.findings.empty())) syntax_fault(record);
    if (!record) return std::move(out_);
    out_.record = std::move(*record);
    ends_well();
    for (const Mechanism& mechanism : out_.record.mechanisms) judge(mechanism);
    count_lookups();
    return std::move(out_);
  }

 private:
  void add(std::string id, FindingLevel level, std::string reason, std::string correction) {
    out_.findings.push_back({std::move(id), level, std::move(reason), std::move(correction)});
  }

  /// Terms that were never filled in are named, and left out of what is looked at further.
  void placeholders() {
    for (const std::string_view term : text::words(text_))
      if (is_placeholder(term))
        add("spf-placeholder", FindingLevel::error,
            fmt::format("{} was never filled in: write the address or name of the host that sends, or remove the term",
                        text::printable(term)),
            "");
    has_placeholders_ = std::ranges::any_of(text::words(text_), is_placeholder);
    if (has_placeholders_) text_ = without_terms(text_, is_placeholder);
  }

  void syntax_fault(const posthorn::Result<Record, SyntaxError>& clean) {
    if (clean) return add("spf-syntax", FindingLevel::error, "quotation marks are part of the record", text_);
    std::string reason = clean.error().text();
    std::string better = mended(text_);
    if (!parse_record(better)) {
      better = without_terms(better, is_unreadable);
      reason += "; left out below is what cannot be read: put back what it was meant to say";
      if (!names_senders(better)) better.clear();
    }
    if (!parse_record(better) || text::words(better).size() < 2) {
      better.clear();
      reason = clean.error().text() +
               "; write v=spf1, the hosts that send (mx, ip4:ADDRESS, include:DOMAIN), and ~all at the end";
    }
    add("spf-syntax", FindingLevel::error, std::move(reason), std::move(better));
  }

  void ends_well() {
    if (out_.record.has_all() || out_.record.redirect) return;
    // A record whose senders were never filled in is not closed for them.
    const bool senders_are_missing = has_placeholders_ && !names_senders(text_);
    add("spf-no-all", FindingLevel::warning,
        "the record ends without an all term: hosts it does not list are neutral, as if there were no record",
        senders_are_missing ? std::string() : fmt::format("{} ~all", text_));
  }

  void judge(const Mechanism& mechanism) {
    const bool passes = mechanism.qualifier == Result::pass;
    if (mechanism.kind == MechanismKind::all && passes)
      add("spf-plus-all", FindingLevel::error,
          fmt::format("{} lets any host send for the domain: name those that do, and end with ~all", mechanism.text),
          replace_term(text_, mechanism.text, "~all"));
    if (mechanism.kind == MechanismKind::ptr)
      leave_out("spf-ptr", FindingLevel::warning,
                fmt::format("{} is slow and unreliable, and RFC 7208 5.5 says not to use it", mechanism.text),
                mechanism);
    const bool is_address = mechanism.kind == MechanismKind::ip4 || mechanism.kind == MechanismKind::ip6;
    if (is_address) judge_network(mechanism, passes);
    // "a/0": the host's address, whatever it is, with everybody around it.
    const bool is_host = mechanism.kind == MechanismKind::a || mechanism.kind == MechanismKind::mx;
    if (is_host && passes && (mechanism.prefix4 <= kWidestPrefix4 || mechanism.prefix6 <= kWidestPrefix6))
      as_wide(mechanism);
  }

  /// "a/0" and "ip4:192.0.2.1/0" mean the host before the slash; of 0.0.0.0/0 nothing is left.
  void as_wide(const Mechanism& mechanism) {
    const std::string reason = fmt::format("{} is as wide as the Internet: anybody may send", mechanism.text);
    const std::string host = mechanism.text.substr(0, mechanism.text.find('/'));
    const bool is_network = mechanism.kind == MechanismKind::ip4 || mechanism.kind == MechanismKind::ip6;
    if (is_network && mechanism.network.is_special())
      return leave_out("spf-plus-all", FindingLevel::error, reason, mechanism);
    add("spf-plus-all", FindingLevel::error, fmt::format("{}; what is proposed lets only {}", reason, host),
        replace_term(text_, mechanism.text, host));
  }

  void judge_network(const Mechanism& mechanism, bool passes) {
    const bool v4 = mechanism.kind == MechanismKind::ip4;
    const unsigned prefix = v4 ? mechanism.prefix4 : mechanism.prefix6;
    const IpAddress network = mechanism.network.network(prefix);
    if (passes && prefix <= (v4 ? kWidestPrefix4 : kWidestPrefix6)) {
      as_wide(mechanism);
    } else if (network.is_special()) {
      const std::string canonical = fmt::format("{}/{}", network.text(), prefix);
      leave_out("spf-private-address", FindingLevel::warning,
                fmt::format("{} is {}, which no host on the Internet has: the term can never match. Write the public "
                            "address that the host is seen with",
                            mechanism.text, canonical),
                mechanism);
    }
  }

  /// RFC 7208 4.6.4: this record's own terms; nested ones are counted by `check spf`.
  void count_lookups() {
    const auto& mechanisms = out_.record.mechanisms;
    const auto own = std::ranges::count_if(mechanisms, [](const Mechanism& m) { return asks_dns(m.kind); });
    const auto count = static_cast<unsigned>(own) + (out_.record.redirect ? 1U : 0U);
    if (count > dns_terms_max)
      add("spf-too-many-lookups", FindingLevel::error,
          fmt::format("{} terms ask the DNS; receivers stop at {} with permerror. Write ip4: and ip6: for hosts of "
                      "your own, and drop what no longer sends",
                      count, dns_terms_max),
          "");
    else if (count >= dns_terms_near_max)
      add("spf-near-lookup-limit", FindingLevel::info,
          fmt::format("{} of at most {} terms ask the DNS, those of included records not counted", count,
                      dns_terms_max),
          "");
  }

  /// A finding whose correction is the record without the term, where it still names senders.
  void leave_out(std::string id, FindingLevel level, const std::string& reason, const Mechanism& mechanism) {
    const std::string rest = without_terms(text_, [&](std::string_view term) { return term == mechanism.text; });
    const bool names = names_senders(rest);
    add(std::move(id), level, fmt::format("{}{}", reason, names ? kSaysLess : kNothingLeft), names ? rest : "");
  }

  std::string_view given_;
  std::string text_;
  bool has_placeholders_ = false;
  RecordReview out_;
};

}  // namespace

RecordReview review_record(std::string_view text) {
  return Review{text}.run();
}

std::string merged(const std::vector<std::string>& records) {
  std::string out = "v=spf1";
  std::vector<std::string> seen;
  for (const std::string& text : records) {
    for (const std::string_view term : text::words(text)) {
      const std::string word = text::lower(term);
      const bool ends = word == "all" || (word.size() == 4 && word.ends_with("all"));
      if (word == "v=spf1" || ends || std::ranges::find(seen, word) != seen.end()) continue;
      seen.push_back(word);
      out += fmt::format(" {}", term);
    }
  }
  return out + " ~all";
}

namespace {

/// A record was looked for at the step, and this came of it.
bool is_fetch_with(const TraceStep& step, Result result) {
  return step.term == "v=spf1" && step.result == text(result);
}

}  // namespace

Findings findings_of(const Outcome& outcome) {
  Findings out;
  for (const TraceStep& step : outcome.trace) {
    const bool nested = step.depth > 0;
    if (is_fetch_with(step, Result::none) && nested)
      out.push_back(
          {"spf-include-missing", FindingLevel::error,
           fmt::format("{} is included, and has no SPF record: take the include out, or mend the name", step.domain),
           ""});
    if (is_fetch_with(step, Result::none) && !nested)
      out.push_back({"spf-missing", FindingLevel::warning, fmt::format("{} has no SPF record", step.domain), ""});
    if (is_fetch_with(step, Result::permerror))
      out.push_back({"spf-multiple", FindingLevel::error,
                     fmt::format("{} has several SPF records, so receivers use none: merge them into one", step.domain),
                     ""});
  }
  if (outcome.lookups > dns_terms_max)
    out.push_back({"spf-too-many-lookups", FindingLevel::error,
                   fmt::format("more than {} terms ask the DNS, nested ones counted", dns_terms_max), ""});
  else if (outcome.lookups >= dns_terms_near_max)
    out.push_back(
        {"spf-near-lookup-limit", FindingLevel::info,
         fmt::format("{} of at most {} terms ask the DNS, nested ones counted", outcome.lookups, dns_terms_max), ""});
  if (outcome.void_lookups > void_lookups_max)
    out.push_back({"spf-void-lookups", FindingLevel::error,
                   fmt::format("more than {} lookups find nothing", void_lookups_max), ""});
  return out;
}

}  // namespace posthorn::spf
