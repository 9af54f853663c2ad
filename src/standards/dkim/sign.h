// DKIM signing (RFC 6376 5, RFC 8301, RFC 8463). Signs what must not change, each field as often as it is there
// and once more, so that nothing can be added beside it; leaves out what relays add or rewrite.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "foundation/base/time.h"
#include "foundation/crypto/signature.h"
#include "standards/dkim/algorithm.h"
#include "standards/dkim/message_scan.h"
#include "standards/dns/name.h"

namespace posthorn::dkim {

/// Who signs with what. The key's kind decides the algorithm.
struct Signer {
  dns::Name domain;
  dns::Name selector;
  crypto::PrivateKey key;
};

struct SigningOptions {
  Canonicalizations canonicalizations{Canonicalization::relaxed, Canonicalization::relaxed};
  /// h= exactly as given; absent: signed_header_list(header).
  std::optional<std::vector<std::string>> headers;
  TimePoint now{};
  std::optional<TimePoint> expiration;  ///< x=
  std::string identity;                 ///< i=; empty: none is written
};

/// The body hash a scan must be made with so that a message can be signed after it.
[[nodiscard]] BodyHashKind signing_body_hash(Canonicalization form);

/// The default h=: what readers and clients act upon, From first, as often as it is there; the fields to which a
/// second one could be added with gain once more than they occur.
[[nodiscard]] std::vector<std::string> signed_header_list(const message::Header& header);

/// One DKIM-Signature field, folded, with its final CRLF: goes on top of the message. The scan must be finished and
/// hold signing_body_hash(options.canonicalizations.body), and the message must have a From field: both are the
/// caller's duty.
[[nodiscard]] std::string sign(const MessageScan& scan, const Signer& signer, const SigningOptions& options);
/// The same for a message whose header is not yet on its octets: `header` as it will leave, `body_digest` the hash
/// signing_body_hash(options.canonicalizations.body) of its body.
[[nodiscard]] std::string sign(const message::Header& header, std::string_view body_digest, const Signer& signer,
                               const SigningOptions& options);
/// One field a signer, in that order (RSA first, so that a verifier that stops at the first has the one it knows).
[[nodiscard]] std::string sign_all(const message::Header& header, std::string_view body_digest,
                                   const std::vector<Signer>& signers, const SigningOptions& options);

}  // namespace posthorn::dkim
