#include "entrance/admin/surroundings.h"

#include <algorithm>

#include "operations/certificates/file_key_notes.h"
#include "platform/runtime/files.h"

namespace posthorn::admin {
namespace {

constexpr std::size_t certificate_file_octets_max = 1 * MiB;

std::vector<IpAddress> own_addresses(const config::Config& config) {
  std::vector<IpAddress> out;
  const auto add = [&](const IpAddress& address) {
    const bool any = address == IpAddress() || address == *IpAddress::parse("::");
    if (!any && std::ranges::find(out, address) == out.end()) out.push_back(address);
  };
  for (const config::Endpoint& at : config.listen.smtp) add(at.address);
  for (const IpAddress& address : config.relay.source) add(address);
  return out;
}

/// RFC 6186 3.1, RFC 8314 5.1: the labels by which mail programs look for what runs here.
std::vector<domains::Service> services(const config::Listen& listen) {
  std::vector<domains::Service> out;
  const auto add = [&out](const char* label, const std::vector<config::Endpoint>& endpoints) {
    if (!endpoints.empty()) out.push_back({label, endpoints.front().port, true});
  };
  add("_submissions._tcp", listen.submissions);
  add("_submission._tcp", listen.submission);
  add("_imaps._tcp", listen.imaps);
  add("_imap._tcp", listen.imap);
  add("_pop3s._tcp", listen.pop3s);
  add("_pop3._tcp", listen.pop3);
  return out;
}

/// RFC 7672 3.1.1: usage 3, selector 1, SHA-256: the key, whoever has signed its certificate.
std::vector<std::string> tlsa_of(const config::Tls& tls) {
  std::vector<std::string> out;
  for (const auto& file : tls.certificate) {
    const auto pem = runtime::read_file(file, certificate_file_octets_max);
    const auto chain =
        pem ? crypto::Certificate::from_pem(*pem) : Result<std::vector<crypto::Certificate>, std::string>();
    if (!chain || chain->empty()) continue;
    out.push_back(certificates::tlsa_text(chain->front()));
  }
  return out;
}

}  // namespace

domains::Surroundings surroundings_of(const config::Config& config) {
  domains::Surroundings around;
  around.host_name = config.host_name;
  around.addresses = own_addresses(config);
  around.services = services(config.listen);
  around.tlsa = tlsa_of(config.tls);
  around.dmarc_reports = config.domains.dmarc_reports;
  around.tls_reports = config.domains.tls_reports;
  around.queue_age_seconds_max =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(config.relay.give_up).count());
  return around;
}

void put_tls_keys(domains::Surroundings& around, const std::vector<storage::KeyRow>& rows) {
  for (const storage::KeyRow& row : rows) {
    // The files may hold another key than the one that is in use until then.
    if (row.kind == certificates::file_key_kind && row.owner == around.host_name) {
      const std::string tlsa = certificates::file_key_tlsa(row);
      const bool is_new = std::ranges::find(around.tlsa, tlsa) == around.tlsa.end();
      if (!tlsa.empty() && is_new) around.tlsa.push_back(tlsa);
      const auto kept = certificates::remembered_file_key(row);
      if (kept && !kept->next.empty()) around.tlsa_next = "3 1 1 " + kept->next;
    }
    const auto key = certificates::tls_key_from(row);
    if (!key || key->owner != around.host_name) continue;
    if (std::ranges::find(around.tlsa, key->tlsa()) == around.tlsa.end()) around.tlsa.push_back(key->tlsa());
    if (key->state == certificates::TlsKeyState::next) around.tlsa_next = key->tlsa();
  }
}

}  // namespace posthorn::admin
