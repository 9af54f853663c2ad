#include "entrance/test_support/run_verb.h"

#include <cstdio>

#include <gtest/gtest.h>

namespace posthorn::entrance_test {

namespace json = boost::json;

std::string Ran::text(std::string_view key) const {
  const json::object read = object();
  const json::value& value = read.at(key);
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

std::string Ran::ids() const {
  const json::object read = object();
  std::string listed;
  for (const json::value& finding : read.at("findings").as_array())
    listed += (listed.empty() ? "" : " ") + std::string(finding.as_object().at("id").as_string());
  return listed;
}

Ran run_words(const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.status = cli::run(words);
  std::fflush(stdout);
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

Ran run_json(std::vector<std::string> words) {
  words.emplace_back("--json");
  return run_words(words);
}

}  // namespace posthorn::entrance_test
