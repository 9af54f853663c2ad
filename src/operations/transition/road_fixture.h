// A domain for the tests of this room: a zone in memory, a model, and an operator who follows the road.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "operations/domains/record_data.h"
#include "operations/domains/zone_fixture.h"
#include "operations/transition/road.h"

namespace posthorn::transition {

/// A domain whose mail is here, at mail.a.example.
inline Situation situation_here(std::string_view zone_text) {
  Situation s;
  s.model.domain = "a.example";
  s.model.state = domains::State::testing;
  s.around.host_name = "mail.a.example";
  s.around.addresses = {*IpAddress::parse("192.0.2.1")};
  s.now = domains::tests_begin;
  s.published = domains::ask_zone(domains::zone_of(zone_text), s.model, s.around);
  return s;
}

inline const domains::WantedRecord* wanted(const Road& road, domains::Purpose purpose, std::string_view name = "") {
  for (const domains::WantedRecord& record : road.wanted.records)
    if (record.purpose == purpose && (name.empty() || record.name.text() == name)) return &record;
  return nullptr;
}

inline const Step* step(const Road& road, std::string_view id) {
  for (const Step& one : road.steps)
    if (one.id == id) return &one;
  return nullptr;
}

inline std::string wanted_text(const Road& road, domains::Purpose purpose, std::string_view name = "") {
  const domains::WantedRecord* record = wanted(road, purpose, name);
  return record == nullptr ? "(none)" : domains::txt_text(record->data);
}

}  // namespace posthorn::transition
