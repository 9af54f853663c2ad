// MessageScan: one pass over a message as its octets arrive, after which DKIM and ARC can be verified (or a message
// signed) without reading it again. It keeps the header section and the body hashes its signatures ask for.
//
//   MessageScan scan;
//   scan.feed(octets); …            // any pieces; line ends are CRLF
//   scan.finish();
//   auto results = co_await dkim::verify(scan, resolver, now);
//
// Memory: the header section (bounded by message::header_octets_max) and at most body_hashes_max hash states,
// however long the message or its lines are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/bytes.h"
#include "standards/dkim/algorithm.h"
#include "standards/dkim/signature.h"
#include "standards/dns/name.h"
#include "standards/message/header.h"

namespace posthorn::dkim {

inline constexpr std::size_t signatures_max = 16;   // ours: how many DKIM-Signature fields are looked at, from the top
inline constexpr std::size_t body_hashes_max = 16;  // ours: different body hashes computed in one pass

/// Which hash of the body a signature asks for.
struct BodyHashKind {
  Canonicalization form = Canonicalization::relaxed;
  crypto::SignatureHash hash = crypto::SignatureHash::sha256;
  std::optional<std::uint64_t> length;  ///< l=: octets of the canonical body
  friend bool operator==(const BodyHashKind&, const BodyHashKind&) = default;
};

/// A DKIM-Signature field of the message. The views live as long as the scan's header.
struct ScannedSignature {
  message::Field field;
  posthorn::Result<Signature, SignatureError> parsed;
};

/// Why a message is not judged whose header overflowed (message/header.h): nobody has seen what stands behind the
/// bound.
[[nodiscard]] std::string header_bound_reason();

class MessageScan {
 public:
  /// Besides what the message's own DKIM-Signature and ARC-Message-Signature fields ask for, these hashes are
  /// computed (a signer's).
  explicit MessageScan(const std::vector<BodyHashKind>& wanted = {});
  ~MessageScan();
  MessageScan(MessageScan&&) noexcept;
  MessageScan& operator=(MessageScan&&) noexcept;

  void feed(Octets octets);
  void finish();

  /// The header section is complete: header() and key_names() may be used while the body still arrives.
  [[nodiscard]] bool header_complete() const;
  [[nodiscard]] const message::Header& header() const;
  /// The first signatures_max of them, from the top.
  [[nodiscard]] const std::vector<ScannedSignature>& signatures() const;
  /// The names whose TXT records verify() will ask for, so that asking can begin early.
  [[nodiscard]] std::vector<dns::Name> key_names() const;

  struct BodyHash {
    std::string digest;
    std::uint64_t canonical_octets = 0;  ///< of the whole canonical body; l= beyond it cannot verify
  };
  /// After finish(). Null where the hash was not asked for in time, or too many were.
  [[nodiscard]] const BodyHash* body_hash(const BodyHashKind& kind) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthorn::dkim
