#include "standards/dmarc/tree_walk.h"

#include <algorithm>

#include <fmt/format.h>

namespace posthorn::dmarc {
namespace {

constexpr std::size_t kJumpLabels = walk_queries_max - 1;  // RFC 9989 4.10 step 4

/// RFC 9989 4.10 steps 2 and 6: records of another kind are dropped; of several that remain, all are.
void take_record(const dns::Answer& answer, WalkStep& step) {
  std::size_t found = 0;
  for (const dns::Txt* txt : answer.all<dns::Txt>()) {
    std::string text = txt->joined();
    auto record = parse_record(text);
    if (!record) continue;
    if (++found > 1) continue;
    step.record = std::move(record);
    step.text = std::move(text);
  }
  if (found < 2) return;
  step.record.reset();
  step.text.clear();
  step.note = fmt::format("{} DMARC records: none is used", found);
}

Task<WalkStep> ask(dns::Resolver& resolver, dns::Name domain) {
  WalkStep step;
  step.domain = domain;
  const auto question = domain.child("_dmarc");
  if (!question) {
    step.note = "the name is too long to ask for";
    co_return step;
  }
  const dns::Answer answer = co_await resolver.resolve(*question, dns::RecordType::txt);
  step.status = answer.status();
  step.answer = answer.summary();
  take_record(answer, step);
  co_return step;
}

}  // namespace

const WalkStep* Walk::step_at(const dns::Name& domain) const {
  const auto step = std::ranges::find(steps, domain, &WalkStep::domain);
  return step == steps.end() ? nullptr : &*step;
}

const WalkStep* Walk::public_suffix() const {
  for (const WalkStep& step : steps)
    if (step.domain != start && step.record && step.record->psd == Psd::yes) return &step;
  return nullptr;
}

std::vector<dns::Name> walk_names(const dns::Name& domain) {
  std::vector<dns::Name> out;
  if (domain.is_root()) return out;
  out.push_back(domain);
  dns::Name name = domain.parent();
  while (name.label_count() > kJumpLabels) name = name.parent();
  for (; !name.is_root(); name = name.parent()) out.push_back(name);
  return out;
}

dns::Name organizational_domain(const dns::Name& start, const std::vector<WalkStep>& steps) {
  dns::Name fewest = start;
  for (const WalkStep& step : steps) {  // longest first
    if (!step.record) continue;
    if (step.record->psd == Psd::no) return step.domain;
    if (step.record->psd == Psd::yes && step.domain != start) {
      dns::Name below = start;
      while (below.label_count() > step.domain.label_count() + 1) below = below.parent();
      return below;
    }
    fewest = step.domain;
  }
  return fewest;
}

Task<Walk> tree_walk(dns::Resolver& resolver, dns::Name domain) {
  Walk walk;
  walk.start = domain;
  for (const dns::Name& name : walk_names(domain)) {
    WalkStep step = co_await ask(resolver, name);
    if (!dns::is_definite(step.status) && !walk.temporary_failure) {
      walk.temporary_failure = true;
      walk.failure = step.answer;
    }
    const bool ends = step.record && step.record->psd != Psd::unknown;
    if (ends) step.note = fmt::format("psd={}: the walk ends", text(step.record->psd));
    walk.steps.push_back(std::move(step));
    if (ends) break;
  }
  walk.organizational_domain = organizational_domain(walk.start, walk.steps);
  co_return walk;
}

}  // namespace posthorn::dmarc
