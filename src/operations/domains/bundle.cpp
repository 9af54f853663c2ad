#include "operations/domains/bundle.h"

#include <algorithm>

#include <boost/json.hpp>

#include "foundation/codec/base64.h"
#include "foundation/codec/hex.h"
#include "foundation/crypto/hash.h"
#include "operations/domains/json_fields.h"

namespace posthorn::domains {
namespace {

namespace json = boost::json;

constexpr std::string_view format_name = "posthorn-domain-1";
constexpr std::size_t fingerprint_digits = 16;

/// What is signed: every field with its length before it, records sorted.
std::string signed_text(const Bundle& bundle) {
  std::string out(format_name);
  const auto add = [&out](std::string_view field) { out += fmt::format("\n{}:{}", field.size(), field); };
  add(bundle.domain);
  add(bundle.host);
  add(rfc3339(bundle.written));
  std::vector<std::string> lines;
  for (const ExtraRecord& record : bundle.records)
    lines.push_back(fmt::format("{} {} {} {}", record.name, record.ttl_seconds, record.type, record.data));
  std::ranges::sort(lines);
  for (const std::string& line : lines) add(line);
  add(bundle.model);
  add(bundle.policies);
  return out;
}

Problem unusable(std::string why) {
  return {ProblemKind::no, "the bundle", std::move(why), "ask for it again: posthorn domain export DOMAIN"};
}

Bundle read_members(const json::object& object) {
  Bundle bundle{.domain = text_at(object, "domain"),
                .host = text_at(object, "host"),
                .written = from_unix_seconds(static_cast<std::int64_t>(number_at(object, "written"))),
                .records = {},
                .model = text_at(object, "model"),
                .policies = text_at(object, "policies")};
  for (const json::object* record : objects_at(object, "records"))
    bundle.records.push_back({text_at(*record, "name"), text_at(*record, "type"), text_at(*record, "data"),
                              static_cast<std::uint32_t>(number_at(*record, "ttl"))});
  return bundle;
}

}  // namespace

crypto::PrivateKey bundle_key(Octets sealing_secret) {
  const std::string seed = crypto::hmac_sha256(sealing_secret, "posthorn domain bundles, Ed25519");
  // 32 octets are always a seed.
  return *crypto::PrivateKey::from_raw_ed25519(seed);
}

std::string fingerprint(const crypto::PublicKey& key) {
  return codec::hex_encode(crypto::sha256(key.dkim_octets())).substr(0, fingerprint_digits);
}

std::string write_bundle(const Bundle& bundle, const crypto::PrivateKey& key) {
  json::array records;
  for (const ExtraRecord& record : bundle.records)
    records.emplace_back(
        json::object{{"name", record.name}, {"type", record.type}, {"ttl", record.ttl_seconds}, {"data", record.data}});
  const std::string digest = crypto::sha256(signed_text(bundle));
  return json::serialize(json::object{{"format", format_name},
                                      {"domain", bundle.domain},
                                      {"host", bundle.host},
                                      {"written", unix_seconds(bundle.written)},
                                      {"written_text", rfc3339(bundle.written)},
                                      {"records", std::move(records)},
                                      {"model", bundle.model},
                                      {"policies", bundle.policies},
                                      {"signature",
                                       {{"algorithm", "ed25519-sha256"},
                                        {"key", codec::base64_encode(key.public_key().dkim_octets())},
                                        {"fingerprint", fingerprint(key.public_key())},
                                        {"value", codec::base64_encode(key.sign_sha256(digest))}}}});
}

Result<ReadBundle, Problem> read_bundle(std::string_view text) {
  const json::object object = parse_object(text);
  if (text_at(object, "format") != format_name) return fail(unusable("this is no bundle of a domain"));
  const json::object* signature = object_at(object, "signature");
  if (signature == nullptr) return fail(unusable("it is not signed"));
  const auto key_octets = codec::base64_decode(text_at(*signature, "key"));
  const auto value = codec::base64_decode(text_at(*signature, "value"));
  if (!key_octets || !value || text_at(*signature, "algorithm") != "ed25519-sha256")
    return fail(unusable("its signature cannot be read"));
  const auto key = crypto::PublicKey::from_raw_ed25519(*key_octets);
  if (!key) return fail(unusable("its key cannot be read"));
  ReadBundle out{read_members(object), fingerprint(*key)};
  if (!key->verify(crypto::SignatureHash::sha256, crypto::sha256(signed_text(out.bundle)), *value))
    return fail(unusable("its signature does not hold: something in it was changed"));
  return out;
}

}  // namespace posthorn::domains
