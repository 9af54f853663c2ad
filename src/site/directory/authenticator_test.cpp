// Authenticator and Directory over a real store in a temporary folder.
#include "site/directory/authenticator.h"

#include <atomic>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "foundation/crypto/password.h"
#include "platform/runtime/loops.h"
#include "platform/test_support/store_support.h"
#include "site/directory/password_text.h"
#include "site/directory/plan.h"
#include "standards/sasl/server.h"

namespace posthorn::directory {
namespace {

using namespace std::chrono_literals;

constexpr crypto::Argon2Cost cheap{.memory_kib = 64, .passes = 1, .lanes = 1};
const IpAddress here = *IpAddress::parse("192.0.2.1");

class Authentication : public testing::Test {
 protected:
  Authentication() {
    store = storage::testing::open_store(folder);
    directory = Directory::make(*store, {});
    directory->observe_revocations([this](const Revocation& r) { revocations.push_back(r); });
    authenticator = std::make_unique<Authenticator>(*directory, *store, workers, clock, GuessLimits{.per_address = 5});
    run(directory->load());
    commit(add_domain(*now(), {"alpha.example"}, clock.now()));
    commit(add_account(*now(), {"ann@alpha.example", crypto::hash_password("tulip", cheap)}, clock.now()));
  }
  ~Authentication() override { store->close(); }

  void run(Task<> task) {
    auto shared = std::make_shared<Task<>>(std::move(task));
    runtime::run_to_end([shared] { return std::move(*shared); });
  }
  std::shared_ptr<const Snapshot> now() const { return directory->snapshot(); }

  static Task<> commit_one(storage::Store& store, storage::Unit unit, bool& done) {
    done = (co_await store.commit(std::move(unit))).has_value();
  }
  void commit(Plan plan) {
    ASSERT_TRUE(plan) << plan.error().text();
    commit(std::move(*plan));
  }
  void commit(storage::Unit unit) {
    bool done = false;
    run(commit_one(*store, std::move(unit), done));
    ASSERT_TRUE(done);
  }

  using Answer = Result<Identity, AuthFailure>;
  static Task<> ask(Authenticator& authenticator, std::string user, std::string secret, IpAddress from, Scope scope,
                    std::optional<Answer>& answer) {
    answer.emplace(co_await authenticator.password(std::move(user), std::move(secret), from, scope));
  }
  Answer try_password(std::string user, std::string secret, IpAddress from = here, Scope scope = Scope::smtp) {
    std::optional<Answer> answer;
    run(ask(*authenticator, std::move(user), std::move(secret), from, scope, answer));
    return *answer;
  }
  /// "login", or why not.
  std::string outcome(const Answer& answer) const {
    return answer ? answer->login_name : std::string(explain(answer.error()));
  }
  NewLogin add(std::string_view label, std::string_view scope) {
    auto login = add_login(*now(), "ann@alpha.example", label, scope, clock.now());
    EXPECT_TRUE(login) << login.error().text();
    commit(login->unit);
    return *login;
  }

  storage::testing::TemporaryFolder folder;
  runtime::SystemClock clock;
  runtime::WorkerPool workers{1, 16};
  std::unique_ptr<storage::Store> store;
  std::shared_ptr<Directory> directory;
  std::unique_ptr<Authenticator> authenticator;
  std::vector<Revocation> revocations;
};

TEST_F(Authentication, MainPassword) {
  EXPECT_EQ(outcome(try_password("ann@alpha.example", "tulip")), "ann@alpha.example");
  EXPECT_EQ(outcome(try_password("ANN@Alpha.example", "tulip")), "ann@alpha.example");
  EXPECT_EQ(outcome(try_password("ann@alpha.example", "Tulip")), "unknown user or wrong secret");
  EXPECT_EQ(outcome(try_password("nobody@alpha.example", "tulip")), "unknown user or wrong secret");
  EXPECT_EQ(outcome(try_password("ann", "tulip")), "unknown user or wrong secret");
  EXPECT_EQ(outcome(try_password("", "")), "unknown user or wrong secret");
}

// RFC 8265 4.2.2: whatever spelling a keyboard sends. Hashes of older versions are of the octets as they were typed.
TEST_F(Authentication, OnePasswordHasManySpellings) {
  const std::string composed = "gr\u00fcn tulip", decomposed = "gru\u0308n\u00a0tulip";
  EXPECT_EQ(password_text(composed), composed);
  EXPECT_EQ(password_text(decomposed), composed);
  EXPECT_EQ(password_text("Tulip  x"), "Tulip  x");
  EXPECT_EQ(password_text("\xff \xc2"), "\xff \xc2");
  const std::string hash = crypto::hash_password(password_text(decomposed), cheap);
  commit(add_account(*now(), {"zoe@alpha.example", hash}, clock.now()));
  commit(add_account(*now(), {"old@alpha.example", crypto::hash_password(decomposed, cheap)}, clock.now()));
  EXPECT_EQ(outcome(try_password("zoe@alpha.example", composed)), "zoe@alpha.example");
  EXPECT_EQ(outcome(try_password("zoe@alpha.example", decomposed)), "zoe@alpha.example");
  EXPECT_EQ(outcome(try_password("old@alpha.example", decomposed)), "old@alpha.example");
  EXPECT_EQ(outcome(try_password("zoe@alpha.example", "grun tulip")), "unknown user or wrong secret");
}

TEST_F(Authentication, ApplicationLoginsByEitherName) {
  const NewLogin phone = add("Phone", "smtp,imap");
  const NewLogin other = add("phone", "pop3");
  EXPECT_EQ(phone.name, "ann+phone@alpha.example");
  EXPECT_EQ(other.name, "ann+phone-2@alpha.example");
  EXPECT_GE(phone.secret.size(), 20u);
  EXPECT_EQ(outcome(try_password(phone.name, phone.secret)), phone.name);
  EXPECT_EQ(outcome(try_password("ann@alpha.example", phone.secret)), phone.name);
  EXPECT_EQ(outcome(try_password(phone.name, "tulip")), "unknown user or wrong secret");
  EXPECT_EQ(outcome(try_password(phone.name, other.secret)), "unknown user or wrong secret");
  EXPECT_EQ(outcome(try_password("ann@alpha.example", phone.secret, here, Scope::pop3)),
            "this application login is not for this protocol");
  EXPECT_EQ(outcome(try_password("ann@alpha.example", other.secret, here, Scope::pop3)), other.name);
}

/// Keeps a pool of one thread and one place in its queue full until it is destroyed.
class FullPool {
 public:
  explicit FullPool(runtime::WorkerPool& workers) {
    threads_.emplace_back([this, &workers] { occupy(workers); });
    started_.get_future().wait();
    threads_.emplace_back([this, &workers] { occupy(workers); });
    while (workers.queued() == 0) std::this_thread::yield();
  }
  ~FullPool() { gate_.set_value(); }

 private:
  void occupy(runtime::WorkerPool& workers) {
    runtime::run_to_end([this, &workers] { return hold(workers, *this); });
  }
  static Task<> hold(runtime::WorkerPool& workers, FullPool& self) {
    std::function<int()> job = [&self] {
      if (!self.was_started_.exchange(true)) self.started_.set_value();
      self.open_.wait();
      return 0;
    };
    static_cast<void>(co_await workers.run(std::move(job)));
  }

  std::promise<void> gate_;
  std::shared_future<void> open_ = gate_.get_future().share();
  std::promise<void> started_;
  std::atomic<bool> was_started_ = false;
  std::vector<std::jthread> threads_;
};

TEST_F(Authentication, AGeneratedSecretThatWasProvenIsNotDerivedAgain) {
  const NewLogin phone = add("phone", "smtp");
  const NewLogin other = add("other", "smtp");
  runtime::WorkerPool one{1, 1};
  authenticator = std::make_unique<Authenticator>(*directory, *store, one, clock, GuessLimits{});
  ASSERT_EQ(outcome(try_password(phone.name, phone.secret)), phone.name);
  const FullPool full(one);
  EXPECT_EQ(outcome(try_password(phone.name, phone.secret)), phone.name);
  EXPECT_EQ(outcome(try_password("ann@alpha.example", phone.secret)), phone.name);
  EXPECT_EQ(outcome(try_password(phone.name, other.secret)), "too many log-ins at once");
  EXPECT_EQ(outcome(try_password(other.name, other.secret)), "too many log-ins at once") << "not seen before";
  commit(revoke_login(*now(), phone.name));
  EXPECT_EQ(outcome(try_password(phone.name, phone.secret)), "too many log-ins at once") << "revoked";
}

TEST_F(Authentication, RevokingEndsSessionsAndLogins) {
  const NewLogin phone = add("phone", "smtp");
  const storage::LoginId id = now()->login(phone.name)->id;
  commit(revoke_login(*now(), phone.name));
  ASSERT_EQ(revocations.size(), 1u);
  EXPECT_EQ(revocations[0].login, id);
  EXPECT_EQ(outcome(try_password(phone.name, phone.secret)), "unknown user or wrong secret");
  commit(set_account(*now(), "ann@alpha.example", {.password_hash = crypto::hash_password("rose", cheap)}));
  ASSERT_EQ(revocations.size(), 2u);
  EXPECT_EQ(revocations[1].login, storage::LoginId{});
  commit(set_account(*now(), "ann@alpha.example", {.enabled = false}));
  ASSERT_EQ(revocations.size(), 3u);
  EXPECT_EQ(revocations[2].login, std::nullopt);
  EXPECT_EQ(outcome(try_password("ann@alpha.example", "rose")), "the account is switched off");
}

TEST_F(Authentication, GuessingIsSlowedAndTheOwnerIsNot) {
  const IpAddress stranger = *IpAddress::parse("198.51.100.7");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(outcome(try_password("ann@alpha.example", "wrong", stranger)), "unknown user or wrong secret");
  }
  EXPECT_EQ(outcome(try_password("ann@alpha.example", "tulip", stranger)), "too many wrong guesses lately");
  EXPECT_EQ(outcome(try_password("ann@alpha.example", "tulip")), "ann@alpha.example");
}

TEST_F(Authentication, GuessesFromManyAddressesAreCountedForTheAccount) {
  authenticator = std::make_unique<Authenticator>(*directory, *store, workers, clock, GuessLimits{.per_account = 6});
  EXPECT_EQ(outcome(try_password("ann@alpha.example", "tulip")), "ann@alpha.example");
  for (int i = 0; i < 6; ++i) {
    const IpAddress one = *IpAddress::parse(fmt::format("203.0.{}.9", i));
    EXPECT_EQ(outcome(try_password("ann@alpha.example", "wrong", one)), "unknown user or wrong secret");
  }
  const IpAddress another = *IpAddress::parse("203.0.99.9");
  EXPECT_EQ(outcome(try_password("ann@alpha.example", "tulip", another)), "too many wrong guesses lately");
  EXPECT_EQ(outcome(try_password("ann@alpha.example", "tulip")), "ann@alpha.example") << "the owner is not shut out";
  EXPECT_EQ(outcome(try_password("nobody@alpha.example", "x", another)), "unknown user or wrong secret");
}

// Times cannot be compared without doubt; what takes the time can be counted.
TEST_F(Authentication, EveryWrongGuessCostsOneArgon2Computation) {
  authenticator = std::make_unique<Authenticator>(*directory, *store, workers, clock, GuessLimits{});
  const NewLogin phone = add("phone", "imap");
  commit(add_account(*now(), {"none@alpha.example", ""}, clock.now()));
  const std::pair<std::string, std::string> guesses[] = {{"nobody@alpha.example", "tulip"},
                                                         {"ann@alpha.example", "wrong"},
                                                         {phone.name, "wrong"},
                                                         {"none@alpha.example", "tulip"},
                                                         {"x@elsewhere.example", "tulip"},
                                                         {"not even an address", ""},
                                                         {"ann@alpha.example", std::string(5000, 'x')}};
  for (const auto& [user, secret] : guesses) {
    const std::uint64_t before = crypto::argon2_runs();
    EXPECT_EQ(outcome(try_password(user, secret, here, Scope::imap)), "unknown user or wrong secret") << user;
    EXPECT_EQ(crypto::argon2_runs() - before, 1u) << user;
  }
}

TEST_F(Authentication, ScramVerifierFitsTheSecretAndNobodyElse) {
  const NewLogin phone = add("phone", "smtp");
  const auto verifier = authenticator->scram_verifier(phone.name, here);
  ASSERT_TRUE(verifier && *verifier);
  EXPECT_EQ(sasl::make_scram_verifier(phone.secret, (*verifier)->salt, (*verifier)->iterations), **verifier);
  EXPECT_EQ(*authenticator->scram_verifier("ann@alpha.example", here), std::nullopt);
  EXPECT_EQ(*authenticator->scram_verifier("nobody@alpha.example", here), std::nullopt);
  EXPECT_EQ(outcome(authenticator->scram_finished(phone.name, true, here, Scope::smtp)), phone.name);
  EXPECT_EQ(outcome(authenticator->scram_finished(phone.name, false, here, Scope::smtp)),
            "unknown user or wrong secret");
  EXPECT_EQ(outcome(authenticator->scram_finished("nobody", true, here, Scope::smtp)), "unknown user or wrong secret");
}

TEST_F(Authentication, LastUseIsWrittenInBatches) {
  const NewLogin phone = add("phone", "smtp");
  ASSERT_EQ(outcome(try_password(phone.name, phone.secret)), phone.name);
  EXPECT_EQ(now()->login(phone.name)->last_used, std::nullopt);
  authenticator->flush_last_used();
  commit(storage::Unit{{}, {storage::PutSetting{"test/after", "x"}}});  // behind it in the committer's line
  ASSERT_TRUE(now()->login(phone.name)->last_used);
  EXPECT_EQ(now()->login(phone.name)->last_used_from, "192.0.2.1 smtp");
}

TEST_F(Authentication, ARestartFindsTheSameDirectory) {
  add("phone", "smtp");
  const std::string secret = directory->unknown_login_secret();
  EXPECT_EQ(secret.size(), 64u);
  const auto again = Directory::make(*store, {});
  run(again->load());
  EXPECT_EQ(again->unknown_login_secret(), secret);
  EXPECT_NE(again->snapshot()->login("ann+phone@alpha.example"), nullptr);
  EXPECT_NE(again->snapshot()->account("ann@alpha.example"), nullptr);
}

}  // namespace
}  // namespace posthorn::directory
