// For the tests of this floor: a zone in memory, a domain with a past, a time at which tests begin, and a loop to run
// a task on.
#pragma once

#include <optional>
#include <string_view>

#include <gtest/gtest.h>

#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "operations/domains/wanted.h"
#include "platform/runtime/loops.h"
#include "standards/dns/zone.h"

namespace posthorn::domains {

inline const TimePoint tests_begin = from_unix_seconds(1'800'000'000);

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

inline dns::Zone zone_of(std::string_view text) {
  auto zone = dns::Zone::parse(text);
  EXPECT_TRUE(zone) << zone.error().text();
  return zone ? *zone : dns::Zone{};
}

inline PublishedRecords ask_zone(const dns::Zone& zone, const Model& model, const Surroundings& around) {
  dns::ZoneFileResolver resolver(zone);
  return run_task(ask_published(resolver, questions_for(model, around), *dns::Name::parse(model.domain)));
}

/// The domain of the first source document: people at Gmail, product mail through SES.
inline Model model_of_login_gov() {
  Model model;
  model.domain = "login.gov";
  model.state = State::enforcing;
  model.profile = Profile::us_federal;
  model.inbound = {InboundSide::provider, "google", {{10, "aspmx.l.google.com"}, {20, "alt1.aspmx.l.google.com"}}};
  model.streams = {{.name = "people", .provider = "google", .spf = {}, .dkim = {}, .return_path_subdomain = {}},
                   {.name = "product",
                    .provider = "ses",
                    .spf = {},
                    .dkim = {{"tok1", DkimKind::cname, "tok1.dkim.amazonses.com"}},
                    .return_path_subdomain = {}}};
  return model;
}

}  // namespace posthorn::domains
