#include "entrance/cli/local_site.h"

#include "entrance/server/settings.h"
#include "flow/delivery/delivery.h"
#include "flow/mailbox/mailboxes.h"
#include "flow/submission/submission.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/metrics.h"
#include "site/directory/authenticator.h"
#include "site/journal/journal.h"

namespace posthorn::cli {
namespace {

constexpr std::size_t worker_queue = 16;

/// Everything that handlers and `message send` touch, in the order in which it is needed.
struct LocalSite {
  LocalSite(const config::Config& config, std::unique_ptr<storage::Store> opened)
      : log(server::make_logger(config, clock)),
        ids(clock, random),
        workers(1, worker_queue),
        store(std::move(opened)),
        directory(directory::Directory::make(*store, server::group_bounds(config.limits))),
        authenticator(*directory, *store, workers, clock, server::guess_limits(config.limits)),
        keyring(keyring::Keyring::make(*store)),
        signing(*keyring, workers),
        journal(*store),
        folders(*store),
        mailboxes(*store, folders, clock, ids, server::mailbox_options(config), runtime::Logger()),
        delivery({store.get(), directory.get(), &folders, &clock, &ids, &signing}, server::delivery_rules(config)),
        rates(config.limits.messages_per_hour, config.limits.recipients_per_hour),
        submission({store.get(), directory.get(), &delivery, &journal, &clock, &ids, &metrics, config.host_name},
                   authenticator, rates) {}

  [[nodiscard]] admin::Site site(const config::Config& config) {
    admin::Site site;
    site.config = config;
    site.store = store.get();
    site.directory = directory.get();
    site.keyring = keyring.get();
    site.clock = &clock;
    site.ids = &ids;
    site.workers = &workers;
    site.folders = &folders;
    site.mailboxes = &mailboxes;
    site.submission = &submission;
    return site;
  }

  runtime::SystemClock clock;
  runtime::Logger log;
  runtime::SystemRandom random;
  runtime::IdSource ids;
  runtime::Metrics metrics;
  runtime::WorkerPool workers;
  std::unique_ptr<storage::Store> store;
  std::shared_ptr<directory::Directory> directory;
  directory::Authenticator authenticator;
  std::shared_ptr<keyring::Keyring> keyring;
  signing::Signing signing;
  journal::Journal journal;
  mailbox::Folders folders;
  mailbox::Mailboxes mailboxes;
  delivery::Delivery delivery;
  submission::RateLimiter rates;
  submission::Submission submission;
};

Task<> run_in(LocalSite& local, admin::Site& site, const admin::Handler& handler, const admin::Request& request,
              admin::Answer& answer, admin::Done& done) {
  co_await local.directory->load();
  // A keyring that stays closed hinders only those who need a key, and they say so.
  std::filesystem::path sealing_key = server::sealing_key_file(site.config);
  if (const auto problem = co_await local.keyring->start(std::move(sealing_key)))
    local.log.warning("the keyring stays closed", {{"reason", problem->text()}});
  done = co_await handler.run(site, request, answer);
}

}  // namespace

admin::Done run_here(const config::Config& config, const admin::Request& request, admin::Answer& answer) {
  const admin::Handler* handler = admin::find_handler(request.verb);
  if (handler == nullptr) {
    return fail(Problem{ProblemKind::unavailable, request.verb, "no server runs on this store",
                        "start it: posthorn serve --config FILE"});
  }
  storage::StoreOptions options;
  options.dir = config.store_dir;
  auto store = storage::Store::open(options);
  if (!store) return fail(std::move(store.error()));
  LocalSite local(config, std::move(*store));
  admin::Site site = local.site(config);
  admin::Request mine = request;
  mine.by = "the command line";
  admin::Done done;
  try {
    runtime::run_to_end([&] { return run_in(local, site, *handler, mine, answer, done); });
  } catch (const std::exception& broken) {
    done = fail(admin::unreadable_store(config, broken.what()));
  }
  local.store->close();
  return done;
}

}  // namespace posthorn::cli
