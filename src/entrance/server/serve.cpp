#include "entrance/server/serve.h"

#include <csignal>
#include <cstdio>
#include <future>

#include "entrance/server/settings.h"
#include "entrance/server/site_server.h"
#include "platform/runtime/process.h"

namespace posthorn::server {
namespace {

// How long sessions and couriers may take to end after SIGTERM; service managers kill after 90 seconds.
constexpr Duration kGrace = std::chrono::seconds(20);

using Outcome = Result<void, config::Problems>;

void log_problems(const runtime::Logger& log, const config::Problems& problems) {
  for (const Problem& problem : problems) log.error("the configuration was not read", {{"problem", problem.text()}});
}

/// From the start to the end that a signal asks for.
Task<Outcome> run_site(Process& process, config::Config config, runtime::Logger log, runtime::Signals& signals) {
  SiteServer::Replacements replacements;
  replacements.log = log;
  auto site = co_await SiteServer::start(process, std::move(config), std::move(replacements));
  if (!site) co_return fail(config::Problems{std::move(site.error())});
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    const int signal = co_await signals.next();
    if (signal != SIGHUP) break;
    if (const auto reloaded = (*site)->reload(); !reloaded) log_problems(log, reloaded.error());
  }
  co_await (*site)->stop(kGrace);
  // The site must be gone before the loops end, and its resolver dies on its loop.
  site->reset();
  co_return Outcome{};
}

/// What breaks (a store that cannot be read) ends the process with its word: a server that neither serves nor ends
/// helps nobody.
Task<> run_main(Process& process, config::Config config, runtime::Logger log, runtime::Signals& signals,
                std::promise<Outcome>& over) {
  const std::string store = config.store_dir.string();
  Outcome outcome;
  try {
    outcome = co_await run_site(process, std::move(config), log, signals);
  } catch (const std::exception& error) {
    outcome = fail(config::Problems{{ProblemKind::unavailable, "cannot serve from the store " + store, error.what(),
                                     "posthorn store verify names the damage, with --repair it puts single octets "
                                     "back; posthorn restore brings back a backup"}});
  }
  over.set_value(std::move(outcome));
}

}  // namespace

Outcome serve(const std::filesystem::path& config_file) {
  auto config = config::load(config_file);
  if (!config) return fail(std::move(config.error()));
  (void)runtime::raise_descriptor_limit();
  Process process;
  const runtime::Logger log = make_logger(*config, process.clock());
  runtime::Signals signals(process.loops().executor(0), {SIGTERM, SIGINT, SIGHUP});
  runtime::TaskGroup main("main", log);
  std::promise<Outcome> over;
  process.loops().start();
  runtime::spawn(main, process.loops().executor(0), "main", run_main(process, std::move(*config), log, signals, over));
  Outcome outcome = over.get_future().get();
  process.loops().stop();
  return outcome;
}

}  // namespace posthorn::server
