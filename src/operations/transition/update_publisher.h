// UpdatePublisher: a ZonePublisher over RFC 2136, signed with TSIG (RFC 8945, HMAC-SHA256), over TCP. Answers that are
// not signed, or signed wrongly, are not believed.
#pragma once

#include <string>

#include "operations/domains/model.h"
#include "operations/transition/zone_publisher.h"
#include "platform/net/connect.h"
#include "platform/runtime/random.h"
#include "standards/dns/update.h"

namespace posthorn::transition {

struct UpdateTarget {
  net::Endpoint server;
  dns::Name zone;
  dns::TsigKey key;
  Duration time_max = std::chrono::seconds(20);
};

/// The key's secret from the first line of its file: base64, or `secret "…";` as tsig-keygen writes it.
[[nodiscard]] Result<OctetString, Problem> read_tsig_secret(const std::string& file);

/// Where updates of a domain's zone go, as its model says (`domain set --update-server …`). A Problem of kind usage
/// says what is missing.
[[nodiscard]] Result<UpdateTarget, Problem> update_target(const domains::UpdateServer& server,
                                                          const std::string& domain);

/// One update at a time; on the executor of the loop.
class UpdatePublisher final : public ZonePublisher {
 public:
  UpdatePublisher(net::Loop& loop, net::Dialer& dialer, runtime::Random& random, UpdateTarget target)
      : loop_(loop), dialer_(dialer), random_(random), target_(std::move(target)) {}
  [[nodiscard]] Task<Result<void, Problem>> publish(ZoneChange change) override;

 private:
  [[nodiscard]] Problem problem(ProblemKind kind, std::string why, std::string remedy = {}) const;
  [[nodiscard]] Task<Result<OctetString, Problem>> exchange(OctetString request);
  [[nodiscard]] Result<void, Problem> judge(Octets answer, const dns::SignedMessage& request) const;

  net::Loop& loop_;
  net::Dialer& dialer_;
  runtime::Random& random_;
  UpdateTarget target_;
};

}  // namespace posthorn::transition
