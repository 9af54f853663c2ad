#include "platform/runtime/metrics.h"

#include <fmt/format.h>

namespace posthorn::runtime {
namespace {

/// Escapes of the exposition format: backslash and newline everywhere, the quote in label values.
std::string escaped(std::string_view text, bool in_quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && in_quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

std::string written(const MetricLabels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value, true));
  }
  return out;
}

std::string braced(const std::string& labels) {
  return labels.empty() ? "" : "{" + labels + "}";
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), buckets_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1)) {}

void Histogram::observe(double value) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  buckets_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) n += buckets_[i].load(std::memory_order_relaxed);
  return n;
}

Metrics::Series& Metrics::series(std::string_view name, std::string_view help, const char* type,
                                 const MetricLabels& labels) {
  const std::string text = written(labels);
  auto family = std::find_if(families_.begin(), families_.end(), [name](const auto& f) { return f->name == name; });
  if (family == families_.end()) {
    families_.push_back(std::make_unique<Family>(Family{std::string(name), std::string(help), type, {}}));
    family = std::prev(families_.end());
  }
  auto& all = (*family)->series;
  const auto found = std::find_if(all.begin(), all.end(), [&text](const auto& s) { return s->labels == text; });
  if (found != all.end()) return **found;
  all.push_back(std::make_unique<Series>());
  all.back()->labels = text;
  return *all.back();
}

Counter& Metrics::counter(std::string_view name, std::string_view help, const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(name, help, "counter", labels);
  if (!found.counter) found.counter = std::make_unique<Counter>();
  return *found.counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(name, help, "gauge", labels);
  if (!found.gauge) found.gauge = std::make_unique<Gauge>();
  return *found.gauge;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                              const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  Series& found = series(name, help, "histogram", labels);
  if (!found.histogram) found.histogram = std::make_unique<Histogram>(std::move(bounds));
  return *found.histogram;
}

void Metrics::watch(std::string_view name, std::string_view help, std::function<double()> value,
                    const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  const char* const type = name.ends_with("_total") ? "counter" : "gauge";
  series(name, help, type, labels).watched = std::move(value);
}

void Metrics::print(std::string& out, const Family& family, const Series& series) {
  const std::string labels = braced(series.labels);
  if (series.counter) out += fmt::format("{}{} {}\n", family.name, labels, series.counter->value());
  if (series.gauge) out += fmt::format("{}{} {}\n", family.name, labels, series.gauge->value());
  if (series.watched) out += fmt::format("{}{} {}\n", family.name, labels, series.watched());
  if (!series.histogram) return;
  const Histogram& h = *series.histogram;
  const std::string before = series.labels.empty() ? "" : series.labels + ",";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= h.bounds_.size(); ++i) {
    total += h.buckets_[i].load(std::memory_order_relaxed);
    const std::string bound = i < h.bounds_.size() ? fmt::format("{}", h.bounds_[i]) : "+Inf";
    out += fmt::format("{}_bucket{{{}le=\"{}\"}} {}\n", family.name, before, bound, total);
  }
  out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", family.name, labels, h.sum_.load(), family.name, labels, total);
}

std::string Metrics::exposition() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& family : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", family->name, escaped(family->help, false), family->name,
                       family->type);
    for (const auto& series : family->series) print(out, *family, *series);
  }
  return out;
}

std::vector<double> seconds_bounds() {
  return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

}  // namespace posthorn::runtime
