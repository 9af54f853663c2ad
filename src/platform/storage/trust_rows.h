// TrustRows: what verification remembers of messages from outside: rows for DMARC reports, selectors seen. Committer
// only.
#pragma once

#include "platform/storage/database.h"
#include "platform/storage/unit.h"

namespace posthorn::storage {

class TrustRows {
 public:
  explicit TrustRows(const Database& database);

  void count(const DmarcRow& row);
  /// How many rows went.
  [[nodiscard]] std::uint64_t sweep(const SweepDmarcRows& which);

  void note(const SelectorRow& row);

  /// After a rollback of a unit or group: how many selectors there are must be asked again.
  void forget() { selectors_ = -1; }

 private:
  [[nodiscard]] std::uint64_t rows_of(std::int64_t day, std::string_view policy_domain);
  void agree_with_what_is_left(std::int64_t before);
  void make_room_for_selector(std::string_view domain);

  std::int64_t selectors_ = -1;  // rows of selectors_seen; -1: unknown
  Statement add_count_, rows_of_, add_row_, add_to_day_, forget_one_, sweep_rows_, sweep_days_;
  Statement first_left_, sweep_domains_, recount_domain_, recount_day_;
  Statement seen_, see_again_, add_selector_, selectors_of_, drop_oldest_of_, drop_oldest_, count_selectors_;
};

}  // namespace posthorn::storage
