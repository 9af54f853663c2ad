#include <algorithm>

#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "standards/arc/arc.h"
#include "standards/arc/chain.h"

namespace posthorn::arc {
namespace {

constexpr auto kRelaxed = dkim::Canonicalization::relaxed;

/// A field whose tags stand in alphabetical order, as every signer of ARC writes them: what stands before the value
/// of b= and what follows it.
struct Halves {
  std::string before;
  std::string after;
};

std::string sign(const Halves& field, const std::string& signed_before, const crypto::PrivateKey& key) {
  const std::string raw = field.before + field.after + "\r\n";
  std::string octets = signed_before;
  dkim::append_own_field(octets, kRelaxed, {raw, field.before.size(), field.before.size()});
  crypto::SignatureDigest digest{crypto::SignatureHash::sha256};
  digest.update(octets);
  // b= stays on one line (at most 690 octets): folds inside it would be sealed as they are, and relays refold.
  return field.before + codec::base64_encode(key.sign_sha256(digest.finish())) + field.after + "\r\n";
}

std::string algorithm_text(const dkim::Signer& signer) {
  const bool rsa = signer.key.kind() == crypto::KeyKind::rsa;
  return std::string{dkim::text(rsa ? dkim::Algorithm::rsa_sha256 : dkim::Algorithm::ed25519_sha256)};
}

/// What stands after our authserv-id in the message's Authentication-Results fields.
std::string own_results(const message::Header& header, std::string_view authserv_id) {
  std::string out;
  for (const message::Field& field : header.all(authentication_results::field_name)) {
    if (!authentication_results::claims_authserv_id(field.value, authserv_id)) continue;
    const auto semicolon = field.value.find(';');
    if (semicolon == Octets::npos) continue;
    std::string_view results = text::trim_lines(field.value.substr(semicolon + 1));
    while (results.ends_with(';')) results = text::trim_lines(results.substr(0, results.size() - 1));
    if (results.empty()) continue;
    out += fmt::format("{}{}", out.empty() ? "" : "; ", results);
  }
  return out;
}

std::vector<std::string> default_headers(const message::Header& header) {
  std::vector<std::string> out;
  for (const std::string& name : dkim::signed_header_list(header)) {
    const auto already = static_cast<std::size_t>(std::ranges::count(out, name));
    if (already < header.count(name)) out.push_back(name);  // no oversigning: lists add and change fields
  }
  out.insert(out.end(), std::min<std::size_t>(header.count("DKIM-Signature"), dkim::signatures_max), "DKIM-Signature");
  return out;
}

/// Folds are a space: dkimpy looks for " i=" in the field as it came.
Halves signature_halves(const dkim::MessageScan& scan, const dkim::Signer& signer, const SealOptions& options,
                        const std::vector<std::string>& headers, unsigned instance) {
  const auto* body = scan.body_hash(dkim::signing_body_hash(kRelaxed));
  return {fmt::format("{}: a={};\r\n b=", signature_name, algorithm_text(signer)),
          fmt::format(";\r\n bh={};\r\n c=relaxed/relaxed; d={};\r\n h={};\r\n i={}; s={}; t={}",
                      codec::base64_encode(body->digest), signer.domain.text(), fmt::join(headers, ":"), instance,
                      signer.selector.text(), unix_seconds(options.now))};
}

Halves seal_halves(const dkim::Signer& signer, const SealOptions& options, std::string_view cv, unsigned instance) {
  return {fmt::format("{}: a={};\r\n b=", seal_name, algorithm_text(signer)),
          fmt::format(";\r\n cv={}; d={}; i={}; s={}; t={}", cv, signer.domain.text(), instance, signer.selector.text(),
                      unix_seconds(options.now))};
}

/// RFC 8617 5.1.1: the sets before ours in order; a chain that failed is left out, and only our own set is sealed.
std::string canonical_sets(const Chain& chain) {
  std::string out;
  for (const Set& set : chain.sets)
    for (const Octets raw : {set.results_field.raw, set.signature_field.raw, set.seal_field.raw})
      dkim::append_canonical_field(out, kRelaxed, raw);
  return out;
}

}  // namespace

std::string_view text(SealError error) {
  switch (error) {
    case SealError::no_results:
      return "the message has no Authentication-Results field of this authserv-id";
    case SealError::chain_too_long:
      return "the chain has fifty sets already";
    case SealError::chain_failed:
      break;
  }
  return "the chain has been marked as failed already";
}

Result<std::string, SealError> seal(const dkim::MessageScan& scan, const Outcome& chain, const dkim::Signer& signer,
                                    const SealOptions& options) {
  if (chain.sets >= sets_max) return fail(SealError::chain_too_long);
  if (!chain.chain.empty() && chain.chain.back().cv == "fail") return fail(SealError::chain_failed);
  const std::string results = own_results(scan.header(), options.authserv_id);
  if (results.empty()) return fail(SealError::no_results);

  const unsigned instance = chain.sets + 1;
  const std::string aar = fmt::format("{}: i={}; {}; {}\r\n", results_name, instance, options.authserv_id, results);
  const std::vector<std::string> headers = options.headers ? *options.headers : default_headers(scan.header());
  const Halves halves = signature_halves(scan, signer, options, headers, instance);
  std::string signed_fields;
  dkim::append_signed_fields(signed_fields, scan.header(), headers, kRelaxed);
  const std::string ams = sign(halves, signed_fields, signer.key);

  std::string sealed = chain.result == ChainStatus::fail ? std::string{} : canonical_sets(read_chain(scan.header()));
  dkim::append_canonical_field(sealed, kRelaxed, aar);
  dkim::append_canonical_field(sealed, kRelaxed, ams);
  const std::string_view cv = text(chain.result);
  return sign(seal_halves(signer, options, cv, instance), sealed, signer.key) + ams + aar;
}

}  // namespace posthorn::arc
