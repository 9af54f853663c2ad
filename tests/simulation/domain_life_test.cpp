// The domain's life on a virtual clock: an MX rename with and without the gate, a new domain, a migration and a
// decommissioning, each start to end, by the steps that plan_road gives and at the times it gives. Deferral over one
// hour counts as loss.
#include <cstdlib>

#include <gtest/gtest.h>

#include "operations/domains/record_data.h"
#include "operations/transition/hold.h"
#include "operations/transition/road_fixture.h"
#include "operations/transition/rollout.h"
#include "simulated_mail.h"

namespace posthorn::transition {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// ---------------------------------------------------------------- senders

constexpr std::size_t senders_count = 12;
constexpr Duration loss_after = hours(1);
constexpr std::array<Duration, 5> retries{minutes(5), minutes(10), minutes(15), minutes(15), minutes(14)};

SimulatedMail::SimulatedMail(std::uint64_t seed) : random(seed), senders_(senders_count) {
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    senders_[i].follows_ids = i % 2 == 0;
    senders_[i].next = domains::tests_begin + gap();
  }
}

Duration SimulatedMail::gap() {
  // A mean of five hours; some senders come back within minutes, some after a day.
  return seconds(static_cast<std::int64_t>(std::exponential_distribution<double>(1.0 / 18'000)(random)) + 1);
}

const std::vector<std::string>& SimulatedMail::mx_of(Sender& sender, TimePoint now) {
  if (sender.mx.until <= now) sender.mx = {zone.mx, now + seconds(zone.mx_ttl)};
  return sender.mx.value;
}

const std::string& SimulatedMail::id_of(Sender& sender, TimePoint now) {
  if (sender.sts_id.until <= now) sender.sts_id = {zone.sts_id, now + seconds(zone.sts_ttl)};
  return sender.sts_id.value;
}

void SimulatedMail::refresh_policy(Sender& sender, TimePoint now) {
  if (sender.policy && sender.policy->until <= now) sender.policy.reset();
  if (sender.policy && !sender.follows_ids) return;
  const std::string& id = id_of(sender, now);
  // RFC 8461 3.1, 5.1: without a record no policy is looked for; a held one stays in force.
  if (id.empty()) return;
  const bool stale = !sender.policy || sender.policy->id != id || now - sender.policy->fetched > daily_refresh;
  if (!stale || log == nullptr || log->current() == nullptr) return;
  log->fetched(now);
  const mta_sts::Policy& policy = log->current()->policy;
  sender.policy = Sender::Held{policy, id, now, now + seconds(policy.max_age_seconds)};
}

SimulatedMail::Attempt SimulatedMail::attempt(Sender& sender, TimePoint now, std::string& why) {
  const std::vector<std::string> hosts = mx_of(sender, now);
  if (hosts.empty()) return Attempt::deferred;
  if (hosts.front() == ".") return Attempt::refused;
  refresh_policy(sender, now);
  for (const std::string& host : hosts) {
    const bool forbidden = sender.policy && sender.policy->policy.mode == mta_sts::Mode::enforce &&
                           sender.policy->policy.match(host) == nullptr;
    if (forbidden) {
      why = host + " is not in the policy held";
    } else if (!running.contains(host)) {
      why = host + " does not answer";
    } else {
      return Attempt::delivered;
    }
  }
  return Attempt::deferred;
}

void SimulatedMail::send_until(TimePoint from, TimePoint end) {
  (void)from;
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    for (; senders_[i].next < end; senders_[i].next += gap()) {
      ++tally.sent;
      queue_.emplace(senders_[i].next, Waiting{senders_[i].next, i});
    }
  }
  while (!queue_.empty() && queue_.begin()->first < end) {
    const auto [now, waiting] = *queue_.begin();
    queue_.erase(queue_.begin());
    std::string why;
    const Attempt result = attempt(senders_[waiting.sender], now, why);
    if (result == Attempt::delivered) {
      ++tally.delivered;
    } else if (result == Attempt::refused) {
      ++tally.refused;
    } else {
      TimePoint next = waiting.since;
      for (const Duration wait : retries)
        if (next <= now) next += wait;
      if (next > now && next - waiting.since <= loss_after) {
        queue_.emplace(next, waiting);
        continue;
      }
      ++tally.lost;
      if (tally.first_loss.empty()) tally.first_loss = fmt::format("{}: {}", rfc3339(waiting.since), why);
    }
  }
}

namespace {

// ---------------------------------------------------------------- the operator

/// Follows the road: takes what is due and nothing else, as domain apply does.
class Operator {
 public:
  explicit Operator(SimulatedMail& mail) : mail_(mail) {
    situation.model.domain = "a.example";
    situation.model.state = domains::State::testing;
    situation.around.host_name = "policy.host.example";
    situation.model.inbound = {domains::InboundSide::provider, "generic", {}};
    mail_.log = &situation.policies;
  }

  void look(TimePoint now) {
    situation.now = now;
    domains::PublishedRecords published;
    const auto put = [&](std::string_view name, dns::RecordType type, std::vector<std::string> data,
                         std::uint32_t ttl) {
      domains::PublishedSet set;
      set.status = data.empty() ? dns::Status::no_data : dns::Status::ok;
      set.data = std::move(data);
      set.ttl_seconds = ttl;
      published.put({*dns::Name::parse(name), type}, std::move(set));
    };
    std::vector<std::string> mx, sts;
    for (const std::string& host : mail_.zone.mx) mx.push_back(host == "." ? "0 ." : "10 " + host + ".");
    if (!mail_.zone.sts_id.empty()) sts.push_back(domains::txt_data("v=STSv1; id=" + mail_.zone.sts_id));
    for (const domains::RecordQuestion& question : domains::questions_for(situation.model, situation.around))
      put(question.name.text(), question.type, {}, 300);
    for (const auto& [name_and_type, data] : others_) put(name_and_type.first, name_and_type.second, data, 300);
    put("a.example", dns::RecordType::mx, mx, mail_.zone.mx_ttl);
    put("_mta-sts.a.example", dns::RecordType::txt, sts, mail_.zone.sts_ttl);
    situation.published = std::move(published);
    road = plan_road(situation);
    observe(situation.ledger, road.wanted, {situation.published}, now, true);
    road = plan_road(situation);
  }

  /// Takes every due step; after each it looks again.
  void follow(TimePoint now) {
    for (int i = 0; i < 30; ++i) {
      look(now);
      const Step* due = next_due(now);
      if (due == nullptr) return;
      take(*due);
    }
    FAIL() << "the road does not come to an end";
  }

  /// What `domain remove` notes before it asks: the domain's MX records, whoever publishes them.
  void see_mx(TimePoint now) {
    situation.now = now;
    const dns::Name name = *dns::Name::parse("a.example");
    domains::PublishedSet set;
    set.status = mail_.zone.mx.empty() ? dns::Status::no_data : dns::Status::ok;
    set.ttl_seconds = mail_.zone.mx_ttl;
    domains::Wanted standing;
    for (const std::string& host : mail_.zone.mx) {
      set.data.push_back("10 " + host + ".");
      standing.records.push_back({.name = name,
                                  .type = dns::RecordType::mx,
                                  .data = set.data.back(),
                                  .ttl_seconds = mail_.zone.mx_ttl,
                                  .reason = {},
                                  .replaces = {},
                                  .owner = domains::Owner::domain,
                                  .purpose = domains::Purpose::mx});
    }
    domains::PublishedRecords view;
    view.put({name, dns::RecordType::mx}, std::move(set));
    observe(situation.ledger, standing, {view}, now, false);
  }

  /// The old host is switched off when nothing in the ledger says that a cache may still lead there.
  [[nodiscard]] bool is_free(const std::string& host, TimePoint now) const {
    for (const std::string& published : mail_.zone.mx)
      if (published == host) return false;
    for (const domains::LedgerRow& row : situation.ledger.rows) {
      if (row.type != dns::RecordType::mx || !row.data.contains(host)) continue;
      if (const auto until = row.cached_until(); !until || *until > now) return false;
    }
    return true;
  }

  /// A host whose name lies in the zone takes mail as long as its address stands there.
  [[nodiscard]] bool has_address(const std::string& host) const {
    const auto at = others_.find({host, dns::RecordType::a});
    return at != others_.end() && !at->second.empty();
  }

  Situation situation;
  Road road;

 private:
  const Step* next_due(TimePoint now) {
    for (const Step& step : road.steps) {
      if (step.kind == StepKind::by_others) continue;
      if (!step.is_due(now, false) || step.id.ends_with("-trim")) return nullptr;
      if (step.kind == StepKind::wait || (step.kind == StepKind::publish && step.changes.empty())) continue;
      if (step.kind == StepKind::withdraw && step.changes.empty()) continue;
      return &step;
    }
    return nullptr;
  }

  void take(const Step& step) {
    if (step.policy) situation.policies.serve(*step.policy, situation.now);
    if (step.state) situation.model.state = *step.state;
    std::vector<std::string> mx = mail_.zone.mx;
    for (const RecordChange& change : step.changes) {
      const std::string name = change.name.text();
      if (change.type == dns::RecordType::mx) {
        const std::string host = change.data == "0 ." ? "." : change.data.substr(3, change.data.size() - 4);
        if (change.add)
          mx.push_back(host);
        else
          std::erase(mx, host);
      } else if (name == "_mta-sts.a.example") {
        const std::string text = domains::txt_text(change.data);
        if (change.add)
          mail_.zone.sts_id = text.substr(text.find("id=") + 3);
        else if (mail_.zone.sts_id == text.substr(text.find("id=") + 3))
          mail_.zone.sts_id.clear();
      } else {
        auto& data = others_[{name, change.type}];
        if (change.add)
          data.push_back(change.data);
        else
          std::erase(data, change.data);
      }
    }
    mail_.zone.mx = mx;
  }

  SimulatedMail& mail_;
  std::map<std::pair<std::string, dns::RecordType>, std::vector<std::string>> others_;
};

std::uint64_t seeds() {
  const char* const long_run = std::getenv("POSTHORN_LONG");
  return long_run != nullptr && *long_run != '\0' ? 1000 : 100;
}

/// In the short run a part of the seeds, where a life is long; in the long one all of them.
std::uint64_t seeds(std::uint64_t part) {
  return seeds() == 1000 ? 1000 : seeds() / part;
}

/// What a test has seen, for whoever wants the figures: messages lost, of how many, in how many worlds.
struct Figures {
  std::uint64_t worlds = 0, with_loss = 0, sent = 0, lost = 0;
  void add(const SimulatedMail::Tally& tally) {
    ++worlds;
    with_loss += tally.lost > 0 ? 1 : 0;
    sent += tally.sent;
    lost += tally.lost;
  }
  void tell(const char* what) const {
    fmt::print("  {}: {} of {} messages lost, in {} of {} worlds\n", what, lost, sent, with_loss, worlds);
  }
};

constexpr Duration operator_looks = hours(3);

/// A domain that has had an enforced policy for some days, with a seeded max_age and MX TTL.
struct Settled {
  explicit Settled(std::uint64_t seed) : mail(seed), who(mail) {
    constexpr std::array<std::uint32_t, 4> ages{86'400, 259'200, 604'800, 1'209'600};
    constexpr std::array<std::uint32_t, 3> ttls{300, 3600, 14'400};
    mail.zone.mx_ttl = ttls[mail.random() % ttls.size()];
    mail.zone.mx = {"old.example"};
    mail.running = {"old.example", "new.example"};
    who.situation.model.inbound.hosts = {{10, "old.example"}};
    who.situation.model.sts = domains::StsStage{mta_sts::Mode::enforce, ages[mail.random() % ages.size()]};
    changes_at = domains::tests_begin + std::chrono::days(3) + minutes(mail.random() % 1440);
  }
  SimulatedMail mail;
  Operator who;
  TimePoint changes_at;
};

TEST(Simulation, AnMxRenameThroughTheGateLosesNothing) {
  Figures figures;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    Settled domain(seed);
    bool renamed = false;
    domain.mail.run(domains::tests_begin, domains::tests_begin + std::chrono::days(24), operator_looks,
                    [&](TimePoint now) {
                      if (now >= domain.changes_at) domain.who.situation.model.inbound.hosts = {{10, "new.example"}};
                      domain.who.follow(now);
                      renamed = domain.mail.zone.mx == std::vector<std::string>{"new.example"};
                      if (renamed && domain.who.is_free("old.example", now)) domain.mail.running.erase("old.example");
                    });
    ASSERT_TRUE(renamed) << "seed " << seed;
    ASSERT_FALSE(domain.mail.running.contains("old.example")) << "seed " << seed;
    ASSERT_EQ(domain.mail.tally.lost, 0u) << "seed " << seed << ": " << domain.mail.tally.first_loss;
    ASSERT_GT(domain.mail.tally.delivered, 500u);
    // The policy has followed: the old host is in it no more.
    ASSERT_EQ(domain.who.situation.policies.current()->policy.mx.size(), 1u) << "seed " << seed;
    figures.add(domain.mail.tally);
  }
  figures.tell("an MX rename through the gate");
}

TEST(Simulation, TheSameRenameWithoutTheGateLosesMail) {
  Figures figures;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    Settled domain(seed);
    bool renamed = false;
    domain.mail.run(domains::tests_begin, domains::tests_begin + std::chrono::days(24), operator_looks,
                    [&](TimePoint now) {
                      if (!renamed) domain.who.follow(now);
                      if (now < domain.changes_at || renamed) return;
                      // Everything at once: MX, policy and id; the old host goes when the MX's TTL is over.
                      renamed = true;
                      domain.mail.zone.mx = {"new.example"};
                      auto policy = domain.who.situation.policies.current()->policy;
                      policy.mx = {*mta_sts::MxPattern::parse("new.example")};
                      domain.who.situation.policies.serve(policy, now);
                      domain.mail.zone.sts_id = domain.who.situation.policies.current()->id;
                    });
    ASSERT_TRUE(renamed);
    figures.add(domain.mail.tally);
  }
  // Half of the senders never look at ids: hardly a seed gets away with it.
  EXPECT_GT(figures.with_loss, seeds() * 9 / 10);
  figures.tell("the same rename without the gate");
}

/// Between T1 and T2 only those lose mail who ignore ids: the risk that the flag names.
TEST(Simulation, BetweenT1AndT2OnlySendersThatIgnoreIdsAreHurt) {
  Figures figures;
  for (std::uint64_t seed = 1; seed <= seeds(2); ++seed) {
    Settled domain(seed);
    domain.who.situation.model.sts->max_age_seconds = 1'209'600;
    std::optional<TimePoint> taken_at;
    domain.mail.run(domains::tests_begin, domains::tests_begin + std::chrono::days(24), operator_looks,
                    [&](TimePoint now) {
                      if (now >= domain.changes_at && !taken_at)
                        domain.who.situation.model.inbound.hosts = {{10, "new.example"}};
                      if (taken_at) return;
                      domain.who.follow(now);
                      for (const Step& step : domain.who.road.steps) {
                        if (step.id != "mx" || !step.is_due(now, true)) continue;
                        ASSERT_FALSE(step.risk.empty());
                        taken_at = now;
                        domain.mail.zone.mx = {"new.example"};
                      }
                    });
    ASSERT_TRUE(taken_at) << "seed " << seed;
    figures.add(domain.mail.tally);
    EXPECT_TRUE(domain.mail.tally.lost == 0 || domain.mail.tally.first_loss.contains("not in the policy held"));
  }
  EXPECT_GT(figures.with_loss, 0u);
  figures.tell("between T1 and T2, the risk accepted");
}

TEST(Simulation, ANewDomainIsRolledOutWithoutALoss) {
  Figures figures;
  for (std::uint64_t seed = 1; seed <= seeds(4); ++seed) {
    SimulatedMail mail(seed);
    Operator who(mail);
    mail.zone.mx_ttl = 3600;
    mail.running = {"mx.example"};
    who.situation.model.inbound.hosts = {{10, "mx.example"}};
    std::vector<domains::CheckMade> checks;
    mail.run(domains::tests_begin, domains::tests_begin + std::chrono::days(60), operator_looks, [&](TimePoint now) {
      domains::add_check(checks, {now, 0, 0, {}});
      auto& model = who.situation.model;
      const std::size_t at = stage_index(model.sts);
      if (at + 1 < rollout_stages.size()) {
        const RolloutRequest request{.to = rollout_stages[at + 1], .now = now};
        if (decide_rollout(model, checks, std::nullopt, who.situation.policies, request).allowed)
          model.sts = rollout_stages[at + 1];
      }
      who.follow(now);
    });
    ASSERT_EQ(stage_index(who.situation.model.sts), 3u) << "seed " << seed;
    ASSERT_EQ(who.situation.policies.current()->policy.max_age_seconds, 1'209'600u);
    ASSERT_EQ(mail.tally.lost, 0u) << "seed " << seed << ": " << mail.tally.first_loss;
    figures.add(mail.tally);
  }
  figures.tell("a new domain rolled out");
}

/// The new organization's world: its own hosts, no policy of ours.
void hand_over(SimulatedMail& mail) {
  mail.zone.mx = {"theirs.example"};
  mail.running.insert("theirs.example");
  mail.log = nullptr;
}

TEST(Simulation, AMigrationByLeavingLosesNothingAndWithoutItDoes) {
  Figures leaving, tearing;
  for (std::uint64_t seed = 1; seed <= seeds(2); ++seed) {
    Settled left(seed);
    std::optional<TimePoint> handed_over;
    left.mail.run(domains::tests_begin, domains::tests_begin + std::chrono::days(24), operator_looks,
                  [&](TimePoint now) {
                    if (handed_over) return;
                    auto& model = left.who.situation.model;
                    if (now >= left.changes_at && model.state != domains::State::migrated)
                      model.state = domains::State::leaving;
                    if (model.state != domains::State::migrated) left.who.follow(now);
                    if (model.state != domains::State::migrated) return;
                    handed_over = now;
                    hand_over(left.mail);
                  });
    ASSERT_TRUE(handed_over) << "seed " << seed;
    ASSERT_TRUE(left.mail.zone.sts_id.empty()) << "the record goes when nobody holds a policy";
    ASSERT_EQ(left.mail.tally.lost, 0u) << "seed " << seed << ": " << left.mail.tally.first_loss;
    leaving.add(left.mail.tally);

    Settled torn(seed);
    bool moved = false;
    torn.mail.run(domains::tests_begin, domains::tests_begin + std::chrono::days(24), operator_looks,
                  [&](TimePoint now) {
                    if (!moved) torn.who.follow(now);
                    if (moved || now < torn.changes_at) return;
                    moved = true;
                    torn.mail.zone.sts_id.clear();
                    hand_over(torn.mail);
                  });
    tearing.add(torn.mail.tally);
  }
  EXPECT_GT(tearing.with_loss, seeds(2) * 9 / 10);
  leaving.tell("a migration by leaving");
  tearing.tell("a migration at once");
}

/// After the hand-over: caches lead mail to the old host for the TTL of its MX record, whoever owns the DNS now. It
/// goes when `domain remove` would let it go; beside it a world in which it goes with the hand-over.
struct HandedOver {
  explicit HandedOver(std::uint64_t seed, bool waits) : domain(seed), waits_for_caches(waits) {
    auto& model = domain.who.situation.model;
    model.inbound = {domains::InboundSide::here, {}, {{10, "old.example"}}};
    model.sts.reset();
    hands_over_at = domain.changes_at + hours(6) + minutes(domain.mail.random() % 600);
    domain.mail.run(domains::tests_begin, domains::tests_begin + std::chrono::days(8), minutes(10),
                    [&](TimePoint now) { tick(now); });
  }
  void tick(TimePoint now) {
    auto& who = domain.who;
    auto& model = who.situation.model;
    if (model.state != domains::State::migrated) {
      if (now >= domain.changes_at && model.state == domains::State::testing) {
        model.state = domains::State::leaving;
        model.leaving_since = now;
      }
      who.follow(now);
      return;
    }
    if (now >= hands_over_at && domain.mail.zone.mx.front() == "old.example") {
      hand_over(domain.mail);
      if (!waits_for_caches) domain.mail.running.erase("old.example");
    }
    who.see_mx(now);
    const auto& s = who.situation;
    const bool may_go = !removal_hold(model, s.around, s.policies, s.ledger, now);
    if (domain.mail.zone.mx.front() == "old.example") EXPECT_FALSE(may_go) << "its MX leads here";
    if (may_go) domain.mail.running.erase("old.example");
  }
  Settled domain;
  bool waits_for_caches;
  TimePoint hands_over_at;
};

TEST(Simulation, AMigratedDomainIsRemovedWhenNoCacheLeadsMailHere) {
  Figures waiting, at_once;
  for (std::uint64_t seed = 1; seed <= seeds(4); ++seed) {
    const HandedOver held(seed, true);
    ASSERT_FALSE(held.domain.mail.running.contains("old.example")) << "seed " << seed << ": it never goes";
    ASSERT_EQ(held.domain.mail.tally.lost, 0u) << "seed " << seed << ": " << held.domain.mail.tally.first_loss;
    waiting.add(held.domain.mail.tally);
    const HandedOver torn(seed, false);
    at_once.add(torn.domain.mail.tally);
  }
  EXPECT_GT(at_once.with_loss, 0u);
  waiting.tell("a migrated domain removed when it may be");
  at_once.tell("a migrated domain removed with the hand-over");
}

TEST(Simulation, ADecommissionedDomainAnswersEverySenderAtOnce) {
  Figures figures;
  for (std::uint64_t seed = 1; seed <= seeds(4); ++seed) {
    Settled domain(seed);
    domain.mail.run(domains::tests_begin, domains::tests_begin + std::chrono::days(24), operator_looks,
                    [&](TimePoint now) {
                      auto& model = domain.who.situation.model;
                      if (now >= domain.changes_at && model.state == domains::State::testing) {
                        model.state = domains::State::leaving;
                        model.leaving_to = domains::State::parked;
                      }
                      domain.who.follow(now);
                      if (domain.mail.zone.mx.front() == "." && domain.who.is_free("old.example", now))
                        domain.mail.running.clear();
                    });
    ASSERT_EQ(domain.who.situation.model.state, domains::State::parked) << "seed " << seed;
    ASSERT_EQ(domain.mail.zone.mx, std::vector<std::string>{"."});
    ASSERT_GT(domain.mail.tally.refused, 0u);
    ASSERT_EQ(domain.mail.tally.lost, 0u) << "seed " << seed << ": " << domain.mail.tally.first_loss;
    figures.add(domain.mail.tally);
  }
  figures.tell("a domain decommissioned");
}

/// Nobody holds a policy; the old MX is in caches all the same, and a parked domain refuses what comes.
TEST(Simulation, ADomainWithoutAPolicyIsParkedWhenNoCacheLeadsMailToIt) {
  Figures figures;
  for (std::uint64_t seed = 1; seed <= seeds(4); ++seed) {
    Settled domain(seed);
    domain.who.situation.model.sts.reset();
    domain.mail.run(domains::tests_begin, domains::tests_begin + std::chrono::days(10), minutes(10),
                    [&](TimePoint now) {
                      auto& model = domain.who.situation.model;
                      if (now >= domain.changes_at && model.state == domains::State::testing) {
                        model.state = domains::State::leaving;
                        model.leaving_to = domains::State::parked;
                        model.leaving_since = now;
                      }
                      domain.who.follow(now);
                      if (model.state == domains::State::parked) domain.mail.running.clear();
                    });
    ASSERT_EQ(domain.who.situation.model.state, domains::State::parked) << "seed " << seed;
    ASSERT_GT(domain.mail.tally.refused, 0u);
    ASSERT_EQ(domain.mail.tally.lost, 0u) << "seed " << seed << ": " << domain.mail.tally.first_loss;
    figures.add(domain.mail.tally);
  }
  figures.tell("a domain without a policy parked");
}

/// The domain's own mail host goes with it, and only when no cache leads mail to it any more.
TEST(Simulation, AParkedDomainsOwnHostStandsAsLongAsAnybodyIsLedToIt) {
  Figures figures;
  for (std::uint64_t seed = 1; seed <= seeds(4); ++seed) {
    SimulatedMail mail(seed);
    Operator who(mail);
    constexpr std::array<std::uint32_t, 3> ttls{300, 3600, 86'400};
    mail.zone.mx_ttl = ttls[mail.random() % ttls.size()];
    who.situation.model.inbound = {};
    who.situation.model.sts = domains::StsStage{mta_sts::Mode::enforce, 86'400};
    who.situation.around.host_name = "mail.a.example";
    who.situation.around.addresses = {*IpAddress::parse("192.0.2.1")};
    const TimePoint parks_at = domains::tests_begin + std::chrono::days(3) + minutes(mail.random() % 1440);
    mail.run(domains::tests_begin, domains::tests_begin + std::chrono::days(14), hours(1), [&](TimePoint now) {
      auto& model = who.situation.model;
      if (now >= parks_at && model.state == domains::State::testing) {
        model.state = domains::State::leaving;
        model.leaving_to = domains::State::parked;
      }
      who.follow(now);
      mail.running.clear();
      if (who.has_address("mail.a.example")) mail.running.insert("mail.a.example");
    });
    ASSERT_EQ(who.situation.model.state, domains::State::parked) << "seed " << seed;
    ASSERT_TRUE(mail.running.empty()) << "seed " << seed << ": its address is left behind";
    ASSERT_EQ(mail.tally.lost, 0u) << "seed " << seed << ": " << mail.tally.first_loss;
    ASSERT_GT(mail.tally.refused, 0u);
    figures.add(mail.tally);
  }
  figures.tell("a parked domain with a host of its own");
}

}  // namespace
}  // namespace posthorn::transition
