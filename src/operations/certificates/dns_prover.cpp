#include "operations/certificates/dns_prover.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "foundation/crypto/hash.h"
#include "operations/certificates/jws.h"

namespace posthorn::certificates {
namespace {

namespace json = boost::json;

constexpr Duration kLookFirst = std::chrono::seconds(1);
constexpr Duration kLookMax = std::chrono::seconds(15);
constexpr std::size_t kPlacedMax = 1000;  // ours: of the notes; a certificate has a hundred names at most

dns::Record record_of(const PlacedChallenge& placed, const dns::Name& name) {
  return {name, dns::RecordType::txt, challenge_ttl_seconds, dns::Txt{{placed.value}}};
}

bool shows(const ServerRecords& said, const std::string& value) {
  return std::ranges::any_of(said.records, [&value](const dns::Record& record) {
    const auto* txt = std::get_if<dns::Txt>(&record.data);
    return txt != nullptr && txt->joined() == value;
  });
}

Problem proof_fails(const std::string& name, std::string why, std::string remedy) {
  return {ProblemKind::unavailable, "the proof at " + name, std::move(why), std::move(remedy)};
}

}  // namespace

std::string challenges_json(const std::set<PlacedChallenge>& placed) {
  if (placed.empty()) return {};
  json::array out;
  for (const PlacedChallenge& each : placed) out.emplace_back(json::object{{"name", each.name}, {"value", each.value}});
  return json::serialize(out);
}

std::set<PlacedChallenge> parse_challenges(std::string_view text) {
  std::set<PlacedChallenge> out;
  json::error_code error;
  const json::value parsed = json::parse(text.empty() ? "[]" : text, error);
  if (error || !parsed.is_array()) return out;
  for (const json::value& each : parsed.get_array()) {
    if (!each.is_object()) continue;
    const auto* name = each.get_object().if_contains("name");
    const auto* value = each.get_object().if_contains("value");
    if (name == nullptr || value == nullptr || !name->is_string() || !value->is_string()) continue;
    out.insert({std::string(name->get_string()), std::string(value->get_string())});
  }
  return out;
}

Task<std::set<PlacedChallenge>> DnsProver::notes() {
  auto question = [](storage::Reader& reader) { return reader.setting(challenges_setting); };
  const std::string text = co_await store_.read(std::move(question));
  co_return parse_challenges(text);
}

Task<Result<void, Problem>> DnsProver::note(PlacedChallenge placed, bool stands) {
  std::set<PlacedChallenge> all = co_await notes();
  const std::string before = challenges_json(all);
  if (stands) {
    all.insert(std::move(placed));
  } else {
    all.erase(placed);
  }
  if (all.size() > kPlacedMax)
    co_return fail(proof_fails(challenges_setting, "too many proofs could not be removed from the DNS",
                               "see the log: does the server take updates?"));
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::SettingIs{challenges_setting, before});
  unit.mutations.emplace_back(storage::PutSetting{challenges_setting, challenges_json(all)});
  const auto committed = co_await store_.commit(std::move(unit));
  if (committed) co_return Result<void, Problem>{};
  co_return fail(proof_fails(challenges_setting, "the store did not take the note of it", "is the disk full?"));
}

/// RFC 8555 8.4 looks up the name as everybody does: an alias (to a zone that takes updates) is followed.
Task<dns::Name> DnsProver::where(dns::Name name) {
  const Sighting sighting = co_await witness_.look(name, dns::RecordType::txt);
  for (const ServerRecords& said : sighting.servers)
    if (!said.aliases.empty()) co_return said.aliases.back();
  co_return name;
}

Task<Result<void, Problem>> DnsProver::change(PlacedChallenge placed, bool add) {
  const auto name = dns::Name::parse(placed.name);
  if (!name) co_return fail(proof_fails(placed.name, "this is no name", ""));
  auto publisher = publishers_.publisher(*name);
  if (!publisher) co_return fail(std::move(publisher.error()));
  transition::ZoneChange change;
  (add ? change.add : change.remove).push_back(record_of(placed, *name));
  co_return co_await (*publisher)->publish(std::move(change));
}

Task<Result<void, Problem>> DnsProver::wait_for(PlacedChallenge placed) {
  const TimePoint until = clock_.now() + challenge_patience;
  const auto name = dns::Name::parse(placed.name);
  for (Duration wait = kLookFirst;; wait = std::min(wait * 2, kLookMax)) {
    const Sighting sighting = co_await witness_.look(*name, dns::RecordType::txt);
    const std::string& value = placed.value;
    if (sighting.all([&value](const ServerRecords& said) { return shows(said, value); }))
      co_return Result<void, Problem>{};
    if (clock_.now() >= until) {
      std::string doubt = sighting.doubt();
      co_return fail(proof_fails(placed.name,
                                 doubt.empty() ? "not every authoritative server has the record" : std::move(doubt),
                                 "an authority may ask any of them; it is tried again later"));
    }
    co_await clock_.wait_for(wait);
  }
}

Task<Result<void, Problem>> DnsProver::place(Proof proof) {
  auto asked = dns::Name::parse("_acme-challenge." + proof.name);
  if (!asked) co_return fail(proof_fails(proof.name, "this name is too long for a proof", ""));
  const dns::Name name = co_await where(std::move(*asked));
  const PlacedChallenge placed{name.text(), base64url(crypto::sha256(proof.key_authorization))};
  // Who could not remove it must not place it; and before it stands, it is on disk that it does.
  if (const auto known = publishers_.publisher(name); !known) co_return fail(known.error());
  if (auto noted = co_await note(placed, true); !noted) co_return fail(std::move(noted.error()));
  standing_[proof.token] = placed;
  auto done = co_await change(placed, true);
  if (done) done = co_await wait_for(placed);
  if (!done) co_await take_away(std::move(proof));
  co_return done;
}

Task<bool> DnsProver::remove(PlacedChallenge placed) {
  const auto removed = co_await change(placed, false);
  if (!removed) {
    log_.warning("a proof for an authority is still in the DNS",
                 {{"name", placed.name}, {"reason", removed.error().text()}});
    co_return false;
  }
  const auto noted = co_await note(std::move(placed), false);
  co_return noted.has_value();
}

Task<> DnsProver::take_away(Proof proof) {
  const auto at = standing_.find(proof.token);
  if (at == standing_.end()) co_return;
  PlacedChallenge placed = at->second;
  standing_.erase(at);
  [[maybe_unused]] const bool gone = co_await remove(std::move(placed));
}

Task<std::size_t> DnsProver::clean_up() {
  std::size_t gone = 0;
  const std::set<PlacedChallenge> left = co_await notes();
  for (const PlacedChallenge& placed : left) {
    const bool removed = co_await remove(placed);
    if (!removed) continue;
    ++gone;
    log_.info("a proof that an earlier run had left is out of the DNS", {{"name", placed.name}});
  }
  co_return gone;
}

}  // namespace posthorn::certificates
