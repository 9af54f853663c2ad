// Reply: what one server's message says to one question, told apart as RFC 1034 4.3.2 and RFC 2308 2 have it: an
// answer, an alias that leads elsewhere, no such record, no such name, a referral to other servers, or nothing of use.
// Pure. For those who ask servers directly; behind a Resolver nobody needs it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/time.h"
#include "standards/dns/wire.h"

namespace posthorn::dns {

enum class ReplyKind : unsigned char {
  answer,     ///< records of the type asked for, after CNAMEs that the message holds
  alias,      ///< CNAMEs, whose last target the message does not answer
  no_data,    ///< the name exists, the type does not
  nx_domain,  ///< the name does not exist
  referral,   ///< NS records of a zone below the server's own
  lame,       ///< REFUSED, or neither an authoritative answer nor recursion: the server does not know the zone
  failure,    ///< SERVFAIL, FORMERR, NOTIMP
};
[[nodiscard]] std::string_view text(ReplyKind kind);

/// A name server as a referral or an answer names it, with the addresses that came with it.
struct NameServer {
  Name host;
  std::vector<IpAddress> addresses;
  friend bool operator==(const NameServer&, const NameServer&) = default;
};

/// How long an RRset's signature holds (RFC 4034 3.1).
struct SignatureTimes {
  Name owner;
  RecordType covered = RecordType::a;
  TimePoint inception, expiration;
  Name signer;
  std::uint16_t key_tag = 0;
};
/// Nullopt for what is no RRSIG, or a broken one.
[[nodiscard]] std::optional<SignatureTimes> signature_times(const Record& record);

struct Reply {
  ReplyKind kind = ReplyKind::failure;
  bool authoritative = false;       ///< AA
  bool authentic = false;           ///< AD: the server says that it validated; worth what the way to it is worth
  bool recursive = false;           ///< RA
  std::vector<Record> records;      ///< of the type asked for
  std::vector<Record> aliases;      ///< the CNAMEs that led there, in order
  std::uint32_t ttl_seconds = 0;    ///< smallest of records and aliases; of a negative answer as RFC 2308 5
  std::optional<Soa> soa;           ///< of the answer or the authority section
  Name zone;                        ///< owner of that SOA, or of a referral's NS records
  std::vector<NameServer> servers;  ///< a referral's, with glue
  bool has_ds = false;              ///< a referral with DS: the zone below is signed
  std::vector<SignatureTimes> signatures;
  std::string problem;  ///< for `lame` and `failure`: "REFUSED"

  /// Where the aliases lead; the question's name without them.
  [[nodiscard]] Name target(const Name& question) const;
};
/// `message` answers `question`: its id and question section were compared.
[[nodiscard]] Reply read_reply(const Message& message, const Question& question);
/// Whether the message is a response to this question of ours (RFC 5452 9.1); addresses are the socket's business.
[[nodiscard]] bool answers(const Message& message, std::uint16_t id, const Question& question);

/// The servers an NS answer names, with those addresses of the additional section that belong to them.
[[nodiscard]] std::vector<NameServer> name_servers(const std::vector<Record>& ns_records,
                                                   const std::vector<Record>& additionals);

}  // namespace posthorn::dns
