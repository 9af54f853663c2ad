#include "standards/spf/evaluation.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"

namespace posthorn::spf {
namespace {

constexpr std::size_t kNoStep = static_cast<std::size_t>(-1);
constexpr std::size_t kNameOctetsMax = 253;  // RFC 7208 7.3

/// A name from text whose octets are taken as they are: local parts may hold anything.
std::optional<dns::Name> to_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  auto name = dns::Name::from_labels(text::split(text, '.'));
  if (!name) return std::nullopt;
  return *name;
}

/// RFC 7208 4.3: what is no multi-label domain name has no policy.
bool is_checkable(std::string_view domain) {
  if (domain.starts_with('[')) return false;
  const auto name = to_name(domain);
  return name && name->label_count() > 1;
}

bool is_void(const dns::Answer& answer) {
  return answer.status() == dns::Status::no_data || answer.status() == dns::Status::nx_domain;
}

std::string dns_problem(const dns::Answer& answer) {
  return fmt::format("{} {}: {}", answer.question().text(), dns::text(answer.type()), dns::text(answer.status()));
}

/// RFC 7208 7.3: labels are taken off the left until the name fits.
std::string shorten(std::string name) {
  while (name.size() > kNameOctetsMax) {
    const auto dot = name.find('.');
    if (dot == std::string::npos) break;
    name.erase(0, dot + 1);
  }
  return name;
}

std::string expanded_name(std::string_view spec, const MacroContext& context) {
  std::string name = shorten(expand_macros(spec, context));
  if (name.ends_with('.')) name.pop_back();
  return name;
}

bool is_same_or_below(std::string_view name, std::string_view ancestor) {
  if (ancestor.ends_with('.')) ancestor.remove_suffix(1);
  if (text::iequals(name, ancestor)) return true;
  return name.size() > ancestor.size() && text::iequals(name.substr(name.size() - ancestor.size()), ancestor) &&
         name[name.size() - ancestor.size() - 1] == '.';
}

}  // namespace

Task<Outcome> Evaluation::run(std::string domain) {
  Verdict verdict = co_await check_host(std::move(domain), 0);
  Outcome outcome;
  outcome.result = verdict.result;
  outcome.problem = verdict.problem;
  outcome.term = verdict.term;
  if (verdict.result == Result::fail && !verdict.explanation.empty())
    outcome.explanation = co_await explain(std::move(verdict));
  outcome.record = first_record_;
  outcome.lookups = lookups_;
  outcome.void_lookups = void_lookups_;
  outcome.trace = std::move(trace_);
  co_return outcome;
}

// --- RFC 7208 4: one domain

Task<Evaluation::Verdict> Evaluation::check_host(std::string domain, unsigned depth) {
  if (!is_checkable(domain))
    co_return Verdict{Result::none, fmt::format("\"{}\" is not a domain name", text::printable(domain)), {}, {}, {}};
  Found found = co_await find_record(domain, depth);
  if (found.text.empty()) co_return Verdict{found.error, std::move(found.problem), {}, {}, domain};
  if (depth == 0) first_record_ = found.text;
  auto record = parse_record(found.text);
  if (!record) {
    std::string problem = fmt::format("the record of {} has a syntax error: {}", domain, record.error().text());
    co_return Verdict{Result::permerror, std::move(problem), {}, {}, domain};
  }
  co_return co_await evaluate(std::move(*record), std::move(domain), depth);
}

/// RFC 7208 4.4, 4.5.
Task<Evaluation::Found> Evaluation::find_record(const std::string& domain, unsigned depth) {
  const std::size_t step = add_step("v=spf1", domain, depth);
  const dns::Answer answer = co_await resolver_.resolve(*to_name(domain), dns::RecordType::txt);
  note(step, answer);
  Found found;
  if (!dns::is_definite(answer.status())) {
    found.error = Result::temperror;
    found.problem = dns_problem(answer);
  } else {
    std::vector<std::string> records;
    for (const dns::Txt* txt : answer.all<dns::Txt>())
      if (std::string joined = txt->joined(); is_spf_record(joined)) records.push_back(std::move(joined));
    if (records.size() == 1) {
      found.text = std::move(records.front());
      trace_[step].term = found.text;
    } else {
      found.error = records.empty() ? Result::none : Result::permerror;
      found.problem = records.empty() ? fmt::format("{} has no SPF record", domain)
                                      : fmt::format("{} has {} SPF records", domain, records.size());
    }
  }
  trace_[step].result = found.text.empty() ? text(found.error) : "found";
  co_return found;
}

/// RFC 7208 4.6.2, 4.7.
Task<Evaluation::Verdict> Evaluation::evaluate(Record record, std::string domain, unsigned depth) {
  ask_ahead(record, domain);
  for (const Mechanism& mechanism : record.mechanisms) {
    const std::size_t step = add_step(mechanism.text, domain, depth);
    Match match = co_await this->match(mechanism, domain, depth, step);
    if (match.error != Result::none) {
      trace_[step].result = text(match.error);
      co_return Verdict{match.error, std::move(match.problem), mechanism.text, {}, domain};
    }
    trace_[step].result = match.matched ? "match" : "no match";
    if (match.matched) co_return Verdict{mechanism.qualifier, {}, mechanism.text, record.exp.value_or(""), domain};
  }
  // RFC 7208 6.1: redirect counts only where no "all" stands anywhere in the record.
  if (record.redirect && !record.has_all()) co_return co_await redirect(*record.redirect, std::move(domain), depth);
  co_return Verdict{Result::neutral, {}, {}, {}, domain};  // RFC 7208 4.7
}

/// As many as the limit leaves (RFC 7208 4.6.4), and none behind a term that will match without asking: one sender's
/// includes are not asked one after the other.
void Evaluation::ask_ahead(const Record& record, const std::string& domain) {
  unsigned left = dns_terms_max - std::min(lookups_, dns_terms_max);
  for (const Mechanism& mechanism : record.mechanisms) {
    if (!asks_dns(mechanism.kind)) {
      if (matches_client(mechanism)) return;
    } else if (left-- == 0) {
      return;
    } else {
      ask_ahead(mechanism, domain);
    }
  }
  if (!record.redirect || left == 0) return;
  if (const auto name = name_without_asking(*record.redirect, domain)) resolver_.begin(*name, dns::RecordType::txt);
}

void Evaluation::ask_ahead(const Mechanism& mechanism, const std::string& domain) {
  if (mechanism.kind == MechanismKind::ptr) return;
  const auto name =
      mechanism.domain_spec.empty() ? to_name(domain) : name_without_asking(mechanism.domain_spec, domain);
  if (!name || name->label_count() < 2) return;  // RFC 7208 4.3: such a name has no policy
  dns::RecordType type = dns::RecordType::txt;
  if (mechanism.kind == MechanismKind::a) type = address_type();
  if (mechanism.kind == MechanismKind::mx) type = dns::RecordType::mx;
  if (mechanism.kind == MechanismKind::exists) type = dns::RecordType::a;
  resolver_.begin(*name, type);
}

/// RFC 7208 6.1: the target's result is ours, but for none.
Task<Evaluation::Verdict> Evaluation::redirect(std::string spec, std::string domain, unsigned depth) {
  const std::string term = "redirect=" + spec;
  const std::size_t step = add_step(term, domain, depth);
  if (!count_term()) {
    trace_[step].result = text(Result::permerror);
    co_return Verdict{
        Result::permerror, fmt::format("more than {} terms ask the DNS", dns_terms_max), term, {}, domain};
  }
  trace_[step].lookups = lookups_;
  const std::string target = co_await expand(spec, domain);
  trace_[step].target = target;
  Verdict verdict = co_await check_host(target, depth + 1);
  if (verdict.result == Result::none)
    verdict = Verdict{Result::permerror, fmt::format("redirect: {}", verdict.problem), term, {}, domain};
  trace_[step].result = text(verdict.result);
  co_return verdict;
}

// --- RFC 7208 5: mechanisms

Task<Evaluation::Match> Evaluation::match(const Mechanism& mechanism, const std::string& domain, unsigned depth,
                                          std::size_t step) {
  if (!asks_dns(mechanism.kind)) co_return Match{matches_client(mechanism), Result::none, {}};
  if (!count_term())
    co_return Match{false, Result::permerror, fmt::format("more than {} terms ask the DNS", dns_terms_max)};
  trace_[step].lookups = lookups_;
  std::string target = domain;
  if (!mechanism.domain_spec.empty()) target = co_await expand(mechanism.domain_spec, domain);
  trace_[step].target = target;
  switch (mechanism.kind) {
    case MechanismKind::include:
      co_return co_await match_include(std::move(target), depth);
    case MechanismKind::a:
      co_return co_await match_a(mechanism, std::move(target), step);
    case MechanismKind::mx:
      co_return co_await match_mx(mechanism, std::move(target), step);
    case MechanismKind::ptr:
      co_return co_await match_ptr(std::move(target), step);
    default:
      co_return co_await match_exists(std::move(target), step);
  }
}

/// RFC 7208 5.2, its table.
Task<Evaluation::Match> Evaluation::match_include(std::string target, unsigned depth) {
  Verdict verdict = co_await check_host(std::move(target), depth + 1);
  switch (verdict.result) {
    case Result::pass:
      co_return Match{true, Result::none, {}};
    case Result::temperror:
      co_return Match{false, Result::temperror, std::move(verdict.problem)};
    case Result::none:
    case Result::permerror:
      co_return Match{false, Result::permerror, fmt::format("include: {}", verdict.problem)};
    default:
      co_return Match{};
  }
}

/// RFC 7208 5.3.
Task<Evaluation::Match> Evaluation::match_a(const Mechanism& mechanism, std::string target, std::size_t step) {
  const auto name = to_name(target);
  if (!name) co_return Match{};  // RFC 7208 4.8 leaves names that are none to us: they match nothing
  const dns::Answer answer = co_await resolver_.resolve(*name, address_type());
  note(step, answer);
  if (!dns::is_definite(answer.status())) co_return Match{false, Result::temperror, dns_problem(answer)};
  if (is_void(answer)) co_return count_void(answer);
  co_return Match{contains_client(answer, mechanism), Result::none, {}};
}

/// RFC 7208 5.4.
Task<Evaluation::Match> Evaluation::match_mx(const Mechanism& mechanism, std::string target, std::size_t step) {
  const auto name = to_name(target);
  if (!name) co_return Match{};
  const dns::Answer answer = co_await resolver_.resolve(*name, dns::RecordType::mx);
  note(step, answer);
  if (!dns::is_definite(answer.status())) co_return Match{false, Result::temperror, dns_problem(answer)};
  if (is_void(answer)) co_return count_void(answer);
  const std::vector<const dns::Mx*> hosts = answer.all<dns::Mx>();
  if (hosts.size() > mx_names_max)
    co_return Match{false, Result::permerror, fmt::format("{} has more than {} MX names", target, mx_names_max)};
  for (const dns::Mx* host : hosts) {
    if (host->exchange.is_root()) continue;  // RFC 7505: no host
    const dns::Answer addresses = co_await resolver_.resolve(host->exchange, address_type());
    note(step, addresses);
    if (!dns::is_definite(addresses.status())) co_return Match{false, Result::temperror, dns_problem(addresses)};
    if (contains_client(addresses, mechanism)) co_return Match{true, Result::none, {}};
  }
  co_return Match{};
}

/// RFC 7208 5.5.
Task<Evaluation::Match> Evaluation::match_ptr(std::string target, std::size_t step) {
  const std::vector<std::string>* names = co_await validated_names(step);
  if (ptr_void_ && ++void_lookups_ > void_lookups_max)
    co_return Match{false, Result::permerror, fmt::format("more than {} void lookups", void_lookups_max)};
  const bool matched = std::ranges::any_of(*names, [&](const auto& name) { return is_same_or_below(name, target); });
  co_return Match{matched, Result::none, {}};
}

/// RFC 7208 5.7: A is asked for whatever the client's family.
Task<Evaluation::Match> Evaluation::match_exists(std::string target, std::size_t step) {
  const auto name = to_name(target);
  if (!name) co_return Match{};
  const dns::Answer answer = co_await resolver_.resolve(*name, dns::RecordType::a);
  note(step, answer);
  if (!dns::is_definite(answer.status())) co_return Match{false, Result::temperror, dns_problem(answer)};
  if (is_void(answer)) co_return count_void(answer);
  co_return Match{true, Result::none, {}};
}

// --- RFC 7208 6.2, 7: explanations and macros

Task<std::string> Evaluation::explain(Verdict verdict) {
  const std::string target = co_await expand(verdict.explanation, verdict.domain);
  const auto name = to_name(target);
  if (!name) co_return "";
  const std::size_t step = add_step("exp=" + verdict.explanation, verdict.domain, 0);
  trace_[step].target = target;
  const dns::Answer answer = co_await resolver_.resolve(*name, dns::RecordType::txt);
  note(step, answer);
  const auto texts = answer.all<dns::Txt>();
  trace_[step].result = texts.size() == 1 ? "found" : "not used";
  if (texts.size() != 1) co_return "";
  const std::string source = texts.front()->joined();
  if (macro_fault(source, MacroUse::explanation)) {
    trace_[step].result = "not used";
    co_return "";
  }
  MacroContext context = macro_context(verdict.domain);
  std::string validated;
  if (uses_validated_name(source)) {
    validated = co_await validated_name_for(verdict.domain);
    context.validated_name = validated;
  }
  std::string text = expand_macros(source, context);
  // It goes into an SMTP reply: printable ASCII, and not too long.
  std::erase_if(text, [](char c) { return c < ' ' || c > '~'; });
  if (text.size() > explanation_octets_max) text.resize(explanation_octets_max);
  co_return text;
}

Task<std::string> Evaluation::expand(std::string_view spec, const std::string& domain) {
  MacroContext context = macro_context(domain);
  std::string validated;
  if (uses_validated_name(spec)) {
    validated = co_await validated_name_for(domain);
    context.validated_name = validated;
  }
  co_return expanded_name(spec, context);
}

std::optional<dns::Name> Evaluation::name_without_asking(std::string_view spec, const std::string& domain) const {
  if (uses_validated_name(spec)) return std::nullopt;
  return to_name(expanded_name(spec, macro_context(domain)));
}

MacroContext Evaluation::macro_context(std::string_view domain) const {
  MacroContext context;
  context.sender = sender_;
  context.domain = domain;
  context.helo = query_.helo;
  context.receiver = query_.receiver;
  context.ip = query_.ip;
  context.unix_time = unix_seconds(query_.now);
  return context;
}

Task<const std::vector<std::string>*> Evaluation::validated_names(std::size_t step) {
  if (validated_) co_return &*validated_;
  validated_.emplace();
  const dns::Answer answer = co_await resolver_.resolve(dns::reverse_name(query_.ip), dns::RecordType::ptr);
  note(step, answer);
  ptr_void_ = is_void(answer);
  const auto names = answer.all<dns::Ptr>();
  const std::size_t looked_at = std::min<std::size_t>(names.size(), ptr_names_max);
  const Mechanism exactly{};  // prefixes of 32 and 128
  for (std::size_t i = 0; i < looked_at; ++i) {
    const dns::Answer addresses = co_await resolver_.resolve(names[i]->target, address_type());
    note(step, addresses);
    // RFC 7208 5.5: an error skips the name.
    if (contains_client(addresses, exactly)) validated_->push_back(text::lower(names[i]->target.text()));
  }
  co_return &*validated_;
}

/// RFC 7208 7.3 "p": the domain itself, else a name below it, else any, else "unknown".
Task<std::string> Evaluation::validated_name_for(std::string domain) {
  const std::vector<std::string>* names = co_await validated_names(kNoStep);
  const std::string* best = nullptr;
  for (const std::string& name : *names) {
    if (text::iequals(name, domain)) co_return name;
    const bool is_below = is_same_or_below(name, domain);
    if (!best || (is_below && !is_same_or_below(*best, domain))) best = &name;
  }
  co_return best ? *best : "unknown";
}

// --- limits and the trace

/// `all`, `ip4` and `ip6` (RFC 7208 5.1, 5.6).
bool Evaluation::matches_client(const Mechanism& mechanism) const {
  const unsigned prefix = mechanism.kind == MechanismKind::ip4 ? mechanism.prefix4 : mechanism.prefix6;
  return mechanism.kind == MechanismKind::all || query_.ip.in_network(mechanism.network, prefix);
}

bool Evaluation::contains_client(const dns::Answer& answer, const Mechanism& mechanism) const {
  const auto in = [&](const IpAddress& ip, unsigned prefix) { return query_.ip.in_network(ip, prefix); };
  return std::ranges::any_of(answer.records(), [&](const dns::Record& record) {
    if (const auto* a = std::get_if<dns::A>(&record.data)) return in(a->address, mechanism.prefix4);
    if (const auto* aaaa = std::get_if<dns::Aaaa>(&record.data)) return in(aaaa->address, mechanism.prefix6);
    return false;
  });
}

/// RFC 7208 5: only the type of the client's family is asked for, so a dual-stack name can be void only once.
dns::RecordType Evaluation::address_type() const {
  return query_.ip.is_v4() ? dns::RecordType::a : dns::RecordType::aaaa;
}

Evaluation::Match Evaluation::count_void(const dns::Answer& answer) {
  if (++void_lookups_ <= void_lookups_max) return {};
  return {false, Result::permerror,
          fmt::format("more than {} void lookups; the last: {}", void_lookups_max, dns_problem(answer))};
}

bool Evaluation::count_term() {
  return ++lookups_ <= dns_terms_max;
}

std::size_t Evaluation::add_step(std::string term, const std::string& domain, unsigned depth) {
  TraceStep step;
  step.term = std::move(term);
  step.domain = domain;
  step.depth = depth;
  step.lookups = lookups_;
  trace_.push_back(std::move(step));
  return trace_.size() - 1;
}

void Evaluation::note(std::size_t step, const dns::Answer& answer) {
  if (step != kNoStep) trace_[step].answers.push_back(answer);
}

}  // namespace posthorn::spf
