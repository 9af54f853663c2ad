#include "site/directory/scram_logins.h"

#include <algorithm>

#include "foundation/text/ascii.h"

namespace posthorn::directory {

bool has_scope(std::string_view scopes, Scope scope) {
  while (!scopes.empty())
    if (text::take_until(scopes, ',') == name(scope)) return true;
  return false;
}

bool ScramLogins::fits(const storage::LoginRow* login) const {
  return login != nullptr && has_scope(login->scope, scope_);
}

bool ScramLogins::any() {
  std::shared_ptr<const Snapshot> now = directory_.snapshot();
  const std::lock_guard lock(mutex_);
  if (!found_.empty() && fits(now->login(found_))) return true;
  found_.clear();
  if (now == seen_) return false;
  const auto logins = now->logins();
  const auto one = std::ranges::find_if(logins, [this](const storage::LoginRow* login) { return fits(login); });
  if (one != logins.end()) found_ = (*one)->name;
  seen_ = std::move(now);
  return !found_.empty();
}

}  // namespace posthorn::directory
