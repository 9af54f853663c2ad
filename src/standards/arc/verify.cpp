#include <array>
#include <map>

#include <fmt/format.h>

#include "standards/arc/arc.h"
#include "standards/arc/chain.h"

namespace posthorn::arc {
namespace {

using dkim::Mathematics;

std::string digest_of(std::string_view octets) {
  crypto::SignatureDigest digest{crypto::SignatureHash::sha256};
  digest.update(octets);
  return digest.finish();
}

/// Keys asked for once a message.
class Keys {
 public:
  explicit Keys(dns::Resolver& resolver) : resolver_(resolver) {}

  Task<const dkim::KeyLookup*> find(dns::Name name) {
    auto known = lookups_.find(name);
    if (known == lookups_.end()) {
      dkim::KeyLookup lookup = co_await dkim::find_key(resolver_, name);
      known = lookups_.emplace(std::move(name), std::move(lookup)).first;
    }
    co_return &known->second;
  }

 private:
  dns::Resolver& resolver_;
  std::map<dns::Name, dkim::KeyLookup> lookups_;
};

/// Why a key cannot serve a signature of this algorithm; RFC 8617 4.1 takes DKIM's rules over.
std::optional<std::string> key_fault(const dkim::KeyLookup& lookup, dkim::Algorithm algorithm) {
  if (!lookup.record) return lookup.reason;
  if (lookup.record->revoked()) return "the key is revoked";
  const crypto::PublicKey& key = *lookup.record->key;
  if (algorithm == dkim::Algorithm::rsa_sha1) return "rsa-sha1 must not be used (RFC 8301)";
  if (key.kind() != dkim::key_kind(algorithm)) return "a= does not go with the key";
  if (key.kind() == crypto::KeyKind::rsa && key.bits() < dkim::rsa_verify_bits_min)
    return fmt::format("an RSA key of {} bits is too short", key.bits());
  return std::nullopt;
}

class Verification {
 public:
  Verification(const dkim::MessageScan& scan, dns::Resolver& resolver) : scan_(scan), keys_(resolver) {}

  Task<Outcome> run() {
    const Chain chain = read_chain(scan_.header());
    out_.sets = chain.newest;
    if (chain.newest == 0) co_return std::move(out_);
    out_.result = ChainStatus::fail;
    if (scan_.header().overflowed()) co_return failed(dkim::header_bound_reason());
    if (!chain.fault.empty()) co_return failed(chain.fault);
    describe(chain);
    if (auto fault = chain_value_fault(chain)) co_return failed(std::move(*fault));
    if (auto fault = co_await check_newest_signature(chain.sets.back())) co_return failed(std::move(*fault));
    if (auto fault = co_await check_seals(chain)) co_return failed(std::move(*fault));
    out_.result = ChainStatus::pass;
    co_return std::move(out_);
  }

 private:
  using Fault = std::optional<std::string>;

  Outcome failed(std::string reason) {
    out_.reason = std::move(reason);
    return std::move(out_);
  }

  void describe(const Chain& chain) {
    for (const Set& set : chain.sets) {
      SetOutcome outcome;
      outcome.instance = static_cast<unsigned>(out_.chain.size() + 1);
      outcome.sealer = set.seal.domain.text();
      outcome.selector = set.seal.selector.text();
      outcome.cv = set.seal.cv;
      if (auto results = authentication_results::parse(set.results_text)) outcome.results = std::move(*results);
      out_.chain.push_back(std::move(outcome));
    }
  }

  /// RFC 8617 5.2 steps 2 and 3: the first set says none, the others pass.
  static Fault chain_value_fault(const Chain& chain) {
    if (chain.sets.back().seal.cv == "fail") return "the newest seal says that the chain had failed already";
    for (std::size_t i = 0; i < chain.sets.size(); ++i)
      if (chain.sets[i].seal.cv != (i == 0 ? "none" : "pass"))
        return fmt::format("set {}: cv={} cannot stand there", i + 1, chain.sets[i].seal.cv);
    return std::nullopt;
  }

  /// Step 4: only the newest signature must hold; the older ones may have been broken by later forwarders.
  Task<Fault> check_newest_signature(const Set& set) {
    SetOutcome& outcome = out_.chain.back();
    const dkim::Signature& signature = set.signature;
    const dkim::KeyLookup* lookup = co_await keys_.find(*signature.key_name());
    if (auto fault = usable(*lookup, signature.algorithm)) co_return fmt::format("{}: {}", signature_name, *fault);
    const dkim::BodyHashKind kind{signature.canonicalizations.body, dkim::hash_of(signature.algorithm),
                                  signature.body_length};
    const auto* body = scan_.body_hash(kind);
    const bool body_holds =
        body && body->digest == signature.body_hash && (!kind.length || *kind.length <= body->canonical_octets);
    outcome.body_hash = body_holds ? Mathematics::good : Mathematics::bad;
    const std::string octets =
        dkim::canonical_headers(scan_.header(), signature.signed_headers, signature.canonicalizations.header,
                                own_field(set.signature_field, signature.b_begin, signature.b_end));
    const bool holds =
        lookup->record->key->verify(crypto::SignatureHash::sha256, digest_of(octets), signature.signature);
    outcome.message_signature = holds ? Mathematics::good : Mathematics::bad;
    if (!holds) co_return "the newest ARC-Message-Signature does not hold";
    if (!body_holds) co_return "the body is not what the newest ARC-Message-Signature signed";
    co_return std::nullopt;
  }

  /// Step 5, newest first.
  Task<Fault> check_seals(const Chain& chain) {
    for (std::size_t i = chain.sets.size(); i-- > 0;) {
      const Seal& seal = chain.sets[i].seal;
      const dkim::KeyLookup* lookup = co_await keys_.find(*seal.key_name());
      if (auto fault = usable(*lookup, seal.algorithm))
        co_return fmt::format("set {}: {}: {}", i + 1, seal_name, *fault);
      const std::string digest = digest_of(sealed_octets(chain, i));
      const bool holds = lookup->record->key->verify(crypto::SignatureHash::sha256, digest, seal.signature);
      out_.chain[i].seal = holds ? Mathematics::good : Mathematics::bad;
      if (!holds) co_return fmt::format("set {}: the ARC-Seal does not hold", i + 1);
    }
    co_return std::nullopt;
  }

  /// RFC 8617 5.1.1: every set up to this one, in order, the seal's own b= empty; always relaxed.
  static std::string sealed_octets(const Chain& chain, std::size_t last) {
    constexpr auto relaxed = dkim::Canonicalization::relaxed;
    std::string out;
    for (std::size_t i = 0; i <= last; ++i) {
      const Set& set = chain.sets[i];
      dkim::append_canonical_field(out, relaxed, set.results_field.raw);
      dkim::append_canonical_field(out, relaxed, set.signature_field.raw);
      if (i < last)
        dkim::append_canonical_field(out, relaxed, set.seal_field.raw);
      else
        dkim::append_own_field(out, relaxed, own_field(set.seal_field, set.seal.b_begin, set.seal.b_end));
    }
    return out;
  }

  Fault usable(const dkim::KeyLookup& lookup, dkim::Algorithm algorithm) {
    out_.temporary |= lookup.problem == dkim::Result::temperror;
    return key_fault(lookup, algorithm);
  }

  const dkim::MessageScan& scan_;
  Keys keys_;
  Outcome out_;
};

}  // namespace

std::string_view text(ChainStatus status) {
  static constexpr std::array<std::string_view, 3> names{"none", "pass", "fail"};
  return names[static_cast<std::size_t>(status)];
}

Task<Outcome> verify(const dkim::MessageScan& scan, dns::Resolver& resolver, TimePoint) {
  Verification verification{scan, resolver};
  co_return co_await verification.run();
}

}  // namespace posthorn::arc
