#include <algorithm>
#include <iterator>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "foundation/text/json_text.h"
#include "operations/certificates/file_key_notes.h"
#include "operations/certificates/key_facts.h"

namespace posthorn::certificates {
namespace {

namespace json = boost::json;

// How often the TLSA records are looked at (ours): what was published since is not known of when the files change; and
// while a key waits for its record. file_key_look bounds what a look that failed may hide.
constexpr Duration kLookUsual = std::chrono::minutes(3);
constexpr Duration kLookWaiting = std::chrono::minutes(1);

/// "ECDSA P-256" → "ECDSA".
std::string leaf_kind(const crypto::Certificate& leaf) {
  const std::string type = leaf.key_type();
  return type.substr(0, type.find(' '));
}

std::string file_facts(const FileKey& key) {
  json::object facts{{"digest", key.digest}, {"chain", key.chain_pem}};
  if (!key.next.empty()) facts["next"] = key.next;
  put_time(facts, "bound_until", key.bound_until);
  put_time(facts, "seen_since", key.seen_since);
  put_seconds(facts, "ttl", key.ttl_seconds);
  return json::serialize(facts);
}

std::optional<FileKey> read_file_row(const storage::KeyRow& row, const crypto::SealingKey& sealing) {
  auto key = remembered_file_key(row);
  auto secret = sealing.open(row.sealed, seal_context(row));
  if (!key || !secret) return std::nullopt;
  key->key_pem = std::move(*secret);
  return key;
}

}  // namespace

std::optional<FileKey> remembered_file_key(const storage::KeyRow& row) {
  const auto facts = facts_in(row);
  if (!facts) return std::nullopt;
  FileKey key{
      .kind = row.name, .digest = text::json_text(*facts, "digest"), .chain_pem = text::json_text(*facts, "chain")};
  const auto leaf = leaf_of(key.chain_pem);
  if (!leaf || key.digest.empty()) return std::nullopt;
  key.not_after = leaf->not_after();
  key.next = text::json_text(*facts, "next");
  key.bound_until = fact_time(*facts, "bound_until");
  key.seen_since = fact_time(*facts, "seen_since");
  key.ttl_seconds = fact_seconds(*facts, "ttl");
  return key;
}

std::vector<storage::KeyRow> host_keys(storage::Reader& reader) {
  std::vector<storage::KeyRow> rows = reader.keys(tls_key_kind);
  std::ranges::move(reader.keys(file_key_kind), std::back_inserter(rows));
  return rows;
}

std::string file_key_tlsa(const storage::KeyRow& row) {
  const auto facts = facts_in(row);
  const std::string digest = facts ? text::json_text(*facts, "digest") : std::string();
  return digest.empty() ? std::string() : "3 1 1 " + digest;
}

Task<> FileKeys::load() {
  const auto sealing = around_.keyring->sealing_key();
  if (!sealing) co_return;
  auto question = [](storage::Reader& reader) { return reader.keys(file_key_kind); };
  const std::vector<storage::KeyRow> rows = co_await around_.store->read(std::move(question));
  const std::lock_guard lock(mutex_);
  for (const storage::KeyRow& row : rows) {
    if (row.owner != host_) continue;
    auto key = read_file_row(row, *sealing);
    if (!key) continue;
    written_[key->kind] = file_facts(*key);
    keys_[key->kind] = std::move(*key);
  }
}

/// A certificate that has run out serves nobody, DANE-EE senders apart (RFC 7671 5.1): the new one is better.
bool waits_for_record(const FileKey& known, std::string_view digest, TimePoint now) {
  if (known.digest.empty() || known.digest == digest || known.released == digest) return false;
  return known.bound_until && now < *known.bound_until && now < known.not_after;
}

std::string wait_note(const FileKey& known, const std::string& chain_pem, const std::string& host, TimePoint now) {
  const auto leaf = leaf_of(chain_pem);
  if (!leaf || !leaf->fits(host) || leaf_kind(*leaf) != known.kind) return {};
  const std::string digest = digest_of(*leaf);
  if (!waits_for_record(known, digest, now)) return {};
  const bool is_seen = known.next == digest && known.seen_since;
  const std::string when =
      is_seen ? fmt::format("until {}, two TTLs after its TLSA record was first seen at every name server",
                            rfc3339(*known.seen_since + tlsa_wait(known.ttl_seconds)))
              : fmt::format("until every name server has listed _25._tcp.{}. TLSA 3 1 1 {} for two TTLs", host, digest);
  return fmt::format(
      "The {} key in tls.key is new: TLSA records bind senders to the one before it, which the server goes on using {} "
      "(its certificate ends at {}).",
      known.kind, when, rfc3339(known.not_after));
}

std::vector<net::CertificateAndKey> FileKeys::choose(std::vector<net::CertificateAndKey> configured) {
  const TimePoint now = around_.clock->now();
  const std::lock_guard lock(mutex_);
  std::set<std::string> met;
  for (net::CertificateAndKey& pair : configured) {
    const auto leaf = leaf_of(pair.chain_pem);
    // Senders look at the TLSA records of the mail host; other names may show what they like.
    if (!leaf || !leaf->fits(host_) || !met.insert(leaf_kind(*leaf)).second) continue;
    FileKey& known = keys_[leaf_kind(*leaf)];
    const std::string digest = digest_of(*leaf);
    if (waits_for_record(known, digest, now)) {
      if (known.next != digest) known.seen_since.reset();
      known.next = digest;
      pair = {known.chain_pem, known.key_pem};
      continue;
    }
    known.kind = leaf_kind(*leaf);
    known.digest = digest;
    known.chain_pem = pair.chain_pem;
    known.key_pem = pair.key_pem;
    known.not_after = leaf->not_after();
    known.next.clear();
    known.released.clear();
    known.seen_since.reset();
    known.words.clear();
  }
  return configured;
}

void FileKeys::say(FileKey& key, std::string words, bool is_wrong) {
  if (key.words == words) return;
  key.words = std::move(words);
  if (key.words.empty()) return;
  const runtime::LogFields fields{{"name", host_}, {"kind", key.kind}, {"reason", key.words}};
  if (is_wrong)
    around_.log.error("the TLSA records do not list the key in use: senders with DANE keep their mail", fields);
  else
    around_.log.warning("the new key of tls.key is not used yet, the one before it is", fields);
}

/// Whether the next key may be used now.
bool FileKeys::judge(FileKey& key, const Sighting& sighting, TimePoint now) {
  using Kind = TlsaFacts::Kind;
  const bool waits = !key.next.empty();
  const TlsaFacts facts = judge_tlsa(waits ? key.next : key.digest, {sighting});
  const bool binds = facts.kind == Kind::lacking || facts.kind == Kind::listed;
  if (binds) key.bound_until = now + std::max(tlsa_wait(facts.ttl_seconds), 2 * file_key_look);
  if (facts.kind == Kind::none && key.bound_until && now >= *key.bound_until) key.bound_until.reset();
  if (!waits) {
    if (facts.kind == Kind::unknown) return false;
    say(key, facts.kind == Kind::lacking ? facts.words : std::string(), true);
    return false;
  }
  TlsKey next;
  next.digest = key.next;
  next.seen_since = key.seen_since;
  next.ttl_seconds = key.ttl_seconds;
  const NextKeyDecision decision =
      decide_next(next, facts, facts.kind == Kind::none ? key.bound_until : std::nullopt, now);
  if (decision.due == NextKeyDue::note_seen && !key.seen_since) key.seen_since = now;
  if (decision.due == NextKeyDue::note_lost) key.seen_since.reset();
  key.ttl_seconds = std::max(key.ttl_seconds, facts.ttl_seconds);
  if (decision.due == NextKeyDue::may_take_over) {
    key.released = key.next;
    return true;
  }
  say(key, fmt::format("{} (publish TLSA 3 1 1 {})", decision.words, key.next), false);
  return false;
}

Task<> FileKeys::look() {
  auto name = dns::Name::parse("_25._tcp." + host_);
  if (!name || looking_) co_return;
  looking_ = true;
  const Sighting sighting = co_await around_.witness->look(std::move(*name), dns::RecordType::tlsa);
  looking_ = false;
  bool may_change = false;
  {
    const TimePoint now = around_.clock->now();
    const std::lock_guard lock(mutex_);
    for (auto& [kind, key] : keys_) may_change |= judge(key, sighting, now);
  }
  if (may_change) {
    around_.log.info("a new key of tls.key may be used now", {{"name", host_}});
    changed_();
  }
  co_await write();
}

/// One row a kind, where something has changed.
Task<> FileKeys::write() {
  const auto sealing = around_.keyring->sealing_key();
  if (!sealing) co_return;
  storage::Unit unit;
  std::map<std::string, std::string> next;
  {
    const TimePoint now = around_.clock->now();
    const std::lock_guard lock(mutex_);
    for (const auto& [kind, key] : keys_) {
      std::string facts = file_facts(key);
      if (const auto before = written_.find(kind); before != written_.end() && before->second == facts) continue;
      storage::KeyRow row{file_key_kind, host_, kind, "live", "", facts, now, now};
      row.sealed = sealing->seal(key.key_pem, seal_context(row));
      unit.mutations.emplace_back(storage::PutKey{std::move(row)});
      next[kind] = std::move(facts);
    }
  }
  if (unit.mutations.empty()) co_return;
  const auto committed = co_await around_.store->commit(std::move(unit));
  if (!committed) {
    around_.log.warning("the key in use could not be kept in the store", {{"name", host_}});
    co_return;
  }
  const std::lock_guard lock(mutex_);
  for (auto& [kind, facts] : next) written_[kind] = std::move(facts);
}

Task<> FileKeys::keep() {
  Duration since_look = kLookUsual;
  for (;;) {
    const std::vector<FileKey> keys = standings();
    const bool waits = std::ranges::any_of(keys, [](const FileKey& key) { return !key.next.empty(); });
    // A key that begins to wait is looked at within a minute, however lately the others were.
    if (since_look >= kLookUsual || waits) {
      co_await look();
      since_look = {};
    }
    co_await around_.clock->wait_for(kLookWaiting);
    since_look += kLookWaiting;
  }
}

std::vector<FileKey> FileKeys::standings() const {
  const std::lock_guard lock(mutex_);
  std::vector<FileKey> out;
  for (const auto& [kind, key] : keys_) {
    out.push_back(key);
    out.back().key_pem.clear();
  }
  return out;
}

}  // namespace posthorn::certificates
