// CheckSource: where `domain check` and `domain compare` ask what a domain publishes: each authoritative server by
// itself, and a cache beside them. check_network.h asks the DNS; ZoneCheckSource reads a zone in memory, where one
// pseudo server stands for all of them.
//
// A source outlives the tasks that await it; it is used from one executor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "standards/dns/reply.h"
#include "standards/dns/resolver.h"
#include "standards/dns/zone.h"

namespace posthorn::inspection {

/// What one server said to one question.
struct ServerAnswer {
  std::string server;  ///< "ns1.example.net (192.0.2.53)", "zone file"
  dns::Answer answer;
  std::optional<std::uint32_t> serial;  ///< of its zone, as it said when the check began
  bool authoritative = false;
  std::optional<dns::Name> delegated;  ///< it refers to somebody else for this zone, which holds the name
  std::vector<dns::SignatureTimes> signatures;
};

/// One question, put to every server and to the cache.
struct Published {
  dns::Name name;
  dns::RecordType type = dns::RecordType::a;
  std::vector<ServerAnswer> authoritative;
  std::optional<dns::Answer> cached;
  std::optional<dns::Answer> resolved;  ///< where an alias leads out of the zone and no cache was asked

  /// What stands in the DNS: the first definite authoritative answer, else the first there is, else the cache's.
  [[nodiscard]] const dns::Answer* best() const;
  /// best(), and where that is an alias that leads elsewhere: what stands there.
  [[nodiscard]] const dns::Answer* value() const;
  /// Definite authoritative answers that differ in more than TTL and order.
  [[nodiscard]] bool disagree() const;
  /// The cache holds something else than the servers say.
  [[nodiscard]] bool cache_differs() const;
  [[nodiscard]] std::optional<dns::Name> delegated() const;
};
/// The records' data in presentation form, sorted: what is compared. "" where there are none.
[[nodiscard]] std::string answer_text(const dns::Answer& answer);

struct CheckedServer {
  enum class State : unsigned char {
    answers,
    unreachable,  ///< nothing came
    lame,         ///< it answers, and not for this zone
    not_asked,    ///< this machine has no way there: it has no IPv6
  };
  std::string name;
  State state = State::answers;
  std::optional<std::uint32_t> serial;
  std::string problem;
};
[[nodiscard]] std::string_view text(CheckedServer::State state);

/// The domain's zone and who serves it.
struct CheckedZone {
  dns::Name zone;
  std::vector<CheckedServer> servers;
  std::vector<dns::Name> unresolved;               ///< name servers without an address
  std::vector<dns::Name> parent_names, own_names;  ///< NS as the parent and as the zone has them; empty: not known
  bool has_ds = false;
  bool domain_is_absent = false;  ///< the parent says that the name does not exist
  std::string problem;            ///< there is nobody to ask
};

/// How many questions of a check one server (or the cache) was asked.
struct AskedCount {
  std::string server;
  unsigned questions = 0;
};

class CheckSource {
 public:
  virtual ~CheckSource() = default;

  /// The questions of one domain; finds its servers first.
  class Session {
   public:
    virtual ~Session() = default;
    [[nodiscard]] virtual const CheckedZone& zone() const = 0;
    [[nodiscard]] virtual Task<Published> ask(dns::Name name, dns::RecordType type) = 0;
    /// Everything at and below the domain, where the source can list it: a zone file, or a server that allows a
    /// transfer. Empty: it cannot.
    [[nodiscard]] virtual Task<std::vector<dns::Record>> list() = 0;
    /// Questions put to each server and to the cache so far.
    [[nodiscard]] virtual std::vector<AskedCount> asked() const = 0;
  };
  [[nodiscard]] virtual Task<std::unique_ptr<Session>> open(dns::Name domain) = 0;

  /// For what lies outside of the domain's zone: SPF trees, MX hosts, PTR.
  [[nodiscard]] virtual dns::Resolver& resolver() = 0;
  /// Whether it is the Internet's DNS; a zone file is not.
  [[nodiscard]] virtual bool is_live() const = 0;
  /// Whether the resolver validates signatures, so that "not validated" says something.
  [[nodiscard]] virtual bool validates() const = 0;
};

/// Over a zone in memory. The zone outlives the source.
[[nodiscard]] std::unique_ptr<CheckSource> make_zone_source(const dns::Zone& zone);

}  // namespace posthorn::inspection
