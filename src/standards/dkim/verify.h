// DKIM verification (RFC 6376 6, with RFC 8301, 8463, 8616). Every signature is judged, up to signatures_max; the
// mathematics (`body_hash`, `signature`) is told apart from the verdict, so that a key that policy refuses still
// shows whether it signed this message.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "standards/dkim/key_record.h"
#include "standards/dkim/message_scan.h"
#include "standards/dkim/signature.h"
#include "standards/dns/resolver.h"

namespace posthorn::dkim {

inline constexpr std::int64_t clock_skew_seconds = 300;  // ours; RFC 6376 3.5 leaves the drift of t= and x= to us
inline constexpr std::size_t key_records_max = 8;        // ours: TXT records looked at under one selector

/// RFC 8601 2.7.1.
enum class Result : unsigned char { none, pass, fail, policy, neutral, temperror, permerror };
[[nodiscard]] std::string_view text(Result result);

enum class Mathematics : unsigned char { unchecked, good, bad };
[[nodiscard]] std::string_view text(Mathematics mathematics);

struct VerifiedSignature {
  Result result = Result::permerror;
  std::string domain;     ///< d=, lower case A-labels; as written where it could not be parsed
  std::string selector;   ///< s=
  std::string identity;   ///< i=, with its default
  std::string algorithm;  ///< a=
  unsigned key_bits = 0;  ///< 0 where no key was read
  Mathematics body_hash = Mathematics::unchecked;
  Mathematics signature = Mathematics::unchecked;
  bool counted_for_dmarc = false;    ///< pass, without l=, over one From field
  bool testing = false;              ///< the key has t=y
  std::string reason;                ///< why the result; empty for a plain pass
  std::string b_prefix;              ///< the first characters of b=, for header.b (RFC 6008)
  std::string key_record;            ///< TXT as found, for stories
  std::vector<dns::Answer> answers;  ///< what the DNS said
  std::optional<Signature> parsed;
};

/// One result a DKIM-Signature field, top first. Empty: the message is not signed.
[[nodiscard]] Task<std::vector<VerifiedSignature>> verify(const MessageScan& scan, dns::Resolver& resolver,
                                                          TimePoint now);

/// What the two hashes of a signature were made over, for a person who looks for the octet that changed.
struct CanonicalForms {
  std::string header;  ///< the signed fields, then the signature's own without its b=
  std::string body;    ///< up to l=
};
/// `message`: the octets the scan was fed. Empty forms where the signature cannot be read.
[[nodiscard]] CanonicalForms canonical_forms(const MessageScan& scan, const ScannedSignature& scanned, Octets message);

/// What a key lookup came to.
struct KeyLookup {
  Result problem = Result::none;  ///< temperror, permerror, or none when `record` is there
  std::string reason;
  std::optional<KeyRecord> record;
  std::string text;                  ///< the TXT record used
  std::vector<dns::Answer> answers;  ///< for stories
};
/// RFC 6376 3.6.2.2; several TXT records: used only if exactly one is a key.
[[nodiscard]] Task<KeyLookup> find_key(dns::Resolver& resolver, dns::Name key_name);

}  // namespace posthorn::dkim
