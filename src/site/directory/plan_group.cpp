// Groups: addresses that stand for several accounts or groups here.
#include <algorithm>
#include <set>

#include "site/directory/plan.h"
#include "site/directory/refusal.h"

namespace posthorn::directory {
namespace {

/// How deep the groups below `address` reach (1: none), and whether `target` is among them.
struct Reach {
  std::size_t depth = 1;
  bool meets_target = false;
};
Reach reach(const Snapshot& directory, std::string_view address, std::string_view target, std::size_t left) {
  Reach found;
  const storage::GroupRow* group = directory.group(address);
  if (group == nullptr || left == 0) return {group == nullptr ? 0u : 1u, address == target};
  for (const std::string& member : group->members) {
    const Reach inner = reach(directory, member, target, left - 1);
    found.depth = std::max(found.depth, inner.depth + 1);
    found.meets_target = found.meets_target || inner.meets_target || member == target;
  }
  return found;
}

/// Why an address cannot be a member of `group`; nullopt: it can.
std::optional<Problem> unfit(const Snapshot& directory, const std::string& what, const std::string& group,
                             const std::string& member) {
  if (directory.domain(domain_of(member)) == nullptr) {
    return no(what, fmt::format("{} is not here, and mail is not forwarded yet", member),
              "only accounts and groups of this site can be members");
  }
  if (directory.account_of(member) == nullptr && directory.group(member) == nullptr) {
    return no(what, fmt::format("there is no {}", member), "add the account or group first");
  }
  if (member == group) return no(what, "a group cannot be its own member", "");
  const std::size_t depth_max = directory.bounds().group_depth;
  const Reach below = reach(directory, member, group, depth_max + 1);
  if (below.meets_target) return no(what, fmt::format("{} contains it already: that is a circle", member), "");
  if (below.depth + 1 > depth_max) {
    return no(what, fmt::format("groups within groups go {} deep at most", depth_max),
              "raise limits.group_depth, or name the members themselves");
  }
  return std::nullopt;
}

}  // namespace

Plan add_group(const Snapshot& directory, std::string_view address, const std::vector<std::string>& members) {
  auto key = read_address(address);
  if (!key) return fail(std::move(key.error()));
  const storage::GroupRow* present = directory.group(*key);
  const std::string what = fmt::format("cannot {} the group {}", present != nullptr ? "add to" : "add", *key);
  if (present == nullptr && directory.account_of(*key) != nullptr) {
    return fail(no(what, "it is an account or one of its addresses", "choose another address"));
  }
  if (directory.domain(domain_of(*key)) == nullptr) {
    return fail(no(what, fmt::format("the domain {} is not here", domain_of(*key)),
                   fmt::format("add it: posthorn domain add {}", domain_of(*key))));
  }
  if (members.empty()) return fail(Problem{ProblemKind::usage, what, "it has no members", "name some with --member"});
  storage::GroupRow row = present != nullptr ? *present : storage::GroupRow{.address = *key, .members = {}};
  for (const std::string& member : members) {
    auto member_key = read_address(member);
    if (!member_key) return fail(std::move(member_key.error()));
    if (auto problem = unfit(directory, what, *key, *member_key)) return fail(std::move(*problem));
    if (std::ranges::find(row.members, *member_key) == row.members.end()) row.members.push_back(std::move(*member_key));
  }
  if (row.members.size() > directory.bounds().group_members) {
    return fail(no(what, fmt::format("it would have {} members", row.members.size()),
                   fmt::format("a group has {} at most (limits.group_members)", directory.bounds().group_members)));
  }
  storage::Unit unit;
  if (present == nullptr) {
    for (const char* const kind : {"account", "address", "group"}) {
      unit.preconditions.emplace_back(storage::NameFree{kind, *key});
    }
  } else {
    unit.preconditions.emplace_back(storage::NameTaken{"group", *key});
  }
  unit.mutations.emplace_back(storage::PutGroup{std::move(row)});
  return unit;
}

Plan remove_group(const Snapshot& directory, std::string_view address, const std::vector<std::string>& members) {
  auto key = read_address(address);
  if (!key) return fail(std::move(key.error()));
  const storage::GroupRow* present = directory.group(*key);
  const std::string what = fmt::format("cannot remove from the group {}", *key);
  if (present == nullptr) return fail(no(what, "there is no such group", "posthorn group list shows them all"));
  storage::GroupRow row = *present;
  for (const std::string& member : members) {
    auto member_key = read_address(member);
    if (!member_key) return fail(std::move(member_key.error()));
    if (std::erase(row.members, *member_key) == 0)
      return fail(no(what, fmt::format("{} is no member", *member_key), ""));
  }
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::NameTaken{"group", *key});
  if (!members.empty() && !row.members.empty()) {
    unit.mutations.emplace_back(storage::PutGroup{std::move(row)});
    return unit;
  }
  for (const storage::GroupRow* other : directory.groups()) {
    if (std::ranges::find(other->members, *key) != other->members.end()) {
      return fail(no(what, fmt::format("it is a member of {}", other->address), "take it out of that first"));
    }
  }
  unit.mutations.emplace_back(storage::RemoveGroup{*key});
  return unit;
}

}  // namespace posthorn::directory
