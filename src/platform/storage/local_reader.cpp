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

LoginRow login_row(const Statement& s) {
  LoginRow row;
  row.id = LoginId{s.integer(0)};
  row.account = AccountId{s.integer(1)};
  row.name = s.text(2);
  row.label = s.text(3);
  row.scope = s.text(4);
  row.iterations = s.small(5);
  row.salt = s.text(6);
  row.stored_key = s.text(7);
  row.server_key = s.text(8);
  row.created = s.time(9);
  if (!s.is_null(10)) row.last_used = s.time(10);
  row.last_used_from = s.text(11);
  return row;
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
  return sql("SELECT name, state, settings, created FROM domains").with().rows([](const Statement& s) {
    return DomainRow{s.text(0), s.text(1), s.text(2), s.time(3)};
  });
}

std::vector<AccountRow> LocalReader::accounts() {
  return sql("SELECT id, address, password_hash, enabled, quota_octets, settings, created FROM accounts")
      .with()
      .rows(account_row);
}

std::optional<AccountRow> LocalReader::account(AccountId id) {
  return sql("SELECT id, address, password_hash, enabled, quota_octets, settings, created FROM accounts WHERE "
             "id = ?")
      .with(id)
      .row(account_row);
}

std::vector<LoginRow> LocalReader::logins() {
  return sql("SELECT id, account, name, label, scope, iterations, salt, stored_key, server_key, created, "
             "last_used, last_used_from FROM logins")
      .with()
      .rows(login_row);
}

std::vector<AddressRow> LocalReader::addresses() {
  return sql("SELECT address, account FROM addresses").with().rows([](const Statement& s) {
    return AddressRow{s.text(0), AccountId{s.integer(1)}};
  });
}

std::vector<GroupRow> LocalReader::groups() {
  return sql("SELECT address, members FROM groups").with().rows([](const Statement& s) {
    return GroupRow{s.text(0), split(s.octets(1), '\n')};
  });
}

UsageRow LocalReader::usage(AccountId account) {
  return sql("SELECT coalesce(sum(octets), 0), coalesce(sum(messages), 0) FROM mailboxes WHERE account = ?")
      .with(account)
      .row([](const Statement& s) { return UsageRow{s.natural(0), s.natural(1)}; })
      .value_or(UsageRow{});
}

std::string LocalReader::setting(std::string_view key) {
  return sql("SELECT value FROM settings WHERE key = ?")
      .with(key)
      .row([](const Statement& s) { return s.text(0); })
      .value_or(std::string{});
}

std::vector<std::pair<std::string, std::string>> LocalReader::settings(std::string_view prefix, std::string_view after,
                                                                       std::size_t max) {
  const std::string from{std::max(prefix, after)};
  std::string end{prefix};
  ++end.back();
  return sql("SELECT key, value FROM settings WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?")
      .with(from, end, after, max)
      .rows([](const Statement& s) { return std::pair<std::string, std::string>{s.text(0), s.text(1)}; });
}

std::vector<KeyRow> LocalReader::keys(std::string_view kind) {
  return sql("SELECT kind, owner, name, state, sealed, facts, created, changed FROM keys WHERE kind = ? "
             "ORDER BY owner, name")
      .with(kind)
      .rows([](const Statement& s) {
        return KeyRow{s.text(0), s.text(1), s.text(2), s.text(3), s.text(4), s.text(5), s.time(6), s.time(7)};
      });
}

}  // namespace posthorn::storage
