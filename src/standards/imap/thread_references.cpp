// The steps are those of RFC 5256 3, REFERENCES.
#include "standards/imap/thread_references.h"

#include <algorithm>
#include <unordered_map>

namespace posthorn::imap {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

struct Container {
  std::size_t message = none;  ///< none: a dummy
  std::size_t parent = none;
  std::vector<std::size_t> children;
};

class Threader {
 public:
  explicit Threader(std::vector<ThreadKeys> messages) : messages_(std::move(messages)) {}

  ThreadTree run() {
    link_messages();   // step 1
    gather_roots();    // step 2
    prune();           // step 3
    sort_siblings();   // step 4
    merge_subjects();  // step 5
    sort_siblings();   // step 6
    return tree();
  }

 private:
  std::size_t new_container() {
    containers_.emplace_back();
    return containers_.size() - 1;
  }

  std::size_t container_of(std::string_view id) {
    const auto [at, is_new] = by_id_.try_emplace(id, containers_.size());
    return is_new ? new_container() : at->second;
  }

  // ---- step 1

  void link_messages() {
    containers_.reserve(messages_.size() * 2);
    for (std::size_t i = 0; i < messages_.size(); ++i) link_message(i);
  }

  void link_message(std::size_t index) {
    const auto& message = messages_[index];
    // 1.A: links along the references, where they do not exist yet and make no loop.
    std::size_t previous = none;
    for (const auto& id : message.references) {
      const auto reference = container_of(id);
      if (previous != none && containers_[reference].parent == none) link(previous, reference);
      previous = reference;
    }
    // 1.B: the last reference (or nothing) is the message's parent, whatever others said of it.
    const auto self = container_for(index);
    unlink(self);
    if (previous != none && !is_above(self, previous)) link(previous, self);
  }

  // A message without an id, or with one seen before, stands for itself.
  std::size_t container_for(std::size_t index) {
    const auto& id = messages_[index].message_id;
    auto self = id.empty() ? new_container() : container_of(id);
    if (containers_[self].message != none) self = new_container();
    containers_[self].message = index;
    return self;
  }

  [[nodiscard]] bool is_above(std::size_t upper, std::size_t lower) const {
    // Without children it is above nothing but itself: chains in order cost no walk.
    if (containers_[upper].children.empty()) return upper == lower;
    for (auto at = lower; at != none; at = containers_[at].parent) {
      if (at == upper) return true;
    }
    return false;
  }

  void link(std::size_t parent, std::size_t child) {
    if (is_above(child, parent)) return;
    containers_[child].parent = parent;
    containers_[parent].children.push_back(child);
  }

  void unlink(std::size_t child) {
    const auto parent = std::exchange(containers_[child].parent, none);
    if (parent != none) std::erase(containers_[parent].children, child);
  }

  // ---- steps 2 and 3

  void gather_roots() {
    for (std::size_t i = 0; i < containers_.size(); ++i) {
      if (containers_[i].parent == none) roots_.push_back(i);
    }
  }

  [[nodiscard]] bool is_dummy(std::size_t container) const { return containers_[container].message == none; }

  /// Parents before their children.
  [[nodiscard]] std::vector<std::size_t> top_down() const {
    auto order = roots_;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto& children = containers_[order[i]].children;
      order.insert(order.end(), children.begin(), children.end());
    }
    return order;
  }

  // 3: dummies without children go; children of the others are promoted.
  void prune() {
    const auto order = top_down();
    for (std::size_t i = order.size(); i-- > 0;) prune_children(order[i]);
    std::vector<std::size_t> kept;
    for (const auto root : roots_) {
      const auto& children = containers_[root].children;
      if (!is_dummy(root) || children.size() > 1) {
        kept.push_back(root);
      } else if (children.size() == 1) {
        containers_[children.front()].parent = none;
        kept.push_back(children.front());
      }
    }
    roots_ = std::move(kept);
  }

  void prune_children(std::size_t container) {
    const auto& before = containers_[container].children;
    if (std::ranges::none_of(before, [&](std::size_t child) { return is_dummy(child); })) return;
    std::vector<std::size_t> kept;
    for (const auto child : before) {
      if (!is_dummy(child)) {
        kept.push_back(child);
        continue;
      }
      for (const auto grandchild : containers_[child].children) kept.push_back(grandchild);
    }
    for (const auto child : kept) containers_[child].parent = container;
    containers_[container].children = std::move(kept);
  }

  // ---- steps 4 and 6

  /// Of a dummy, its first child's: children are sorted before their parents.
  [[nodiscard]] const ThreadKeys& keys(std::size_t container) const {
    const auto& node = containers_[container];
    return messages_[node.message != none ? node.message : containers_[node.children.front()].message];
  }

  void sort_by_date(std::vector<std::size_t>& siblings) const {
    std::ranges::sort(siblings, [&](std::size_t a, std::size_t b) {
      const auto& left = keys(a);
      const auto& right = keys(b);
      return left.date != right.date ? left.date < right.date : left.number < right.number;
    });
  }

  void sort_siblings() {
    const auto order = top_down();
    for (std::size_t i = order.size(); i-- > 0;) {
      auto& children = containers_[order[i]].children;
      if (children.size() > 1) sort_by_date(children);
    }
    sort_by_date(roots_);
  }

  // ---- step 5

  void merge_subjects() {
    std::unordered_map<std::string_view, std::size_t> table;
    for (const auto root : roots_) enter_subject(table, root);
    const auto before = roots_;
    for (const auto root : before) {
      const bool is_merged = containers_[root].parent != none;
      const auto found = is_merged ? table.end() : table.find(keys(root).subject);
      if (found != table.end() && found->second != root) merge(found->second, root);
    }
    std::erase_if(roots_, [&](std::size_t root) {
      const auto& container = containers_[root];
      return container.parent != none || (container.message == none && container.children.empty());
    });
  }

  // 5.B: the table holds the thread that others of its subject are merged into.
  void enter_subject(std::unordered_map<std::string_view, std::size_t>& table, std::size_t root) {
    const auto& mine = keys(root);
    if (mine.subject.empty()) return;
    const auto [at, is_new] = table.try_emplace(mine.subject, root);
    if (is_new) return;
    const auto there = at->second;
    const bool is_dummy_better = is_dummy(root) && !is_dummy(there);
    const bool is_original_better = !is_dummy(there) && keys(there).is_reply_or_forward && !mine.is_reply_or_forward;
    if (is_dummy_better || is_original_better) at->second = root;
  }

  // 5.C: `root` joins `target`, which the table holds.
  void merge(std::size_t& target, std::size_t root) {
    if (is_dummy(target) && is_dummy(root)) {
      for (const auto child : std::exchange(containers_[root].children, {})) adopt(target, child);
    } else if (is_dummy(target) || (keys(root).is_reply_or_forward && !keys(target).is_reply_or_forward)) {
      adopt(target, root);
    } else {
      join_as_siblings(target, root);
    }
  }

  void adopt(std::size_t parent, std::size_t child) {
    containers_[child].parent = parent;
    containers_[parent].children.push_back(child);
  }

  // Both become children of a new dummy, which takes the target's place.
  void join_as_siblings(std::size_t& target, std::size_t root) {
    const auto dummy = new_container();
    roots_.push_back(dummy);
    adopt(dummy, target);
    adopt(dummy, root);
    target = dummy;
  }

  // ---- the answer

  [[nodiscard]] ThreadTree tree() const {
    ThreadTree result;
    result.nodes.reserve(containers_.size());
    for (const auto& container : containers_) {
      const auto number = container.message == none ? 0 : messages_[container.message].number;
      result.nodes.push_back({number, container.children});
    }
    result.roots = roots_;
    return result;
  }

  std::vector<ThreadKeys> messages_;
  std::vector<Container> containers_;
  std::unordered_map<std::string_view, std::size_t> by_id_;
  std::vector<std::size_t> roots_;
};

}  // namespace

ThreadTree thread_by_references(std::vector<ThreadKeys> messages) {
  return Threader(std::move(messages)).run();
}

}  // namespace posthorn::imap
