// ZonePublishers: who may update which zone: the domains of this server that have an update server (domain set
// --update-server). Used from the executor of its loop.
#pragma once

#include "operations/certificates/dns_prover.h"
#include "operations/domains/model.h"
#include "operations/transition/update_publisher.h"
#include "site/directory/directory.h"

namespace posthorn::server {

class ZonePublishers final : public certificates::Publishers {
 public:
  /// All outlive it.
  ZonePublishers(directory::Directory& directory, net::Loop& loop, net::Dialer& dialer, runtime::Random& random)
      : directory_(directory), loop_(loop), dialer_(dialer), random_(random) {}
  [[nodiscard]] Result<std::unique_ptr<transition::ZonePublisher>, Problem> publisher(const dns::Name& name) override;

 private:
  directory::Directory& directory_;
  net::Loop& loop_;
  net::Dialer& dialer_;
  runtime::Random& random_;
};

}  // namespace posthorn::server
