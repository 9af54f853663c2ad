// Expiry: which certificates that are in use come to their end, so that somebody is told before senders and readers
// are. Pure, but for ExpiryWatch, which keeps what was told when; on one executor.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "platform/net/tls.h"
#include "platform/runtime/log.h"
#include "platform/runtime/metrics.h"

namespace posthorn::certificates {

// An authority's certificate has been due for renewal for half its last third by then; one from a file should have been
// replaced.
inline constexpr int expiry_part_of_life = 6;
inline constexpr Duration expiry_alarm_max = std::chrono::days(21);
inline constexpr Duration expiry_told_again = std::chrono::days(1);

struct Ending {
  std::string name;  ///< the first of the certificate
  TimePoint not_after;
  bool is_over = false;
};
/// `in_use`: in the order of preference. One whose names are all served by an earlier one is not in use.
[[nodiscard]] std::vector<Ending> endings(const std::vector<net::CertificateFacts>& in_use, TimePoint now);

class ExpiryWatch {
 public:
  /// The Metrics outlive it.
  ExpiryWatch(runtime::Metrics& metrics, runtime::Logger log) : metrics_(metrics), log_(std::move(log)) {}
  /// Sets the metrics, and logs an error for each that ends soon, once a day.
  void look(const std::vector<net::CertificateFacts>& in_use, TimePoint now);

 private:
  runtime::Metrics& metrics_;
  runtime::Logger log_;
  std::map<std::string, TimePoint> told_;  ///< by name
};

}  // namespace posthorn::certificates
