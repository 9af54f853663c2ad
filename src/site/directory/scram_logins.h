// ScramLogins: whether there is anybody for whom SCRAM can work over a protocol: an application login with its scope.
//
// An account's main password has no SCRAM verifier (docs/decisions/0060-scram-offered-where-it-works.md), and many
// programs take the strongest mechanism on offer without trying another when it fails. So a site without application
// logins must not offer it.
//
// Thread-safe. The Directory outlives it.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "site/directory/directory.h"

namespace posthorn::directory {

class ScramLogins {
 public:
  ScramLogins(const Directory& directory, Scope scope) : directory_(directory), scope_(scope) {}

  /// Whether such a login is there now. Quick where nothing has changed, or the one found last still stands.
  [[nodiscard]] bool any();

 private:
  [[nodiscard]] bool fits(const storage::LoginRow* login) const;

  const Directory& directory_;
  Scope scope_;
  std::mutex mutex_;
  std::shared_ptr<const Snapshot> seen_;  ///< in which none was
  std::string found_;                     ///< the name of one; empty: none was found in seen_
};

/// Whether a login's scopes ("imap,smtp") hold this one.
[[nodiscard]] bool has_scope(std::string_view scopes, Scope scope);

}  // namespace posthorn::directory
