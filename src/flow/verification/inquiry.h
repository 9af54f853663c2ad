// Inquiry: the DNS questions of one message. Each is asked once and begins when it is first wanted, so that what is
// known early goes out early and in parallel; from the end of the message on all of them stand under one deadline.
//
// A Resolver for the standards rooms: they ask it as if it were the DNS. What is unanswered at the deadline becomes
// `timeout`, and so does every later question. Lives on one loop; shared, since questions may outlive the message.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "platform/runtime/clock.h"
#include "platform/runtime/event.h"
#include "platform/runtime/spawn.h"
#include "standards/dns/resolver.h"

namespace posthorn::verification {

/// Ours: SPF asks about a hundred names at most, sixteen signatures and the walks of their domains as many again.
inline constexpr std::size_t questions_max = 500;

/// What every inquiry works with; all outlive the task group's tasks.
struct Surroundings {
  dns::Resolver* resolver = nullptr;
  runtime::Clock* clock = nullptr;
  runtime::TaskGroup* tasks = nullptr;
};

class Inquiry final : public dns::Resolver, public std::enable_shared_from_this<Inquiry> {
 public:
  [[nodiscard]] static std::shared_ptr<Inquiry> make(const Surroundings& around, runtime::Executor executor);

  /// Asks without waiting for the answer.
  void begin(const dns::Name& name, dns::RecordType type) override;
  [[nodiscard]] Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override;

  /// Ends it at `when`. Once.
  void set_deadline(TimePoint when);
  /// Whether the deadline has passed.
  [[nodiscard]] bool is_over() const { return over_; }
  /// Questions asked so far.
  [[nodiscard]] std::size_t size() const { return questions_.size(); }

 private:
  struct Question {
    std::optional<dns::Answer> answer;
    std::vector<runtime::Event> waiting;
  };
  using Key = std::pair<dns::Name, dns::RecordType>;

  Inquiry(const Surroundings& around, runtime::Executor executor) : around_(around), executor_(std::move(executor)) {}
  [[nodiscard]] Question& question(const Key& key);
  [[nodiscard]] static Task<> ask(std::shared_ptr<Inquiry> self, Key key);
  void settle(Question& question, dns::Answer answer);
  void end();

  Surroundings around_;
  runtime::Executor executor_;
  std::map<Key, Question> questions_;  // nodes stay where they are
  std::unique_ptr<runtime::Clock::Alarm> alarm_;
  bool over_ = false;
};

}  // namespace posthorn::verification
