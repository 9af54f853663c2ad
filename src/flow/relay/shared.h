// What all couriers of an office share. Options and routes are replaced as a whole.
#pragma once

#include <memory>
#include <mutex>

#include "flow/relay/relay.h"

namespace posthorn::relay {

struct RelayOffice::Shared {
  Surroundings with;
  Options options;
  queue::Routes routes;
  TlsObserver observer;
};

}  // namespace posthorn::relay
