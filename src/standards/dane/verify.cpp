#include "standards/dane/verify.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/crypto/hash.h"
#include "standards/dane/tlsa.h"

namespace posthorn::dane {
namespace {

bool is_association(const dns::Tlsa& record, Octets octets) {
  switch (record.matching_type) {
    case matching_full:
      return record.association_data == octets;
    case matching_sha256:
      return record.association_data == crypto::sha256(octets);
    case matching_sha512:
      return record.association_data == crypto::sha512(octets);
    default:
      return false;
  }
}

bool is_about(const dns::Tlsa& record, const crypto::Certificate& certificate) {
  return is_association(record, record.selector == 0 ? certificate.der() : certificate.public_key_der());
}

/// RFC 7671 9: of the digests of one usage and selector only the strongest counts.
std::vector<dns::Tlsa> usable_ones(const std::vector<dns::Tlsa>& records) {
  std::vector<dns::Tlsa> out;
  for (const dns::Tlsa& record : records) {
    const bool outdone =
        record.matching_type == matching_sha256 && std::ranges::any_of(records, [&](const dns::Tlsa& other) {
          return other.usage == record.usage && other.selector == record.selector &&
                 other.matching_type == matching_sha512 && why_unusable(other).empty();
        });
    if (!outdone && why_unusable(record).empty() && out.size() < records_max) out.push_back(record);
  }
  return out;
}

/// What a usage 2 record makes trusted: a certificate of the chain behind the first, or what it holds in full.
crypto::ChainAnchors anchors_of(const dns::Tlsa& record, const std::vector<crypto::Certificate>& chain) {
  crypto::ChainAnchors out;
  for (std::size_t i = 1; i < chain.size(); ++i)
    if (is_about(record, chain[i])) out.certificates.push_back(chain[i]);
  if (record.matching_type != matching_full) return out;
  if (record.selector == 1) {
    out.public_keys.push_back(record.association_data);
  } else if (auto certificate = crypto::Certificate::from_der(record.association_data)) {
    out.certificates.push_back(std::move(*certificate));
  }
  return out;
}

bool fits_any(const crypto::Certificate& certificate, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) { return certificate.fits(name); });
}

class Verification {
 public:
  Verification(const std::vector<crypto::Certificate>& chain, const std::vector<std::string>& names, TimePoint now)
      : chain_(chain), names_(names), now_(now) {
    verdict_.match = Match::mismatch;
    verdict_.reason = "no TLSA record matches the server's certificates";
  }

  /// RFC 7671 5.1: nothing but the key (or certificate) counts.
  void end_entity(const dns::Tlsa& record) {
    if (!is_about(record, chain_.front())) return;
    verdict_ = {.match = Match::match, .usage = dane_ee, .depth = 0, .record = text(record)};
    verdict_.reason = record.selector == 0 ? "the server's certificate is the one published"
                                           : "the server's key is the one published";
  }

  /// RFC 7671 5.2: chain, dates and name count.
  void trust_anchor(const dns::Tlsa& record) {
    const crypto::ChainAnchors anchors = anchors_of(record, chain_);
    if (anchors.certificates.empty() && anchors.public_keys.empty()) return;
    const crypto::ChainVerdict chain = crypto::verify_to_anchors(chain_, anchors, now_);
    const bool fits = fits_any(chain_.front(), names_);
    const auto depth = static_cast<int>(chain.depth);
    if (is_match() && verdict_.depth <= depth) return;
    // An anchor that is not in the chain and issued nothing of it says nothing about it.
    const bool in_chain = std::any_of(chain_.begin() + 1, chain_.end(),
                                      [&](const crypto::Certificate& each) { return is_about(record, each); });
    if (!chain.trusted && !chain.by_dates && !in_chain) return;
    if (is_match() && !(chain.trusted && fits)) return;
    verdict_ = {.match = chain.trusted && fits ? Match::match : Match::mismatch,
                .usage = dane_ta,
                .depth = depth,
                .record = text(record),
                .names_differ = chain.trusted && !fits,
                .expired = chain.by_dates};
    if (!chain.trusted)
      verdict_.reason =
          fmt::format("the published trust anchor is there, but the chain does not hold: {}", chain.reason);
    else if (!fits)
      verdict_.reason = fmt::format("the published trust anchor issued the certificate, but for another name than {}",
                                    fmt::join(names_, " or "));
    else
      verdict_.reason = "the certificate was issued by the trust anchor that is published";
  }

  [[nodiscard]] bool is_match() const { return verdict_.match == Match::match; }
  [[nodiscard]] const Verdict& verdict() const { return verdict_; }

 private:
  const std::vector<crypto::Certificate>& chain_;
  const std::vector<std::string>& names_;
  TimePoint now_;
  Verdict verdict_;
};

Verdict nothing_usable(const std::vector<dns::Tlsa>& records) {
  Verdict out;
  out.reason = records.empty() ? "there are no TLSA records"
                               : fmt::format("no TLSA record can be used: {}", why_unusable(records.front()));
  return out;
}

}  // namespace

std::string_view text(Match match) {
  static constexpr std::array<std::string_view, 3> names{"match", "mismatch", "unusable"};
  return names[static_cast<std::size_t>(match)];
}

Verdict verify_chain(const std::vector<dns::Tlsa>& records, const std::vector<crypto::Certificate>& chain,
                     const std::vector<std::string>& names, TimePoint now) {
  const std::vector<dns::Tlsa> usable = usable_ones(records);
  if (usable.empty()) return nothing_usable(records);
  if (chain.empty()) return {.match = Match::mismatch, .reason = "the server sent no certificate"};
  Verification verification(chain, names, now);
  // A usage 3 match is one, whatever trust anchors there are besides.
  for (const dns::Tlsa& record : usable)
    if (record.usage == dane_ee && !verification.is_match()) verification.end_entity(record);
  if (verification.is_match()) return verification.verdict();
  for (const dns::Tlsa& record : usable)
    if (record.usage == dane_ta) verification.trust_anchor(record);
  return verification.verdict();
}

Verdict verify_chain_der(const std::vector<dns::Tlsa>& records, const std::vector<OctetString>& chain,
                         const std::vector<std::string>& names, TimePoint now) {
  std::vector<crypto::Certificate> certificates;
  for (const OctetString& der : chain) {
    auto certificate = crypto::Certificate::from_der(der);
    if (!certificate || certificates.size() == crypto::chain_certificates_max) break;
    certificates.push_back(std::move(*certificate));
  }
  if (!certificates.empty() || chain.empty()) return verify_chain(records, certificates, names, now);
  for (const dns::Tlsa& record : usable_ones(records))
    if (record.usage == dane_ee && record.selector == 0 && is_association(record, chain.front()))
      return {.match = Match::match,
              .usage = dane_ee,
              .depth = 0,
              .record = text(record),
              .reason = "the server's certificate is the one published"};
  if (usable_ones(records).empty()) return nothing_usable(records);
  return {.match = Match::mismatch, .reason = "the server's certificate cannot be read"};
}

}  // namespace posthorn::dane
