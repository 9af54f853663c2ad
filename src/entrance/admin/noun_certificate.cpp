// certificate list|renew|change-key: what this host shows to those who connect, and what becomes of it.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "foundation/crypto/certificate.h"
#include "operations/certificates/certificates.h"
#include "operations/certificates/expiry.h"
#include "operations/certificates/file_keys.h"
#include "platform/runtime/files.h"

namespace posthorn::admin {
namespace certificate_noun {
namespace {

namespace json = boost::json;
using certificates::TlsKey;
using certificates::TlsKeyState;

constexpr std::size_t certificate_file_octets_max = 1 * MiB;

/// What the leaf of a chain says; nothing where it cannot be read.
void put_leaf(json::object& out, const std::string& chain_pem, TimePoint now) {
  const auto facts = net::read_certificate(chain_pem);
  const auto chain = crypto::Certificate::from_pem(chain_pem);
  if (!facts || !chain || chain->empty()) return;
  json::array names;
  for (const std::string& name : facts->names) names.emplace_back(name);
  out["names"] = std::move(names);
  out["issuer"] = chain->front().issuer();
  out["key"] = chain->front().key_type();
  out["not_before"] = time_value(facts->not_before);
  out["not_after"] = time_value(facts->not_after);
  out["ends_soon"] = !certificates::endings({*facts}, now).empty();
}

json::object file_json(const std::filesystem::path& file, TimePoint now) {
  json::object out{{"name", file.string()}, {"source", "file"}, {"state", "live"}};
  const auto pem = runtime::read_file(file, certificate_file_octets_max);
  if (pem) put_leaf(out, *pem, now);
  if (const auto chain =
          pem ? crypto::Certificate::from_pem(*pem) : Result<std::vector<crypto::Certificate>, std::string>();
      chain && !chain->empty())
    out["tlsa"] = certificates::tlsa_text(chain->front());
  if (!pem) out["problem"] = pem.error().text();
  return out;
}

/// A key that the files hold and that is not used yet, or one whose TLSA records are wrong.
void put_standing(json::object& row, const std::vector<certificates::FileKey>& standings) {
  const auto* const tlsa = row.if_contains("tlsa");
  if (tlsa == nullptr || !tlsa->is_string()) return;
  const std::string_view shown = tlsa->get_string();
  for (const certificates::FileKey& key : standings) {
    if (key.bound_until && shown == "3 1 1 " + key.digest) row["bound_until"] = time_value(key.bound_until);
    if (shown == "3 1 1 " + key.next) {
      row["state"] = "next";
      row["waits"] = key.words;
    } else if (shown == "3 1 1 " + key.digest && key.next.empty() && !key.words.empty()) {
      row["problem"] = key.words;
    }
  }
}

/// The key that is in use in place of one that waits: its file is gone.
json::object kept_json(const Site& site, const certificates::FileKey& key) {
  json::object out{
      {"name", site.config.host_name}, {"source", "kept"}, {"state", "live"}, {"tlsa", "3 1 1 " + key.digest}};
  put_leaf(out, key.chain_pem, site.clock->now());
  return out;
}

json::object key_json(const Site& site, const TlsKey& key) {
  const TimePoint now = site.clock->now();
  json::object out{{"name", key.owner},
                   {"source", "authority"},
                   {"state", certificates::name(key.state)},
                   {"since", time_value(key.changed)},
                   {"created", time_value(key.created)},
                   {"key_id", key.id},
                   {"tlsa", key.tlsa()}};
  if (!key.chain.empty()) put_leaf(out, key.chain, now);
  if (key.state == TlsKeyState::live)
    if (const auto facts = net::read_certificate(key.chain))
      out["renewed_at"] = time_value(certificates::renewal_time(facts->not_before, facts->not_after));
  if (key.state == TlsKeyState::retiring) out["gone_at"] = time_value(certificates::gone_at(key));
  if (key.state == TlsKeyState::next) {
    out["change_asked"] = key.change_asked;
    out["tlsa_seen_since"] = time_value(key.seen_since);
  }
  if (site.certificates == nullptr) return out;
  const certificates::Standing standing = site.certificates->standing(key.owner);
  if (key.state == TlsKeyState::next) out["waits"] = standing.waits;
  if (key.state != TlsKeyState::live) return out;
  out["problem"] = standing.problem.empty() ? standing.tlsa : standing.problem;
  out["next_attempt"] = time_value(standing.next_attempt);
  return out;
}

Task<Done> list(Site& site, const Request& /*request*/, Answer& answer) {
  auto question = [](storage::Reader& reader) { return reader.keys(certificates::tls_key_kind); };
  const std::vector<storage::KeyRow> rows = co_await site.store->read(std::move(question));
  for (const storage::KeyRow& row : rows) {
    const auto key = certificates::tls_key_from(row);
    if (!key) continue;
    if (auto done = co_await answer.item(json::serialize(key_json(site, *key))); !done) co_return done;
  }
  std::vector<certificates::FileKey> standings;
  if (site.file_keys != nullptr) standings = site.file_keys->standings();
  for (const std::filesystem::path& file : site.config.tls.certificate) {
    json::object row = file_json(file, site.clock->now());
    put_standing(row, standings);
    if (auto done = co_await answer.item(json::serialize(row)); !done) co_return done;
  }
  for (const certificates::FileKey& key : standings) {
    if (key.next.empty()) continue;
    if (auto done = co_await answer.item(json::serialize(kept_json(site, key))); !done) co_return done;
  }
  co_return Done{};
}

Problem nobody_orders(const Site& site) {
  if (site.config.acme.directory.empty())
    return {ProblemKind::usage, "certificate", "no authority is named", "set acme.directory"};
  return {ProblemKind::unavailable, "certificate", "the server does not run", "posthorn serve --config FILE"};
}

Task<Done> renew(Site& site, const Request& request, Answer& answer) {
  if (site.certificates == nullptr) co_return fail(nobody_orders(site));
  const std::string name = text_argument(request, "name");
  if (auto renewed = co_await site.certificates->renew_now(name); !renewed) co_return fail(std::move(renewed.error()));
  co_return co_await answer.value(json::serialize(json::object{{"name", name}, {"renewed", true}}));
}

Task<Done> change_key(Site& site, const Request& request, Answer& answer) {
  if (site.certificates == nullptr) co_return fail(nobody_orders(site));
  const std::string name = text_argument(request, "name");
  const bool force = !text_argument(request, "force").empty();
  const auto waits = co_await site.certificates->change_key(name, force);
  if (!waits) co_return fail(waits.error());
  co_return co_await answer.value(
      json::serialize(json::object{{"name", name}, {"changed", waits->empty()}, {"waits", *waits}}));
}

/// For `config check`: the rows of the keys in use, as the store has them, with their secrets left out.
Task<Done> remembered(Site& site, const Request& /*request*/, Answer& answer) {
  auto question = [](storage::Reader& reader) { return reader.keys(certificates::file_key_kind); };
  const std::vector<storage::KeyRow> rows = co_await site.store->read(std::move(question));
  for (const storage::KeyRow& row : rows) {
    const json::object item{{"owner", row.owner}, {"kind", row.name}, {"facts", row.facts}};
    if (auto done = co_await answer.item(json::serialize(item)); !done) co_return done;
  }
  co_return Done{};
}

constexpr std::array handlers{Handler{"certificate list", list}, Handler{"certificate renew", renew},
                              Handler{"certificate change-key", change_key},
                              Handler{"certificate remembered", remembered}};

}  // namespace
}  // namespace certificate_noun

std::span<const Handler> certificate_handlers() {
  return certificate_noun::handlers;
}

}  // namespace posthorn::admin
