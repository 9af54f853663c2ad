#include "entrance/demo/demo.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "entrance/demo/author.h"
#include "entrance/demo/world.h"
#include "foundation/text/ascii.h"
#include "platform/runtime/deadline.h"
#include "platform/runtime/process.h"
#include "site/journal/trace.h"
#include "standards/message/write.h"

namespace posthorn::demo {
namespace {

namespace fs = std::filesystem;
using Outcome = Result<void, Problem>;

constexpr Duration kArrivalWithin = std::chrono::seconds(30);
constexpr Duration kStoryWithin = std::chrono::seconds(10);
constexpr Duration kStoryPoll = std::chrono::milliseconds(50);
constexpr std::string_view kForgerAddress = "127.0.0.4";

void say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

/// The folder of the sites; a temporary one goes with the demo.
class Folder {
 public:
  explicit Folder(const fs::path& wanted) : path_(wanted) {
    if (!path_.empty()) return;
    std::string pattern = (fs::temp_directory_path() / "posthorn-demo-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    temporary_ = true;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    if (temporary_ && !path_.empty()) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  bool temporary_ = false;
};

OctetString letter_text(World& world, TimePoint now) {
  return fmt::format(
      "From: Ann <{}>\r\nTo: Bob <{}>\r\nSubject: The first letter\r\n{}MIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
      "Dear Bob,\r\n\r\nthis letter went the whole way: submitted, queued, routed by MX,\r\nreceived over TLS and "
      "stored before anybody said 250.\r\n\r\nAnn\r\n",
      world.alpha().account, world.beta().account, message::write_date(now));
}

Task<std::vector<journal::Trace>> traces(storage::Store& store, MailId id) {
  auto question = [text = id.text()](storage::Reader& reader) { return journal::find(reader, text, 1); };
  co_return co_await store.read(std::move(question));
}

/// What Bob has in his INBOX, as he would read it.
std::string first_email(storage::Reader& reader) {
  OctetString octets;
  for (const storage::AccountRow& account : reader.accounts())
    for (const storage::MailboxRow& mailbox : reader.mailboxes(account.id))
      for (const storage::EmailRow& email : reader.emails(account.id, mailbox.id, 1, 1))
        if (octets.empty()) (void)reader.read_octets(email.octets, 0, 64 * KiB, octets);
  return octets;
}

std::string indented(std::string_view text) {
  std::string result = "    ";
  for (const char c : text) {
    if (c == '\r') continue;
    result += c;
    if (c == '\n') result += "    ";
  }
  result.resize(result.find_last_not_of(' ') + 1);
  return result;
}

/// How the forger fared.
struct Forgery {
  bool refused = false;
  std::string reply;                    ///< the receiving server's last word, on one line
  std::optional<journal::Trace> story;  ///< as beta tells it
};

std::string forgery_json(const Forgery& forgery) {
  return boost::json::serialize(boost::json::object{{"refused", forgery.refused}, {"reply", forgery.reply}});
}

Task<> print_json(World& world, const Teller& teller, const Forgery* forgery) {
  const auto sent = co_await traces(world.alpha().server->store(), teller.sent_id());
  const auto received = co_await traces(world.beta().server->store(), teller.received_id());
  std::string forged;
  if (forgery != nullptr)
    forged = fmt::format(",\"forged\":{},\"forged_story\":{}", forgery_json(*forgery),
                         forgery->story ? journal::to_json(*forgery->story) : "null");
  say(fmt::format("{{\"delivered\":true,\"seconds\":{:.3f},\"alpha\":{},\"beta\":{}{}}}\n",
                  static_cast<double>(teller.since_began().count()) / 1e6,
                  sent.empty() ? "null" : journal::to_json(sent.front()),
                  received.empty() ? "null" : journal::to_json(received.front()), forged));
}

Task<> print_arrival(World& world, const Teller& teller) {
  auto question = [](storage::Reader& reader) { return first_email(reader); };
  const std::string email = co_await world.beta().server->store().read(std::move(question));
  say(fmt::format("\nDelivered {:.3f} s after the demo began. What Bob reads:\n\n{}\n",
                  static_cast<double>(teller.since_began().count()) / 1e6, indented(email)));
}

/// Records longer than a line are cut in the middle: keys.
std::string for_the_eye(const std::string& zone) {
  constexpr std::size_t columns = 120, tail = 12;
  std::string out;
  for (const std::string_view line : text::split(zone, '\n')) {
    if (!out.empty()) out += '\n';
    if (line.size() <= columns) {
      out += line;
    } else {
      out += fmt::format("{}…{}", line.substr(0, columns - tail), line.substr(line.size() - tail));
    }
  }
  return out;
}

void print_places(World& world) {
  say("\nTwo sites, one road:\n\n");
  for (Inhabited* site : {&world.alpha(), &world.beta()})
    say(fmt::format("  {:<14} smtp {:<16} submission {:<16} submissions {:<16} imap {:<16} imaps {:<16}\n",
                    site->domain, site->endpoint("smtp").text(), site->endpoint("submission").text(),
                    site->endpoint("submissions").text(), site->endpoint("imap").text(),
                    site->endpoint("imaps").text()));
  say(fmt::format("\nThe DNS that both ask:\n\n{}\n", indented(for_the_eye(world.zone_text()))));
}

void print_invitation(World& world) {
  const Inhabited& alpha = world.alpha();
  say("Both sites stay up. Try them:\n\n");
  for (const Inhabited* site : {&world.alpha(), &world.beta()})
    say(fmt::format("  {:<18} password {:<14} submission {} (STARTTLS), {} (TLS), imap {} (STARTTLS), {} (TLS)\n",
                    site->account, site->password, site->endpoint("submission").text(),
                    site->endpoint("submissions").text(), site->endpoint("imap").text(),
                    site->endpoint("imaps").text()));
  say(fmt::format(
      "\n  swaks --server {} --tls --auth PLAIN --auth-user {} --auth-password {} \\\n"
      "        --from {} --to {}\n"
      "  curl --ssl-reqd -k --user {}:{} 'imap://{}/INBOX;MAILINDEX=1'\n"
      "  {} message list {} --config {}\n"
      "  {} message trace {} --config {}\n\nEnd with Ctrl-C.\n",
      alpha.endpoint("submission").text(), alpha.account, alpha.password, alpha.account, world.beta().account,
      world.beta().account, world.beta().password, world.beta().endpoint("imap").text(), runtime::command_name(),
      world.beta().account, world.beta().made.config.string(), runtime::command_name(), alpha.account,
      alpha.made.config.string()));
}

Task<Outcome> send_letter(server::Process& process, World& world, Teller& teller) {
  Inhabited& alpha = world.alpha();
  Letter letter{alpha.endpoint("submission"),
                alpha.host_name,
                alpha.login,
                alpha.secret,
                alpha.account,
                world.beta().account,
                letter_text(world, process.clock().now())};
  net::Loop& loop = *process.net_loops().front();
  const auto outcome = co_await submit(loop, world.client_tls(), std::move(letter));
  if (!outcome.is_delivered())
    co_return fail(Problem{ProblemKind::no, "the letter was not accepted", outcome.reply.one_line(), ""});
  const TimePoint deadline = process.clock().now() + kArrivalWithin;
  Task<> arrival = teller.arrived().wait();
  co_await runtime::run_until(process.clock(), deadline, std::move(arrival));
  if (!teller.arrived().is_set())
    co_return fail(Problem{ProblemKind::no, "the letter did not arrive", "see its story above", ""});
  co_return Outcome{};
}

constexpr std::string_view kForgedSubject = "Please pay this invoice";

OctetString forged_text(World& world, TimePoint now) {
  return fmt::format(
      "From: Ann <{}>\r\nTo: Bob <{}>\r\nSubject: {}\r\nMessage-ID: <invoice@forger.example>\r\n{}MIME-Version: "
      "1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
      "Dear Bob,\r\n\r\nplease transfer the money to the new account.\r\n\r\nAnn\r\n",
      world.alpha().account, world.beta().account, kForgedSubject, message::write_date(now));
}

/// Somebody at a third address, who is neither of the two sites, says to be Ann.
Task<Forgery> forge_letter(server::Process& process, World& world) {
  Letter letter;
  letter.server = world.beta().endpoint("smtp");
  letter.server_name = world.beta().host_name;
  letter.source = *IpAddress::parse(kForgerAddress);
  letter.host_name = "forger.example";
  letter.from = world.alpha().account;
  letter.to = world.beta().account;
  letter.octets = forged_text(world, process.clock().now());
  net::Loop& loop = *process.net_loops().front();
  const auto outcome = co_await submit(loop, world.client_tls(), std::move(letter));
  Forgery forgery{!outcome.is_delivered(), outcome.reply.one_line(), std::nullopt};
  // The story of what is refused is written in a batch, a second later at most.
  const TimePoint deadline = process.clock().now() + kStoryWithin;
  while (!forgery.story && process.clock().now() < deadline) {
    auto question = [](storage::Reader& reader) { return journal::find(reader, "invoice@forger.example", 1); };
    auto found = co_await world.beta().server->store().read(std::move(question));
    if (!found.empty()) forgery.story = std::move(found.front());
    if (!forgery.story) co_await process.clock().wait_for(kStoryPoll);
  }
  co_return forgery;
}

Task<Outcome> tell_forgery(server::Process& process, World& world, const DemoOptions& options, Forgery& forgery) {
  if (!options.json) say(fmt::format("\nA forger at {} writes to Bob in Ann's name:\n\n", kForgerAddress));
  forgery = co_await forge_letter(process, world);
  if (!forgery.refused)
    co_return fail(Problem{ProblemKind::no, "the forged letter was accepted", forgery.reply, "see its story above"});
  if (!options.json) say(fmt::format("\nRefused. What the forger's server was told:\n\n    {}\n\n", forgery.reply));
  co_return Outcome{};
}

Task<> play(server::Process& process, World& world, Teller& teller, const DemoOptions& options,
            runtime::Signals& signals, std::promise<Outcome>& over) {
  Outcome outcome = co_await world.start(process, teller);
  if (outcome && !options.json) {
    print_places(world);
    say("Ann writes to Bob:\n\n");
  }
  if (outcome) outcome = co_await send_letter(process, world, teller);
  if (outcome && !options.json) co_await print_arrival(world, teller);
  Forgery forgery;
  if (outcome && options.forge) outcome = co_await tell_forgery(process, world, options, forgery);
  if (outcome && options.json) co_await print_json(world, teller, options.forge ? &forgery : nullptr);
  if (outcome && !options.once) {
    print_invitation(world);
    (void)co_await signals.next();
  }
  co_await world.stop();
  over.set_value(std::move(outcome));
}

}  // namespace

Outcome run(const DemoOptions& options) {
  const Folder folder(options.dir);
  if (folder.path().empty())
    return fail(Problem{ProblemKind::unavailable, "cannot make a temporary folder", "", "set TMPDIR, or give --dir"});
  server::Process process;
  Teller teller(process.clock(), options.json);
  auto world = World::make(folder.path(), process.clock().now());
  if (!world) return fail(std::move(world.error()));
  runtime::Signals signals(process.loops().executor(0), {SIGTERM, SIGINT});
  runtime::TaskGroup main("demo", runtime::Logger());
  std::promise<Outcome> over;
  process.loops().start();
  runtime::spawn(main, process.loops().executor(0), "demo", play(process, **world, teller, options, signals, over));
  Outcome outcome = over.get_future().get();
  process.loops().stop();
  return outcome;
}

}  // namespace posthorn::demo
