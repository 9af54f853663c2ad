// CheckResults: what a check of many domains has found so far, in a file of one JSON document a line. A run that was
// ended, in whatever way, is begun again with the same file and goes on: a domain whose line is whole is done, a torn
// last line (a kill in the middle of a write) is cut off and its domain checked again.
//
// One run at a time holds the file (flock). Each line is written at once; what a power cut takes is checked again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"

namespace posthorn::cli {

inline constexpr std::size_t result_line_octets_max = 4 * MiB;  // ours: a report is a few KB

/// What stands in the file, counted.
struct CheckTotals {
  std::size_t domains = 0, with_errors = 0, with_warnings = 0, unreachable = 0;
};

class CheckResults {
 public:
  /// Makes the file, or reads what an earlier run left in it. A Problem where another run holds it, or where it is no
  /// such file.
  [[nodiscard]] static Result<std::unique_ptr<CheckResults>, Problem> open(const std::filesystem::path& path);
  CheckResults(std::filesystem::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  CheckResults(const CheckResults&) = delete;
  CheckResults& operator=(const CheckResults&) = delete;
  ~CheckResults();

  /// By lower-case name.
  [[nodiscard]] bool has(const std::string& domain) const { return done_.contains(mark_of(domain)); }
  /// `line`: the report's JSON, without a line end in it.
  [[nodiscard]] Result<void, Problem> add(const std::string& domain, std::string line);
  [[nodiscard]] const CheckTotals& totals() const { return totals_; }

 private:
  [[nodiscard]] static std::uint64_t mark_of(std::string_view domain);
  [[nodiscard]] Result<void, Problem> read();
  [[nodiscard]] bool take(std::string_view line);
  [[nodiscard]] Problem failed(std::string_view what) const;

  std::filesystem::path path_;
  int descriptor_;
  std::unordered_set<std::uint64_t> done_;  ///< by the first octets of a hash: a long list is held in little
  CheckTotals totals_;
};

}  // namespace posthorn::cli
