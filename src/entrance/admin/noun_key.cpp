// domain keys|rotate|advance|revoke: the DKIM keys of a domain (docs/states/keys.md).
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "foundation/text/ascii.h"
#include "operations/transition/key_states.h"
#include "operations/transition/key_witness.h"
#include "site/directory/plan.h"
#include "standards/dkim/key_record.h"

namespace posthorn::admin {

namespace json = boost::json;

namespace key_noun {
namespace {

json::object record_json(const keyring::DkimKey& key) {
  const keyring::KeyRecord record = keyring::record_of(key);
  json::array strings;
  std::string data;
  for (const std::string& part : dkim::txt_strings(record.text)) {
    strings.emplace_back(part);
    data += fmt::format("{}\"{}\"", data.empty() ? "" : " ", part);
  }
  return {{"name", record.name}, {"type", "TXT"},       {"ttl", record.ttl_seconds},
          {"data", data},        {"text", record.text}, {"strings", std::move(strings)}};
}

json::object key_json(const keyring::DkimKey& key) {
  return {{"domain", key.domain},
          {"selector", key.selector},
          {"algorithm", key.kind == crypto::KeyKind::rsa ? "rsa-sha256" : "ed25519-sha256"},
          {"state", keyring::name(key.state)},
          {"created", time_value(key.created)},
          {"since", time_value(key.changed)},
          {"record", record_json(key)}};
}

/// The domain of the request, which must be here.
Result<std::string, Problem> domain_of(const Site& site, const Request& request) {
  auto name = directory::read_domain(text_argument(request, "domain"));
  if (!name) return name;
  if (site.directory->snapshot()->domain(*name) == nullptr)
    return fail(Problem{ProblemKind::no, *name, "this domain is not here", "posthorn domain list shows them all"});
  return name;
}

/// --now, for rehearsals and tests.
TimePoint now_of(const Site& site, const Request& request) {
  const auto seconds = text::parse_number(text_argument(request, "now"));
  return seconds ? from_unix_seconds(static_cast<std::int64_t>(*seconds)) : site.clock->now();
}

/// Who looks whether records are published: what --dns names; else the server's own, or one for the configured source.
struct Witness {
  runtime::SystemRandom random;
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<transition::KeyWitness> own;
  transition::KeyWitness* witness = nullptr;
};

Task<Result<std::unique_ptr<Witness>, Problem>> make_witness(Site& site, const Request& request) {
  auto made = std::make_unique<Witness>();
  std::string source = text_argument(request, "dns");
  if (source.empty() && site.key_witness != nullptr) {
    made->witness = site.key_witness;
    co_return made;
  }
  if (source.empty()) source = site.config.dns_source;
  made->loop = std::make_unique<net::Loop>(co_await runtime::current_executor(), *site.clock);
  auto witness = transition::make_key_witness(source, *made->loop, *site.clock, made->random);
  if (!witness) co_return fail(std::move(witness.error()));
  made->own = std::move(*witness);
  made->witness = made->own.get();
  co_return made;
}

Task<Done> keys(Site& site, const Request& request, Answer& answer) {
  const auto name = domain_of(site, request);
  if (!name) co_return fail(name.error());
  for (const keyring::DkimKey& key : site.keyring->keys_of(*name))
    if (auto done = co_await answer.item(json::serialize(key_json(key))); !done) co_return done;
  co_return Done{};
}

Task<Done> rotate(Site& site, const Request& request, Answer& answer) {
  const auto name = domain_of(site, request);
  if (!name) co_return fail(name.error());
  const transition::KeyDriver driver(*site.store, *site.keyring, *site.workers, nullptr);
  const auto made = co_await driver.rotate(*name, now_of(site, request));
  if (!made) co_return fail(made.error());
  for (const keyring::DkimKey& key : *made)
    if (auto done = co_await answer.item(json::serialize(key_json(key))); !done) co_return done;
  co_return Done{};
}

Task<Done> advance(Site& site, const Request& request, Answer& answer) {
  const auto name = domain_of(site, request);
  if (!name) co_return fail(name.error());
  const auto witness = co_await make_witness(site, request);
  if (!witness) co_return fail(witness.error());
  const transition::KeyDriver driver(*site.store, *site.keyring, *site.workers, (*witness)->witness);
  const bool force = !text_argument(request, "force").empty();
  const auto steps = co_await driver.advance(*name, force, now_of(site, request));
  if (!steps) co_return fail(steps.error());
  for (const transition::KeyStep& step : *steps) {
    json::object item = key_json(step.key);
    item["stepped"] = step.stepped;
    item["words"] = step.words;
    if (auto done = co_await answer.item(json::serialize(item)); !done) co_return done;
  }
  co_return Done{};
}

Task<Done> revoke(Site& site, const Request& request, Answer& answer) {
  const auto name = domain_of(site, request);
  if (!name) co_return fail(name.error());
  const transition::KeyDriver driver(*site.store, *site.keyring, *site.workers, nullptr);
  const auto revoked = co_await driver.revoke(*name, text_argument(request, "selector"), now_of(site, request));
  if (!revoked) co_return fail(revoked.error());
  co_return co_await answer.value(json::serialize(key_json(*revoked)));
}

constexpr std::array handlers{Handler{"domain keys", keys}, Handler{"domain rotate", rotate},
                              Handler{"domain advance", advance}, Handler{"domain revoke", revoke}};

}  // namespace
}  // namespace key_noun

std::span<const Handler> key_handlers() {
  return key_noun::handlers;
}

json::array keys_json(const Site& site, std::string_view domain) {
  json::array keys;
  for (const keyring::DkimKey& key : site.keyring->keys_of(domain)) keys.emplace_back(key_noun::key_json(key));
  return keys;
}

Task<Done> add_first_keys(Site& site, std::string domain) {
  const transition::KeyDriver driver(*site.store, *site.keyring, *site.workers, nullptr);
  const auto made = co_await driver.add_keys(std::move(domain), keyring::KeyState::made, site.clock->now());
  if (!made) co_return fail(made.error());
  co_return Done{};
}

}  // namespace posthorn::admin
