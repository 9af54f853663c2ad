// A domain for the tests of this room: a zone in memory, a model, and an operator who follows the road.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "operations/domains/record_data.h"
#include "operations/domains/road.h"
#include "platform/runtime/loops.h"
#include "standards/dns/zone.h"

namespace posthorn::domains {

inline const TimePoint road_begins = from_unix_seconds(1'800'000'000);

namespace detail {
template <class T>
Task<> keep_result(Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
}
}  // namespace detail

/// The task's value, from a loop of its own.
template <class T>
[[nodiscard]] T run_task(Task<T> task) {
  std::optional<T> out;
  runtime::run_to_end([&] { return detail::keep_result(std::move(task), out); });
  return std::move(out).value();
}

inline PublishedRecords ask_zone(const dns::Zone& zone, const Model& model, const Surroundings& around) {
  dns::ZoneFileResolver resolver(zone);
  return run_task(ask_published(resolver, questions_for(model, around), *dns::Name::parse(model.domain)));
}

inline dns::Zone zone_of(std::string_view text) {
  auto zone = dns::Zone::parse(text);
  EXPECT_TRUE(zone) << zone.error().text();
  return zone ? *zone : dns::Zone{};
}

/// A domain whose mail is here, at mail.a.example.
inline Situation situation_here(std::string_view zone_text) {
  Situation s;
  s.model.domain = "a.example";
  s.model.state = State::testing;
  s.around.host_name = "mail.a.example";
  s.around.addresses = {*IpAddress::parse("192.0.2.1")};
  s.now = road_begins;
  s.published = ask_zone(zone_of(zone_text), s.model, s.around);
  return s;
}

inline const WantedRecord* wanted(const Road& road, Purpose purpose, std::string_view name = "") {
  for (const WantedRecord& record : road.wanted.records)
    if (record.purpose == purpose && (name.empty() || record.name.text() == name)) return &record;
  return nullptr;
}

inline const Step* step(const Road& road, std::string_view id) {
  for (const Step& one : road.steps)
    if (one.id == id) return &one;
  return nullptr;
}

inline std::string wanted_text(const Road& road, Purpose purpose, std::string_view name = "") {
  const WantedRecord* record = wanted(road, purpose, name);
  return record == nullptr ? "(none)" : txt_text(record->data);
}

}  // namespace posthorn::domains
