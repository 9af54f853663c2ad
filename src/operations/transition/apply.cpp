#include "operations/transition/apply.h"

#include <algorithm>
#include <set>

#include "operations/domains/record_data.h"

namespace posthorn::transition {
namespace {

constexpr Duration between_looks = std::chrono::seconds(1);
constexpr std::size_t steps_max = 64;  // a road has about fifteen; more would be a circle

using Views = std::vector<domains::PublishedRecords>;

bool shows(const domains::PublishedRecords& view, const RecordChange& change) {
  const auto& data = view.data(change.name, change.type);
  const bool there = std::ranges::find(data, change.data) != data.end();
  return there == change.add;
}

/// What the servers have in common; where they differ the first one's word stands, and the step is not done.
bool all_show(const Views& views, const std::vector<RecordChange>& changes) {
  return std::ranges::all_of(views, [&](const domains::PublishedRecords& view) {
    return std::ranges::all_of(changes, [&](const RecordChange& change) { return shows(view, change); });
  });
}

/// RFC 4592 2.2: a wildcard above the name answers the same, so that the records seen are not at the name itself, where
/// a prerequisite would look for them; or they are there as well, and nothing is to be said of them.
bool may_be_synthesized(const domains::PublishedRecords& published, const dns::Name& name, dns::RecordType type,
                        const domains::PublishedSet& set) {
  for (dns::Name above = name.parent(); !above.is_root(); above = above.parent()) {
    const auto wildcard = above.child("*");
    const domains::PublishedSet* const answer =
        wildcard && *wildcard != name ? published.find(*wildcard, type) : nullptr;
    if (answer != nullptr && !answer->data.empty() && std::ranges::is_permutation(answer->data, set.data)) return true;
  }
  return false;
}

class Run {
 public:
  Run(ApplyWorld& world, Situation situation, ApplyOptions options) : world_(world), options_(options) {
    out_.situation = std::move(situation);
  }

  Task<ApplyOutcome> go() {
    for (std::size_t i = 0; i < steps_max; ++i) {
      auto looked = co_await look();
      if (!looked) co_return stop(std::move(looked.error()));
      const Step* step = next_due();
      if (step == nullptr || options_.mode == ApplyMode::dry) co_return std::move(out_);
      auto done = co_await take(*step);
      if (!done) co_return stop(std::move(done.error()));
    }
    co_return stop({ProblemKind::unavailable, out_.situation.model.domain, "its plan does not come to an end",
                    "look at posthorn domain plan"});
  }

 private:
  ApplyOutcome stop(Problem problem) {
    out_.problem = std::move(problem);
    return std::move(out_);
  }

  Task<Result<void, Problem>> look() {
    Situation& s = out_.situation;
    s.now = world_.now();
    auto questions = domains::questions_for(s.model, s.around, s.ledger);
    auto views = co_await world_.look(std::move(questions));
    if (!views) co_return fail(std::move(views.error()));
    if (views->empty())
      co_return fail(Problem{ProblemKind::unavailable, s.model.domain, "no authoritative server answers",
                             "look at the name servers, or name one: --server ADDRESS"});
    views_ = std::move(*views);
    s.published = views_.front();
    const domains::Ledger before = s.ledger;
    out_.road = plan_road(s, options_.override_leaving);
    if (options_.mode == ApplyMode::dry) co_return Result<void, Problem>{};
    // Only what apply itself published, or what stands there as wanted when its administrator applies, is ours.
    observe(s.ledger, out_.road.wanted, views_, s.now, true);
    if (s.ledger.rows == before.rows) co_return Result<void, Problem>{};
    out_.road = plan_road(s, options_.override_leaving);
    co_return co_await world_.keep(s.model, s.policies, s.ledger);
  }

  /// The first step that can be taken now. A step that waits holds back those after it of the same matter: MX, its
  /// drain, the policy behind it, leaving.
  const Step* next_due() {
    for (const Step& step : out_.road.steps) {
      if (step.kind == StepKind::by_others) continue;
      if (!step.is_due(out_.situation.now, options_.accept_stale_policies)) return nullptr;
      if (step.kind == StepKind::wait) continue;
      // Foreseen only: when its time has come it is the road's next policy.
      if (step.id.ends_with("-trim")) return nullptr;
      const bool of_the_zone = step.kind == StepKind::publish || step.kind == StepKind::withdraw;
      if (of_the_zone && step.changes.empty()) continue;
      if (of_the_zone && options_.mode == ApplyMode::by_hand) {
        // The zone's steps are others' to take. A policy may be served before; the end of leaving waits for them.
        if (step.id == "leave-withdraw") return nullptr;
        continue;
      }
      return &step;
    }
    return nullptr;
  }

  Task<Result<void, Problem>> take(const Step& chosen) {
    const Step step = chosen;  // NOLINT(performance-unnecessary-copy-initialization): its road may change meanwhile
    Situation& s = out_.situation;
    world_.tell(step.what);
    if (step.policy) s.policies.serve(*step.policy, s.now);
    if (step.state) s.model.state = *step.state;
    if (step.policy || step.state) {
      auto kept = co_await world_.keep(s.model, s.policies, s.ledger);
      if (!kept) co_return kept;
    } else {
      auto change = zone_change(step, views_.front());
      auto published = co_await world_.publish(std::move(change));
      if (!published) co_return published;
      auto seen = co_await wait_for(step);
      if (!seen) co_return seen;
    }
    out_.taken.push_back(step);
    co_return Result<void, Problem>{};
  }

  Task<Result<void, Problem>> wait_for(const Step& step) {
    const TimePoint until = world_.now() + options_.patience;
    std::vector<domains::RecordQuestion> questions;
    for (const RecordChange& change : step.changes) questions.push_back({change.name, change.type});
    for (;;) {
      auto views = co_await world_.look(questions);
      if (!views) co_return fail(std::move(views.error()));
      if (all_show(*views, step.changes)) co_return Result<void, Problem>{};
      if (world_.now() >= until)
        co_return fail(Problem{ProblemKind::unavailable, step.what, "not every authoritative server has it yet",
                               "say it again when the secondaries have caught up: it goes on here"});
      co_await world_.wait(between_looks);
    }
  }

  ApplyWorld& world_;
  const ApplyOptions options_;
  ApplyOutcome out_;
  Views views_;
};

}  // namespace

ZoneChange zone_change(const Step& step, const domains::PublishedRecords& published) {
  ZoneChange out;
  std::set<domains::RecordQuestion> touched;
  for (const RecordChange& change : step.changes) {
    const domains::PublishedSet* set = published.find(change.name, change.type);
    if (set != nullptr && !set->data.empty() && may_be_synthesized(published, change.name, change.type, *set)) {
      if (!change.add) continue;
    } else if (touched.insert({change.name, change.type}).second) {
      // Exactly what was looked at when the change was decided: else somebody else was there meanwhile.
      if (set == nullptr || set->octets.empty())
        out.must_not_exist.push_back({change.name, change.type});
      else
        for (const dns::RecordData& data : set->octets)
          out.must_exist.push_back({change.name, change.type, set->ttl_seconds, data});
    }
    if (change.add) {
      if (auto data = domains::parse_data(change.type, change.data))
        out.add.push_back({change.name, change.type, change.ttl_seconds, std::move(*data)});
      continue;
    }
    if (set == nullptr) continue;
    for (std::size_t i = 0; i < set->data.size(); ++i)
      if (set->data[i] == change.data) out.remove.push_back({change.name, change.type, 0, set->octets[i]});
  }
  return out;
}

Task<ApplyOutcome> apply_road(ApplyWorld& world, Situation situation, ApplyOptions options) {
  Run run(world, std::move(situation), options);
  co_return co_await run.go();
}

}  // namespace posthorn::transition
