// The lookup of a policy TXT (policy_txt.h) as a room tells it: what was found, and the record read.
#pragma once

#include <utility>

#include "standards/dns/policy_txt.h"

namespace posthorn::dns {

/// `Lookup` is the room's own: state, record, texts, reason, answers. `parse` reads the one text there is.
template <class Lookup, class Parse>
[[nodiscard]] Lookup read_policy(PolicyTexts found, Parse parse) {
  Lookup out{found.state, {}, std::move(found.texts), std::move(found.reason), std::move(found.answers)};
  if (out.state != RecordState::found) return out;
  if (auto record = parse(out.texts.front())) {
    out.record = std::move(*record);
  } else {
    out.state = RecordState::invalid;
    out.reason = std::move(record.error());
  }
  return out;
}

}  // namespace posthorn::dns
