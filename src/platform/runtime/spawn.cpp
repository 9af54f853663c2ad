#include "platform/runtime/spawn.h"

#include <list>
#include <mutex>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "platform/runtime/event.h"

namespace posthorn::runtime {
namespace {

namespace asio = boost::asio;

struct Child {
  Child(const Executor& e, const char* n) : executor(e), name(n) {}
  Executor executor;
  const char* name;
  asio::cancellation_signal cancellation;  // used on `executor` alone
  std::list<std::shared_ptr<Child>>::iterator place;
};

}  // namespace

class TaskGroup::State {
 public:
  State(const char* name, Logger log) : name_(name), log_(std::move(log)) {}

  std::shared_ptr<Child> add(const Executor& executor, const char* name) {
    auto child = std::make_shared<Child>(executor, name);
    const std::lock_guard lock(mutex_);
    child->place = children_.insert(children_.end(), child);
    return child;
  }

  void remove(const Child& child, const std::exception_ptr& exception) {
    if (exception) report(child, exception);
    std::optional<Event> empty;
    {
      const std::lock_guard lock(mutex_);
      const std::shared_ptr<Child> keep = *child.place;
      children_.erase(child.place);
      if (children_.empty()) empty.swap(joining_);
    }
    if (empty) empty->set();
  }

  void cancel() {
    std::vector<std::shared_ptr<Child>> children;
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
      children.assign(children_.begin(), children_.end());
    }
    for (const auto& child : children) {
      asio::post(child->executor, [child] { child->cancellation.emit(asio::cancellation_type::terminal); });
    }
  }

  [[nodiscard]] bool cancelled() const {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

  [[nodiscard]] std::optional<Event> wait_until_empty() {
    const std::lock_guard lock(mutex_);
    if (children_.empty()) return std::nullopt;
    if (!joining_) joining_.emplace();
    return joining_;
  }

  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return children_.size();
  }
  [[nodiscard]] std::size_t failures() const { return failures_.load(); }

 private:
  /// One of the two places that catch (STYLE.md, Errors 19); main() is the other.
  void report(const Child& child, const std::exception_ptr& exception) {
    try {
      std::rethrow_exception(exception);
    } catch (const boost::system::system_error& error) {
      if (error.code() == asio::error::operation_aborted) return;  // cancelled, as asked
      fail(child, error.what());
    } catch (const std::exception& error) {
      fail(child, error.what());
    } catch (...) {
      fail(child, "unknown exception");
    }
  }
  void fail(const Child& child, const char* what) {
    failures_.fetch_add(1);
    log_.error("task broke", {{"group", name_}, {"task", child.name}, {"why", what}});
  }

  const char* name_;
  Logger log_;
  mutable std::mutex mutex_;
  std::list<std::shared_ptr<Child>> children_;
  std::optional<Event> joining_;
  bool cancelled_ = false;
  std::atomic<std::size_t> failures_{0};
};

namespace {

struct Ended {
  std::shared_ptr<TaskGroup::State> state;
  std::shared_ptr<Child> child;
  void operator()(const std::exception_ptr& exception) const { state->remove(*child, exception); }
};

}  // namespace

TaskGroup::TaskGroup(const char* name, Logger log) : state_(std::make_shared<State>(name, std::move(log))) {}
TaskGroup::~TaskGroup() = default;
std::size_t TaskGroup::size() const {
  return state_->size();
}
std::size_t TaskGroup::failures() const {
  return state_->failures();
}
void TaskGroup::cancel() {
  state_->cancel();
}

Task<> TaskGroup::join() {
  while (const std::optional<Event> empty = state_->wait_until_empty()) co_await empty->wait();
}

void spawn(TaskGroup& group, const Executor& executor, const char* name, Task<> task) {
  const std::shared_ptr<TaskGroup::State> state = group.state_;
  const std::shared_ptr<Child> child = state->add(executor, name);
  // The signal is touched on the child's executor alone, so starting happens there, too.
  asio::dispatch(executor, [state, child, task = std::move(task)]() mutable {
    if (state->cancelled()) return state->remove(*child, nullptr);
    asio::co_spawn(child->executor, std::move(task),
                   asio::bind_cancellation_slot(child->cancellation.slot(), Ended{state, child}));
  });
}

}  // namespace posthorn::runtime
