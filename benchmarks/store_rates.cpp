// How many units a second the store makes durable, and what they cost: octets, story and email of one message a unit,
// by 1, 10 and 100 writers.
//
//   bench_store_rates DIR [OCTETS [MAILBOXES [SECONDS [INLINE_MAX]]]]
#include <fstream>

#include <sys/resource.h>

#include "platform/runtime/event.h"
#include "platform/runtime/spawn.h"
#include "platform/test_support/store_support.h"

namespace posthorn::storage::testing {
namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::filesystem::path dir;
  std::size_t octets = 4096;
  std::size_t mailboxes = 1000;
  double seconds = 3;
  std::size_t inline_max = 16 * KiB;
};

/// CPU of the thread that is named so, in seconds.
double process_cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Run {
  Store* store;
  Ids* ids;
  const std::vector<Place>* places;
  std::size_t octets;
  Clock::time_point end;
  std::uint64_t done = 0;
  std::vector<double> latencies;
};

Task<> writer(Run& run, std::size_t number) {
  std::size_t next = number * 7919;
  while (Clock::now() < run.end) {
    const Place& place = (*run.places)[next++ % run.places->size()];
    Unit unit = delivery(*run.ids, place, run.octets);
    const auto begin = Clock::now();
    const auto outcome = co_await run.store->commit(std::move(unit));
    if (!outcome) throw std::runtime_error("a unit was refused");
    run.latencies.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    ++run.done;
  }
}

Task<> writers(Run& run, std::size_t count) {
  runtime::TaskGroup group("writers", runtime::Logger());
  const runtime::Executor executor = co_await runtime::current_executor();
  for (std::size_t i = 0; i < count; ++i) runtime::spawn(group, executor, "writer", writer(run, i));
  co_await group.join();
}

void measure(const Settings& settings, std::size_t count) {
  std::filesystem::remove_all(settings.dir);
  StoreOptions options;
  options.dir = settings.dir;
  options.create = true;
  options.inline_octets_max = settings.inline_max;
  auto store = Store::open(options);
  if (!store) throw std::runtime_error(store.error().text());
  Ids ids;
  std::vector<Place> places;
  for (std::size_t i = 0; i < settings.mailboxes; ++i) {
    places.push_back(make_account(**store, "user" + std::to_string(i) + "@alpha.example"));
  }
  Run run{store->get(), &ids, &places, settings.octets, {}, 0, {}};
  const double cpu = process_cpu();
  const auto begin = Clock::now();
  run.end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(settings.seconds));
  runtime::run_to_end([&run, count] { return writers(run, count); });
  const double wall = std::chrono::duration<double>(Clock::now() - begin).count();
  const double used = process_cpu() - cpu;
  std::ranges::sort(run.latencies);
  const auto percentile = [&](double p) {
    return run.latencies[static_cast<std::size_t>(static_cast<double>(run.latencies.size() - 1) * p)];
  };
  fmt::print(
      "{:>4} writers {:>8.0f} units/s  {:>6.1f} us CPU/unit (process)  p50 {:>6.2f} ms  p99 {:>6.2f} ms  max {:>6.1f} "
      "ms\n",
      count, static_cast<double>(run.done) / wall, used / static_cast<double>(run.done) * 1e6, percentile(0.5),
      percentile(0.99), run.latencies.back());
  (*store)->close();
  std::filesystem::remove_all(settings.dir);
}

}  // namespace
}  // namespace posthorn::storage::testing

int main(int count, char** arguments) {
  using namespace posthorn::storage::testing;
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.empty()) {
    fmt::print(stderr, "usage: bench_store_rates DIR [OCTETS [MAILBOXES [SECONDS [INLINE_MAX]]]]\n");
    return 2;
  }
  Settings settings;
  settings.dir = words[0];
  if (words.size() > 1) settings.octets = std::stoul(words[1]);
  if (words.size() > 2) settings.mailboxes = std::stoul(words[2]);
  if (words.size() > 3) settings.seconds = std::stod(words[3]);
  if (words.size() > 4) settings.inline_max = std::stoul(words[4]);
  fmt::print("{} octets a message, {} mailboxes, octets up to {} inline\n", settings.octets, settings.mailboxes,
             settings.inline_max);
  for (const std::size_t writers : {1, 10, 100}) measure(settings, writers);
  return 0;
}
