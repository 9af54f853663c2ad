#include "operations/inspection/policy_probe.h"

#include <algorithm>

#include <fmt/format.h>

#include "flow/relay/sts_policies.h"
#include "foundation/text/ascii.h"

namespace posthorn::inspection {

Task<PolicyFetch> fetch_policy(https::Client& client, dns::Name domain, std::uint16_t port, dns::Resolver* resolver) {
  https::Request request = relay::policy_request(text::lower(domain.text()), port);
  request.resolver = resolver;
  PolicyFetch out;
  out.host = request.host;
  out.url = port == 443 ? fmt::format("https://{}{}", request.host, request.path)
                        : fmt::format("https://{}:{}{}", request.host, port, request.path);
  Result<https::Response, https::Failure> response = co_await client.send(std::move(request));
  if (!response) {
    out.failure = std::move(response.error());
    co_return out;
  }
  out.status = response->status;
  out.content_type = text::printable(response->header("content-type"));
  out.location = text::printable(response->header("location"));
  out.body = std::move(response->body);
  if (out.status == 200) out.review = mta_sts::review_policy(out.body);
  co_return out;
}

Task<PolicyProbe> probe_policy(dns::Resolver& resolver, https::Client& client, dns::Name domain, std::uint16_t port) {
  PolicyProbe out;
  out.domain = domain;
  out.record = co_await mta_sts::find_record(resolver, domain);
  const bool published =
      out.record.state != mta_sts::RecordState::absent && out.record.state != mta_sts::RecordState::unavailable;
  if (published) out.fetch = co_await fetch_policy(client, domain, port, &resolver);
  co_return out;
}

namespace {

Finding unreachable(const PolicyFetch& fetch, std::string why) {
  return {"sts-policy-unreachable", FindingLevel::error,
          fmt::format("{} cannot be fetched as senders fetch it: {}", fetch.url, why),
          fmt::format("serve the file at {} with status 200", fetch.url)};
}

bool is_plain_text(const std::string& content_type) {
  const std::string_view type = text::trim(std::string_view(content_type).substr(0, content_type.find(';')));
  return content_type.empty() || text::iequals(type, "text/plain");
}

}  // namespace

Findings findings_of(const PolicyFetch& fetch) {
  if (fetch.failure) {
    if (fetch.failure->kind != https::FailureKind::certificate) return {unreachable(fetch, fetch.failure->reason)};
    return {{"sts-policy-certificate", FindingLevel::error,
             fmt::format("the certificate of {} is not valid for its name: {}", fetch.host, fetch.failure->reason),
             fmt::format("a certificate of a public CA with {} among its names", fetch.host)}};
  }
  if (fetch.status >= 300 && fetch.status < 400)
    return {{"sts-policy-redirect", FindingLevel::error,
             fmt::format("{} answers with a redirect to {}: senders do not follow it", fetch.url,
                         fetch.location.empty() ? "somewhere else" : fetch.location),
             fmt::format("serve the file at {} itself", fetch.url)}};
  if (fetch.status != 200) return {unreachable(fetch, fmt::format("HTTP status {}", fetch.status))};
  Findings out = fetch.review.findings;
  // RFC 8461 3.2: text/plain, so that nobody takes a page that users can write for a policy.
  if (!is_plain_text(fetch.content_type) && fetch.review.valid)
    out.push_back({"sts-policy-syntax", FindingLevel::error,
                   fmt::format("the file is served as {}: some senders take text/plain only", fetch.content_type),
                   "Content-Type: text/plain"});
  return out;
}

Findings findings_of(const PolicyProbe& probe, const std::vector<std::string>& mx_hosts) {
  Findings out = mta_sts::findings_of(probe.record, probe.domain);
  if (!probe.fetch) return out;
  const Findings of_fetch = findings_of(*probe.fetch);
  out.insert(out.end(), of_fetch.begin(), of_fetch.end());
  if (!probe.fetch->is_usable()) return out;
  const Findings of_mx = mta_sts::compare_with_mx(probe.fetch->review.policy, mx_hosts);
  out.insert(out.end(), of_mx.begin(), of_mx.end());
  return out;
}

}  // namespace posthorn::inspection
