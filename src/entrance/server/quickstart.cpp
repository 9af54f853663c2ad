#include "entrance/server/quickstart.h"

#include <fmt/format.h>
#include <unistd.h>

#include "entrance/admin/surroundings.h"
#include "entrance/server/process.h"
#include "entrance/server/settings.h"
#include "foundation/crypto/password.h"
#include "foundation/crypto/random.h"
#include "foundation/text/ascii.h"
#include "operations/domains/model.h"
#include "operations/transition/key_states.h"
#include "operations/transition/record_format.h"
#include "platform/net/certificate.h"
#include "platform/runtime/files.h"
#include "platform/runtime/loops.h"
#include "platform/storage/store.h"
#include "site/directory/directory.h"
#include "site/directory/password_text.h"
#include "site/directory/plan.h"
#include "standards/address/mailbox.h"

namespace posthorn::server {
namespace {

namespace fs = std::filesystem;

// Self-signed certificates are for the first day; ten years spare their owner a surprise where nothing verifies them.
constexpr Duration kCertificateLife = std::chrono::hours(24 * 3650);
constexpr std::uint16_t kUnprivilegedOffset = 2000;

Problem cannot(std::string why, std::string remedy) {
  return {ProblemKind::usage, "quickstart", std::move(why), std::move(remedy)};
}

std::vector<config::Endpoint>* service_of(config::Listen& listen, std::string_view name) {
  if (name == "smtp") return &listen.smtp;
  if (name == "submission") return &listen.submission;
  if (name == "submissions") return &listen.submissions;
  if (name == "imap") return &listen.imap;
  if (name == "imaps") return &listen.imaps;
  if (name == "pop3") return &listen.pop3;
  if (name == "pop3s") return &listen.pop3s;
  if (name == "http") return &listen.http;
  if (name == "https") return &listen.https;
  if (name == "metrics") return &listen.metrics;
  return nullptr;
}

/// What the domain and the options come to, checked before anything is written.
struct Plan {
  address::Domain domain;
  address::Domain host;
  config::Config config;
  domains::Model model;
  std::string account;
  std::string password;
  bool password_generated = false;
};

/// The configuration takes relative paths from its own folder; here they are meant from where the command is given.
std::string absolute_source(const std::string& source) {
  constexpr std::string_view zone = "zone:";
  if (!source.starts_with(zone)) return source;
  return std::string(zone) + fs::absolute(source.substr(zone.size())).lexically_normal().string();
}

Result<Plan, Problem> make_plan(const QuickstartOptions& options) {
  const auto domain = address::Domain::parse(options.domain);
  if (!domain)
    return fail(cannot(fmt::format("'{}' is no domain name", text::printable(options.domain)),
                       "write it like example.org, labels of letters, digits and hyphens"));
  const auto host = address::Domain::parse(options.host_name.empty() ? "mail." + options.domain : options.host_name);
  if (!host)
    return fail(cannot(fmt::format("--host-name '{}' is no host name", text::printable(options.host_name)),
                       "write it in full, like mail." + domain->a_label()));
  Plan plan{*domain, *host, {}, {}, {}, options.password, false};
  plan.model.domain = domain->a_label();
  plan.model.dmarc.policy = options.dmarc_policy;
  if (options.listen.empty()) {
    plan.config.listen = default_listen();
  } else {
    auto listen = parse_listen(options.listen);
    if (!listen) return fail(std::move(listen.error()));
    plan.config.listen = std::move(*listen);
  }
  const std::string account = options.account.empty() ? "postmaster" : options.account;
  plan.account = account.contains('@') ? account : account + "@" + domain->a_label();
  if (plan.password.empty()) {
    plan.password = crypto::random_secret(directory::secret_random_length);
    plan.password_generated = true;
  }
  const fs::path dir = fs::absolute(options.dir).lexically_normal();
  plan.config.file = dir / "posthorn.toml";
  plan.config.host_name = host->a_label();
  plan.config.store_dir = dir / "store";
  if (!options.dns_source.empty()) plan.config.dns_source = absolute_source(options.dns_source);
  plan.config.tls.certificate = {dir / "tls" / "ecdsa.pem", dir / "tls" / "rsa.pem"};
  plan.config.tls.key = {dir / "tls" / "ecdsa.key", dir / "tls" / "rsa.key"};
  plan.config.tls.ca_file = options.ca_file;
  plan.config.relay = options.relay;
  return plan;
}

/// What else could fail when the store is there already, and would leave a folder that nobody can use again.
Result<void, Problem> check_plan(const Plan& plan) {
  const auto account = address::Mailbox::parse(plan.account);
  if (!account)
    return fail(cannot(fmt::format("--account {}: {}", text::printable(plan.account), explain(account.error())),
                       "write it like ann, or ann@" + plan.domain.a_label()));
  if (account->host_text() != plan.domain.a_label()) {
    return fail(cannot(fmt::format("--account {} is not in {}", plan.account, plan.domain.a_label()),
                       "name one of the domain, such as ann@" + plan.domain.a_label()));
  }
  auto read_back = config::parse(config::export_toml(plan.config), plan.config.file, plan.config.file.parent_path());
  if (!read_back) {
    Problem first = std::move(read_back.error().front());
    return fail(cannot(std::move(first.why), std::move(first.remedy)));
  }
  return {};
}

Result<void, Problem> make_folders(const Plan& plan) {
  if (fs::exists(plan.config.file))
    return fail(cannot(
        fmt::format("{} is there already", plan.config.file.string()),
        "choose another --dir, or start what is there with: posthorn serve --config " + plan.config.file.string()));
  std::error_code error;
  if (!fs::is_empty(plan.config.store_dir, error) && !error)
    return fail(
        cannot(fmt::format("{} holds a store already", plan.config.store_dir.string()), "choose another --dir"));
  const bool is_new = fs::create_directories(plan.config.file.parent_path(), error);
  fs::create_directories(plan.config.file.parent_path() / "tls", error);
  if (error)
    return fail(cannot(fmt::format("cannot make {}: {}", plan.config.file.parent_path().string(), error.message()),
                       "choose another --dir, one that this user may write to"));
  // Somebody's own folder keeps its mode; keys and store are closed to others by themselves.
  if (is_new) fs::permissions(plan.config.file.parent_path(), fs::perms::owner_all, error);
  return {};
}

Result<void, Problem> make_certificate(const Plan& plan, const net::CertificateAuthority* authority, std::size_t index,
                                       net::CertificateKeyType type, TimePoint now) {
  net::NewCertificate wanted;
  wanted.names = {plan.host.a_label(), plan.domain.a_label()};
  wanted.not_before = now - std::chrono::hours(1);
  wanted.not_after = now + kCertificateLife;
  wanted.key_type = type;
  const auto made = authority != nullptr ? authority->issue(wanted) : net::make_self_signed(wanted);
  if (!made) return fail(made.error());
  using runtime::FileAccess;
  if (auto done = runtime::write_file_atomically(plan.config.tls.key[index], made->key_pem, FileAccess::owner_only);
      !done)
    return done;
  return runtime::write_file_atomically(plan.config.tls.certificate[index], made->chain_pem, FileAccess::readable);
}

Task<Result<void, Problem>> commit_plan(storage::Store& store, directory::Plan plan) {
  if (!plan) co_return fail(std::move(plan.error()));
  const auto committed = co_await store.commit(std::move(*plan));
  if (!committed) co_return fail(cannot("the store did not take it", "look at the disk's free space"));
  co_return Result<void, Problem>{};
}

/// DKIM keys that sign at once: a domain that begins here has no signatures to lose, and its records are published
/// together with its MX.
Task<Result<std::vector<domains::OwnKey>, Problem>> add_keys(storage::Store& store, const Plan& plan, TimePoint now) {
  const auto keyring = keyring::Keyring::make(store);
  std::filesystem::path sealing_key = sealing_key_file(plan.config);
  if (auto problem = co_await keyring->start(std::move(sealing_key))) co_return fail(std::move(*problem));
  runtime::WorkerPool workers(0, 0);
  const transition::KeyDriver driver(store, *keyring, workers, nullptr);
  const std::string domain = plan.domain.a_label();
  auto made = co_await driver.add_keys(domain, keyring::KeyState::signing, now);
  if (!made) co_return fail(std::move(made.error()));
  co_return transition::own_keys(*keyring, domain);
}

/// The domain, the account, and the account as postmaster.
Task<Result<void, Problem>> fill_directory(storage::Store& store, const Plan& plan, TimePoint now) {
  const auto directory = directory::Directory::make(store, {});
  co_await directory->load();
  auto domain = directory::add_domain(*directory->snapshot(), {plan.domain.a_label(), "draft", true}, now);
  if (auto done = co_await commit_plan(store, std::move(domain)); !done) co_return done;
  std::string hash = crypto::hash_password(directory::password_text(plan.password));
  auto account = directory::add_account(*directory->snapshot(), {plan.account, std::move(hash), 0}, now);
  if (auto done = co_await commit_plan(store, std::move(account)); !done) co_return done;
  auto postmaster = directory::set_postmaster(*directory->snapshot(), plan.account);
  if (auto done = co_await commit_plan(store, std::move(postmaster)); !done) co_return done;
  const directory::Domain* added = directory->snapshot()->domain(plan.domain.a_label());
  if (added == nullptr || plan.model.dmarc == domains::DmarcWish{}) co_return Result<void, Problem>{};
  storage::Unit unit;
  unit.mutations.emplace_back(storage::PutDomain{domains::write_model(added->row, plan.model)});
  co_return co_await commit_plan(store, std::move(unit));
}

using Keys = std::vector<domains::OwnKey>;

Task<> fill_into(storage::Store& store, const Plan& plan, TimePoint now, Result<Keys, Problem>& outcome) {
  const auto filled = co_await fill_directory(store, plan, now);
  outcome = filled ? co_await add_keys(store, plan, now) : Result<Keys, Problem>(fail(filled.error()));
}

/// The store with all that belongs into it; its domain's keys.
Result<Keys, Problem> make_store(const Plan& plan, const runtime::Clock& clock) {
  storage::StoreOptions options;
  options.dir = plan.config.store_dir;
  options.create = true;
  options.clock = &clock;
  auto store = storage::Store::open(options);
  if (!store) return fail(std::move(store.error()));
  Result<Keys, Problem> filled;
  runtime::run_to_end([&] { return fill_into(**store, plan, clock.now(), filled); });
  (*store)->close();
  return filled;
}

/// What the domain's own plan wants where nothing is published yet: the same that `domain plan` and `domain check` go
/// by.
std::vector<domains::WantedRecord> first_records(const Plan& plan, Keys keys) {
  domains::Surroundings around = admin::surroundings_of(plan.config);
  around.keys = std::move(keys);
  return domains::wanted_records(plan.model, around, {}, "").records;
}

}  // namespace

config::Listen default_listen() {
  const std::uint16_t offset = ::geteuid() == 0 ? 0 : kUnprivilegedOffset;
  const auto on = [offset](const char* address, std::uint16_t port) {
    return std::vector<config::Endpoint>{{*IpAddress::parse(address), static_cast<std::uint16_t>(port + offset)}};
  };
  config::Listen listen;
  listen.smtp = on("0.0.0.0", 25);
  listen.submission = on("0.0.0.0", 587);
  listen.submissions = on("0.0.0.0", 465);
  listen.imap = on("0.0.0.0", 143);
  listen.imaps = on("0.0.0.0", 993);
  return listen;
}

Result<config::Listen, Problem> parse_listen(std::string_view text) {
  config::Listen listen;
  for (const std::string_view part : text::split(text, ',')) {
    const auto equals = part.find('=');
    auto* service = equals == std::string_view::npos ? nullptr : service_of(listen, part.substr(0, equals));
    const auto at = service == nullptr ? std::nullopt : net::Endpoint::parse(part.substr(equals + 1));
    if (!at)
      return fail(cannot(fmt::format("--listen {} is not SERVICE=ADDRESS:PORT", part),
                         "for example --listen smtp=127.0.0.1:2525,submission=127.0.0.1:2587"));
    service->push_back(*at);
  }
  return listen;
}

Result<QuickstartResult, Problem> quickstart(const QuickstartOptions& options) {
  auto plan = make_plan(options);
  if (!plan) return fail(std::move(plan.error()));
  if (auto done = check_plan(*plan); !done) return fail(std::move(done.error()));
  const runtime::SystemClock clock;
  if (auto done = make_folders(*plan); !done) return fail(std::move(done.error()));
  if (auto done = make_certificate(*plan, options.authority, 0, net::CertificateKeyType::ecdsa_p256, clock.now());
      !done)
    return fail(std::move(done.error()));
  if (auto done = make_certificate(*plan, options.authority, 1, net::CertificateKeyType::rsa_2048, clock.now()); !done)
    return fail(std::move(done.error()));
  auto keys = make_store(*plan, clock);
  if (!keys) return fail(std::move(keys.error()));
  if (auto done = runtime::write_file_atomically(plan->config.file, config::export_toml(plan->config),
                                                 runtime::FileAccess::readable);
      !done)
    return fail(std::move(done.error()));

  QuickstartResult result;
  result.config = plan->config.file;
  result.listeners = plan->config.listen;
  result.account = plan->account;
  if (plan->password_generated) result.generated_password = plan->password;
  result.records = first_records(*plan, std::move(*keys));
  result.records_text = transition::zone_lines(result.records);
  return result;
}

}  // namespace posthorn::server
