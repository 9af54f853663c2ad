#include "standards/mta_sts/policy.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/base/ip_address.h"
#include "foundation/codec/hex.h"
#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"
#include "standards/address/domain.h"
#include "standards/dns/policy_txt.h"
#include "standards/mta_sts/record.h"

namespace posthorn::mta_sts {
namespace {

constexpr std::array<std::string_view, 3> kModes{"none", "testing", "enforce"};

// RFC 8461 3.2: sts-policy-max-age = "max_age" field-delim 1*10(DIGIT)
constexpr std::size_t kMaxAgeDigits = 10;

std::optional<Mode> parse_mode(std::string_view word) {
  const auto* at = std::ranges::find(kModes, word);
  if (at == kModes.end()) return std::nullopt;
  return static_cast<Mode>(at - kModes.begin());
}

/// sts-policy-ext-name = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= dns::policy_field_name_octets_max && text::is_alnum(key.front()) &&
         std::ranges::all_of(key, [](char c) { return text::is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

std::string_view without_trailing_wsp(std::string_view line) {
  while (!line.empty() && (text::is_wsp(line.back()) || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

/// The fields of a policy as they come; `done` says what is missing.
class Reading {
 public:
  Result<Policy, PolicyError> run(std::string_view text) {
    if (text.size() > policy_octets_max) return fault(PolicyFault::too_large, "the file is larger than 64 KB");
    if (text::istarts_with(text::trim_lines(text), "<"))
      return fault(PolicyFault::syntax, "this is a web page, not a policy");
    for (const std::string_view raw : text::split(text, '\n')) {
      ++line_;
      const std::string_view line = without_trailing_wsp(raw);
      // A blank line is not in the grammar; files of the world end in several.
      if (line.empty()) continue;
      if (auto read = field(line); !read) return fail(std::move(read.error()));
    }
    line_ = 0;
    return done();
  }

 private:
  using Step = Result<void, PolicyError>;

  [[nodiscard]] std::unexpected<PolicyError> fault(PolicyFault what, std::string reason) const {
    return fail(PolicyError{what, line_, std::move(reason)});
  }

  /// sts-policy-field = name ":" *WSP value
  Step field(std::string_view line) {
    const auto colon = line.find(':');
    const std::string_view key = line.substr(0, colon);
    if (colon == std::string_view::npos || !is_key(key))
      return fault(PolicyFault::syntax, fmt::format("\"{}\" is no field (key: value)", text::printable(line, 60)));
    const std::string_view value = text::trim(line.substr(colon + 1));
    if (key == "mx") return mx(value);
    // RFC 8461 3.2: of duplicates other than mx the first counts.
    if (std::ranges::find(seen_, key) != seen_.end()) return {};
    seen_.emplace_back(key);
    if (key == "version") return version(value);
    if (key == "mode") return mode(value);
    if (key == "max_age") return max_age(value);
    return {};  // sts-policy-extension: ignored, whatever its value is
  }

  Step version(std::string_view value) {
    if (value == "STSv1") return {};
    return fault(PolicyFault::version, fmt::format("version is \"{}\", not STSv1", text::printable(value, 40)));
  }

  Step mode(std::string_view value) {
    const auto mode = parse_mode(value);
    if (mode) {
      policy_.mode = *mode;
      return {};
    }
    const std::string_view meant = did_you_mean(value);
    return fault(PolicyFault::mode_unknown, fmt::format("there is no mode \"{}\"{}", text::printable(value, 40),
                                                        meant.empty() ? "; write enforce, testing or none"
                                                                      : fmt::format("; did you mean {}?", meant)));
  }

  Step max_age(std::string_view value) {
    const auto seconds = text::parse_number(value);
    if (!seconds || value.size() > kMaxAgeDigits)
      return fault(PolicyFault::max_age,
                   fmt::format("max_age \"{}\" is no number of seconds", text::printable(value, 40)));
    if (*seconds > max_age_seconds_max)
      return fault(PolicyFault::max_age,
                   fmt::format("max_age {} is over a year ({} seconds)", *seconds, max_age_seconds_max));
    policy_.max_age_seconds = static_cast<std::uint32_t>(*seconds);
    return {};
  }

  Step mx(std::string_view value) {
    auto pattern = MxPattern::parse(value);
    if (!pattern) return fault(PolicyFault::mx_syntax, std::move(pattern.error()));
    if (policy_.mx.size() == mx_patterns_max)
      return fault(PolicyFault::mx_syntax, fmt::format("more than {} mx lines", mx_patterns_max));
    policy_.mx.push_back(std::move(*pattern));
    return {};
  }

  [[nodiscard]] bool has(std::string_view key) const { return std::ranges::find(seen_, key) != seen_.end(); }

  Result<Policy, PolicyError> done() {
    if (!has("version")) return fault(PolicyFault::version, "version: STSv1 is missing");
    if (!has("mode")) return fault(PolicyFault::mode_missing, "mode is missing");
    if (!has("max_age")) return fault(PolicyFault::max_age, "max_age is missing");
    if (policy_.mx.empty() && policy_.mode != Mode::none)
      return fault(PolicyFault::mx_missing, fmt::format("mode {} needs at least one mx line", text(policy_.mode)));
    return std::move(policy_);
  }

  [[nodiscard]] static std::string_view text(Mode mode) { return mta_sts::text(mode); }

  Policy policy_;
  std::vector<std::string> seen_;
  std::size_t line_ = 0;
};

/// Optimal string alignment: insertions, deletions, changes and swaps of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + static_cast<std::size_t>(a[i - 1] != b[j - 1])});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string_view text(Mode mode) {
  return kModes[static_cast<std::size_t>(mode)];
}

std::string_view did_you_mean(std::string_view word) {
  constexpr std::size_t typing_errors_max = 2;
  constexpr std::size_t word_octets_max = 20;
  constexpr std::array<std::array<std::string_view, 2>, 8> meanings{{{"training", "testing"},
                                                                     {"report", "testing"},
                                                                     {"reporting", "testing"},
                                                                     {"monitor", "testing"},
                                                                     {"reject", "enforce"},
                                                                     {"strict", "enforce"},
                                                                     {"off", "none"},
                                                                     {"disabled", "none"}}};
  if (word.empty() || word.size() > word_octets_max) return {};
  const std::string lower = text::lower(word);
  for (const auto& [written, meant] : meanings)
    if (lower == written) return meant;
  for (const std::string_view mode : kModes)
    if (distance(lower, mode) <= typing_errors_max) return mode;
  return lower.starts_with("test") ? "testing" : lower.starts_with("enforc") ? "enforce" : "";
}

std::string MxPattern::text() const {
  return wildcard ? "*." + domain : domain;
}

bool MxPattern::matches(std::string_view host) const {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (!wildcard) return text::iequals(host, domain);
  // RFC 8461 4.1: the wildcard is exactly one whole label, the leftmost.
  const auto dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && text::iequals(host.substr(dot + 1), domain);
}

Result<MxPattern, std::string> MxPattern::parse(std::string_view text) {
  // sts-policy-mx-value = ["*."] Domain
  MxPattern out;
  out.wildcard = text.starts_with("*.");
  const std::string_view domain = out.wildcard ? text.substr(2) : text;
  const std::string shown = text::printable(text, 80);
  if (domain.empty()) return fail(std::string("mx has no host name"));
  if (IpAddress::parse(domain) || domain.starts_with('['))
    return fail(fmt::format("mx \"{}\" is an address; it must be the name that the MX record has", shown));
  if (!text::is_ascii(domain)) return fail(fmt::format("mx \"{}\" must be written in A-labels (xn--…)", shown));
  auto parsed = address::Domain::parse(domain);
  if (!parsed) return fail(fmt::format("mx \"{}\" is no host name", shown));
  out.domain = parsed->a_label();
  return out;
}

const MxPattern* Policy::match(std::string_view host) const {
  const auto at = std::ranges::find_if(mx, [&](const MxPattern& pattern) { return pattern.matches(host); });
  return at == mx.end() ? nullptr : &*at;
}

std::string PolicyError::text() const {
  return line == 0 ? reason : fmt::format("line {}: {}", line, reason);
}

Result<Policy, PolicyError> parse_policy(std::string_view text) {
  return Reading{}.run(text);
}

std::string policy_text(const Policy& policy) {
  std::string out = fmt::format("version: STSv1\r\nmode: {}\r\n", text(policy.mode));
  for (const MxPattern& pattern : policy.mx) out += fmt::format("mx: {}\r\n", pattern.text());
  out += fmt::format("max_age: {}\r\n", policy.max_age_seconds);
  return out;
}

std::string policy_id(std::string_view policy_text) {
  return codec::hex_encode(crypto::sha256(policy_text)).substr(0, id_octets_max);
}

}  // namespace posthorn::mta_sts
