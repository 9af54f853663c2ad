// `verification.*`.
#include "site/config/reading.h"
#include "site/config/values.h"

namespace posthorn::config {
namespace {

constexpr Duration time_least = std::chrono::seconds(1);
/// RFC 5321 4.5.3.2.6: a client waits ten minutes for the reply to its dot; far less must do.
constexpr Duration time_most = std::chrono::minutes(5);

/// One of the words that `parse` knows.
template <class T, std::size_t N>
void read_word(Reading& r, std::string_view key, const toml::node& node, const std::array<std::string_view, N>& words,
               std::optional<T> (*parse)(std::string_view), T& to) {
  const auto text = read_string(r, key, node, fmt::format("\"{}\"", words.front()));
  if (!text) return;
  if (const auto value = parse(*text)) {
    to = *value;
  } else {
    r.fault(node, key, fmt::format("'{}' is not known here", *text), "write " + alternatives(words));
  }
}

}  // namespace

void read_verification_enabled(Reading& r, std::string_view key, const toml::node& node) {
  if (const auto value = node.value_exact<bool>()) {
    r.config.verification.enabled = *value;
  } else {
    r.fault(node, key, "is neither true nor false", "write true or false, without quotes");
  }
}

void read_verification_time(Reading& r, std::string_view key, const toml::node& node) {
  const auto text = read_string(r, key, node, R"("10s")");
  if (!text) return;
  const auto time = read_duration(r, key, node, *text);
  if (!time) return;
  if (*time < time_least || *time > time_most) {
    return r.fault(node, key, fmt::format("{} is out of bounds", *text),
                   fmt::format("write {} to {}", duration_text(time_least), duration_text(time_most)));
  }
  r.config.verification.time_max = *time;
}

void read_verification_dmarc(Reading& r, std::string_view key, const toml::node& node) {
  read_word(r, key, node, dmarc_handling_words, parse_dmarc_handling, r.config.verification.dmarc);
}

void read_verification_dns_failure(Reading& r, std::string_view key, const toml::node& node) {
  read_word(r, key, node, dns_failure_words, parse_dns_failure, r.config.verification.dns_failure);
}

void read_verification_refuse(Reading& r, std::string_view key, const toml::node& node) {
  std::vector<Refusal> refuse;
  for (const Element& element : read_strings(r, key, node, R"(["null_mx", "spf_no_mail"])")) {
    const auto refusal = parse_refusal(element.text);
    if (!refusal) {
      r.fault(*element.node, key, fmt::format("'{}' is nothing that is refused here", element.text),
              "write " + alternatives(refusal_words));
    } else if (std::ranges::find(refuse, *refusal) == refuse.end()) {
      refuse.push_back(*refusal);
    }
  }
  r.config.verification.refuse = std::move(refuse);
}

void read_verification_forwarders(Reading& r, std::string_view key, const toml::node& node) {
  for (const Element& element : read_strings(r, key, node, R"("forwarder.example")")) {
    if (auto forwarder = parse_forwarder(element.text)) {
      r.config.verification.forwarders.push_back(std::move(*forwarder));
    } else {
      r.fault(*element.node, key, fmt::format("'{}' is neither a domain nor an address", element.text),
              R"(write "forwarder.example", "192.0.2.1" or "2001:db8::/32")");
    }
  }
}

}  // namespace posthorn::config
