// The making of a road (road.h); within the room only.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "operations/transition/road.h"

namespace posthorn::transition {

/// "none" while a domain leaves: senders forget it within a day.
inline constexpr std::uint32_t leaving_max_age_seconds = 86400;

class RoadMaker {
 public:
  RoadMaker(const Situation& situation, bool override_leaving);
  [[nodiscard]] Road run();

 private:
  // ---- road.cpp
  void publish_purposes(std::string id, std::initializer_list<domains::Purpose> purposes, std::string why);
  [[nodiscard]] std::vector<RecordChange> changes_of(const domains::WantedRecord& record) const;
  [[nodiscard]] bool may_change_while_leaving(domains::Purpose purpose) const;
  void withdraw_unwanted();
  void withdraw_old_hosts();
  [[nodiscard]] std::vector<RecordChange> unwanted(bool of_hosts) const;
  [[nodiscard]] bool is_wanted(const domains::LedgerRow& row) const;
  void others_must_act();
  void list_foreign();
  void list_unknown();
  Step& add(std::string id, StepKind kind, std::string what, std::string why, TimePoint earliest);

  // ---- road_sts.cpp
  void decide_policy();
  void serve_policy();
  void publish_sts_record();
  void change_mx();
  void gate(Step& step, const std::set<std::string>& added) const;
  [[nodiscard]] TimePoint followers_know_at(std::string_view host) const;
  void after_mx(const Step& step, const std::set<std::string>& removed);
  void leave();
  [[nodiscard]] bool is_parking() const;
  [[nodiscard]] TimePoint caches_free_at() const;
  [[nodiscard]] TimePoint close_mx(TimePoint from);
  [[nodiscard]] std::vector<RecordChange> sts_removals() const;
  [[nodiscard]] std::set<std::string> wanted_hosts() const;
  [[nodiscard]] std::set<std::string> published_hosts() const;
  [[nodiscard]] std::set<std::string> cached_hosts() const;
  /// The name is that of an MX host, published or still cached, that the domain no longer wants; or below one (TLSA).
  [[nodiscard]] bool mail_may_still_come_to(const dns::Name& name) const;
  /// From then on no cache leads to a host that has left the MX, or leaves it on this road.
  [[nodiscard]] TimePoint hosts_free_at() const;
  [[nodiscard]] mta_sts::Policy policy_for(const std::set<std::string>& hosts) const;

  const Situation& s_;
  const bool override_leaving_;
  dns::Name domain_;
  /// What the policy is to be; absent: there is none and was none that anybody still holds.
  std::optional<domains::StsStage> stage_;
  std::optional<mta_sts::Policy> policy_;
  Road out_;
};

}  // namespace posthorn::transition
