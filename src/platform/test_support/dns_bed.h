// DnsBed: authoritative DNS servers on loopback for tests: zones with an apex, referrals with glue, UDP and TCP,
// transfers; each server on an address of its own (127.0.0.N), all on one port. What it was asked is counted.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "platform/net/endpoint.h"
#include "standards/dns/wire.h"

namespace posthorn::test_support {

class DnsBed {
 public:
  DnsBed();
  ~DnsBed();
  DnsBed(const DnsBed&) = delete;
  DnsBed& operator=(const DnsBed&) = delete;

  /// What one server holds. Zones may be put in while nothing is asked.
  struct Server {
    std::map<std::string, dns::Zone> zones;  ///< by apex
    bool silent = false;                     ///< reads and never answers
    bool allow_transfer = false;
    bool truncate = false;  ///< every UDP answer is empty and truncated
    std::function<void(dns::Message& answer)> meddle;
    std::atomic<unsigned> questions = 0, over_tcp = 0;
    std::mutex mutex;
    std::map<std::string, unsigned> asked;  ///< "name TYPE" → times
  };
  /// The server at 127.0.0.`last`; made at first use.
  Server& at(unsigned last);
  void serve(unsigned last, const std::string& apex, std::string_view zone);
  /// All of them listen from now on.
  void start();
  [[nodiscard]] net::Endpoint endpoint(unsigned last) const;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  struct Listener;
  void run(const std::stop_token& stop);
  std::uint16_t port_ = 0;
  std::map<unsigned, std::unique_ptr<Server>> servers_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::jthread thread_;
};

}  // namespace posthorn::test_support
