// What is wrong, or not wise, with a policy file, by itself and against the domain's MX records.
#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/mta_sts/policy.h"

namespace posthorn::mta_sts {
namespace {

/// The file with another mode.
std::string with_mode(std::string_view file, std::string_view mode) {
  std::string out;
  for (const std::string_view raw : text::split(file, '\n')) {
    const std::string_view line = text::trim_lines(raw);
    if (line.empty()) continue;
    out += line.starts_with("mode:") ? fmt::format("mode: {}\r\n", mode) : fmt::format("{}\r\n", line);
  }
  return out;
}

std::string mode_of(std::string_view file) {
  for (const std::string_view raw : text::split(file, '\n')) {
    const std::string_view line = text::trim_lines(raw);
    if (line.starts_with("mode:")) return std::string(text::trim(line.substr(5)));
  }
  return {};
}

void review_error(const PolicyError& error, std::string_view file, Findings& out) {
  if (error.fault != PolicyFault::mode_unknown) {
    out.push_back(
        {"sts-policy-syntax", FindingLevel::error, fmt::format("{}: senders use no policy", error.text()), ""});
    return;
  }
  const std::string_view meant = did_you_mean(mode_of(file));
  out.push_back({"sts-mode-unknown", FindingLevel::error, fmt::format("{}; senders use no policy", error.text()),
                 meant.empty() ? "" : with_mode(file, meant)});
}

void review_keys(std::string_view file, Findings& out) {
  std::vector<std::string_view> seen;
  for (const std::string_view raw : text::split(file, '\n')) {
    const std::string_view line = text::trim_lines(raw);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    const bool known = key == "version" || key == "mode" || key == "max_age" || key == "mx";
    if (!known)
      out.push_back({"tag-unknown", FindingLevel::info,
                     fmt::format("\"{}\" is no key of MTA-STS; it is ignored", text::printable(key, 40)), ""});
    else if (key != "mx" && std::ranges::find(seen, key) != seen.end())
      out.push_back({"tag-duplicate", FindingLevel::error,
                     fmt::format("{} appears twice; only the first counts", text::printable(key, 40)), ""});
    seen.push_back(key);
  }
}

}  // namespace

PolicyReview review_policy(std::string_view text) {
  PolicyReview out;
  auto policy = parse_policy(text);
  out.valid = policy.has_value();
  if (!policy) review_error(policy.error(), text, out.findings);
  if (text.size() <= policy_octets_max) review_keys(text, out.findings);
  if (!policy) return out;
  out.policy = std::move(*policy);
  if (out.policy.mode == Mode::enforce && out.policy.max_age_seconds < max_age_seconds_short) {
    Policy better = out.policy;
    better.max_age_seconds = max_age_seconds_short;
    out.findings.push_back({"sts-max-age-short", FindingLevel::warning,
                            fmt::format("max_age is {} seconds, under a day: who can withhold the policy for so long "
                                        "undoes it",
                                        out.policy.max_age_seconds),
                            policy_text(better)});
  }
  return out;
}

Findings compare_with_mx(const Policy& policy, const std::vector<std::string>& mx_hosts) {
  Findings out;
  if (policy.mode == Mode::none) return out;
  for (const std::string& host : mx_hosts) {
    if (policy.match(host) != nullptr) continue;
    Policy better = policy;
    if (auto pattern = MxPattern::parse(host.ends_with('.') ? host.substr(0, host.size() - 1) : host))
      better.mx.push_back(std::move(*pattern));
    out.push_back({"sts-mx-missing", FindingLevel::error,
                   fmt::format("{} is an MX of the domain and not in the policy: senders that enforce it do not "
                               "deliver there",
                               host),
                   policy_text(better)});
  }
  for (const MxPattern& pattern : policy.mx) {
    if (std::ranges::any_of(mx_hosts, [&](const std::string& host) { return pattern.matches(host); })) continue;
    Policy better = policy;
    std::erase(better.mx, pattern);
    out.push_back({"sts-mx-extra", FindingLevel::warning,
                   fmt::format("the policy lists {}, and no MX of the domain is that", pattern.text()),
                   better.mx.empty() ? "" : policy_text(better)});
  }
  return out;
}

}  // namespace posthorn::mta_sts
