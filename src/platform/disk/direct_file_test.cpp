// What is appended past the page cache is what everybody else reads.
#include "platform/disk/direct_file.h"

#include <random>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace posthorn::disk {
namespace {

class DirectFileTest : public ::testing::Test {
 protected:
  DirectFileTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "posthorn-direct-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
  }
  ~DirectFileTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::filesystem::path path() const { return folder_ / "file"; }
  [[nodiscard]] std::unique_ptr<File> open(OpenMode mode) const {
    auto opened = machine_files().open(path(), mode);
    return opened ? std::move(*opened) : nullptr;
  }
  /// What another descriptor sees.
  [[nodiscard]] std::string seen(std::size_t octets) const {
    std::string text(octets, '?');
    const auto file = open(OpenMode::read);
    const auto got = file->read_at(0, text);
    text.resize(got.value_or(0));
    return text;
  }

  std::filesystem::path folder_;
};

std::string random_octets(std::mt19937_64& random, std::size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST_F(DirectFileTest, AppendsOfAnySizeAreReadByOthers) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    std::filesystem::remove(path());
    auto file = open(OpenMode::append);
    ASSERT_TRUE(file);
    std::string model;
    for (int step = 0; step < 30; ++step) {
      if (random() % 8 == 0) file = open(OpenMode::append);  // as after a start: the last block is read again
      if (random() % 8 == 0) {                               // as after a write that failed
        model.resize(model.size() - random() % (model.size() + 1));
        ASSERT_TRUE(file->truncate(model.size()));
      }
      const std::size_t bound = std::size_t{1} << (random() % 21);
      const std::string first = random_octets(random, random() % bound),
                        second = random_octets(random, random() % 5000);
      const std::vector<Octets> parts{first, "", second};
      ASSERT_TRUE(file->write_at(model.size(), parts));
      model += first + second;
      ASSERT_TRUE(file->sync());
      ASSERT_EQ(seen(model.size()), model) << "seed " << seed << " step " << step;
    }
  }
}

TEST_F(DirectFileTest, WhatStandsBehindAWriteInItsLastBlockBecomesZerosAndNothingElse) {
  const auto file = open(OpenMode::append);
  const std::string before(20'000, 'x');
  ASSERT_TRUE(file->write_at(0, std::vector<Octets>{before}));
  ASSERT_TRUE(file->write_at(5'000, std::vector<Octets>{"new"}));
  std::string expected = before;
  expected.replace(5'000, 3, "new");
  const std::string now = seen(20'000);
  EXPECT_EQ(now.substr(0, 5'003), expected.substr(0, 5'003));
  EXPECT_EQ(now.substr(8'192), expected.substr(8'192));
}

TEST_F(DirectFileTest, AnErrorOfTheDiskComesOut) {
  const auto file = open(OpenMode::append);
  ASSERT_TRUE(file);
  DirectFile broken(open(OpenMode::create), ::open(path().c_str(), O_RDONLY | O_CLOEXEC));
  const auto written = broken.write_at(0, std::vector<Octets>{"text"});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, EBADF);
}

}  // namespace
}  // namespace posthorn::disk
