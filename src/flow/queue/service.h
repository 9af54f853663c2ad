// Service: the Queue at work. It does what Backlog says: starts couriers, reads pages, sweeps; and commits what
// settle.h decides. One lock guards the backlog; nothing awaits while it is held.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "flow/queue/backlog.h"
#include "flow/queue/operations.h"
#include "flow/queue/queue.h"
#include "flow/queue/settle.h"
#include "platform/runtime/event.h"
#include "platform/runtime/spawn.h"

namespace posthorn::queue {

class Service final : public Queue {
 public:
  Service(Surroundings surroundings, Policy policy, Routes routes);

  [[nodiscard]] Task<Result<void, Problem>> start() override;
  [[nodiscard]] Task<> stop(Duration grace) override;
  void committed(std::span<const storage::CommittedUnit> units) override;
  void reconfigure(Policy policy, Routes routes) override;
  [[nodiscard]] Policy policy() const override;
  [[nodiscard]] std::string next_hop(std::string_view recipient, std::string_view sender,
                                     std::string_view stream) const override;
  [[nodiscard]] Task<Result<std::uint64_t, Problem>> apply(Operation operation, storage::QueueFilter filter,
                                                           std::string by, Changes& told) override;
  [[nodiscard]] std::uint64_t waiting() const override;
  [[nodiscard]] std::size_t at_work() const override;

 private:
  /// An idle courier: set to wake it.
  struct IdleCourier {
    runtime::Event event;
    bool woken = false;
  };
  struct Counters {
    runtime::Counter *relayed = nullptr, *deferred = nullptr, *failed = nullptr, *reports = nullptr;
  };

  // dispatch.cpp
  [[nodiscard]] Task<> dispatch();
  void run_jobs();
  void run(const Job& job);
  void wake_idle(const std::string& hop);
  void kick();
  [[nodiscard]] Task<> read_page(std::string hop, std::size_t max);
  [[nodiscard]] Task<> sweep(std::string hop);
  [[nodiscard]] Task<> change_hop(storage::RecipientRow row, std::string next_hop);

  /// What an operation took from the backlog, after its commit.
  void give_back(Operation operation, const std::vector<RowChange>& changes, bool done);

  // carry.cpp
  [[nodiscard]] Task<> work(std::string hop, std::size_t loop);
  [[nodiscard]] std::optional<Parcel> take(const std::string& hop, bool arriving);
  [[nodiscard]] Task<bool> wait_for_work(std::string hop, std::size_t loop);
  [[nodiscard]] Task<> carry(Courier& courier, std::string hop, Parcel parcel);

  // commit.cpp
  [[nodiscard]] Task<std::vector<storage::RecipientRow>> commit(std::shared_ptr<const Mail> mail,
                                                                std::vector<Decision> decisions,
                                                                std::vector<Contact> contacts,
                                                                std::vector<std::string> notes);
  [[nodiscard]] Task<Result<OwnMessage, Problem>> write_report(std::shared_ptr<const Mail> mail, dsn::Report report);
  [[nodiscard]] Task<std::optional<storage::Unit>> plan_report(std::shared_ptr<const Mail> mail,
                                                               const std::vector<Decision>& decisions,
                                                               ReportFate& fate);
  void count(const std::vector<Decision>& decisions, const ReportFate& fate);

  [[nodiscard]] TimePoint now() const { return with_.clock->now(); }
  [[nodiscard]] std::shared_ptr<const Routes> routes() const;
  [[nodiscard]] bool stopping() const;

  const Surroundings with_;
  runtime::TaskGroup group_;
  Counters counters_;

  mutable std::mutex mutex_;
  Backlog backlog_;
  std::shared_ptr<const Routes> routes_;
  std::map<std::string, std::vector<std::shared_ptr<IdleCourier>>> idle_;
  runtime::Event kick_;
  bool kicked_ = false;
  bool stopping_ = false;
  std::size_t next_loop_ = 0;
};

}  // namespace posthorn::queue
