// domain rollout, leave and park: MTA-STS in and out, step by step.
#include <boost/json.hpp>

#include "entrance/cli/domain_lease.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "foundation/text/ascii.h"
#include "operations/transition/rollout.h"
#include "standards/mta_sts/record.h"

namespace posthorn::cli {
namespace domain_rollout_noun {
namespace {

namespace json = boost::json;

std::string stage_text(const std::optional<domains::StsStage>& stage) {
  if (!stage) return "none";
  return fmt::format("{}, max_age {}", mta_sts::text(stage->mode), stage->max_age_seconds);
}

json::value stage_json(const std::optional<domains::StsStage>& stage) {
  if (!stage) return nullptr;
  return json::object{{"mode", mta_sts::text(stage->mode)}, {"max_age", stage->max_age_seconds}};
}

json::array texts_json(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

Result<std::uint32_t, Problem> max_age_of(const Invocation& v, std::uint32_t otherwise) {
  if (!v.has("--max-age")) return otherwise;
  const auto seconds = text::parse_number(v.get("--max-age"));
  if (!seconds || *seconds > mta_sts::max_age_seconds_max)
    return fail(Problem{ProblemKind::usage, "--max-age " + text::printable(v.get("--max-age")),
                        "it is no number of seconds, a year at most (RFC 8461 3.2)", "write 86400 or 1209600"});
  return static_cast<std::uint32_t>(*seconds);
}

/// MODE on the command line, or --mode; "next" and "back" go along the stages. nullopt: none was given.
Result<std::optional<domains::StsStage>, Problem> asked_stage(const Invocation& v, const domains::Model& model) {
  const std::string word = v.has("MODE") ? v.get("MODE") : v.get("--mode");
  if (word.empty() && !v.has("--max-age")) return std::optional<domains::StsStage>{};
  const std::size_t at = transition::stage_index(model.sts);
  domains::StsStage stage = transition::rollout_stages[at];
  if (word == "next") {
    stage = transition::rollout_stages[std::min(at + 1, transition::rollout_stages.size() - 1)];
  } else if (word == "back") {
    stage = transition::rollout_stages[at == 0 ? 0 : at - 1];
  } else if (!word.empty()) {
    const auto mode = domains::read_mode(word);
    if (!mode) return fail(mode.error());
    stage = {*mode, 86'400};
    if (model.sts && model.sts->mode == *mode) stage.max_age_seconds = model.sts->max_age_seconds;
  }
  const auto max_age = max_age_of(v, stage.max_age_seconds);
  if (!max_age) return fail(max_age.error());
  stage.max_age_seconds = *max_age;
  return std::optional(stage);
}

Result<unsigned, Problem> days_of(const Invocation& v) {
  if (!v.has("--days")) return transition::clean_days_default;
  const auto days = text::parse_number(v.get("--days"));
  if (!days || *days > 3650)
    return fail(Problem{ProblemKind::usage, "--days " + text::printable(v.get("--days")), "it is no number of days",
                        "write 14"});
  return static_cast<unsigned>(*days);
}

json::array policies_json(const domains::PolicyLog& log, TimePoint now) {
  json::array out;
  for (const domains::PolicyEntry& entry : log.entries) {
    json::array mx;
    for (const mta_sts::MxPattern& pattern : entry.policy.mx) mx.emplace_back(pattern.text());
    const bool current = &entry == log.current();
    const TimePoint held = current ? now + std::chrono::seconds{entry.policy.max_age_seconds} : entry.held_until();
    out.emplace_back(json::object{{"id", entry.id},
                                  {"mode", mta_sts::text(entry.policy.mode)},
                                  {"max_age", entry.policy.max_age_seconds},
                                  {"mx", std::move(mx)},
                                  {"first_served", rfc3339(entry.first_served)},
                                  {"last_fetched", rfc3339(entry.last_fetched)},
                                  {"held_until", rfc3339(std::max(held, entry.held_until()))},
                                  {"served", current}});
  }
  return out;
}

/// What a decision came to, for people; the same for a look and for a step.
std::string decision_text(const transition::RolloutDecision& decision) {
  std::string out;
  for (const std::string& line : decision.evidence) out += fmt::format("  for it:  {}\n", line);
  for (const std::string& line : decision.missing) out += fmt::format("  missing: {}\n", line);
  return out;
}

Problem not_yet(const domains::Model& model, const domains::StsStage& to, const transition::RolloutDecision& decision) {
  std::string why;
  for (const std::string& line : decision.missing) why += (why.empty() ? "" : "; ") + line;
  std::string remedy = decision.earliest
                           ? fmt::format("possible from {} if nothing comes between", rfc3339(*decision.earliest))
                           : "let posthorn domain check run daily, and mend what it finds";
  return {ProblemKind::no, fmt::format("{} to {}", model.domain, stage_text(to)), std::move(why),
          remedy + "; --without-evidence goes on at your own risk"};
}

struct Rollout {
  DomainLife life;
  std::optional<domains::StsStage> asked;
  unsigned days = transition::clean_days_default;
};

Result<Rollout, Exit> open_rollout(const Invocation& v) {
  // A mode that does not exist is refused before anything is looked at.
  if (const std::string word = v.has("MODE") ? v.get("MODE") : v.get("--mode");
      !word.empty() && word != "next" && word != "back") {
    if (const auto mode = domains::read_mode(word); !mode) return fail(report(mode.error()));
  }
  auto life = DomainLife::open(v);
  if (!life) return fail(life.error());
  Rollout out{std::move(*life), {}, {}};
  auto asked = asked_stage(v, out.life.model);
  if (!asked) return fail(report(asked.error()));
  out.asked = *asked;
  const auto days = days_of(v);
  if (!days) return fail(report(days.error()));
  out.days = *days;
  return out;
}

Exit print_rollout(const Invocation& v, const Rollout& rollout, const domains::StsStage& next,
                   const transition::RolloutDecision& decision, bool changed) {
  const domains::Model& model = rollout.life.model;
  if (v.json()) {
    json::object out{{"domain", model.domain},
                     {"state", domains::text(model.state)},
                     {"stage", stage_json(model.sts)},
                     {"changed", changed},
                     {"next", stage_json(next)},
                     {"allowed", decision.allowed},
                     {"evidence", texts_json(decision.evidence)},
                     {"missing", texts_json(decision.missing)},
                     {"earliest", decision.earliest ? json::value(rfc3339(*decision.earliest)) : json::value(nullptr)},
                     {"policies", policies_json(rollout.life.policies, rollout.life.now)}};
    print_json(out);
    return Exit::done;
  }
  std::string out = fmt::format("{}\n\nMTA-STS: {}\n", headline(model), stage_text(model.sts));
  if (changed) {
    out += fmt::format("Now: posthorn domain apply {} (or publish what posthorn domain plan {} shows)\n", model.domain,
                       model.domain);
    if (model.sts && model.sts_hosted_here && rollout.life.config.listen.https.empty())
      out += fmt::format("This server has no listen.https: see that https://mta-sts.{}/ reaches it all the same\n",
                         model.domain);
  } else if (transition::stage_index(model.sts) + 1 < transition::rollout_stages.size()) {
    out +=
        fmt::format("Next:    {} ({})\n", stage_text(next), decision.allowed ? "may be taken: MODE next" : "not yet");
    out += decision_text(decision);
  }
  print(out);
  return Exit::done;
}

Exit rollout(const Invocation& v) {
  auto opened = open_rollout(v);
  if (!opened) return opened.error();
  DomainLife& life = opened->life;
  const std::size_t at = transition::stage_index(life.model.sts);
  const domains::StsStage next = transition::rollout_stages[std::min(at + 1, transition::rollout_stages.size() - 1)];
  const transition::RolloutRequest request{.to = opened->asked.value_or(next),
                                           .now = life.now,
                                           .clean_days = opened->days,
                                           .without_evidence = v.has("--without-evidence")};
  // TLS reports are not read yet: the checks decide (rollout.h).
  const auto decision = transition::decide_rollout(life.model, life.checks, std::nullopt, life.policies, request);
  if (!opened->asked) return print_rollout(v, *opened, next, decision, false);
  if (life.model.state == domains::State::leaving || life.model.state == domains::State::parked ||
      life.model.state == domains::State::migrated)
    return report({ProblemKind::no, life.model.domain, fmt::format("the domain is {}", domains::text(life.model.state)),
                   "posthorn domain leave DOMAIN --cancel"});
  if (!decision.allowed) return report(not_yet(life.model, request.to, decision));
  if (const auto busy = refused_while_applied(life)) return report(*busy);
  life.model.sts = request.to;
  if (request.to.mode == mta_sts::Mode::none) {
    // Whoever holds a policy must find "none" until it has run off; without any there is nothing to say.
    if (life.policies.entries.empty()) life.model.sts.reset();
  }
  if (life.model.state == domains::State::draft) life.model.state = domains::State::testing;
  if (request.to.mode == mta_sts::Mode::enforce) life.model.state = domains::State::enforcing;
  if (const auto saved = life.save(); !saved) return report(saved.error());
  return print_rollout(v, *opened, next, decision, true);
}

// ---------------------------------------------------------------- leave

/// A policy that this store never served: somebody else did, or it was lost. It may be held for as long as is told.
std::optional<Problem> take_foreign_policy(const Invocation& v, DomainLife& life,
                                           const domains::PublishedRecords& published) {
  const auto name = dns::Name::parse("_mta-sts." + life.model.domain);
  const bool announced = name && !published.data(*name, dns::RecordType::txt).empty();
  if (!announced || !life.policies.entries.empty()) return std::nullopt;
  if (!v.has("--max-age"))
    return Problem{
        ProblemKind::no, life.model.domain,
        "an MTA-STS policy is announced that this server never served: nobody here knows how long it may be held",
        fmt::format("look at https://mta-sts.{}/.well-known/mta-sts.txt and name the longest max_age it ever "
                    "had: --max-age SECONDS",
                    life.model.domain)};
  const auto max_age = max_age_of(v, 0);
  if (!max_age) return max_age.error();
  life.policies.serve({mta_sts::Mode::enforce, *max_age, {}}, life.now, true);
  // It never stood here, so somebody else takes it back.
  if (!life.model.sts) life.model.sts_hosted_here = false;
  return std::nullopt;
}

Exit print_leaving(const Invocation& v, const DomainLife& life, const transition::Situation& situation,
                   const transition::Road& road) {
  const auto held = situation.policies.held_until(situation.now);
  if (v.json()) {
    print_json(json::object{
        {"domain", life.model.domain},
        {"state", domains::text(life.model.state)},
        {"to", domains::text(life.model.leaving_to)},
        {"free_at", held ? json::value(rfc3339(*held)) : json::value(nullptr)},
        {"seconds_left", held ? std::chrono::duration_cast<std::chrono::seconds>(*held - situation.now).count() : 0},
        {"policies", policies_json(situation.policies, situation.now)},
        {"steps", steps_json(road, situation.now)},
        {"blocked", road.blocked.size()}});
    return Exit::done;
  }
  std::string out = headline(life.model) + "\n\n";
  if (held)
    out += fmt::format("Senders may hold an MTA-STS policy until {}. Until then only keys and certificates change.\n\n",
                       when_text(*held, situation.now));
  else if (life.model.state == domains::State::leaving)
    out += "Nobody holds an MTA-STS policy any more.\n\n";
  else if (life.model.state == domains::State::migrated)
    out += fmt::format(
        "Its DNS is somebody else's now: nothing is planned, published or checked any more.\n"
        "This server goes on taking its mail: when its MX leads elsewhere, for the TTL of the old MX records.\n"
        "posthorn domain remove waits for that.\n"
        "If it stays after all: posthorn domain set {} --state testing\n",
        life.model.domain);
  out += steps_text(road, situation.now);
  print(out);
  return Exit::done;
}

/// Steps that need no DNS: the policy file is ours to change at once.
void take_own_steps(DomainLife& life, transition::Situation& situation, transition::Road& road) {
  for (const transition::Step& step : road.steps) {
    if (!step.is_due(situation.now, false)) break;
    if (step.kind != transition::StepKind::serve_policy && step.kind != transition::StepKind::set_state) {
      if (step.kind == transition::StepKind::by_others || step.kind == transition::StepKind::publish) continue;
      break;
    }
    if (step.policy) life.policies.serve(*step.policy, life.now);
    if (step.state) life.model.state = *step.state;
  }
  situation = life.situation(situation.published);
  road = transition::plan_road(situation);
}

void begin_to_leave(DomainLife& life, domains::State to) {
  if (life.model.state != domains::State::leaving) life.model.leaving_since = life.now;
  life.model.state = domains::State::leaving;
  life.model.leaving_to = to;
}

Exit go_on_leaving(const Invocation& v, DomainLife& life) {
  auto published = ask_what_is_published(v, life);
  if (!published) return report(published.error());
  if (const auto problem = take_foreign_policy(v, life, *published)) return report(*problem);
  note_mx(v, life, *published);
  auto situation = life.situation(std::move(*published));
  auto road = transition::plan_road(situation);
  take_own_steps(life, situation, road);
  if (const auto saved = life.save(); !saved) return report(saved.error());
  return print_leaving(v, life, situation, road);
}

Exit leave(const Invocation& v) {
  auto life = DomainLife::open(v);
  if (!life) return life.error();
  if (const auto busy = refused_while_applied(*life)) return report(*busy);
  domains::Model& model = life->model;
  if (v.has("--cancel")) {
    if (model.state != domains::State::leaving)
      return report({ProblemKind::no, model.domain, "the domain is not leaving",
                     "there is nothing to cancel; posthorn domain show DOMAIN tells its state"});
    model.state = domains::State::testing;
    model.leaving_since = {};
    if (const auto saved = life->save(); !saved) return report(saved.error());
    return go_on_leaving(v, *life);
  }
  if (model.state == domains::State::parked)
    return report({ProblemKind::no, model.domain, "the domain is parked: there is nothing to leave",
                   fmt::format("to use it again: posthorn domain set {} --state testing", model.domain)});
  if (model.state != domains::State::migrated)
    begin_to_leave(*life, model.state == domains::State::leaving ? model.leaving_to : domains::State::migrated);
  return go_on_leaving(v, *life);
}

// ---------------------------------------------------------------- park

Exit park(const Invocation& v) {
  auto life = DomainLife::open(v);
  if (!life) return life.error();
  if (const auto busy = refused_while_applied(*life)) return report(*busy);
  domains::Model& model = life->model;
  // By the right road: leave, drain, then park. Where nothing holds the domain the road has one step.
  if (model.state != domains::State::parked) begin_to_leave(*life, domains::State::parked);
  auto published = ask_what_is_published(v, *life);
  if (!published) return report(published.error());
  if (model.state == domains::State::leaving) {
    if (const auto problem = take_foreign_policy(v, *life, *published)) return report(*problem);
    note_mx(v, *life, *published);
  }
  auto situation = life->situation(std::move(*published));
  auto road = transition::plan_road(situation);
  take_own_steps(*life, situation, road);
  if (const auto saved = life->save(); !saved) return report(saved.error());
  if (model.state != domains::State::parked) return print_leaving(v, *life, situation, road);
  // Parked: what is to be published is the defensive set, whose names a live domain's plan did not ask about.
  published = ask_what_is_published(v, *life);
  if (!published) return report(published.error());
  situation = life->situation(std::move(*published));
  road = transition::plan_road(situation);
  if (v.json()) {
    print_json(road_json(situation, road));
    return Exit::done;
  }
  print(road_text(situation, road));
  return Exit::done;
}

}  // namespace
}  // namespace domain_rollout_noun

const std::vector<Verb>& domain_rollout_verbs() {
  using namespace domain_rollout_noun;
  static const std::vector<Verb> verbs{
      {"domain rollout",
       "MTA-STS step by step: none, testing, enforce for a day, enforce for two weeks",
       "Without MODE: where the domain stands, and what the next step waits for. A step forward to enforce needs "
       "checks\n"
       "without errors for some days (posthorn domain check records them); a step back needs nothing.\n"
       "Modes are testing, enforce and none; next and back go along the stages.\n\n"
       "  posthorn domain rollout example.org\n"
       "  posthorn domain rollout example.org testing\n"
       "  posthorn domain rollout example.org enforce --max-age 1209600",
       {life_domain, {"MODE", "next, back, none, testing or enforce", false}},
       {{"--mode", "MODE", "the same"},
        {"--max-age", "SECONDS", "how long senders keep the policy (86400 first, 1209600 at the end)"},
        {"--days", "N", "days of clean checks asked for (14)"},
        {"--without-evidence", "", "take the step although evidence is missing"},
        now_option},
       rollout},
      {"domain leave",
       "make ready to hand a domain to somebody else: no sender may hold a policy any more",
       "Serves an MTA-STS policy of mode none and counts down until nobody can hold an earlier one: last fetch plus\n"
       "max_age over every policy ever served, and no earlier than the TTLs of its MX and _mta-sts records are over. "
       "Until\n"
       "then other DNS changes of the domain are refused, while keys and certificates go on. Then the mta-sts host and "
       "record go, and the domain has migrated. Say it again to see the\n"
       "countdown and to take the next step.\n\n"
       "  posthorn domain leave example.org",
       {life_domain},
       {{"--cancel", "", "stay after all"},
        {"--max-age", "SECONDS", "of a policy that another server served"},
        life_dns,
        now_option},
       leave},
      {"domain park",
       "the defensive set for a domain without mail",
       "Null MX, SPF -all, DMARC reject, revoked DKIM keys for every selector, CAA. A domain that was in use gets "
       "there\n"
       "by the right road: it leaves (domain leave), its queue drains, the null MX is published and the TTL of the "
       "old\n"
       "MX records runs while mail is still taken, then it is parked; say it again to go on.\n"
       "Submission from a parked domain is refused; reports about forgeries still come.\n\n"
       "  posthorn domain park example.net",
       {life_domain},
       {{"--max-age", "SECONDS", "of an MTA-STS policy that another server served"}, life_dns, now_option},
       park},
  };
  return verbs;
}

}  // namespace posthorn::cli
