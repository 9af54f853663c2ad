// SnapshotBuilder: a copy of a Snapshot that can still be changed. Only snapshot.cpp uses it.
#pragma once

#include <memory>
#include <string>

#include "platform/storage/unit.h"
#include "site/directory/snapshot.h"

namespace posthorn::directory {

inline constexpr std::string_view postmaster_setting = "directory/postmaster";

class SnapshotBuilder {
 public:
  explicit SnapshotBuilder(Snapshot from) : snapshot_(std::make_shared<Snapshot>(std::move(from))) {}

  void set_postmaster(std::string address) { snapshot_->postmaster_ = std::move(address); }
  void put(storage::DomainRow row);
  void put(storage::AccountRow row);
  void put(storage::LoginRow row);
  void put(storage::AddressRow row);
  void put(storage::GroupRow row);
  void apply(const storage::Mutation& mutation, const storage::Committed& outcome);
  [[nodiscard]] static bool concerns(const storage::Mutation& mutation);

  [[nodiscard]] std::shared_ptr<const Snapshot> take() { return std::move(snapshot_); }

 private:
  struct Apply;
  void remove_account(storage::AccountId id);
  void remove_login(storage::LoginId id);
  void remove_address(const std::string& address);

  std::shared_ptr<Snapshot> snapshot_;
};

}  // namespace posthorn::directory
