#include "platform/runtime/process_mark.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace posthorn::runtime {
namespace {

TEST(ProcessMark, OneselfHasNotEnded) {
  const std::string mark = own_process_mark();
  ASSERT_FALSE(mark.empty());
  EXPECT_EQ(mark, own_process_mark());
  EXPECT_FALSE(has_ended(mark));
}

TEST(ProcessMark, AChildThatWasReapedHasEnded) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string mark = own_process_mark();
    const auto written = ::write(ends[1], mark.data(), mark.size());
    ::_exit(written == static_cast<ssize_t>(mark.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string mark(500, '\0');
  const auto length = ::read(ends[0], mark.data(), mark.size());
  ::close(ends[0]);
  ASSERT_GT(length, 0);
  mark.resize(static_cast<std::size_t>(length));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(has_ended(mark));
}

TEST(ProcessMark, ANumberThatAnotherProcessHasNowHasEnded) {
  std::string mark = own_process_mark();
  mark.back() = mark.back() == '1' ? '2' : '1';  // the start time
  EXPECT_TRUE(has_ended(mark));
}

TEST(ProcessMark, AnotherBootHasEndedAndAnotherSpaceIsOutOfSight) {
  const std::string mark = own_process_mark();
  const auto space = mark.find(' ');
  EXPECT_TRUE(has_ended("00000000-0000-0000-0000-000000000000" + mark.substr(space)));
  EXPECT_FALSE(has_ended(mark.substr(0, space) + " pid:[1] 1 1"));
  EXPECT_FALSE(has_ended("")) << "unknown is not ended";
}

}  // namespace
}  // namespace posthorn::runtime
