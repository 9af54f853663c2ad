// How many units a second the store makes durable, and what they cost: octets, story and email of one message a unit,
// by 1, 10 and 100 writers.
//
//   bench_store_rates DIR [OCTETS [MAILBOXES [SECONDS [INLINE_MAX]]]]
//   bench_store_rates DIR queue RECIPIENTS      how fast a store with that many queued recipients opens and lists
//   bench_store_rates DIR fill RECIPIENTS       queues as many in a store that is there, due in an hour
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
  std::shared_ptr<const OctetString> octets;  // made once: what is measured is the store
  Clock::time_point end;
  std::uint64_t done = 0;
  std::vector<double> latencies;
};

Task<> writer(Run& run, std::size_t number) {
  std::size_t next = number * 7919;
  while (Clock::now() < run.end) {
    const Place& place = (*run.places)[next++ % run.places->size()];
    Unit unit = delivery(*run.ids, place, 100);
    std::get<PutContent>(unit.mutations[0]).octets = run.octets;
    std::get<AddEmail>(unit.mutations[1]).row.octets.size += run.octets->size() - 100;
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
  const auto body = std::make_shared<const OctetString>(message(ids.mail(), settings.octets));
  Run run{store->get(), &ids, &places, body, {}, 0, {}};
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

template <class Work>
void timed(const char* what, Work work) {
  const auto begin = Clock::now();
  const std::uint64_t rows = work();
  const double millis = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  fmt::print("{:<40} {:>9.1f} ms  ({} rows)\n", what, millis, rows);
}

/// 100 recipients a message, in turn at 5,000 destinations; due `wait` from now (none: they are overdue).
std::uint64_t fill_queue(Store& store, std::uint64_t recipients, std::optional<Duration> wait) {
  constexpr std::uint64_t each = 100;
  constexpr std::uint64_t domains = 5'000;
  const TimePoint now = runtime::SystemClock().now();
  Ids ids;
  for (std::uint64_t done = 0; done < recipients; done += each) {
    std::vector<std::string> to;
    for (std::uint64_t i = done; i < done + each; ++i) to.push_back(fmt::format("user{}@d{}.example", i, i % domains));
    Unit unit = submission(ids, to, 4096);
    auto& queued = std::get<PutQueued>(unit.mutations[1]);
    for (RecipientRow& row : queued.recipients) {
      if (!wait) break;
      row.not_before = now + *wait;
      row.expires = now + std::chrono::days(5);
    }
    if (done % (each * 100) != 0) {
      store.commit_later(std::move(unit));
    } else if (!commit(store, std::move(unit))) {
      throw std::runtime_error("a unit was refused");
    }
  }
  return recipients;
}

void fill(const std::filesystem::path& dir, std::uint64_t recipients) {
  StoreOptions options;
  options.dir = dir;
  auto store = Store::open(options);
  if (!store) throw std::runtime_error(store.error().text());
  fill_queue(**store, recipients, std::chrono::hours(1));
  (*store)->close();
}

void measure_queue(const std::filesystem::path& dir, std::uint64_t recipients) {
  std::filesystem::remove_all(dir);
  StoreOptions options;
  options.dir = dir;
  options.create = true;
  auto store = Store::open(options).value();
  timed("queue them", [&] { return fill_queue(*store, recipients, std::nullopt); });
  timed("close", [&] { return store.reset(), 0; });
  timed("open", [&] { return store = Store::open(options).value(), 1; });
  timed("destinations", [&] { return ask(*store, [](Reader& r) { return r.destinations(); }).size(); });
  timed("the first 100 of one destination",
        [&] { return ask(*store, [](Reader& r) { return r.waiting("d77.example", {}, 100); }).size(); });
  timed("the first 100 queue entries",
        [&] { return ask(*store, [](Reader& r) { return r.queue_page({}, {}, 100); }).size(); });
  timed("the entries of one recipient",
        [&] { return ask(*store, [](Reader& r) { return r.queue_page({"user77@d77.example"}, {}, 100); }).size(); });
  store.reset();
  std::filesystem::remove_all(dir);
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
  if (words.size() > 2 && words[1] == "queue") {
    measure_queue(settings.dir, std::stoul(words[2]));
    return 0;
  }
  if (words.size() > 2 && words[1] == "fill") {
    fill(settings.dir, std::stoul(words[2]));
    return 0;
  }
  if (words.size() > 1) settings.octets = std::stoul(words[1]);
  if (words.size() > 2) settings.mailboxes = std::stoul(words[2]);
  if (words.size() > 3) settings.seconds = std::stod(words[3]);
  if (words.size() > 4) settings.inline_max = std::stoul(words[4]);
  fmt::print("{} octets a message, {} mailboxes, octets up to {} inline\n", settings.octets, settings.mailboxes,
             settings.inline_max);
  for (const std::size_t writers : {1, 10, 100}) measure(settings, writers);
  return 0;
}
