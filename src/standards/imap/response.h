// Responses: typed writers that put octets behind one another in a buffer (RFC 9051 7). They know what the session
// negotiated, so callers give UTF-8 and plain values. Used by one thread; nothing here waits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/time.h"
#include "standards/imap/command.h"
#include "standards/imap/fetch_items.h"
#include "standards/imap/list_match.h"
#include "standards/imap/numbers.h"

namespace posthorn::imap {

/// What stands in brackets behind OK, NO and BAD (RFC 9051 7.1, RFC 5530 and the extensions). Made by the functions
/// of `code`, empty for none.
struct ResponseCode {
  std::string text;  ///< without brackets
  [[nodiscard]] bool empty() const { return text.empty(); }
};

namespace code {
// RFC 9051 7.1 and RFC 5530
[[nodiscard]] ResponseCode alert();
[[nodiscard]] ResponseCode already_exists();
[[nodiscard]] ResponseCode authentication_failed();
[[nodiscard]] ResponseCode authorization_failed();
[[nodiscard]] ResponseCode bad_charset();  ///< with the charsets we know
[[nodiscard]] ResponseCode cannot();
[[nodiscard]] ResponseCode client_bug();
[[nodiscard]] ResponseCode closed();
[[nodiscard]] ResponseCode contact_admin();
[[nodiscard]] ResponseCode corruption();
[[nodiscard]] ResponseCode expired();
[[nodiscard]] ResponseCode expunge_issued();
[[nodiscard]] ResponseCode has_children();
[[nodiscard]] ResponseCode in_use();
[[nodiscard]] ResponseCode limit();
[[nodiscard]] ResponseCode nonexistent();
[[nodiscard]] ResponseCode no_permission();
[[nodiscard]] ResponseCode over_quota();
[[nodiscard]] ResponseCode parse();
[[nodiscard]] ResponseCode privacy_required();
[[nodiscard]] ResponseCode read_only();
[[nodiscard]] ResponseCode read_write();
[[nodiscard]] ResponseCode server_bug();
[[nodiscard]] ResponseCode try_create();
[[nodiscard]] ResponseCode unavailable();
[[nodiscard]] ResponseCode uid_next(Uid uid);
[[nodiscard]] ResponseCode uid_validity(std::uint32_t value);
[[nodiscard]] ResponseCode uid_not_sticky();
/// RFC 3501 only; a rev2 session is not told.
[[nodiscard]] ResponseCode unseen(SequenceNumber first);
/// "\*" is added where `may_create`.
[[nodiscard]] ResponseCode permanent_flags(std::uint8_t system, std::span<const std::string> keywords, bool may_create);
// RFC 4315: uids in the order of the messages appended, or copied
[[nodiscard]] ResponseCode append_uid(std::uint32_t uid_validity, std::span<const Uid> uids);
[[nodiscard]] ResponseCode copy_uid(std::uint32_t uid_validity, std::span<const Uid> from, std::span<const Uid> to);
// RFC 7162
[[nodiscard]] ResponseCode highest_mod_seq(ModSeq value);
[[nodiscard]] ResponseCode no_mod_seq();
[[nodiscard]] ResponseCode modified(const NumberSet& numbers);
// RFC 4469: `url` as the client wrote it
[[nodiscard]] ResponseCode bad_url(std::string_view url);
// RFC 5465
[[nodiscard]] ResponseCode bad_event();  ///< with the events we know
[[nodiscard]] ResponseCode notification_overflow();
// RFC 3516, 5182, 6154, 7889, 8474
[[nodiscard]] ResponseCode unknown_cte();
[[nodiscard]] ResponseCode not_saved();
[[nodiscard]] ResponseCode use_attribute();
[[nodiscard]] ResponseCode too_big();
[[nodiscard]] ResponseCode mailbox_id(std::string_view id);
}  // namespace code

/// How the session writes; the machine keeps it true as things are enabled.
struct Encoding {
  bool rev2 = false;         ///< IMAP4rev2 enabled: ESEARCH instead of SEARCH, no RECENT, UTF-8 names
  bool utf8_accept = false;  ///< RFC 9755: UTF-8 in ENVELOPE and everywhere
  bool condstore = false;    ///< MODSEQ in untagged FETCH
  bool qresync = false;      ///< VANISHED instead of EXPUNGE

  [[nodiscard]] bool utf8_names() const { return rev2 || utf8_accept; }
};

struct StatusResponse {
  std::string mailbox;
  std::optional<std::uint64_t> messages, recent, uid_next, uid_validity, unseen, deleted, size, highest_mod_seq,
      append_limit, deleted_storage;
  std::optional<std::string> mailbox_id;
};

/// The answer to SEARCH, SORT-free: either the plain or the extended form is written from it.
struct SearchResponse {
  bool is_uid = false;
  NumberSet numbers;              ///< sequence numbers or uids, after `returns.partial` was *not* yet applied
  std::optional<ModSeq> mod_seq;  ///< RFC 7162 3.1.5, 3.1.10: the highest of what is returned; only with MODSEQ asked
};

struct QuotaResource {
  std::string name;  ///< "STORAGE" (KiB), "MESSAGE"… (RFC 9208 5)
  std::uint64_t usage = 0;
  std::uint64_t limit = 0;
};

/// One node of a thread tree (RFC 5256 4): children by index into the same vector.
struct ThreadNode {
  std::uint32_t number = 0;  ///< 0: a missing parent
  std::vector<std::size_t> children;
};
struct ThreadTree {
  std::vector<ThreadNode> nodes;
  std::vector<std::size_t> roots;
};

class ResponseWriter {
 public:
  explicit ResponseWriter(Encoding encoding = {}) : encoding_(encoding) {}

  [[nodiscard]] const Encoding& encoding() const { return encoding_; }
  void set_encoding(Encoding encoding) { encoding_ = encoding; }
  [[nodiscard]] std::string& output() { return output_; }
  [[nodiscard]] std::size_t size() const { return output_.size(); }
  [[nodiscard]] std::string take() { return std::exchange(output_, {}); }

  // ---- status
  void ok(const ResponseCode& code, std::string_view text);  ///< untagged
  void no(const ResponseCode& code, std::string_view text);  ///< untagged: a warning
  void bye(const ResponseCode& code, std::string_view text);
  void tagged(std::string_view tag, std::string_view condition, const ResponseCode& code, std::string_view text);
  void continuation(std::string_view text);  ///< "+ text"

  // ---- the mailbox
  void exists(std::uint32_t count);
  void recent(std::uint32_t count);  ///< writes nothing in a rev2 session
  void expunge(SequenceNumber number);
  /// RFC 7162 3.2.10.
  void vanished(const NumberSet& uids, bool earlier);
  void flags(std::uint8_t system, std::span<const std::string> keywords);

  // ---- data
  void capability(std::string_view words);
  void enabled(std::string_view words);
  void id(std::span<const std::pair<std::string, std::string>> fields);
  void list(const ListEntry& entry);
  void lsub(const ListEntry& entry);
  /// The answer to LIST "" "".
  void list_separator();
  /// NAMESPACE (("" "/")) NIL NIL
  void name_space();
  void status(const StatusResponse& status);
  /// RFC 9208 5.1: `resources` without those that have no limit.
  void quota(std::string_view root, std::span<const QuotaResource> resources);
  void quota_root(std::string_view mailbox, std::span<const std::string> roots);
  /// SEARCH in a rev1 session without RETURN, else ESEARCH with what `returns` asks.
  void search(std::string_view tag, const SearchReturn& returns, const SearchResponse& response);
  void sort(std::span<const std::uint32_t> numbers, std::optional<ModSeq> mod_seq = std::nullopt);
  void thread(const ThreadTree& tree);

  // ---- FETCH: begin, items in any order, end
  void fetch_begin(SequenceNumber number);
  void fetch_uid(Uid uid);
  void fetch_flags(std::uint8_t system, std::span<const std::string> keywords);
  void fetch_mod_seq(ModSeq mod_seq);
  void fetch_size(std::uint64_t octets);
  void fetch_internal_date(TimePoint at);
  void fetch_save_date(std::optional<TimePoint> at);
  void fetch_email_id(std::string_view id);
  void fetch_thread_id(std::string_view id);  ///< empty: NIL
  /// `fact` as write_envelope (structure.h) made it; UTF-8 in it becomes encoded-words where the session needs it.
  void fetch_envelope(std::string_view fact);
  void fetch_body_structure(std::string_view fact);
  /// BODY without extension data, from the same fact.
  void fetch_body(std::string_view fact);
  void fetch_preview(const std::optional<std::string>& utf8);
  /// A whole section; nullopt: NIL (no such part).
  void fetch_section(const FetchSection& section, std::optional<std::string_view> octets);
  /// A section that is streamed: then exactly `octets` octets follow by append().
  void fetch_section_begin(const FetchSection& section, std::uint64_t octets);
  void append(std::string_view octets) { output_ += octets; }
  void fetch_binary_size(const FetchSection& section, std::uint64_t octets);
  void fetch_end();

  // ---- words
  /// string: quoted where it can be, else a literal (literal8 where it has NUL).
  void string(std::string_view octets);
  /// nstring.
  void nstring(const std::optional<std::string>& octets);
  /// mailbox or astring in the session's encoding of names.
  void mailbox(std::string_view utf8);
  void number(std::uint64_t value);

 private:
  void fetch_item(std::string_view name);
  void list_line(std::string_view verb, const ListEntry& entry);

  Encoding encoding_;
  std::string output_;
  bool is_first_item_ = true;
};

}  // namespace posthorn::imap
