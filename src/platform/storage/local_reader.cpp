#include "platform/storage/local_reader.h"

#include <sqlite3.h>

#include "platform/storage/content_rows.h"
#include "platform/storage/row_codec.h"

namespace posthorn::storage {
namespace {

Problem gone(MailId id, std::string why) {
  return Problem{ProblemKind::no, "cannot read the octets of " + id.text(), std::move(why),
                 "run `posthorn store verify` to see what is damaged"};
}

AccountRow account_row(const Statement& s) {
  return {AccountId{s.integer(0)}, s.text(1), s.text(2), s.integer(3) != 0, s.natural(4), s.text(5), s.time(6)};
}

}  // namespace

LocalReader::LocalReader(Database database, disk::SegmentFiles& segments)
    : database_(std::move(database)), segments_(segments) {}

void LocalReader::begin() {
  sql("BEGIN").run();
}

void LocalReader::end() {
  // A question that ended by an exception may have left statements open, and SQLite the transaction.
  for (auto& [text, statement] : statements_) statement.reset();
  if (sqlite3_get_autocommit(database_.handle()) == 0) sql("COMMIT").run();
}

Statement& LocalReader::sql(std::string_view text) {
  const auto found = statements_.find(text);
  if (found != statements_.end()) return found->second;
  return statements_.emplace(text, database_.prepare(text)).first->second;
}

// ---------------------------------------------------------------- octets

Result<void, Problem> LocalReader::read_octets(const StoredOctets& octets, std::uint64_t offset, std::size_t max,
                                               OctetString& to) {
  std::uint64_t left = max;
  if (offset < octets.header_block.size()) {
    const Octets piece = Octets(octets.header_block).substr(offset, left);
    to.append(piece);
    left -= piece.size();
  }
  std::uint64_t skip = offset > octets.header_block.size() ? offset - octets.header_block.size() : 0;
  // No ranges means the whole content.
  const ContentRange whole{0, octets.size - octets.header_block.size()};
  const std::span<const ContentRange> ranges =
      octets.ranges.empty() ? std::span(&whole, 1) : std::span<const ContentRange>(octets.ranges);
  for (const ContentRange& range : ranges) {
    if (left == 0) break;
    if (skip >= range.length) {
      skip -= range.length;
      continue;
    }
    const std::uint64_t count = std::min(left, range.length - skip);
    if (auto read = read_content(octets.content, range.offset + skip, count, to); !read) return read;
    left -= count;
    skip = 0;
  }
  return {};
}

Result<void, Problem> LocalReader::read_content(MailId id, std::uint64_t offset, std::uint64_t max, OctetString& to) {
  Statement& row = sql("SELECT place, segment, position, size FROM contents WHERE id = ?").with(id);
  if (!row.step()) return fail(gone(id, "no such content"));
  const std::int64_t place = row.integer(0);
  const std::uint64_t segment = row.natural(1);
  const std::uint64_t position = row.natural(2);
  const std::uint64_t size = row.natural(3);
  row.reset();
  if (offset > size || max > size - offset) return fail(gone(id, "it is shorter than its row says"));
  if (place == place_segment) return read_file(id, segments_.file(segment), position + offset, max, to);
  if (place == place_file) {
    const auto path = segments_.layout().message(id);
    auto opened = segments_.files().open(path, disk::OpenMode::read);
    if (!opened) return fail(gone(id, std::strerror(opened.error().code)));
    return read_file(id, std::shared_ptr<disk::File>(std::move(*opened)), offset, max, to);
  }
  // substr counts from 1.
  Statement& octets = sql("SELECT substr(octets, ?, ?) FROM contents WHERE id = ?").with(offset + 1, max, id);
  if (!octets.step()) return fail(gone(id, "no such content"));
  to.append(octets.octets(0));
  octets.reset();
  return {};
}

Result<void, Problem> LocalReader::read_file(MailId id, Result<std::shared_ptr<disk::File>, disk::FileError> file,
                                             std::uint64_t offset, std::uint64_t max, OctetString& to) {
  if (!file) return fail(gone(id, std::strerror(file.error().code)));
  const std::size_t before = to.size();
  to.resize(before + max);
  const auto count = (*file)->read_at(offset, std::span(to).subspan(before));
  if (count && *count == max) return {};
  to.resize(before);
  return fail(gone(id, count ? "its file is cut short" : std::strerror(count.error().code)));
}

// ---------------------------------------------------------------- directory

std::vector<DomainRow> LocalReader::domains() {
  std::vector<DomainRow> rows;
  Statement& s = sql("SELECT name, state, settings, created FROM domains").with();
  while (s.step()) rows.push_back({s.text(0), s.text(1), s.text(2), s.time(3)});
  return rows;
}

std::vector<AccountRow> LocalReader::accounts() {
  std::vector<AccountRow> rows;
  Statement& s =
      sql("SELECT id, address, password_hash, enabled, quota_octets, settings, created FROM accounts").with();
  while (s.step()) rows.push_back(account_row(s));
  return rows;
}

std::optional<AccountRow> LocalReader::account(AccountId id) {
  std::optional<AccountRow> row;
  Statement& s = sql("SELECT id, address, password_hash, enabled, quota_octets, settings, created FROM accounts WHERE "
                     "id = ?")
                     .with(id);
  if (s.step()) row = account_row(s);
  s.reset();
  return row;
}

std::vector<LoginRow> LocalReader::logins() {
  std::vector<LoginRow> rows;
  Statement& s = sql("SELECT id, account, name, label, scope, iterations, salt, stored_key, server_key, created, "
                     "last_used, last_used_from FROM logins")
                     .with();
  while (s.step()) {
    LoginRow row{LoginId{s.integer(0)},
                 AccountId{s.integer(1)},
                 s.text(2),
                 s.text(3),
                 s.text(4),
                 s.small(5),
                 s.text(6),
                 s.text(7),
                 s.text(8),
                 s.time(9),
                 std::nullopt,
                 s.text(11)};
    if (!s.is_null(10)) row.last_used = s.time(10);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<AddressRow> LocalReader::addresses() {
  std::vector<AddressRow> rows;
  Statement& s = sql("SELECT address, account FROM addresses").with();
  while (s.step()) rows.push_back({s.text(0), AccountId{s.integer(1)}});
  return rows;
}

std::vector<GroupRow> LocalReader::groups() {
  std::vector<GroupRow> rows;
  Statement& s = sql("SELECT address, members FROM groups").with();
  while (s.step()) rows.push_back({s.text(0), split(s.octets(1), '\n')});
  return rows;
}

UsageRow LocalReader::usage(AccountId account) {
  UsageRow row;
  Statement& s =
      sql("SELECT coalesce(sum(octets), 0), coalesce(sum(messages), 0) FROM mailboxes WHERE account = ?").with(account);
  if (s.step()) row = {s.natural(0), s.natural(1)};
  s.reset();
  return row;
}

std::string LocalReader::setting(std::string_view key) {
  std::string value;
  Statement& s = sql("SELECT value FROM settings WHERE key = ?").with(key);
  if (s.step()) value = s.text(0);
  s.reset();
  return value;
}

std::vector<std::pair<std::string, std::string>> LocalReader::settings(std::string_view prefix, std::string_view after,
                                                                       std::size_t max) {
  std::vector<std::pair<std::string, std::string>> found;
  const std::string from{std::max(prefix, after)};
  std::string end{prefix};
  ++end.back();
  Statement& s = sql("SELECT key, value FROM settings WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?")
                     .with(from, end, after, max);
  while (s.step()) found.emplace_back(s.text(0), s.text(1));
  return found;
}

std::vector<KeyRow> LocalReader::keys(std::string_view kind) {
  std::vector<KeyRow> rows;
  Statement& s = sql("SELECT kind, owner, name, state, sealed, facts, created, changed FROM keys WHERE kind = ? "
                     "ORDER BY owner, name")
                     .with(kind);
  while (s.step())
    rows.push_back({s.text(0), s.text(1), s.text(2), s.text(3), s.text(4), s.text(5), s.time(6), s.time(7)});
  return rows;
}

}  // namespace posthorn::storage
