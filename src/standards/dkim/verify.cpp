#include "standards/dkim/verify.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "standards/dkim/canonical.h"

namespace posthorn::dkim {
namespace {

constexpr std::size_t kPrefixCharacters = 8;           // RFC 6008 4: eight at least
constexpr std::int64_t kFutureSeconds = 24 * 60 * 60;  // a signer's wrong time zone is not a forgery

std::string digest_of(crypto::SignatureHash hash, Octets octets) {
  crypto::SignatureDigest digest{hash};
  digest.update(octets);
  return digest.finish();
}

Mathematics good_if(bool holds) {
  return holds ? Mathematics::good : Mathematics::bad;
}

/// What b= was made over. Precondition: the signature could be read.
std::string signed_header(const MessageScan& scan, const ScannedSignature& scanned) {
  const Signature& signature = *scanned.parsed;
  const auto value_offset = static_cast<std::size_t>(scanned.field.value.data() - scanned.field.raw.data());
  const OwnField own{scanned.field.raw, value_offset + signature.b_begin, value_offset + signature.b_end};
  return canonical_headers(scan.header(), signature.signed_headers, signature.canonicalizations.header, own);
}

/// One signature's way through RFC 6376 6.1: syntax, key, policy, mathematics.
class Verification {
 public:
  Verification(const MessageScan& scan, const ScannedSignature& scanned, TimePoint now)
      : scan_(scan), scanned_(scanned), now_(unix_seconds(now)) {}

  /// Fills what the field alone tells; false where that is already the end.
  bool begin(VerifiedSignature& out) const;
  /// With the key at hand.
  void judge(const KeyLookup& lookup, VerifiedSignature& out) const;

 private:
  [[nodiscard]] const Signature& signature() const { return *scanned_.parsed; }
  void check_body(VerifiedSignature& out) const;
  void check_signature(const crypto::PublicKey& key, VerifiedSignature& out) const;
  [[nodiscard]] std::optional<std::string> policy_fault(const KeyRecord& record) const;
  void conclude(const KeyRecord& record, VerifiedSignature& out) const;
  [[nodiscard]] std::string body_reason() const;

  const MessageScan& scan_;
  const ScannedSignature& scanned_;
  std::int64_t now_;
};

bool Verification::begin(VerifiedSignature& out) const {
  if (!scanned_.parsed) {
    const SignatureError& error = scanned_.parsed.error();
    out.domain = error.domain;
    out.selector = error.selector;
    out.algorithm = error.algorithm;
    out.reason = error.reason;
    return false;
  }
  out.parsed = signature();
  out.domain = signature().domain.text();
  out.selector = signature().selector.text();
  out.identity = signature().identity;
  out.algorithm = text(signature().algorithm);
  out.b_prefix = codec::base64_encode(Octets{signature().signature}.substr(0, 3 * kPrefixCharacters / 4));
  if (scan_.header().overflowed()) {
    out.reason = header_bound_reason();
    return false;
  }
  check_body(out);
  return true;
}

void Verification::check_body(VerifiedSignature& out) const {
  const BodyHashKind kind{signature().canonicalizations.body, hash_of(signature().algorithm), signature().body_length};
  const MessageScan::BodyHash* computed = scan_.body_hash(kind);
  if (!computed) return;
  // RFC 6376 3.5 l=: more than the body has cannot have been signed.
  const bool fits = !kind.length || *kind.length <= computed->canonical_octets;
  out.body_hash = good_if(fits && computed->digest == signature().body_hash);
}

void Verification::check_signature(const crypto::PublicKey& key, VerifiedSignature& out) const {
  const std::string signed_octets = signed_header(scan_, scanned_);
  const crypto::SignatureHash hash = hash_of(signature().algorithm);
  out.signature = good_if(key.verify(hash, digest_of(hash, signed_octets), signature().signature));
}

void Verification::judge(const KeyLookup& lookup, VerifiedSignature& out) const {
  out.answers = lookup.answers;
  out.key_record = lookup.text;
  if (!lookup.record) {
    out.result = lookup.problem;
    out.reason = lookup.reason;
    return;
  }
  const KeyRecord& record = *lookup.record;
  out.testing = record.testing();
  if (record.revoked()) {
    out.reason = "the key is revoked (p= is empty)";
    return;
  }
  out.key_bits = record.key->bits();
  if (record.key->kind() != key_kind(signature().algorithm)) {
    out.reason = fmt::format("a={} does not go with a key of kind {}", out.algorithm, record.kind_text);
    return;
  }
  check_signature(*record.key, out);
  conclude(record, out);
}

/// What forbids to accept the signature although the key is there: RFC 6376 6.1.2, RFC 8301.
std::optional<std::string> Verification::policy_fault(const KeyRecord& record) const {
  if (signature().algorithm == Algorithm::rsa_sha1) return "rsa-sha1 must not be used any more (RFC 8301)";
  if (record.key->kind() == crypto::KeyKind::rsa && record.key->bits() < rsa_verify_bits_min)
    return fmt::format("an RSA key of {} bits is too short (RFC 8301)", record.key->bits());
  if (!record.allows_hash("sha256")) return "the key's h= does not allow sha256";
  if (!record.allows_service("email")) return "the key's s= does not allow e-mail";
  const std::string_view identity = signature().identity;
  const auto identity_domain = parse_domain(identity.substr(identity.rfind('@') + 1));
  if (record.strict_identity() && identity_domain != signature().domain)
    return "the key has t=s, and i= is in a subdomain of d=";
  return std::nullopt;
}

std::string Verification::body_reason() const {
  if (signature().body_length) return "the body differs within the signed length";
  return "the body was changed after it was signed";
}

void Verification::conclude(const KeyRecord& record, VerifiedSignature& out) const {
  const auto expiration = signature().expiration;
  const auto timestamp = signature().timestamp;
  if (auto fault = policy_fault(record)) {
    out.result = Result::permerror;
    out.reason = std::move(*fault);
  } else if (out.body_hash == Mathematics::unchecked) {
    out.result = Result::policy;
    out.reason = "the message asks for too many different body hashes";
  } else if (out.signature == Mathematics::bad) {
    out.result = Result::fail;
    out.reason = "the signed header fields were changed, or the key is not the signer's";
    if (out.body_hash == Mathematics::bad) out.reason = "neither the body nor the header is what was signed";
  } else if (out.body_hash == Mathematics::bad) {
    out.result = Result::fail;
    out.reason = body_reason();
  } else if (expiration && *expiration + clock_skew_seconds < now_) {
    out.result = Result::fail;
    out.reason = "the signature has expired";
  } else if (timestamp && *timestamp > now_ + kFutureSeconds) {
    out.result = Result::policy;
    out.reason = "the signature was made in the future";
  } else {
    out.result = Result::pass;
    const bool one_from = scan_.header().count("From") == 1;
    out.counted_for_dmarc = one_from && !signature().body_length;
    if (signature().body_length) out.reason = "l= leaves the end of the body unsigned: not counted for DMARC";
    if (!one_from) out.reason = "the message has not exactly one From field: not counted for DMARC";
    return;
  }
  // RFC 6376 3.6.1 t=y: a failure means no more than no signature.
  if (record.testing()) {
    out.result = Result::neutral;
    out.reason += " (the key is for testing)";
  }
}

/// The one usable record among several; RFC 6376 3.6.2.2 leaves more than one undefined.
void choose_key(const dns::Answer& answer, KeyLookup& lookup) {
  const auto records = answer.all<dns::Txt>();
  std::string first_fault;
  std::size_t usable = 0;
  for (std::size_t i = 0; i < std::min(records.size(), key_records_max); ++i) {
    std::string text = records[i]->joined();
    auto parsed = parse_key_record(text);
    if (!parsed) {
      if (first_fault.empty()) first_fault = parsed.error().reason;
      if (lookup.text.empty()) lookup.text = std::move(text);
      continue;
    }
    ++usable;
    lookup.text = std::move(text);
    lookup.record = std::move(*parsed);
  }
  if (usable == 1) return;
  lookup.record.reset();
  lookup.problem = Result::permerror;
  lookup.reason = usable > 1 ? fmt::format("{} has {} key records", answer.question().text(), usable)
                             : fmt::format("the key record cannot be read: {}", first_fault);
}

}  // namespace

std::string_view text(Result result) {
  static constexpr std::array<std::string_view, 7> names{"none",    "pass",      "fail",     "policy",
                                                         "neutral", "temperror", "permerror"};
  return names[static_cast<std::size_t>(result)];
}

std::string_view text(Mathematics mathematics) {
  static constexpr std::array<std::string_view, 3> names{"unchecked", "good", "bad"};
  return names[static_cast<std::size_t>(mathematics)];
}

CanonicalForms canonical_forms(const MessageScan& scan, const ScannedSignature& scanned, Octets message) {
  if (!scanned.parsed) return {};
  StringSink body;
  BodyCanonicalizer canonicalizer{scanned.parsed->canonicalizations.body, body};
  canonicalizer.feed(message.substr(std::min(scan.header().body_offset(), message.size())));
  canonicalizer.finish();
  if (const auto length = scanned.parsed->body_length; length && *length < body.text.size())
    body.text.resize(static_cast<std::size_t>(*length));
  return {signed_header(scan, scanned), std::move(body.text)};
}

Task<KeyLookup> find_key(dns::Resolver& resolver, dns::Name key_name) {
  const dns::Answer answer = co_await resolver.resolve(std::move(key_name), dns::RecordType::txt);
  KeyLookup lookup;
  lookup.answers.push_back(answer);
  if (answer.status() == dns::Status::ok) {
    choose_key(answer, lookup);
    co_return lookup;
  }
  const bool definite = dns::is_definite(answer.status());
  lookup.problem = definite ? Result::permerror : Result::temperror;
  lookup.reason =
      fmt::format("{}: {}", answer.question().text(), definite ? "there is no key record" : dns::text(answer.status()));
  co_return lookup;
}

Task<std::vector<VerifiedSignature>> verify(const MessageScan& scan, dns::Resolver& resolver, TimePoint now) {
  std::vector<VerifiedSignature> results;
  std::map<dns::Name, KeyLookup> keys;  // signatures of one message may share a key
  for (const ScannedSignature& scanned : scan.signatures()) {
    const Verification verification{scan, scanned, now};
    VerifiedSignature result;
    if (verification.begin(result)) {
      const dns::Name name = *scanned.parsed->key_name();
      auto known = keys.find(name);
      if (known == keys.end()) {
        KeyLookup lookup = co_await find_key(resolver, name);
        known = keys.emplace(name, std::move(lookup)).first;
      }
      verification.judge(known->second, result);
    }
    results.push_back(std::move(result));
  }
  co_return results;
}

}  // namespace posthorn::dkim
