// DomainLease: one administrator at a time changes a domain's DNS. Kept in the store beside the domain; who comes
// second is told who is at work. It ends when it is given back, when its process has ended (a crash), or when it was
// not renewed for lease_time (a process that this one cannot see).
#pragma once

#include "entrance/cli/domain_life.h"

namespace posthorn::cli {

inline constexpr Duration lease_time = std::chrono::minutes(3);

class DomainLease {
 public:
  explicit DomainLease(DomainLife& life) : life_(life) {}

  /// Somebody else holds it; nullopt: it is free.
  [[nodiscard]] std::optional<Problem> held_by_other() const;
  /// Writes it into the store; a Problem where somebody else has it or was faster.
  [[nodiscard]] Result<void, Problem> take(std::string_view doing);
  /// Goes into the store with the next save.
  void renew();
  void give_back();

 private:
  DomainLife& life_;
  std::string doing_;
};

/// For verbs that change a domain in one write: refused while somebody applies it.
[[nodiscard]] std::optional<Problem> refused_while_applied(DomainLife& life);

}  // namespace posthorn::cli
