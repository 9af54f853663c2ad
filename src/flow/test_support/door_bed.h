// DoorBed: reception and submission over a real store in a temporary folder, driven from the outside: a test says SMTP
// lines over a stream in memory and reads replies, stored mail and stories. Virtual time; one thread besides the
// store's.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "flow/delivery/delivery.h"
#include "flow/reception/reception.h"
#include "flow/smtp_service/pump.h"
#include "flow/submission/submission.h"
#include "flow/test_support/memory_client.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"
#include "platform/runtime/worker_pool.h"
#include "site/directory/plan.h"
#include "site/journal/trace.h"

namespace posthorn::flow_test {

class DoorBed;

/// One client connection.
class Caller {
 public:
  Caller(DoorBed& bed, smtp::server::Role role);
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  /// Sends lines (CRLF is added to each) and returns what was said back until the server waits again.
  std::string say(const std::string& line);
  std::string say(const std::vector<std::string>& lines);
  /// The same with these octets as they are.
  std::string send(const std::string& octets);
  /// Sends a part for which no reply comes.
  void push(const std::string& octets) { client_.write(octets); }
  /// EHLO, envelope, message (with its final CRLF), dot: the reply to the message, or the first that refuses.
  std::string mail(const std::string& from, const std::vector<std::string>& to, const std::string& message);
  /// DATA with this message in the open transaction.
  std::string data(const std::string& message);
  /// The client's handshake, after 220 to STARTTLS or at once on port 465. False: it failed.
  bool start_tls();
  /// AUTH PLAIN with an initial response.
  std::string plain(const std::string& user, const std::string& secret);
  /// A whole SCRAM exchange; the last reply.
  std::string scram(const std::string& user, const std::string& secret, bool plus);

  /// Whether the server has closed the connection.
  [[nodiscard]] bool ended() const { return client_.ended(); }
  [[nodiscard]] const std::string& heard() const { return client_.heard(); }
  /// The connection breaks.
  void hang_up() { client_.hang_up(); }

  /// The server's end; null when it is over.
  struct Running {
    smtp_service::Pump* pump = nullptr;
  };

 private:
  MemoryClient client_;
};

/// A message in a mailbox.
struct Stored {
  storage::EmailRow row;
  std::string octets;
};

class DoorBed {
 public:
  using Adjust = std::function<void(storage::StoreOptions&)>;
  /// `adjust`: another disk below the store, or other sizes.
  explicit DoorBed(Adjust adjust = {});
  ~DoorBed();
  DoorBed(const DoorBed&) = delete;
  DoorBed& operator=(const DoorBed&) = delete;

  /// Closes the store and opens it again with this much space kept in reserve (huge: as a full disk) and this much
  /// memory for arriving messages.
  void restart(std::uint64_t reserve_octets, std::size_t intake_memory_max = 64 * MiB);

  /// From now on port 25 checks where mail comes from, with this DNS (zone text, or a resolver of the test's own).
  void verify_by(const std::string& zone, config::Verification verification = {});
  void verify_by(std::unique_ptr<dns::Resolver> resolver, config::Verification verification = {});

  // ---- the site, as an administrator makes it
  void apply(directory::Plan plan);
  void domain(const std::string& name, const std::string& state = "enforcing");
  void account(const std::string& address, const std::string& password = "", std::uint64_t quota_octets = 0);
  void address(const std::string& address, const std::string& account);
  void group(const std::string& address, const std::vector<std::string>& members);
  directory::NewLogin login(const std::string& account, const std::string& label, const std::string& scope);
  /// Two new DKIM keys (RSA and Ed25519) in this state.
  std::vector<keyring::DkimKey> keys(const std::string& domain, keyring::KeyState state = keyring::KeyState::signing);
  [[nodiscard]] const directory::Snapshot& now() const { return *directory->snapshot(); }

  /// A session of port 25, greeting read.
  std::unique_ptr<Caller> call(smtp::server::Role role = smtp::server::Role::reception);
  /// A session of port 465 that has said EHLO and logged in.
  std::unique_ptr<Caller> author(const std::string& user, const std::string& secret);

  // ---- what became of it
  [[nodiscard]] std::vector<Stored> inbox(const std::string& account) { return folder(account, "INBOX"); }
  [[nodiscard]] std::vector<Stored> folder(const std::string& account, const std::string& mailbox);
  [[nodiscard]] std::vector<storage::QueueRow> queue();
  [[nodiscard]] std::vector<storage::RecipientRow> queued(MailId id);
  [[nodiscard]] std::string octets(const storage::StoredOctets& stored);
  /// Stories by id, Message-ID or address, newest first; what waits is written first.
  [[nodiscard]] std::vector<journal::Trace> stories(const std::string& what);
  /// The only story found, as text; empty where there are none or several.
  [[nodiscard]] std::string story(const std::string& what);

  void spawn(Task<> task) { runtime::spawn(group_, loop.executor(), "task", std::move(task)); }

  template <class T>
  T wait(Task<T> task) {
    std::optional<T> result;
    spawn(into(std::move(task), result));
    loop.run_ready();
    if (!result) throw std::logic_error("the task waits for something that does not come by itself");
    return std::move(*result);
  }

  runtime::VirtualClock clock;
  runtime::VirtualLoop loop;
  net::Loop net_loop;
  runtime::SeededRandom random{11};
  runtime::IdSource ids{clock, random};
  runtime::WorkerPool workers{0, 0};
  runtime::Metrics metrics;
  std::string log_text;
  runtime::Logger log;
  std::shared_ptr<net::ServerTls> server_tls;
  std::unique_ptr<net::ClientTls> client_tls;
  delivery::Rules rules;
  smtp::server::Limits limits;

  std::unique_ptr<storage::Store> store;
  std::shared_ptr<directory::Directory> directory;
  std::unique_ptr<directory::Authenticator> authenticator;
  std::unique_ptr<journal::Journal> journal;
  std::shared_ptr<keyring::Keyring> keyring;
  std::unique_ptr<signing::Signing> signing;
  std::unique_ptr<mailbox::Folders> folders;
  std::unique_ptr<delivery::Delivery> delivery;
  submission::RateLimiter rates{1000, 2000};
  std::unique_ptr<reception::Reception> reception;
  std::unique_ptr<submission::Submission> submission;
  std::vector<std::shared_ptr<Caller::Running>> running;
  std::vector<verification::Observer*> observers;  // of what verify_by() begins later

 private:
  template <class T>
  static Task<> into(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  const crypto::SealingKey sealing_ = crypto::SealingKey::generate();
  void open(std::uint64_t reserve_octets, std::size_t intake_memory_max);
  void open_reception();
  [[nodiscard]] delivery::Doorway doorway();
  void close();
  void end_revoked(const directory::Revocation& revocation);

  Adjust adjust_;
  std::filesystem::path folder_;
  std::unique_ptr<dns::Resolver> resolver_;
  config::Verification verification_;
  runtime::TaskGroup group_{"test", runtime::Logger{}};
};

}  // namespace posthorn::flow_test
