// SitePages: what the web listeners answer. Over TLS the MTA-STS policies of the domains here; in clear the proofs that
// a certificate authority asks for, and nothing else.
#pragma once

#include "entrance/admin/web_server.h"
#include "operations/certificates/tokens.h"
#include "operations/domains/policy_host.h"

namespace posthorn::server {

class SitePages final : public admin::Pages {
 public:
  SitePages(storage::Store& store, runtime::Clock& clock) : policies_(store, clock) {}

  [[nodiscard]] Task<admin::HttpAnswer> get(admin::HttpRequest request, bool secure) override;
  [[nodiscard]] certificates::Tokens& tokens() { return tokens_; }

 private:
  domains::PolicyHost policies_;
  certificates::Tokens tokens_;
};

}  // namespace posthorn::server
