// `domains.*`.
#include <algorithm>

#include "site/config/reading.h"
#include "site/config/values.h"

namespace posthorn::config {
namespace {

/// A URI as it stands in a record: what parts tags and lists there must be percent-encoded (RFC 8460 3, RFC 9989 4.8).
bool is_report_uri(std::string_view uri, bool may_be_https) {
  if (uri.find_first_of(" \t,;!\"\\") != std::string_view::npos) return false;
  const auto is_graphic = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::ranges::all_of(uri, is_graphic)) return false;
  constexpr std::string_view mail = "mailto:", web = "https://";
  if (may_be_https && uri.starts_with(web)) return uri.size() > web.size();
  const auto at = uri.rfind('@');
  return uri.starts_with(mail) && at != std::string_view::npos && at > mail.size() && at + 1 < uri.size();
}

void read_uris(Reading& r, std::string_view key, const toml::node& node, bool may_be_https,
               std::vector<std::string>& to) {
  for (const Element& element : read_strings(r, key, node, R"("mailto:reports@example.org")")) {
    if (is_report_uri(element.text, may_be_https)) {
      to.push_back(element.text);
    } else {
      r.fault(*element.node, key, fmt::format("'{}' is no report address", element.text),
              may_be_https ? R"(write "mailto:reports@example.org" or "https://reports.example.org/tls")"
                           : R"(write "mailto:reports@example.org")");
    }
  }
}

}  // namespace

void read_dmarc_reports(Reading& r, std::string_view key, const toml::node& node) {
  read_uris(r, key, node, false, r.config.domains.dmarc_reports);
}

void read_tls_reports(Reading& r, std::string_view key, const toml::node& node) {
  read_uris(r, key, node, true, r.config.domains.tls_reports);
}

void read_watch_interval(Reading& r, std::string_view key, const toml::node& node) {
  const auto text = read_string(r, key, node, R"("6h")");
  if (!text) return;
  const auto time = read_duration(r, key, node, *text);
  if (!time) return;
  if (*time != Duration::zero() && (*time < watch_interval_min || *time > watch_interval_max)) {
    return r.fault(node, key, fmt::format("{} is out of bounds", *text),
                   fmt::format("write {} to {}, or \"0\" for none", duration_text(watch_interval_min),
                               duration_text(watch_interval_max)));
  }
  r.config.domains.watch_interval = *time;
}

void read_watch_mail(Reading& r, std::string_view key, const toml::node& node) {
  if (const auto value = node.value_exact<bool>()) {
    r.config.domains.watch_mail = *value;
  } else {
    r.fault(node, key, "is neither true nor false", "write true or false, without quotes");
  }
}

}  // namespace posthorn::config
