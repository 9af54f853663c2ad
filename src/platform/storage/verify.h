// Verifying a store: every record and row against each other. Nothing is repaired; the report says exactly which
// messages a damage touches, so that they can be fetched from a backup or reported as lost.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "platform/storage/rows.h"

namespace posthorn::storage {

struct StoreOptions;  // store.h

enum class DamageKind : std::uint8_t {
  database,          ///< SQLite's integrity_check found something
  content_octets,    ///< octets do not have the CRC32C or length their row names
  content_missing,   ///< a file is gone or cut short
  record_header,     ///< a segment record's header is not the one its row names
  dangling_content,  ///< an email or queue row names a content that has no row
  reference_count,   ///< a content is named more or less often than its row says
  usage,             ///< a mailbox's octets and messages are not those of its emails
  mailbox,           ///< an email without mailbox, or a uid at or above the mailbox's uid_next
  queue,             ///< recipients without a queue row, or a queue row without recipients
  segment_total,     ///< a segment's live octets are not the sum of its contents
  dmarc_day,         ///< a day's rows for DMARC reports are not as many as its sum says
};
[[nodiscard]] std::string_view damage_name(DamageKind kind);

/// An email that a damage touches.
struct TouchedEmail {
  AccountId account;
  std::string account_address;
  MailboxId mailbox;
  std::string mailbox_name;
  Uid uid = 0;
  EmailId email_id;
};

struct Damage {
  DamageKind kind{};
  std::string what;  ///< one line for a person: file, offset, expected, found
  MailId content;    ///< null: no content is concerned
  std::vector<TouchedEmail> emails;
  std::vector<MailId> queued;  ///< queue entries
};

struct VerifyReport {
  std::uint64_t contents = 0;
  std::uint64_t octets = 0;  ///< of contents, read and checked
  std::uint64_t emails = 0;
  std::uint64_t queued = 0;
  std::uint64_t recipients = 0;
  std::uint64_t segments = 0;
  std::uint64_t files = 0;
  std::vector<Damage> damages;  ///< at most damages_max
  bool more = false;            ///< there were more than that

  [[nodiscard]] bool clean() const { return damages.empty(); }
};
inline constexpr std::size_t damages_max = 10'000;

/// Verifies a store that no process holds (it is locked meanwhile). Nothing is written, also not by recovery: a WAL
/// is read as it is. Store::verify() does the same for a running one.
[[nodiscard]] Result<VerifyReport, Problem> verify_folder(const StoreOptions& options);

}  // namespace posthorn::storage
