// RecordWitness: what every authoritative server of a name's zone has at that name. Who waits until a record is there,
// or gone, waits for all of them: an authority, or a sender, may ask any.
//
// Used from one executor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/spawn.h"
#include "standards/dns/resolver.h"

namespace posthorn::certificates {

/// One server's words.
struct ServerRecords {
  std::string server;     ///< "ns1.example.net (192.0.2.53)"
  bool definite = false;  ///< it said what it has; else `words` says why not
  std::vector<dns::Record> records;
  std::vector<dns::Name> aliases;  ///< the name is an alias: where it leads, step by step
  std::string words;
};

struct Sighting {
  std::vector<ServerRecords> servers;  ///< of a host that answers at one address only that one
  std::string problem;                 ///< there was nobody to ask

  /// Every server has answered, and this holds for each.
  [[nodiscard]] bool all(const std::function<bool(const ServerRecords&)>& holds) const;
  /// Why not every server's word is known; empty: it is.
  [[nodiscard]] std::string doubt() const;
};

class RecordWitness {
 public:
  virtual ~RecordWitness() = default;
  [[nodiscard]] virtual Task<Sighting> look(dns::Name name, dns::RecordType type) = 0;
};

/// For a source as dns.source names it; a zone file is one server. Destroyed on the executor.
[[nodiscard]] Result<std::unique_ptr<RecordWitness>, Problem> make_record_witness(std::string_view source,
                                                                                  runtime::Clock& clock,
                                                                                  runtime::Executor executor);
/// A resolver in the place of the servers; it outlives the witness.
[[nodiscard]] std::unique_ptr<RecordWitness> resolver_record_witness(dns::Resolver& resolver);

}  // namespace posthorn::certificates
