#include "platform/runtime/process_mark.h"

#include <charconv>
#include <climits>
#include <fstream>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "foundation/text/ascii.h"

namespace posthorn::runtime {
namespace {

constexpr std::size_t parts_of_mark = 4;
constexpr int stat_start_time = 22;  // proc(5): field of /proc/PID/stat, in ticks since the boot

std::string first_line(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

/// "pid:[4026531836]": the space of process numbers this one lives in.
std::string number_space() {
  char target[PATH_MAX];
  const auto length = ::readlink("/proc/self/ns/pid", target, sizeof target);
  return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : std::string{};
}

std::string start_time(int process) {
  const std::string line = first_line(fmt::format("/proc/{}/stat", process));
  // The second field is the program's name in parentheses, which may hold anything.
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  const auto fields = text::words(std::string_view(line).substr(name_end + 1));
  constexpr std::size_t index = stat_start_time - 3;
  return fields.size() > index ? std::string(fields[index]) : std::string{};
}

std::string mark_of(int process) {
  const std::string start = start_time(process), boot = first_line("/proc/sys/kernel/random/boot_id");
  const std::string space = number_space();
  if (start.empty() || boot.empty() || space.empty()) return {};
  return fmt::format("{} {} {} {}", boot, space, process, start);
}

}  // namespace

std::string own_process_mark() {
  return mark_of(::getpid());
}

bool has_ended(std::string_view mark) {
  const auto parts = text::words(mark);
  const std::string own = own_process_mark();
  const auto here = text::words(own);
  if (parts.size() != parts_of_mark || here.size() != parts_of_mark) return false;
  if (parts[0] != here[0]) return true;   // another boot
  if (parts[1] != here[1]) return false;  // out of our sight
  int process = 0;
  std::from_chars(parts[2].data(), parts[2].data() + parts[2].size(), process);
  return mark_of(process) != mark;
}

}  // namespace posthorn::runtime
