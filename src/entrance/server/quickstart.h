// quickstart: everything a domain needs to start, made in one folder without root: configuration, store, certificates,
// the domain, its postmaster and an account; and the DNS records to publish.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "operations/domains/wanted.h"
#include "platform/net/certificate.h"
#include "site/config/config.h"

namespace posthorn::server {

struct QuickstartOptions {
  std::string domain;
  std::filesystem::path dir;
  std::string host_name;   ///< empty: mail.DOMAIN
  std::string listen;      ///< "smtp=ADDR:PORT,…"; empty: default_listen()
  std::string dns_source;  ///< empty: system
  std::string account;     ///< "ann" or "ann@domain"; empty: postmaster
  std::string password;    ///< of the account; empty: one is made and told
  // For sites that are made together (the demo):
  const net::CertificateAuthority* authority = nullptr;  ///< issues the certificates; null: self-signed
  std::filesystem::path ca_file;                         ///< tls.ca_file
  config::Relay relay;
  std::optional<dmarc::Policy> dmarc_policy;  ///< the domain's; empty: it begins with none
};

struct QuickstartResult {
  std::filesystem::path config;
  config::Listen listeners;
  std::string account;
  std::string generated_password;              ///< empty where one was given
  std::vector<domains::WantedRecord> records;  ///< what `domain plan` says for a zone that is empty yet
  std::string records_text;                    ///< those of the domain's zone as lines of a zone file
};

/// The well-known ports where this process may open them, else the same with 2000 added (2025, 2587, 2465).
[[nodiscard]] config::Listen default_listen();
/// "smtp=127.0.0.1:2525,submission=[::1]:2587"; a service may stand there more than once.
[[nodiscard]] Result<config::Listen, Problem> parse_listen(std::string_view text);

/// Refuses a folder that already holds a configuration. What it made stays where it fails later; the problem says so.
[[nodiscard]] Result<QuickstartResult, Problem> quickstart(const QuickstartOptions& options);

}  // namespace posthorn::server
