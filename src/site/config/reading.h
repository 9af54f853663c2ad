// Reading: what the readers of config keys share: the file's name for messages, the folder of relative paths, the
// Config being filled and the faults found. Only the files that include this know toml++.
#pragma once

#include <stdexcept>

// toml++ 3.3 asserts what a text can violate ("[#"): such a text is a fault of the file, not of the program.
#define TOML_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : throw std::logic_error("this is not TOML: " #condition))
#define TOML_ASSERT_ASSUME(condition) TOML_ASSERT(condition)
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "site/config/config.h"

namespace posthorn::config {

struct Reading {
  std::string file;
  std::filesystem::path base;
  Config config;
  struct Fault {
    std::uint32_t line;
    std::size_t order;
    Problem problem;
  };
  std::vector<Fault> faults;

  /// "FILE:LINE: KEY: why; remedy".
  void fault(const toml::node& at, std::string_view key, std::string why, std::string remedy);
  void fault(std::uint32_t line, std::string_view key, std::string why, std::string remedy);
  [[nodiscard]] std::filesystem::path path(std::string_view text) const;
};

/// The string at `node`; a fault that gives `example` otherwise.
[[nodiscard]] std::optional<std::string> read_string(Reading& reading, std::string_view key, const toml::node& node,
                                                     std::string_view example);
/// A string, or a list of strings.
struct Element {
  std::string text;
  const toml::node* node;
};
[[nodiscard]] std::vector<Element> read_strings(Reading& reading, std::string_view key, const toml::node& node,
                                                std::string_view example);
[[nodiscard]] std::optional<std::uint16_t> read_port(Reading& reading, std::string_view key, const toml::node& node);
[[nodiscard]] std::optional<Duration> read_duration(Reading& reading, std::string_view key, const toml::node& node,
                                                    std::string_view text);

/// The document; a fault that names line and key otherwise.
[[nodiscard]] std::optional<toml::table> read_toml(Reading& reading, std::string_view text);

/// `limits.*`.
void read_limit(Reading& reading, const LimitRow& row, std::string_view key, const toml::node& node);

/// `relay.routes`.
void read_routes(Reading& reading, std::string_view key, const toml::node& node);

// `verification.*`, a reader a key.
void read_verification_enabled(Reading& reading, std::string_view key, const toml::node& node);
void read_verification_time(Reading& reading, std::string_view key, const toml::node& node);
void read_verification_dmarc(Reading& reading, std::string_view key, const toml::node& node);
void read_verification_dns_failure(Reading& reading, std::string_view key, const toml::node& node);
void read_verification_refuse(Reading& reading, std::string_view key, const toml::node& node);
void read_verification_forwarders(Reading& reading, std::string_view key, const toml::node& node);

// `domains.*`.
void read_dmarc_reports(Reading& reading, std::string_view key, const toml::node& node);
void read_tls_reports(Reading& reading, std::string_view key, const toml::node& node);
void read_watch_interval(Reading& reading, std::string_view key, const toml::node& node);
void read_watch_mail(Reading& reading, std::string_view key, const toml::node& node);

/// Unknown keys: "there is no such key; did you mean …?".
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates,
                                       std::string_view otherwise);

}  // namespace posthorn::config
