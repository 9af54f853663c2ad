#include "entrance/server/settings.h"

#include <limits>

#include <fmt/format.h>

#include "flow/access/imap_facts.h"
#include "foundation/base/bytes.h"
#include "platform/runtime/files.h"
#include "site/config/salvage.h"
#include "site/keyring/sealing_key.h"

namespace posthorn::server {
namespace {

constexpr std::size_t kPemOctetsMax = 256 * KiB;
constexpr std::size_t kAnchorFileOctetsMax = 64 * KiB;

std::uint32_t bounded(std::uint64_t number) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(number, std::numeric_limits<std::uint32_t>::max()));
}

smtp::server::Limits machine_limits(const config::Limits& limits) {
  smtp::server::Limits machine;
  machine.message_size_octets_max = limits.message_size;
  machine.recipients_max = bounded(limits.recipients);
  machine.mails_max = bounded(limits.messages_per_connection);
  machine.errors_max = bounded(limits.errors);
  machine.unknown_recipients_max = bounded(limits.refused_recipients);
  machine.discarded_octets_max = 2 * limits.message_size;
  return machine;
}

}  // namespace

Problem at_key(const std::filesystem::path& config_file, std::string_view key, Problem problem) {
  problem.what = fmt::format("{}: {}", config::place_of(config_file, key), problem.what);
  return problem;
}

Result<std::vector<net::CertificateAndKey>, Problem> read_certificates(const config::Tls& tls,
                                                                       const std::filesystem::path& config_file) {
  std::vector<net::CertificateAndKey> certificates;
  for (std::size_t i = 0; i < tls.certificate.size(); ++i) {
    auto chain = runtime::read_file(tls.certificate[i], kPemOctetsMax);
    if (!chain) return fail(at_key(config_file, "tls.certificate", std::move(chain.error())));
    auto key = runtime::read_file(tls.key[i], kPemOctetsMax);
    if (!key) return fail(at_key(config_file, "tls.key", std::move(key.error())));
    net::CertificateAndKey pair{std::move(*chain), std::move(*key)};
    // Each by itself, so that the problem can name the file.
    if (auto usable = net::ServerTls::make({pair}); !usable) {
      Problem problem = std::move(usable.error());
      problem.what = fmt::format("cannot use tls.certificate {} with tls.key {}", tls.certificate[i].string(),
                                 tls.key[i].string());
      return fail(at_key(config_file, "tls.certificate", std::move(problem)));
    }
    certificates.push_back(std::move(pair));
  }
  return certificates;
}

smtp_service::ServiceSettings smtp_settings(const config::Config& config, smtp::server::Role role,
                                            std::shared_ptr<const net::ServerTls> tls,
                                            const std::string& unknown_login_secret) {
  using sasl::Mechanism;
  smtp_service::ServiceSettings settings;
  settings.machine.host_name = config.host_name;
  settings.machine.role = role;
  settings.machine.limits = machine_limits(config.limits);
  settings.machine.starttls = tls != nullptr && role != smtp::server::Role::submissions;
  if (role != smtp::server::Role::reception)
    settings.machine.mechanisms = {Mechanism::scram_sha_256_plus, Mechanism::scram_sha_256, Mechanism::plain,
                                   Mechanism::login};
  settings.machine.unknown_login_secret = unknown_login_secret;
  settings.time_outs.command = config.limits.command_timeout;
  settings.time_outs.data = config.limits.data_timeout;
  settings.time_outs.transaction = config.limits.transaction_timeout;
  settings.time_outs.tls = config.limits.tls_timeout;
  settings.tls = std::move(tls);
  return settings;
}

access::Settings access_settings(const config::Config& config, std::shared_ptr<const net::ServerTls> tls,
                                 const std::string& unknown_login_secret) {
  access::Settings settings;
  settings.host_name = config.host_name;
  settings.time_outs.login = config.limits.login_timeout;
  settings.time_outs.imap_idle = config.limits.imap_idle_timeout;
  settings.time_outs.pop3_idle = config.limits.pop3_idle_timeout;
  settings.time_outs.command = config.limits.command_timeout;
  settings.time_outs.tls = config.limits.tls_timeout;
  settings.tls = std::move(tls);
  settings.unknown_login_secret = unknown_login_secret;
  settings.append_octets_max = config.limits.append_size;
  return settings;
}

mailbox::MailboxOptions mailbox_options(const config::Config& config) {
  mailbox::MailboxOptions options;
  options.undelete_time = config.limits.undelete_time;
  options.make_facts = access::make_facts;
  return options;
}

Result<std::string, Problem> trust_anchors(const config::Config& config) {
  if (config.dns_trust_anchor_file.empty()) return std::string();
  auto anchors = runtime::read_file(config.dns_trust_anchor_file, kAnchorFileOctetsMax);
  if (!anchors) return fail(at_key(config.file, "dns.trust_anchor_file", std::move(anchors.error())));
  return anchors;
}

https::ClientOptions https_options(const config::Config& config) {
  https::ClientOptions options;
  options.ca_file = config.tls.ca_file;
  options.use_system_store = config.tls.ca_file.empty();
  options.allow_private = config.relay.allow_private;
  options.source = config.relay.source;
  return options;
}

delivery::Rules delivery_rules(const config::Config& config) {
  return {config.host_name, config.limits.received_fields, config.limits.header_size, queue::Policy::from(config),
          queue::Routes(config.relay.routes)};
}

directory::GuessLimits guess_limits(const config::Limits& limits) {
  return {limits.guesses_per_address, limits.guesses_per_account, limits.guess_window};
}

directory::Snapshot::Bounds group_bounds(const config::Limits& limits) {
  return {limits.group_members, limits.group_depth};
}

std::filesystem::path sealing_key_file(const config::Config& config) {
  // A configuration that was read from text has no folder of its own: the store's neighbour is outside the store, too.
  const auto& beside = config.file.empty() ? config.store_dir : config.file;
  return keyring::sealing_key_path(config.keys.sealing_key_file, beside.parent_path());
}

runtime::Logger make_logger(const config::Config& config, const runtime::Clock& clock) {
  return runtime::Logger::to_stderr(clock, config.log_level, config.log_format);
}

}  // namespace posthorn::server
