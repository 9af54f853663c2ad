#include "entrance/cli/check_results.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <boost/json.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t result_piece_octets = 64 * KiB;

bool has_finding(const json::object& report, std::string_view level) {
  const auto* findings = report.if_contains("findings");
  if (findings == nullptr || !findings->is_array()) return false;
  for (const json::value& finding : findings->get_array()) {
    const auto* of = finding.is_object() ? finding.get_object().if_contains("level") : nullptr;
    if (of != nullptr && of->is_string() && std::string_view(of->get_string()) == level) return true;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<CheckResults>, Problem> CheckResults::open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return fail(Problem{ProblemKind::usage, path.string(), std::strerror(errno), "name a file that can be written"});
  auto out = std::make_unique<CheckResults>(path, descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    return fail(Problem{ProblemKind::unavailable, path.string(), "another check writes to it",
                        "wait for it, or name another file"});
  if (auto done = out->read(); !done) return fail(std::move(done.error()));
  return out;
}

CheckResults::~CheckResults() {
  ::close(descriptor_);
}

Problem CheckResults::failed(std::string_view what) const {
  return {ProblemKind::unavailable, path_.string(), fmt::format("{}: {}", what, std::strerror(errno)),
          "look at the disk; what is written counts when the check is begun again"};
}

std::uint64_t CheckResults::mark_of(std::string_view domain) {
  const std::string digest = crypto::sha256(domain);
  std::uint64_t mark = 0;
  for (std::size_t i = 0; i < sizeof mark; ++i) mark = mark << 8U | static_cast<unsigned char>(digest[i]);
  return mark;
}

bool CheckResults::take(std::string_view line) {
  json::error_code error;
  const json::value parsed = json::parse(json::string_view(line.data(), line.size()), error);
  const json::object* const report = error ? nullptr : parsed.if_object();
  const json::value* const domain = report == nullptr ? nullptr : report->if_contains("domain");
  if (domain == nullptr || !domain->is_string()) return false;
  const json::value* const problem = report->if_contains("problem");
  if (!done_.insert(mark_of(text::lower(std::string_view(domain->get_string())))).second) return true;
  ++totals_.domains;
  totals_.with_errors += has_finding(*report, "error") ? 1 : 0;
  totals_.with_warnings += has_finding(*report, "warning") ? 1 : 0;
  totals_.unreachable += problem != nullptr && problem->is_string() ? 1 : 0;
  return true;
}

Result<void, Problem> CheckResults::read() {
  std::string rest;
  std::array<char, result_piece_octets> piece;
  off_t whole = 0;
  for (;;) {
    const ssize_t got = ::read(descriptor_, piece.data(), piece.size());
    if (got < 0) return fail(failed("cannot read it"));
    if (got == 0) break;
    rest.append(piece.data(), static_cast<std::size_t>(got));
    for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      if (!take(std::string_view(rest).substr(0, end)))
        return fail(Problem{ProblemKind::usage, path_.string(), "it holds something else than results of a check",
                            "name another file"});
      whole += static_cast<off_t>(end) + 1;
      rest.erase(0, end + 1);
    }
    if (rest.size() > result_line_octets_max)
      return fail(Problem{ProblemKind::usage, path_.string(), "it has a line that is no result", "name another file"});
  }
  if (rest.empty()) return {};
  // The end of a run that was killed while it wrote. A file that never held a result is somebody else's.
  if (whole == 0 && !rest.starts_with("{\"domain\":"))
    return fail(Problem{ProblemKind::usage, path_.string(), "it holds something else than results of a check",
                        "name another file"});
  if (::ftruncate(descriptor_, whole) != 0) return fail(failed("cannot cut off its torn last line"));
  if (::lseek(descriptor_, whole, SEEK_SET) != whole) return fail(failed("cannot go to its end"));
  return {};
}

Result<void, Problem> CheckResults::add(const std::string& domain, std::string line) {
  if (has(domain)) return {};
  if (!take(line)) return fail(Problem{ProblemKind::unavailable, path_.string(), "a report is no JSON", ""});
  line += '\n';
  for (std::string_view left = line; !left.empty();) {
    const ssize_t written = ::write(descriptor_, left.data(), left.size());
    if (written < 0 && errno != EINTR) return fail(failed("cannot write to it"));
    if (written > 0) left.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace posthorn::cli
