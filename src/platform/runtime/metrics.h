// Metrics: counters, gauges and histograms with the Prometheus text exposition (format 0.0.4). Incrementing is one
// relaxed atomic addition; registering takes a lock and happens at start.
//
// References handed out live as long as the Metrics. Names follow Prometheus: posthorn_ROOM_THING_UNIT[_total].
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthorn::runtime {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Cumulative buckets with fixed upper bounds; the last one is +Inf.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  [[nodiscard]] std::uint64_t count() const;

 private:
  friend class Metrics;
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  std::atomic<double> sum_{0};
};

/// Pairs of a label's name and value; values may hold anything, they are escaped.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class Metrics {
 public:
  /// The metric of that name and those labels; made at the first call. `help` is one line.
  [[nodiscard]] Counter& counter(std::string_view name, std::string_view help, const MetricLabels& labels = {});
  [[nodiscard]] Gauge& gauge(std::string_view name, std::string_view help, const MetricLabels& labels = {});
  [[nodiscard]] Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                                     const MetricLabels& labels = {});
  /// A gauge, or where its name ends in _total a counter, whose value is asked for when the metrics are read. The
  /// function is thread-safe and quick.
  void watch(std::string_view name, std::string_view help, std::function<double()> value,
             const MetricLabels& labels = {});

  /// What GET /metrics answers.
  [[nodiscard]] std::string exposition() const;

 private:
  struct Series {
    std::string labels;  // {a="b"}, or empty
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
    std::function<double()> watched;
  };
  struct Family {
    std::string name, help;
    const char* type = "";
    std::vector<std::unique_ptr<Series>> series;
  };
  Series& series(std::string_view name, std::string_view help, const char* type, const MetricLabels& labels);
  static void print(std::string& out, const Family& family, const Series& series);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Family>> families_;
};

/// Bounds for durations in seconds, from half a millisecond to a minute.
[[nodiscard]] std::vector<double> seconds_bounds();

}  // namespace posthorn::runtime
