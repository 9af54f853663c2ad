// For the tests of check_domain: a domain that is right, faults planted in it, and a bed of name servers in memory:
// each with a zone of its own, some silent, some lame, a cache beside them.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "operations/domains/zone_fixture.h"
#include "operations/inspection/check.h"

namespace posthorn::inspection {

/// RFC 8463 A.2.
inline constexpr std::string_view good_key = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
inline constexpr std::string_view good_policy =
    "version: STSv1\r\nmode: testing\r\nmx: mail.a.example\r\nmax_age: 604800\r\n";

/// A domain whose mail is here, at mail.a.example, with nothing wrong.
inline const std::string good_zone =
    ";; secure a.example\n"
    "a.example. 3600 SOA ns1.a.example. hostmaster.a.example. 1 7200 3600 1209600 3600\n"
    "a.example. 3600 NS ns1.a.example.\n"
    "ns1.a.example. 3600 A 192.0.2.53\n"
    "a.example. 3600 MX 10 mail.a.example.\n"
    "a.example. 3600 TXT \"v=spf1 mx ~all\"\n"
    "mail.a.example. 3600 A 192.0.2.1\n"
    "mail.a.example. 3600 TXT \"v=spf1 a -all\"\n"
    "s1._domainkey.a.example. 3600 TXT \"" +
    std::string(good_key) +
    "\"\n"
    "_dmarc.a.example. 3600 TXT \"v=DMARC1; p=quarantine; rua=mailto:postmaster@a.example\"\n"
    "_mta-sts.a.example. 300 TXT \"v=STSv1; id=" +
    mta_sts::policy_id(good_policy) +
    ";\"\n"
    "mta-sts.a.example. 3600 A 192.0.2.1\n"
    "_smtp._tls.a.example. 3600 TXT \"v=TLSRPTv1; rua=mailto:postmaster@a.example\"\n"
    "1.2.0.192.in-addr.arpa. 3600 PTR mail.a.example.\n";

/// What the plan wants of a domain without mail.
inline const std::string parked_zone =
    ";; secure a.example\n"
    "a.example. 3600 SOA ns1.b.example. hostmaster.b.example. 1 7200 3600 1209600 3600\n"
    "a.example. 3600 MX 0 .\n"
    "a.example. 3600 TXT \"v=spf1 -all\"\n"
    "*.a.example. 3600 TXT \"v=spf1 -all\"\n"
    "_dmarc.a.example. 3600 TXT \"v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s; rua=mailto:reports@b.example\"\n"
    "a.example._report._dmarc.b.example. 3600 TXT \"v=DMARC1\"\n"
    "*._domainkey.a.example. 3600 TXT \"v=DKIM1; p=\"\n"
    "a.example. 3600 CAA 0 issue \";\"\n";

/// The zone without the lines that begin with `start`; all of it for "".
inline std::string without(std::string_view zone, std::string_view start) {
  std::string out;
  for (std::size_t at = 0; at < zone.size();) {
    const std::size_t end = zone.find('\n', at) + 1;
    const std::string_view line = zone.substr(at, end - at);
    if (start.empty() || !line.starts_with(start)) out += line;
    at = end;
  }
  return out;
}

/// a.example is ours: its mail is here, and s1 is the key we sign with.
inline Expectation ours() {
  Expectation out;
  out.model.emplace();
  out.model->domain = "a.example";
  out.model->state = domains::State::testing;
  out.model->sts = domains::StsStage{mta_sts::Mode::testing, 604800};
  out.around.host_name = "mail.a.example";
  out.around.addresses = {*IpAddress::parse("192.0.2.1")};
  out.around.keys = {{"s1", std::string(good_key), true, false}};
  const auto policy = mta_sts::parse_policy(good_policy);
  if (policy) out.policies.serve(*policy, domains::tests_begin - std::chrono::hours(24));
  return out;
}

// ---------------------------------------------------------------- servers

struct BedServer {
  std::string name;
  std::string zone;
  CheckedServer::State state = CheckedServer::State::answers;
  std::uint32_t serial = 1;
  std::optional<TimePoint> signature_expires{};
};

/// Name servers of a.example and a cache, all in memory; counts what each is asked.
class BedSource final : public CheckSource {
 public:
  BedSource(std::vector<BedServer> servers, std::optional<std::string> cache = std::nullopt)
      : servers_(std::move(servers)), resolver_(domains::zone_of(cache ? *cache : servers_.front().zone)) {
    for (const BedServer& server : servers_) zones_.push_back(domains::zone_of(server.zone));
    if (cache) cache_ = domains::zone_of(*cache);
  }
  Task<std::unique_ptr<Session>> open(dns::Name domain) override {
    co_return std::make_unique<BedSession>(*this, std::move(domain));
  }
  dns::Resolver& resolver() override { return resolver_; }
  bool is_live() const override { return true; }
  bool validates() const override { return true; }

 private:
  class BedSession final : public Session {
   public:
    BedSession(BedSource& bed, dns::Name domain) : bed_(bed), counts_(bed.servers_.size() + 1) {
      view_.zone = std::move(domain);
      for (const BedServer& server : bed_.servers_)
        view_.servers.push_back({server.name, server.state, server.serial,
                                 server.state == CheckedServer::State::answers ? "" : "connection refused"});
    }
    const CheckedZone& zone() const override { return view_; }
    Task<Published> ask(dns::Name name, dns::RecordType type) override {
      Published published{name, type, {}, std::nullopt, std::nullopt};
      for (std::size_t i = 0; i < bed_.servers_.size(); ++i) {
        if (bed_.servers_[i].state != CheckedServer::State::answers) continue;
        ++counts_[i];
        ServerAnswer said{
            bed_.servers_[i].name, bed_.zones_[i].lookup(name, type), bed_.servers_[i].serial, true, std::nullopt, {}};
        if (const auto expires = bed_.servers_[i].signature_expires; expires && type == dns::RecordType::soa)
          said.signatures.push_back({view_.zone, type, *expires - std::chrono::days{14}, *expires, view_.zone, 1});
        published.authoritative.push_back(std::move(said));
      }
      if (bed_.cache_) {
        ++counts_.back();
        published.cached = bed_.cache_->lookup(name, type);
      }
      co_return published;
    }
    Task<std::vector<dns::Record>> list() override { co_return std::vector<dns::Record>{}; }
    std::vector<AskedCount> asked() const override {
      std::vector<AskedCount> out;
      for (std::size_t i = 0; i < bed_.servers_.size(); ++i) out.push_back({bed_.servers_[i].name, counts_[i]});
      out.push_back({"cache", counts_.back()});
      return out;
    }

   private:
    BedSource& bed_;
    CheckedZone view_;
    std::vector<unsigned> counts_;
  };

  std::vector<BedServer> servers_;
  std::vector<dns::Zone> zones_;
  std::optional<dns::Zone> cache_;
  dns::ZoneFileResolver resolver_;
};

/// What a connection to hosts would have shown.
class BedProbes final : public CheckProbes {
 public:
  std::function<void(MxProbe&)> at_host;
  PolicyFetch fetch{.host = "mta-sts.a.example",
                    .url = "https://mta-sts.a.example/.well-known/mta-sts.txt",
                    .status = 200,
                    .content_type = "text/plain",
                    .location = {},
                    .body = std::string(good_policy),
                    .failure = {},
                    .review = mta_sts::review_policy(good_policy)};

  Task<MxProbe> mx(dns::Resolver& resolver, dns::Name host, bool mx_secure, TimePoint now) override {
    ProbeOptions options;
    options.dns_only = true;
    const ProbeSurroundings with{&resolver, nullptr, nullptr, nullptr, nullptr};
    MxProbe probe = co_await probe_mx(with, std::move(options), std::move(host), mx_secure, now);
    AddressProbe visit;
    visit.address = *IpAddress::parse("192.0.2.1");
    visit.connected = visit.starttls = visit.encrypted = true;
    visit.certificate.emplace();
    visit.certificate->fits_name = true;
    visit.certificate->tlsa = "3 1 1 " + std::string(64, 'a');
    probe.probes = {visit};
    if (at_host) at_host(probe);
    co_return probe;
  }
  Task<PolicyProbe> policy(dns::Resolver& resolver, dns::Name domain) override {
    PolicyProbe out{.domain = domain, .record = co_await mta_sts::find_record(resolver, domain), .fetch = {}};
    if (out.record.state == mta_sts::RecordState::found) out.fetch = fetch;
    co_return out;
  }
};

// ---------------------------------------------------------------- checks

inline CheckReport check_source(CheckSource& source, Expectation expectation = {}, CheckOptions options = {},
                                std::string_view domain = "a.example") {
  options.now = domains::tests_begin;
  return domains::run_task(
      check_domain(source, dns::Name::parse(domain).value(), std::move(expectation), std::move(options)));
}

inline CheckReport check_zone(std::string_view zone_text, Expectation expectation = {}, CheckOptions options = {},
                              std::string_view domain = "a.example") {
  const dns::Zone zone = domains::zone_of(zone_text);
  const auto source = make_zone_source(zone);
  return check_source(*source, std::move(expectation), std::move(options), domain);
}

inline const CheckFinding* finding(const CheckReport& report, std::string_view id, std::string_view name = "") {
  for (const CheckFinding& one : report.findings)
    if (one.finding.id == id && (name.empty() || one.name == name)) return &one;
  return nullptr;
}

/// "error mx-missing a.example: reason", a line each, from the level on.
inline std::string listed(const CheckReport& report, FindingLevel from = FindingLevel::info) {
  std::string out;
  for (const CheckFinding& one : report.findings)
    if (one.finding.level >= from)
      out += std::string(word(one.finding.level)) + " " + one.finding.id + " " + one.name + ": " + one.finding.reason +
             " -> " + one.finding.correction + "\n";
  return out;
}

}  // namespace posthorn::inspection
