// Signing: our DKIM signatures on what leaves a hosted domain, after all changes (RFC 6376 5.3, 5.4; RFC 8463: both
// algorithms at once). One place decides who signs: the exact hosted domain of the From address, so that DMARC aligns;
// for reports of our own, whose From is this host, the hosted domain the host lies in.
//
//   BodyHash hash;                       // one a message
//   hash.feed(octets); …                 // as they arrive, header section and all
//   auto outcome = co_await signing.sign(request, std::move(hash));
//
// Thread-safe; the keyring and the workers outlive it. RSA signatures are made on the worker pool.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "platform/runtime/worker_pool.h"
#include "site/journal/story.h"
#include "site/keyring/keyring.h"
#include "standards/dkim/message_scan.h"
#include "standards/message/edit.h"

namespace posthorn::signing {

/// The hash of a message's body while its octets pass; holds nothing of them but the header section.
class BodyHash {
 public:
  BodyHash();
  void feed(Octets octets) { scan_.feed(octets); }
  /// After the last octet: SHA-256 of the relaxed body.
  [[nodiscard]] std::string finish();

 private:
  dkim::MessageScan scan_;
};

/// What became of it.
struct Signed {
  std::string fields;       ///< DKIM-Signature fields with their CRLFs, to be put on top; empty: not signed
  std::string signed_with;  ///< QueueRow::signed_with
  std::string domain;       ///< d=; empty: none of ours
  std::string reason;       ///< why it is not signed, in words; empty: it is
};

/// Whose mail it is.
enum class Origin : std::uint8_t {
  author,  ///< submitted: From is checked to be the login's, d= is exactly its domain
  host,    ///< a report of ours: d= may be the domain the host name lies in (aligned in DMARC's relaxed mode)
};

class Signing {
 public:
  Signing(const keyring::Keyring& keyring, runtime::WorkerPool& workers) : keyring_(keyring), workers_(workers) {}

  /// Whether hashing bodies is worth while.
  [[nodiscard]] bool is_active() const { return keyring_.signs(); }

  /// `edit`: the changes of `header` so far; what leaves is what is signed.
  [[nodiscard]] Task<Signed> sign(const message::HeaderEdit& edit, const message::Header& header, Origin origin,
                                  std::string body_hash, TimePoint now) const;

  /// Puts the fields on top and tells it.
  static void apply(const Signed& outcome, TimePoint at, message::HeaderEdit& edit, journal::Story& story);

 private:
  const keyring::Keyring& keyring_;
  runtime::WorkerPool& workers_;
};

}  // namespace posthorn::signing
