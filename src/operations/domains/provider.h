// Provider: what a company that takes or sends mail for domains asks their owners to publish. Providers are data: one
// JSON file each in share/providers, compiled in by the build, so that a new one needs no code.
//
// "{domain}" in a value is the domain, "{domain-dashed}" the same with dashes for dots.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operations/domains/model.h"

namespace posthorn::domains {

/// Who changes the DKIM keys behind the references.
enum class KeyRotation : std::uint8_t { provider, owner };

struct Provider {
  std::string name;   ///< "google"
  std::string title;  ///< "Google Workspace"
  std::vector<MxHost> mx;
  std::vector<std::string> spf;  ///< terms: "include:_spf.google.com"
  DkimKind dkim_kind = DkimKind::txt;
  KeyRotation rotation = KeyRotation::provider;
  /// Selectors with what they point at; where the target is not known beforehand the value is empty.
  std::vector<DkimReference> dkim;
  std::string dkim_hint;  ///< where its owner finds the values
  /// A return-path subdomain's own MX hosts, where bounces are handed to the provider; empty with a hint: it gives
  /// them.
  std::vector<MxHost> return_path_mx;
  std::string return_path_hint;
  std::string note;
};

/// One compiled-in file.
struct ProviderFile {
  std::string_view name;
  std::string_view json;
};
/// Made by the build from share/providers/*.json.
[[nodiscard]] std::span<const ProviderFile> provider_files();

/// Every provider, by name. "generic" is the one that gives nothing by itself.
[[nodiscard]] const std::vector<Provider>& all_providers();
[[nodiscard]] const Provider* find_provider(std::string_view name);
/// With "{domain}" filled in.
[[nodiscard]] Provider provider_for(const Provider& provider, std::string_view domain);

}  // namespace posthorn::domains
