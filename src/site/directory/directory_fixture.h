// A small site for the tests of this room: plans are applied to a Snapshot as the store would commit them.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "site/directory/plan.h"
#include "site/directory/snapshot.h"

namespace posthorn::directory {

class SiteForTests {
 public:
  explicit SiteForTests(Snapshot::Bounds bounds = {}) : snapshot_(std::make_shared<const Snapshot>(bounds)) {}

  /// Commits the plan, giving ids as the store does.
  void apply(const Plan& plan) {
    ASSERT_TRUE(plan) << plan.error().text();
    apply(*plan);
  }
  void apply(const storage::Unit& unit) {
    storage::Committed outcome;
    outcome.account = {++last_account_};
    outcome.login = {++last_login_};
    snapshot_ = snapshot_->with(unit, outcome);
  }

  void domain(std::string name, std::string state = "enforcing", bool hosted = true) {
    apply(add_domain(now(), {std::move(name), std::move(state), hosted}, {}));
  }
  void account(std::string address) { apply(add_account(now(), {.address = std::move(address)}, {})); }
  void address(std::string_view address, std::string_view account) { apply(add_address(now(), address, account)); }
  void group(std::string_view address, const std::vector<std::string>& members) {
    apply(add_group(now(), address, members));
  }

  [[nodiscard]] const Snapshot& now() const { return *snapshot_; }
  [[nodiscard]] std::shared_ptr<const Snapshot> share() const { return snapshot_; }
  [[nodiscard]] storage::AccountId id(std::string_view address) const { return now().account(address)->row.id; }

  /// What the address resolves to, in a word or two.
  [[nodiscard]] std::string resolve(std::string_view address) const;

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  std::int64_t last_account_ = 0, last_login_ = 0;
};

inline std::string describe(const ToMailbox& to) {
  std::string out = to.account_address;
  if (!to.detail.empty()) out += " detail " + to.detail;
  if (to.via == Via::alias) out += " by " + to.address;
  if (to.via == Via::catch_all) out += " as catch-all";
  if (to.via == Via::postmaster) out += " as postmaster";
  return out;
}

struct Describe {
  std::string operator()(const ToMailbox& to) const { return describe(to); }
  std::string operator()(const ToGroup& to) const {
    std::string out = "group";
    for (const ToMailbox& member : to.members) out += " [" + describe(member) + "]";
    return out;
  }
  std::string operator()(const NotHosted&) const { return "not hosted"; }
  std::string operator()(const UnknownUser&) const { return "unknown user"; }
  std::string operator()(const Disabled& d) const { return "disabled " + d.account_address; }
  std::string operator()(const Parked&) const { return "parked"; }
  std::string operator()(const GroupLoop&) const { return "group loop"; }
  std::string operator()(const GroupTooLarge&) const { return "group too large"; }
};

inline std::string SiteForTests::resolve(std::string_view address) const {
  const auto path = address::ForwardPath::parse(address);
  if (!path) return "no address";
  return std::visit(Describe{}, now().resolve(*path));
}

}  // namespace posthorn::directory
