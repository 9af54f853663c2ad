// A message as `parse message` and `message show` tell it in JSON.
#pragma once

#include <boost/json/object.hpp>

#include "foundation/base/bytes.h"

namespace posthorn::cli {

/// {"header","parts","truncated"}; `octets` with CRLF line ends, since offsets are those of that form.
[[nodiscard]] boost::json::object message_json(Octets octets);

}  // namespace posthorn::cli
