// World: the two sites of the demo, made and started: their folders, certificates by one demo authority, addresses and
// ports, and the zone with the records that each site's plan wants.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "entrance/demo/teller.h"
#include "entrance/server/quickstart.h"
#include "entrance/server/site_server.h"

namespace posthorn::demo {

/// One of the two sites.
struct Inhabited {
  std::string domain, host_name;
  std::string account, password;  ///< the one person who lives there
  std::string login, secret;      ///< their mail program's own login (SCRAM, revocable by itself)
  IpAddress address;
  server::QuickstartResult made;
  std::unique_ptr<server::SiteServer> server;

  [[nodiscard]] net::Endpoint endpoint(std::string_view service) const;
};

class World {
 public:
  /// Makes both sites below `dir`; nothing runs yet.
  [[nodiscard]] static Result<std::unique_ptr<World>, Problem> make(const std::filesystem::path& dir, TimePoint now);
  /// Starts both; the process's loops run. Errors of services are logged to standard error from `warning` on.
  [[nodiscard]] Task<Result<void, Problem>> start(server::Process& process, Teller& teller);
  [[nodiscard]] Task<> stop();

  [[nodiscard]] Inhabited& alpha() { return sites_[0]; }
  [[nodiscard]] Inhabited& beta() { return sites_[1]; }
  [[nodiscard]] const std::string& zone_text() const { return zone_text_; }
  [[nodiscard]] const net::ClientTls& client_tls() const { return *client_tls_; }

 private:
  [[nodiscard]] static Task<Result<void, Problem>> add_login(Inhabited& site, TimePoint now);
  [[nodiscard]] Result<void, Problem> make_site(Inhabited& site, const std::filesystem::path& dir,
                                                std::uint16_t mx_port, std::uint16_t other_mx_port);

  std::filesystem::path ca_file_;
  std::unique_ptr<net::CertificateAuthority> authority_;
  std::unique_ptr<net::ClientTls> client_tls_;
  std::array<Inhabited, 2> sites_;
  std::string zone_text_;
};

}  // namespace posthorn::demo
