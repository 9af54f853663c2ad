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

  /// What one server holds, and how it behaves: both may be changed while it listens.
  class Server {
   public:
    std::atomic<bool> silent = false;  ///< reads and never answers
    std::atomic<bool> allow_transfer = false;
    std::atomic<bool> truncate = false;  ///< every UDP answer is empty and truncated
    std::atomic<unsigned> questions = 0, over_tcp = 0;
    /// Every answer goes through it from now on, one at a time.
    void meddle(std::function<void(dns::Message& answer)> how);
    void serve(const std::string& apex, dns::Zone zone);
    [[nodiscard]] OctetString respond(Octets octets, bool tcp);

   private:
    void answer(dns::Message& answer) const;

    std::mutex mutex_;                        // what stands below
    std::map<std::string, dns::Zone> zones_;  // by apex
    std::function<void(dns::Message& answer)> meddle_;
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
