// What the configuration means for each room: the only place where its keys are translated. Pure but for reading
// certificates.
#pragma once

#include <memory>

#include "flow/access/settings.h"
#include "flow/delivery/delivery.h"
#include "flow/mailbox/mailboxes.h"
#include "flow/smtp_service/pump.h"
#include "platform/https/client.h"
#include "platform/net/tls.h"
#include "platform/runtime/log.h"
#include "site/config/config.h"
#include "site/directory/guess_limiter.h"
#include "site/directory/snapshot.h"

namespace posthorn::server {

/// The problem with the file, line and key of the configuration that led to it ("posthorn.toml:12: tls.key: …").
[[nodiscard]] Problem at_key(const std::filesystem::path& config_file, std::string_view key, Problem problem);

/// Every certificate with its key; a Problem names the file. `config_file` is what `tls` was read from.
[[nodiscard]] Result<std::vector<net::CertificateAndKey>, Problem> read_certificates(
    const config::Tls& tls, const std::filesystem::path& config_file);

[[nodiscard]] smtp_service::ServiceSettings smtp_settings(const config::Config& config, smtp::server::Role role,
                                                          std::shared_ptr<const net::ServerTls> tls,
                                                          const std::string& unknown_login_secret);
[[nodiscard]] access::Settings access_settings(const config::Config& config, std::shared_ptr<const net::ServerTls> tls,
                                               const std::string& unknown_login_secret);
[[nodiscard]] mailbox::MailboxOptions mailbox_options(const config::Config& config);
/// The text of dns.trust_anchor_file; empty: IANA's anchors alone.
[[nodiscard]] Result<std::string, Problem> trust_anchors(const config::Config& config);
[[nodiscard]] https::ClientOptions https_options(const config::Config& config);
[[nodiscard]] delivery::Rules delivery_rules(const config::Config& config);
[[nodiscard]] directory::GuessLimits guess_limits(const config::Limits& limits);
[[nodiscard]] directory::Snapshot::Bounds group_bounds(const config::Limits& limits);
/// Where the sealing key is (site/keyring/sealing_key.h).
[[nodiscard]] std::filesystem::path sealing_key_file(const config::Config& config);
[[nodiscard]] runtime::Logger make_logger(const config::Config& config, const runtime::Clock& clock);

}  // namespace posthorn::server
