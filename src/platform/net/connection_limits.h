// ConnectionLimits: how many connections there are, in all and from one address (one IPv6 /64), over all listeners.
// Thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <utility>

#include "foundation/base/ip_address.h"
#include "foundation/base/result.h"

namespace posthorn::net {

class ConnectionLimits {
 public:
  ConnectionLimits(std::size_t total_max, std::size_t per_address_max)
      : total_max_(total_max), per_address_max_(per_address_max) {}

  /// A place; destroying it gives it back. The limits outlive their places.
  class Place {
   public:
    Place() = default;
    Place(ConnectionLimits& limits, IpAddress network) : limits_(&limits), network_(network) {}
    Place(Place&& other) noexcept : limits_(std::exchange(other.limits_, nullptr)), network_(other.network_) {}
    Place& operator=(Place&& other) noexcept;
    ~Place();

   private:
    ConnectionLimits* limits_ = nullptr;
    IpAddress network_;
  };

  enum class Full : unsigned char { total, address };
  [[nodiscard]] Result<Place, Full> enter(const IpAddress& from);

  void set(std::size_t total_max, std::size_t per_address_max);
  [[nodiscard]] std::size_t total() const;

 private:
  void leave(const IpAddress& network);

  mutable std::mutex mutex_;
  std::size_t total_max_, per_address_max_;
  std::size_t total_ = 0;
  std::map<IpAddress, std::size_t> by_network_;
};

}  // namespace posthorn::net
