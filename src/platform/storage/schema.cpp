#include "platform/storage/schema.h"

namespace posthorn::storage {
namespace {

// Version 1. Rows that are written for every message are kept few and appended where possible: contents, email_data,
// and stories are keyed by time-ordered ids; only emails and mailboxes are written in place.
constexpr const char* version_1 = R"sql(
-- Counters that never go back: next_account, next_login, next_mailbox, uid_validity, next_segment, next_batch.
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE domains (name TEXT PRIMARY KEY, state TEXT NOT NULL, settings TEXT NOT NULL, created INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE accounts (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL,
  enabled INTEGER NOT NULL, quota_octets INTEGER NOT NULL, settings TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE usage (account INTEGER PRIMARY KEY, octets INTEGER NOT NULL, messages INTEGER NOT NULL);
CREATE TABLE logins (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, label TEXT NOT NULL,
  scope TEXT NOT NULL, iterations INTEGER NOT NULL, salt BLOB NOT NULL, stored_key BLOB NOT NULL,
  server_key BLOB NOT NULL, created INTEGER NOT NULL, last_used INTEGER, last_used_from TEXT NOT NULL);
CREATE INDEX logins_of_account ON logins (account);
CREATE TABLE addresses (address TEXT PRIMARY KEY, account INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX addresses_of_account ON addresses (account);
CREATE TABLE groups (address TEXT PRIMARY KEY, members TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE mailboxes (account INTEGER NOT NULL, id INTEGER NOT NULL, uid_validity INTEGER NOT NULL,
  uid_next INTEGER NOT NULL, highest_modseq INTEGER NOT NULL, subscribed INTEGER NOT NULL, name TEXT NOT NULL,
  special_use TEXT NOT NULL, PRIMARY KEY (account, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX mailboxes_by_name ON mailboxes (account, name);
-- What changes of an email; small, so that a mailbox's view is read quickly.
CREATE TABLE emails (account INTEGER NOT NULL, mailbox INTEGER NOT NULL, uid INTEGER NOT NULL,
  modseq INTEGER NOT NULL, email_id INTEGER NOT NULL, size INTEGER NOT NULL, flags INTEGER NOT NULL,
  keywords TEXT NOT NULL, PRIMARY KEY (account, mailbox, uid)) WITHOUT ROWID;
-- What stays; where the email stands, so that it is found by its id. crc: of what makes the message (row_crc.h).
CREATE TABLE email_data (email_id INTEGER PRIMARY KEY, account INTEGER NOT NULL, mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL, thread_id INTEGER NOT NULL, content INTEGER NOT NULL, internal_date INTEGER NOT NULL,
  save_date INTEGER NOT NULL, crc INTEGER NOT NULL, ranges BLOB NOT NULL, header_block BLOB NOT NULL);
CREATE TABLE tombstones (account INTEGER NOT NULL, mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL,
  uid INTEGER NOT NULL, PRIMARY KEY (account, mailbox, modseq, uid)) WITHOUT ROWID;

-- place: 0 in octets, 1 in a segment at position (of the octets, behind the record's header), 2 in a file.
CREATE TABLE contents (id INTEGER PRIMARY KEY, refs INTEGER NOT NULL, size INTEGER NOT NULL, crc INTEGER NOT NULL,
  place INTEGER NOT NULL, segment INTEGER, position INTEGER, octets BLOB);
CREATE INDEX contents_of_segment ON contents (segment, position) WHERE segment IS NOT NULL;
CREATE TABLE segments (id INTEGER PRIMARY KEY, octets INTEGER NOT NULL, live INTEGER NOT NULL);

CREATE TABLE queue (id INTEGER PRIMARY KEY, content INTEGER NOT NULL, size INTEGER NOT NULL, sender TEXT NOT NULL,
  envelope_id TEXT NOT NULL, ret TEXT NOT NULL, eight_bit INTEGER NOT NULL, smtputf8 INTEGER NOT NULL,
  require_tls INTEGER NOT NULL, stream TEXT NOT NULL, priority INTEGER NOT NULL, signed_with TEXT NOT NULL,
  login TEXT NOT NULL, message_id TEXT NOT NULL, arrived INTEGER NOT NULL, crc INTEGER NOT NULL,
  ranges BLOB NOT NULL, header_block BLOB NOT NULL);
CREATE TABLE recipients (mail INTEGER NOT NULL, idx INTEGER NOT NULL, address TEXT NOT NULL, domain TEXT NOT NULL,
  original TEXT NOT NULL, notify INTEGER NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL,
  not_before INTEGER NOT NULL, expires INTEGER NOT NULL, delay_told INTEGER NOT NULL, crc INTEGER NOT NULL,
  last_reply TEXT NOT NULL,
  PRIMARY KEY (mail, idx)) WITHOUT ROWID;
-- Who waits, by destination and time: the courier's order. Held ones are not in it.
CREATE INDEX recipients_waiting ON recipients (domain, not_before, mail, idx) WHERE state = 0;

CREATE TABLE stories (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, keys TEXT NOT NULL, steps TEXT NOT NULL);
CREATE TABLE story_parts (id INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, steps TEXT NOT NULL,
  PRIMARY KEY (id, seq)) WITHOUT ROWID;
-- Finding stories by key costs no random page a message: the hashes of a few thousand stories are sorted into a batch,
-- each appended to the end of one tree. A question asks each batch, then scans the stories above every batch's newest,
-- and story_tail, where those stand that were written after younger ones had been sorted.
CREATE TABLE story_tail (seq INTEGER PRIMARY KEY, id INTEGER NOT NULL, hashes BLOB NOT NULL);
CREATE TABLE story_keys (batch INTEGER NOT NULL, hash INTEGER NOT NULL, id INTEGER NOT NULL,
  PRIMARY KEY (batch, hash, id)) WITHOUT ROWID;
CREATE TABLE story_batches (batch INTEGER PRIMARY KEY, newest INTEGER NOT NULL);
)sql";

constexpr const char* version_2 = R"sql(
-- Private keys and other secrets, sealed with a key that is not in the store.
CREATE TABLE keys (kind TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
  sealed BLOB NOT NULL, facts TEXT NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL,
  PRIMARY KEY (kind, owner, name)) WITHOUT ROWID;

-- In seconds; beside the flags, so that a view in memory is read from this table alone.
ALTER TABLE emails ADD COLUMN internal_date INTEGER NOT NULL DEFAULT 0;
UPDATE emails SET internal_date =
  coalesce((SELECT d.internal_date / 1000000 FROM email_data d WHERE d.email_id = emails.email_id), 0);
-- 0: its own email_id.
ALTER TABLE email_data ADD COLUMN object_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN forgotten_modseq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN first_recent INTEGER NOT NULL DEFAULT 1;
-- Names that are subscribed to and no mailbox has.
CREATE TABLE subscriptions (account INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, name)) WITHOUT ROWID;
-- What was made from an email's octets to answer FETCH.
CREATE TABLE email_facts (email_id INTEGER PRIMARY KEY, envelope BLOB NOT NULL, structure BLOB NOT NULL,
  preview BLOB NOT NULL);
-- Hashes of message ids, and the thread each belongs to.
CREATE TABLE threads (account INTEGER NOT NULL, key INTEGER NOT NULL, thread_id INTEGER NOT NULL,
  PRIMARY KEY (account, key)) WITHOUT ROWID;
-- Expunged emails that can be brought back: their email_data and content are still there.
CREATE TABLE expunged (email_id INTEGER PRIMARY KEY, expunged INTEGER NOT NULL, account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, size INTEGER NOT NULL, flags INTEGER NOT NULL,
  mailbox_name TEXT NOT NULL, keywords TEXT NOT NULL);
CREATE INDEX expunged_by_time ON expunged (expunged);
)sql";

constexpr const char* version_3 = R"sql(
-- The header fields that clients ask for most; apart from email_facts, which other questions walk through. Empty: too
-- many octets to be kept. Rows are made when they are first asked for, of older emails too.
CREATE TABLE email_fields (email_id INTEGER PRIMARY KEY, fields BLOB NOT NULL);
)sql";

constexpr const char* version_4 = R"sql(
-- What DMARC judged, counted as the rows of aggregate reports are; written with the story of each message. Found by the
-- index, appended where new: a message of a row that is there changes one page.
CREATE TABLE dmarc_rows (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, day INTEGER NOT NULL,
  policy_domain TEXT NOT NULL, digest BLOB NOT NULL, source_ip TEXT NOT NULL, record TEXT NOT NULL,
  disposition TEXT NOT NULL, dkim TEXT NOT NULL, spf TEXT NOT NULL, override_type TEXT NOT NULL, comment TEXT NOT NULL,
  header_from TEXT NOT NULL, envelope_from TEXT NOT NULL, envelope_to TEXT NOT NULL, dkim_results TEXT NOT NULL,
  spf_scope TEXT NOT NULL, spf_domain TEXT NOT NULL, spf_result TEXT NOT NULL);
CREATE UNIQUE INDEX dmarc_rows_by_key ON dmarc_rows (day, policy_domain, digest);
-- How many rows a day and policy domain have; the whole day under the empty name.
CREATE TABLE dmarc_days (day INTEGER NOT NULL, policy_domain TEXT NOT NULL, rows INTEGER NOT NULL,
  forgotten INTEGER NOT NULL, PRIMARY KEY (day, policy_domain)) WITHOUT ROWID;
CREATE TABLE selectors_seen (domain TEXT NOT NULL, selector TEXT NOT NULL, algorithm TEXT NOT NULL,
  key_bits INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, PRIMARY KEY (domain, selector))
  WITHOUT ROWID;
CREATE INDEX selectors_by_age ON selectors_seen (last_seen);

-- Both were settings before: lines of "name value", and lines of "domain selector algorithm bits first last".
WITH RECURSIVE lines (key, line, rest) AS (
  SELECT key, '', value FROM settings WHERE key LIKE 'dmarc-rows/%'
  UNION ALL
  SELECT key, substr(rest, 1, instr(rest, char(10)) - 1), substr(rest, instr(rest, char(10)) + 1)
    FROM lines WHERE instr(rest, char(10)) > 0),
fields (key, name, value) AS (
  SELECT key, substr(line, 1, instr(line, ' ') - 1), substr(line, instr(line, ' ') + 1) FROM lines WHERE line <> '')
INSERT INTO dmarc_rows (count, day, policy_domain, digest, source_ip, record, disposition, dkim, spf, override_type,
  comment, header_from, envelope_from, envelope_to, dkim_results, spf_scope, spf_domain, spf_result)
SELECT coalesce(max(CASE name WHEN 'count' THEN CAST(value AS INTEGER) END), 1),
  CAST(strftime('%s', substr(key, 12, 10)) AS INTEGER) / 86400,
  coalesce(max(CASE name WHEN 'policy_domain' THEN value END), ''), CAST(substr(key, -32) AS BLOB),
  coalesce(max(CASE name WHEN 'source_ip' THEN value END), ''), coalesce(max(CASE name WHEN 'record' THEN value END), ''),
  coalesce(max(CASE name WHEN 'disposition' THEN value END), ''), coalesce(max(CASE name WHEN 'dkim' THEN value END), ''),
  coalesce(max(CASE name WHEN 'spf' THEN value END), ''),
  coalesce(max(CASE name WHEN 'override_type' THEN value END), ''),
  coalesce(max(CASE name WHEN 'comment' THEN value END), ''),
  coalesce(max(CASE name WHEN 'header_from' THEN value END), ''),
  coalesce(max(CASE name WHEN 'envelope_from' THEN value END), ''),
  coalesce(max(CASE name WHEN 'envelope_to' THEN value END), ''),
  coalesce(group_concat(CASE name WHEN 'dkim_result' THEN value END, char(10)), ''),
  coalesce(max(CASE name WHEN 'spf_scope' THEN value END), ''),
  coalesce(max(CASE name WHEN 'spf_domain' THEN value END), ''),
  coalesce(max(CASE name WHEN 'spf_result' THEN value END), '')
FROM fields GROUP BY key;
INSERT INTO dmarc_days SELECT day, policy_domain, count(*), 0 FROM dmarc_rows GROUP BY day, policy_domain;
INSERT INTO dmarc_days SELECT day, '', count(*), 0 FROM dmarc_rows GROUP BY day;
INSERT OR IGNORE INTO selectors_seen
SELECT json_extract(row.value, '$[0]'), json_extract(row.value, '$[1]'), json_extract(row.value, '$[2]'),
  CAST(json_extract(row.value, '$[3]') AS INTEGER), 1000000 * CAST(json_extract(row.value, '$[4]') AS INTEGER),
  1000000 * CAST(json_extract(row.value, '$[5]') AS INTEGER)
FROM (SELECT '[["' || replace(replace(rtrim(value, char(10)), ' ', '","'), char(10), '"],["') || '"]]' AS list
      FROM settings WHERE key LIKE 'verification/selectors/%' AND value <> '') AS kept,
  json_each(CASE WHEN json_valid(kept.list) THEN kept.list ELSE '[]' END) AS row
WHERE json_array_length(row.value) = 6;
DELETE FROM settings WHERE key LIKE 'dmarc-rows/%' OR key LIKE 'verification/selectors/%';
)sql";

// give_page_sums writes every page anew.
constexpr const char* version_5 = R"sql(
-- What the emails of a mailbox have, in the row that a delivery changes anyway.
ALTER TABLE mailboxes ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
UPDATE mailboxes SET (octets, messages) = (SELECT coalesce(sum(size), 0), count(*) FROM emails e
  WHERE e.account = mailboxes.account AND e.mailbox = mailboxes.id);
DROP TABLE usage;
)sql";

/// The step that takes version N to N + 1 stands at index N.
constexpr std::array<const char*, schema_version> steps = {version_1, version_2, version_3, version_4, version_5};

}  // namespace

void configure_connection(const Database& database, bool writer) {
  database.execute("PRAGMA synchronous=FULL");
  database.execute("PRAGMA wal_autocheckpoint=0");
  database.execute("PRAGMA temp_store=MEMORY");
  // In KiB. The committer mostly appends: with more, each page it writes is made in memory that was left long ago, and
  // costs a twentieth of a message (docs/performance.md).
  database.execute(writer ? "PRAGMA cache_size=-8192" : "PRAGMA cache_size=-32768");
  // A committer that spilled would write pages of a group that is not whole into the WAL.
  if (writer) database.execute("PRAGMA cache_spill=OFF");
  if (!writer) database.execute("PRAGMA query_only=ON");
}

void create_schema(const Database& database) {
  database.execute(fmt::format("PRAGMA page_size={}", disk::page_octets).c_str());
  disk::leave_room_for_page_sums(database.handle());
  database.execute(fmt::format("PRAGMA application_id={}", application_id).c_str());
  migrate_schema(database, 0);
  // What older versions had and this one has not leaves no free page behind.
  database.execute("PRAGMA temp_store=MEMORY");
  database.execute("VACUUM");
}

bool is_empty(const Database& database) {
  return stored_schema_version(database) == 0 && database.integer("SELECT count(*) FROM sqlite_schema") == 0;
}

int stored_schema_version(const Database& database) {
  return static_cast<int>(database.integer("PRAGMA user_version"));
}

void run_schema_step(const Database& database, int version) {
  database.execute(steps.at(static_cast<std::size_t>(version)));
}

void migrate_schema(const Database& database, int from) {
  database.execute("BEGIN IMMEDIATE");
  for (int version = from; version < schema_version; ++version) run_schema_step(database, version);
  database.execute(fmt::format("PRAGMA user_version={}", schema_version).c_str());
  database.execute("COMMIT");
}

void give_page_sums(const Database& database) {
  disk::leave_room_for_page_sums(database.handle());
  database.execute("PRAGMA cache_spill=ON");
  database.execute("VACUUM");
  database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace posthorn::storage
