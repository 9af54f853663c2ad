#include "flow/test_support/door_bed.h"

#include <stdexcept>

#include <boost/asio/post.hpp>
#include <unistd.h>

#include "foundation/codec/base64.h"
#include "foundation/crypto/password.h"
#include "platform/net/certificate.h"
#include "platform/storage/reader.h"
#include "standards/dns/zone.h"
#include "standards/sasl/client.h"

namespace posthorn::flow_test {

using smtp::server::Role;

namespace {

constexpr TimePoint kStart = from_unix_seconds(1'800'000'000);
constexpr crypto::Argon2Cost kCheap{.memory_kib = 64, .passes = 1, .lanes = 1};

Task<> run_pump(std::unique_ptr<smtp_service::Pump> pump, std::shared_ptr<Caller::Running> running) {
  running->pump = pump.get();
  co_await pump->run();
  running->pump = nullptr;
}

Task<bool> commit(storage::Store& store, storage::Unit unit) {
  co_return (co_await store.commit(std::move(unit))).has_value();
}

Task<bool> load(directory::Directory& directory) {
  co_await directory.load();
  co_return true;
}

Task<bool> load(keyring::Keyring& keyring) {
  co_await keyring.load();
  co_return true;
}

template <class Question>
auto ask(DoorBed& bed, Question question) {
  return bed.wait(bed.store->read(std::move(question)));
}

/// Whether the last line of the replies ends one.
bool is_whole(const std::string& heard) {
  if (!heard.ends_with("\r\n")) return false;
  const auto before = heard.rfind("\r\n", heard.size() - 3);
  const auto line = before == std::string::npos ? 0 : before + 2;
  return heard.size() > line + 3 && heard[line + 3] == ' ';
}

std::string dot_stuffed(const std::string& message) {
  std::string out;
  for (std::size_t at = 0; at < message.size();) {
    const auto end = std::min(message.find("\r\n", at), message.size() - 2) + 2;
    if (message[at] == '.') out += '.';
    out.append(message, at, end - at);
    at = end;
  }
  return out;
}

}  // namespace

// ---------------------------------------------------------------- Caller

Caller::Caller(DoorBed& bed, Role role) : client_(bed) {
  using sasl::Mechanism;
  auto settings = std::make_shared<smtp_service::ServiceSettings>();
  settings->machine.host_name = "mx.alpha.example";
  settings->machine.role = role;
  settings->machine.limits = bed.limits;
  settings->machine.starttls = role != Role::submissions;
  if (role != Role::reception)
    settings->machine.mechanisms = {Mechanism::scram_sha_256_plus, Mechanism::scram_sha_256, Mechanism::plain,
                                    Mechanism::login};
  settings->machine.unknown_login_secret = bed.directory->unknown_login_secret();
  settings->tls = bed.server_tls;
  smtp_service::HandlerFactory& handlers =
      role == Role::reception ? static_cast<smtp_service::HandlerFactory&>(*bed.reception) : *bed.submission;
  auto pump = std::make_unique<smtp_service::Pump>(bed.net_loop, client_.take_server_end(), settings, handlers,
                                                   bed.ids.make<SessionId>(), bed.log, net::ConnectionLimits::Place{});
  const auto running = bed.running.emplace_back(std::make_shared<Running>());
  bed.spawn(run_pump(std::move(pump), running));
  bed.loop.run_ready();
  if (role != Role::submissions) client_.listen();
}

std::string Caller::say(const std::string& line) {
  return send(line + "\r\n");
}

std::string Caller::say(const std::vector<std::string>& lines) {
  std::string octets;
  for (const std::string& line : lines) octets += line + "\r\n";
  return send(octets);
}

std::string Caller::send(const std::string& octets) {
  client_.heard().clear();
  client_.write(octets);
  client_.wait_until(is_whole);
  return client_.heard();
}

std::string Caller::mail(const std::string& from, const std::vector<std::string>& to, const std::string& message) {
  std::string reply = say("EHLO client.example");
  if (!reply.starts_with("250")) return reply;
  reply = say("MAIL FROM:" + from);
  if (!reply.starts_with("250")) return reply;
  for (const std::string& recipient : to) {
    reply = say("RCPT TO:" + recipient);
    if (!reply.starts_with("250")) return reply;
  }
  return data(message);
}

std::string Caller::data(const std::string& message) {
  std::string reply = say("DATA");
  if (!reply.starts_with("354")) return reply;
  return send(dot_stuffed(message) + ".\r\n");
}

bool Caller::start_tls() {
  if (!client_.shake_hands()) return false;
  client_.listen();
  return true;
}

std::string Caller::plain(const std::string& user, const std::string& secret) {
  using namespace std::string_literals;
  return say("AUTH PLAIN " + codec::base64_encode("\0"s + user + "\0"s + secret));
}

std::string Caller::scram(const std::string& user, const std::string& secret, bool plus) {
  using sasl::Mechanism;
  sasl::ChannelBindings bindings;
  bindings.tls_exporter = client_.stream().channel_binding(net::ChannelBinding::tls_exporter).value_or("");
  const Mechanism mechanism = plus ? Mechanism::scram_sha_256_plus : Mechanism::scram_sha_256;
  sasl::ClientExchange exchange(mechanism, {user, "", secret}, plus ? bindings : sasl::ChannelBindings{},
                                "0123456789abcdefghijklmn", plus);
  std::string reply =
      say(fmt::format("AUTH {} {}", sasl::name(mechanism), codec::base64_encode(*exchange.initial_response())));
  while (reply.starts_with("334 ")) {
    const auto challenge = codec::base64_decode(reply.substr(4, reply.size() - 6));
    const auto answer = exchange.respond(challenge.value_or(""));
    reply = say(answer ? codec::base64_encode(*answer) : "*");
  }
  if (reply.starts_with("235") && !exchange.may_succeed()) return "the server did not prove itself";
  return reply;
}

// ---------------------------------------------------------------- DoorBed

DoorBed::DoorBed(Adjust adjust)
    : clock(kStart),
      loop(clock),
      net_loop(loop.executor(), clock),
      log(
          clock, [this](std::string_view line) { log_text += line; }, runtime::LogLevel::debug,
          runtime::LogFormat::logfmt),
      adjust_(std::move(adjust)) {
  // Nothing here is about power loss: memory spares the syncs where it is there.
  const std::filesystem::path memory = "/dev/shm";
  const bool in_memory = ::access(memory.c_str(), W_OK) == 0;
  std::string pattern =
      ((in_memory ? memory : std::filesystem::temp_directory_path()) / "posthorn-doors-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  const auto certificate =
      net::make_self_signed({{"mx.alpha.example"}, from_unix_seconds(1'600'000'000), from_unix_seconds(4'000'000'000)});
  server_tls = std::move(*net::ServerTls::make({*certificate}));
  client_tls = std::move(*net::ClientTls::make({.ca_file = {}, .use_system_store = false}));
  rules.host_name = "mx.alpha.example";
  loop.set_busy([this] { return store && store->pending() > 0; });
  open(0, 64 * MiB);
}

DoorBed::~DoorBed() {
  group_.cancel();
  loop.run_ready();
  close();
  std::filesystem::remove_all(folder_);
}

void DoorBed::open(std::uint64_t reserve_octets, std::size_t intake_memory_max) {
  storage::StoreOptions options;
  options.dir = folder_ / "store";
  options.create = true;
  options.reserve_octets = reserve_octets;
  options.intake_memory_max = intake_memory_max;
  options.clock = &clock;
  if (adjust_) adjust_(options);
  auto opened = storage::Store::open(options);
  if (!opened) throw std::runtime_error(opened.error().text());
  store = std::move(*opened);
  directory = directory::Directory::make(*store, {});
  static_cast<void>(wait(load(*directory)));
  directory->observe_revocations([this](const directory::Revocation& revocation) {
    boost::asio::post(loop.executor(), [this, revocation] { end_revoked(revocation); });
  });
  authenticator =
      std::make_unique<directory::Authenticator>(*directory, *store, workers, clock, directory::GuessLimits{});
  keyring = keyring::Keyring::make(*store);
  static_cast<void>(wait(load(*keyring)));
  keyring->unlock(sealing_);
  signing = std::make_unique<signing::Signing>(*keyring, workers);
  journal = std::make_unique<journal::Journal>(*store);
  folders = std::make_unique<mailbox::Folders>(*store);
  delivery = std::make_unique<delivery::Delivery>(
      delivery::Surroundings{store.get(), directory.get(), folders.get(), &clock, &ids, signing.get()}, rules);
  open_reception();
  submission = std::make_unique<submission::Submission>(doorway(), *authenticator, rates);
}

delivery::Doorway DoorBed::doorway() {
  return {store.get(), directory.get(), delivery.get(), journal.get(), &clock, &ids, &metrics, rules.host_name};
}

void DoorBed::open_reception() {
  reception::Reception::Trust trust{{resolver_.get(), &clock, &group_}, observers};
  reception = std::make_unique<reception::Reception>(doorway(), std::move(trust), verification_);
}

void DoorBed::verify_by(const std::string& zone, config::Verification verification) {
  auto parsed = dns::Zone::parse(zone);
  if (!parsed) throw std::runtime_error(parsed.error().text());
  verify_by(std::make_unique<dns::ZoneFileResolver>(std::move(*parsed)), std::move(verification));
}

void DoorBed::verify_by(std::unique_ptr<dns::Resolver> resolver, config::Verification verification) {
  resolver_ = std::move(resolver);
  verification_ = std::move(verification);
  open_reception();
}

void DoorBed::end_revoked(const directory::Revocation& revocation) {
  for (const auto& each : running)
    if (each->pump != nullptr && submission::Submission::is_revoked(each->pump->handler(), revocation))
      each->pump->shut_down();
}

void DoorBed::close() {
  running.clear();
  journal->flush();
  store->close();
  submission.reset();
  reception.reset();
  store.reset();
}

void DoorBed::restart(std::uint64_t reserve_octets, std::size_t intake_memory_max) {
  close();
  open(reserve_octets, intake_memory_max);
}

void DoorBed::apply(directory::Plan plan) {
  if (!plan) throw std::runtime_error(plan.error().text());
  if (!wait(commit(*store, std::move(*plan)))) throw std::runtime_error("not committed");
}

void DoorBed::domain(const std::string& name, const std::string& state) {
  apply(directory::add_domain(now(), {name, state, true}, clock.now()));
}

void DoorBed::account(const std::string& address, const std::string& password, std::uint64_t quota_octets) {
  const std::string hash = password.empty() ? "" : crypto::hash_password(password, kCheap);
  apply(directory::add_account(now(), {address, hash, quota_octets}, clock.now()));
}

void DoorBed::address(const std::string& address, const std::string& account) {
  apply(directory::add_address(now(), address, account));
}

void DoorBed::group(const std::string& address, const std::vector<std::string>& members) {
  apply(directory::add_group(now(), address, members));
}

directory::NewLogin DoorBed::login(const std::string& account, const std::string& label, const std::string& scope) {
  auto made = directory::add_login(now(), account, label, scope, clock.now());
  if (!made) throw std::runtime_error(made.error().text());
  apply(directory::Plan(made->unit));
  return std::move(*made);
}

std::vector<keyring::DkimKey> DoorBed::keys(const std::string& domain, keyring::KeyState state) {
  const auto made = keyring::make_dkim_keys(sealing_, domain, keyring->keys_of(domain), state, clock.now());
  storage::Unit unit;
  for (const keyring::DkimKey& key : made) plan_add(key, unit);
  apply(directory::Plan(std::move(unit)));
  return made;
}

std::unique_ptr<Caller> DoorBed::call(Role role) {
  return std::make_unique<Caller>(*this, role);
}

std::unique_ptr<Caller> DoorBed::author(const std::string& user, const std::string& secret) {
  auto caller = call(Role::submissions);
  if (!caller->start_tls()) throw std::runtime_error("no handshake");
  static_cast<void>(caller->say("EHLO client.example"));
  const std::string reply = caller->plain(user, secret);
  if (!reply.starts_with("235")) throw std::runtime_error(reply);
  return caller;
}

std::vector<Stored> DoorBed::folder(const std::string& account, const std::string& mailbox_name) {
  const storage::AccountId id = now().account(account)->row.id;
  const auto rows = ask(*this, [id, mailbox_name](storage::Reader& reader) {
    for (const storage::MailboxRow& mailbox : reader.mailboxes(id))
      if (mailbox.name == mailbox_name) return reader.emails(id, mailbox.id, 1, 1000);
    return std::vector<storage::EmailRow>{};
  });
  std::vector<Stored> found;
  for (const storage::EmailRow& row : rows) found.push_back({row, octets(row.octets)});
  return found;
}

std::vector<storage::QueueRow> DoorBed::queue() {
  return ask(*this, [](storage::Reader& reader) { return reader.queue_page({}, {}, 1000); });
}

std::vector<storage::RecipientRow> DoorBed::queued(MailId id) {
  return ask(*this, [id](storage::Reader& reader) { return reader.recipients(id); });
}

std::string DoorBed::octets(const storage::StoredOctets& stored) {
  return ask(*this, [stored](storage::Reader& reader) {
    OctetString out;
    if (!reader.read_octets(stored, 0, stored.size + 1, out)) out = "(cannot be read)";
    return out;
  });
}

std::vector<journal::Trace> DoorBed::stories(const std::string& what) {
  journal->flush();
  // A unit of one's own comes after what is queued: then the stories are there.
  static_cast<void>(wait(commit(*store, storage::Unit{})));
  return ask(*this, [what](storage::Reader& reader) { return journal::find(reader, what, 100); });
}

std::string DoorBed::story(const std::string& what) {
  const auto found = stories(what);
  return found.size() == 1 ? journal::to_json(found.front()) : std::string();
}

}  // namespace posthorn::flow_test
