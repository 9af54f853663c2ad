// Verification: one pass over a store's rows and files, in one state of the database. verify.h says what it finds.
//
// Every row that a message needs is looked up by itself, so that a damaged page names just the messages on it.
// verification.cpp: the pass, the database's own check, sums; verification_rows.cpp, _contents.cpp, _pages.cpp: as
// named.
#pragma once

#include <map>
#include <unordered_map>

#include "platform/disk/segments.h"
#include "platform/storage/database.h"
#include "platform/storage/page_damage.h"
#include "platform/storage/verify.h"

namespace posthorn::storage {

class Verification {
 public:
  /// `notes`: of this connection, from before anything was read (note_damaged_pages).
  Verification(const Database& database, const disk::PageNotes& notes, disk::SegmentFiles& segments)
      : database_(database), notes_(notes), segments_(segments) {}

  [[nodiscard]] VerifyReport run();

 private:
  struct Content {
    std::int64_t references = 0;  // by rows
    bool damaged = false;
  };
  struct Usage {
    std::int64_t octets = 0;
    std::int64_t messages = 0;
  };
  struct Mailbox {
    std::string name;
    std::uint64_t uid_next = 0;
    std::optional<Usage> stored;  // as its row says
    Usage found;                  // by its emails
  };
  using MailboxKey = std::pair<std::int64_t, std::int64_t>;
  using RowHandler = std::function<void(const Statement&)>;

  void check_database();
  void read_names();
  void check_emails();
  void check_email_row(const Statement& row, Statement& data);
  void check_email_data();
  void check_facts();
  void check_queue();
  void check_recipients();
  void check_contents();
  void check_content(MailId id, const Content& content, Statement& rows);
  void check_segment_octets(MailId id, std::uint64_t segment, std::uint64_t position, std::uint64_t size,
                            std::uint32_t crc);
  void check_file_octets(MailId id, std::uint64_t size, std::uint32_t crc);
  void check_unnamed_contents();
  void check_segment_totals();
  void check_usage();
  void check_dmarc_days();
  void check_pages();
  void read_free_pages();
  void tell_page(const PageDamage& page);
  [[nodiscard]] Damage touched_by(const PageDamage& page) const;
  void leave_out_the_named(Damage& damage) const;
  void name_touched_messages();

  /// Calls `handle` for each row of `select` in the order of `key`; where a page cannot be read, goes on from the
  /// other end, so that only what stands on damaged pages is left out.
  void scan(std::string_view what, const std::string& select, const std::string& key, const RowHandler& handle);
  Damage& add(DamageKind kind, std::string what, MailId content = {});
  void damage_content(DamageKind kind, MailId id, std::string what);
  [[nodiscard]] TouchedEmail touched(std::int64_t account, std::int64_t mailbox, Uid uid, EmailId id) const;

  const Database& database_;
  const disk::PageNotes& notes_;
  disk::SegmentFiles& segments_;
  VerifyReport report_;
  Damage overflow_;  // what does not fit in the report
  std::map<std::uint64_t, Content> contents_;
  std::map<std::int64_t, std::string> accounts_;
  std::map<MailboxKey, Mailbox> mailboxes_;
  std::unordered_map<std::uint64_t, std::size_t> damage_of_content_;  // index in report_.damages
};

}  // namespace posthorn::storage
