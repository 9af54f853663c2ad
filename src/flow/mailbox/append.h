// Append: the messages of one APPEND, MULTIAPPEND or REPLACE, taken as they stream in, stored by one unit
// (Mailboxes::finish_append). Dropping it leaves nothing behind.
//
//   Append append = mailboxes.begin_append(account);
//   auto begun = append.begin_message(flags, keywords, date);
//   … co_await append.write(octets) …          // as many times as it takes
//   auto ended = co_await append.end_message();
//   … next message …
//   auto done = co_await mailboxes.finish_append(std::move(append), target);
//
// One session, one executor.
#pragma once

#include <memory>

#include "flow/mailbox/operations.h"
#include "platform/runtime/random.h"
#include "platform/storage/store.h"
#include "standards/message/header.h"

namespace posthorn::mailbox {

class Append {
 public:
  Append(storage::Store& store, runtime::IdSource& ids, storage::AccountId account, TimePoint now);
  Append(Append&&) noexcept;
  Append& operator=(Append&&) noexcept;
  ~Append();

  /// internal_date: the present where absent. Fails above appended_messages_max or the bounds of keywords.
  [[nodiscard]] Outcome<void> begin_message(std::uint8_t flags, std::vector<std::string> keywords,
                                            std::optional<TimePoint> internal_date);
  /// True when write(n octets) would be a memory copy only; then write_now may be used instead.
  [[nodiscard]] bool fits_in_memory(std::size_t n) const;
  void write_now(Octets octets);
  [[nodiscard]] Task<Outcome<void>> write(Octets octets);
  [[nodiscard]] Task<Outcome<void>> end_message();

  [[nodiscard]] std::size_t messages() const;
  /// All messages together, the present one included.
  [[nodiscard]] std::uint64_t octets() const;

 private:
  friend class Mailboxes;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthorn::mailbox
