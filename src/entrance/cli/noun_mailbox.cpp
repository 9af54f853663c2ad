// mailbox import|export|undelete.
#include <cstdio>
#include <fstream>

#include <boost/json.hpp>
#include <unistd.h>

#include "entrance/cli/ask.h"
#include "entrance/cli/mail_folder.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/taken_before.h"
#include "foundation/text/ascii.h"
#include "platform/runtime/clock.h"
#include "site/config/values.h"

namespace posthorn::cli {
namespace mailbox_noun {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

// What goes to the store at once: one unit, one sync.
constexpr std::size_t part_octets_max = 4 * MiB;
constexpr std::size_t part_messages_max = 500;
// Two imports of one source at once are in each other's way; one whose forerunner was killed meets it once.
constexpr int attempts_max = 5;
// An export notes how far it came after so much.
constexpr std::uint64_t export_note_octets = 16 * MiB;
constexpr std::string_view export_note = ".posthorn-export";

// ---------------------------------------------------------------- progress

/// A bar on standard error where a person looks at it.
class Progress {
 public:
  explicit Progress(std::uint64_t octets_total) : total_(octets_total), shows_(::isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (shows_ && shown_) std::fputs("\n", stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(std::uint64_t octets, std::uint64_t messages) {
    octets_ += octets;
    messages_ += messages;
    show();
  }
  /// What is read and not taken.
  void pass(std::uint64_t octets) {
    passed_ += octets;
    show();
  }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] std::uint64_t octets() const { return octets_; }

 private:
  void show() {
    const std::uint64_t read = octets_ + passed_;
    const std::uint64_t percent = total_ == 0 ? 100 : std::min<std::uint64_t>(read * 100 / total_, 100);
    if (!shows_ || (shown_ && percent == percent_ && messages_ % 1000 != 0)) return;
    percent_ = percent;
    shown_ = true;
    const std::string bar = std::string(percent / 4, '#') + std::string(25 - percent / 4, '.');
    fmt::print(stderr, "\r[{}] {:>3} %  {} messages, {}   ", bar, percent, messages_, octets_text(octets_));
  }

  std::uint64_t total_ = 0, octets_ = 0, messages_ = 0, passed_ = 0, percent_ = 0;
  bool shows_ = false, shown_ = false;
};

struct Sum {
  std::uint64_t messages = 0, octets = 0;
};

std::string words_of(const Sum& sum, std::string_view done) {
  return fmt::format("{} messages {}, {}\n", sum.messages, done, octets_text(sum.octets));
}

json::object json_of(const Sum& sum) {
  return {{"messages", sum.messages}, {"octets", sum.octets}};
}

void print_import(const Invocation& v, const Sum& sum, std::uint64_t known, std::uint64_t too_large) {
  if (v.json()) {
    json::object whole = json_of(sum);
    whole["taken_before"] = known;
    whole["passed_over"] = too_large;
    print(json::serialize(whole) + "\n");
    return;
  }
  print(words_of(sum, "imported"));
  if (known > 0)
    print(
        fmt::format("{} were left out: they were imported from there before (--again takes them once more)\n", known));
  if (too_large > 0) print(fmt::format("{} were left out: they are larger than limits.message_size\n", too_large));
}

void print_export(const Invocation& v, const Sum& sum) {
  print(v.json() ? json::serialize(json_of(sum)) + "\n" : words_of(sum, "exported"));
}

std::uint8_t flags_of(const message::KeptMessage& m) {
  using storage::Flag;
  std::uint8_t flags = 0;
  const auto set = [&flags](bool has, Flag flag) {
    if (has) flags |= static_cast<std::uint8_t>(flag);
  };
  set(m.seen, Flag::seen);
  set(m.answered, Flag::answered);
  set(m.flagged, Flag::flagged);
  set(m.deleted, Flag::deleted);
  set(m.draft, Flag::draft);
  return flags;
}

// ---------------------------------------------------------------- import

/// Gathers messages and hands them to the store in parts.
class Importer {
 public:
  Importer(const config::Config& config, std::string account, Progress& progress)
      : config_(config), account_(std::move(account)), progress_(progress) {}

  /// `again`: also what was taken of this source before.
  Result<void, Problem> run(MailSource& source, bool again) {
    mailbox_ = source.mailbox();
    std::error_code error;
    source_ = fs::weakly_canonical(source.path(), error).string();
    if (again) {
      Gathered ignored;
      if (auto done = ask("mailbox forget-taken", {}, {}, ignored); !done) return done;
    }
    own_ = sent_ = 0;
    for (int attempt = 1;; ++attempt) {
      auto done = ask_what_was_taken();
      if (done) done = source.read([this](const message::KeptMessage& message) { return take(message); });
      if (done) done = send();
      if (done || attempt == attempts_max || !another_has_gone_on()) return done;
      own_ = sent_;
    }
  }
  /// Messages that were taken of their source before.
  [[nodiscard]] std::uint64_t known() const { return known_; }

 private:
  Result<void, Problem> ask_what_was_taken() {
    taken_ = {};
    messages_.clear();
    octets_.clear();
    digests_.clear();
    Gathered answer;
    if (auto done = ask("mailbox taken", {}, {}, answer); !done) return done;
    for (const std::string& item : answer.items) taken_.add(member(json::parse(item).as_object(), "digests"));
    taken_.finish();
    part_ = answer.items.size();
    return {};
  }

  /// The last part of an import that was killed may come after this one has begun.
  bool another_has_gone_on() {
    Gathered answer;
    return ask("mailbox taken", {}, {}, answer) && answer.items.size() > part_;
  }

  Result<void, Problem> take(const message::KeptMessage& m) {
    const std::string digest = message_digest(m.octets);
    if (taken_.find(digest)) {
      pass(m);
      return {};
    }
    json::array keywords;
    for (const std::string& keyword : m.keywords) keywords.emplace_back(keyword);
    json::object about{{"size", m.octets.size()}, {"flags", flags_of(m)}, {"keywords", std::move(keywords)}};
    if (m.date) about["date"] = unix_seconds(*m.date);
    messages_.emplace_back(std::move(about));
    octets_ += m.octets;
    digests_ += digest;
    if (octets_.size() < part_octets_max && messages_.size() < part_messages_max) return {};
    return send();
  }

  Result<void, Problem> send() {
    if (messages_.empty()) return {};
    const std::uint64_t count = messages_.size();
    const std::uint64_t size = octets_.size();
    json::object part{
        {"part", part_}, {"digests", std::exchange(digests_, {})}, {"messages", std::exchange(messages_, {})}};
    Gathered ignored;
    auto done = ask("mailbox part", std::move(part), std::exchange(octets_, {}), ignored);
    if (!done) return done;
    ++part_;
    sent_ += count;
    progress_.add(size, count);
    return done;
  }

  void pass(const message::KeptMessage& m) {
    if (own_ > 0) {  // this very import has taken as many
      --own_;
      return;
    }
    ++known_;
    progress_.pass(m.octets.size());
  }

  Result<void, Problem> ask(std::string verb, json::object arguments, OctetString input, admin::Answer& answer) {
    arguments["account"] = account_;
    arguments["mailbox"] = mailbox_;
    arguments["source"] = source_;
    const admin::Request request{std::move(verb), std::move(arguments), std::move(input), {}};
    return ask_into(config_, request, answer);
  }

  const config::Config& config_;
  const std::string account_;
  Progress& progress_;
  std::string mailbox_, source_;
  TakenBefore taken_;
  std::uint64_t known_ = 0;
  std::uint64_t part_ = 0;  ///< the next one's number
  std::uint64_t sent_ = 0;  ///< messages of this source in parts that were committed
  std::uint64_t own_ = 0;   ///< of these, in an earlier attempt, those not met again yet
  json::array messages_;
  OctetString octets_;
  std::string digests_;
};

Exit import(const Invocation& v) {
  const auto config = load_config(v);
  if (!config) return config.error();
  auto sources = open_mail_sources(v.get("PATH"), v.get("--mailbox"), config->limits.message_size);
  if (!sources) return report(sources.error());
  std::uint64_t total = 0, too_large = 0;
  for (const auto& source : *sources) total += source->octets();
  std::optional<Progress> progress(total);
  Importer importer(*config, v.get("ACCOUNT"), *progress);
  for (const auto& source : *sources) {
    if (auto done = importer.run(*source, v.has("--again")); !done) return report(done.error());
    too_large += source->passed_over();
  }
  const Sum sum{progress->messages(), progress->octets()};
  progress.reset();  // its line ends
  print_import(v, sum, importer.known(), too_large);
  return too_large == 0 ? Exit::done : Exit::no;
}

// ---------------------------------------------------------------- export

/// How far the export of a mailbox has come.
struct ExportState {
  std::uint32_t uid_validity = 0;
  std::uint64_t uid = 0;
  std::uint64_t octets = 0;
};
using ExportStates = std::map<std::string, ExportState>;

ExportStates read_states(const fs::path& folder) {
  ExportStates states;
  std::ifstream file(folder / export_note);
  for (std::string line; std::getline(file, line);) {
    std::string_view rest = line;
    ExportState state;
    state.uid_validity = static_cast<std::uint32_t>(text::parse_number(text::take_until(rest, ' ')).value_or(0));
    state.uid = text::parse_number(text::take_until(rest, ' ')).value_or(0);
    state.octets = text::parse_number(text::take_until(rest, ' ')).value_or(0);
    states[std::string(rest)] = state;
  }
  return states;
}

void write_states(const fs::path& folder, const ExportStates& states) {
  const fs::path draft = folder / (std::string(export_note) + ".new");
  {
    std::ofstream file(draft, std::ios::trunc);
    for (const auto& [mailbox, state] : states)
      file << state.uid_validity << ' ' << state.uid << ' ' << state.octets << ' ' << mailbox << '\n';
  }
  std::error_code error;
  fs::rename(draft, folder / export_note, error);
}

/// Writes what the server gives: an item, then its octets.
class Exporter final : public admin::Answer {
 public:
  Exporter(MailTarget& target, ExportState& state, std::function<void()> note, Progress& progress)
      : target_(target), state_(state), note_(std::move(note)), progress_(progress) {}

  Task<Result<void, Problem>> item(std::string text) override {
    if (auto written = write(); !written) co_return written;
    const json::object about = json::parse(text).as_object();
    uid_ = about.at("uid").to_number<std::uint64_t>();
    id_ = member(about, "id");
    const auto flags = about.at("flags").to_number<std::uint64_t>();
    const auto has = [flags](storage::Flag flag) { return (flags & static_cast<std::uint8_t>(flag)) != 0; };
    message_ = {};
    message_.seen = has(storage::Flag::seen);
    message_.answered = has(storage::Flag::answered);
    message_.flagged = has(storage::Flag::flagged);
    message_.deleted = has(storage::Flag::deleted);
    message_.draft = has(storage::Flag::draft);
    for (const json::value& keyword : about.at("keywords").as_array())
      message_.keywords.emplace_back(keyword.as_string());
    message_.date = from_unix_seconds(about.at("date").to_number<std::int64_t>());
    co_return admin::Done{};
  }
  Task<Result<void, Problem>> octets(Octets octets) override {
    message_.octets += octets;
    co_return admin::Done{};
  }
  Task<Result<void, Problem>> value(std::string) override { co_return admin::Done{}; }

  /// The message at hand, and then all is with the kernel and noted.
  Result<void, Problem> finish() {
    if (auto written = write(); !written) return written;
    return note();
  }

 private:
  Result<void, Problem> write() {
    if (uid_ == 0) return {};
    if (auto written = target_.write(message_, id_); !written) return written;
    progress_.add(message_.octets.size(), 1);
    unnoted_ += message_.octets.size();
    state_.uid = std::exchange(uid_, 0);
    return unnoted_ < export_note_octets ? Result<void, Problem>{} : note();
  }
  Result<void, Problem> note() {
    const auto flushed = target_.flush();
    if (!flushed) return fail(flushed.error());
    state_.octets = *flushed;
    unnoted_ = 0;
    note_();
    return {};
  }

  MailTarget& target_;
  ExportState& state_;
  std::function<void()> note_;
  Progress& progress_;
  message::KeptMessage message_;
  std::string id_;
  std::uint64_t uid_ = 0, unnoted_ = 0;
};

struct Export {
  const config::Config& config;
  std::string account;
  fs::path folder;
  bool as_mbox = false;
  ExportStates states;
  Progress& progress;

  Result<void, Problem> run(const json::object& mailbox) {
    const std::string name = member(mailbox, "mailbox");
    const auto uid_validity = mailbox.at("uid_validity").to_number<std::uint32_t>();
    ExportState& state = states[name];
    if (state.uid_validity != uid_validity) state = {uid_validity, 0, 0};
    auto target = as_mbox ? open_mbox_target(folder, name, state.octets) : open_maildir_target(folder, name);
    if (!target) return fail(target.error());
    Exporter exporter(**target, state, [this] { write_states(folder, states); }, progress);
    const admin::Request request{
        "mailbox read", {{"account", account}, {"mailbox", name}, {"after", state.uid}}, {}, {}};
    auto done = ask_into(config, request, exporter);
    auto finished = exporter.finish();
    return done ? std::move(finished) : std::move(done);
  }
};

Result<std::uint64_t, Problem> octets_used(const config::Config& config, const std::string& account,
                                           std::vector<json::object>& mailboxes, const std::string& only) {
  Gathered list;
  const admin::Request request{"mailbox list", {{"account", account}}, {}, {}};
  if (auto done = ask_into(config, request, list); !done) return fail(done.error());
  std::uint64_t octets = 0;
  for (const std::string& item : list.items) {
    json::object mailbox = json::parse(item).as_object();
    if (!only.empty() && member(mailbox, "mailbox") != only) continue;
    if (const auto* size = mailbox.if_contains("octets")) octets += size->to_number<std::uint64_t>();
    mailboxes.push_back(std::move(mailbox));
  }
  if (mailboxes.empty())
    return fail(Problem{ProblemKind::no, only, "there is no such mailbox", "posthorn mailbox list ACCOUNT shows them"});
  return octets;
}

Exit export_mail(const Invocation& v) {
  const auto config = load_config(v);
  if (!config) return config.error();
  const std::string format = v.get("--format").empty() ? "maildir" : v.get("--format");
  if (format != "maildir" && format != "mbox")
    return report(Problem{ProblemKind::usage, "--format", "it is neither mbox nor maildir", ""});
  const fs::path folder = v.get("PATH");
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return report(Problem{ProblemKind::usage, folder.string(), error.message(), ""});
  std::vector<json::object> mailboxes;
  const auto total = octets_used(*config, v.get("ACCOUNT"), mailboxes, v.get("--mailbox"));
  if (!total) return report(total.error());
  std::uint64_t messages = 0, octets = 0;
  {
    Progress progress(*total);
    Export exporting{*config, v.get("ACCOUNT"), folder, format == "mbox", read_states(folder), progress};
    for (const json::object& mailbox : mailboxes)
      if (auto done = exporting.run(mailbox); !done) return report(done.error());
    fs::remove(folder / export_note, error);
    messages = progress.messages();
    octets = progress.octets();
  }
  print_export(v, {messages, octets});
  return Exit::done;
}

// ---------------------------------------------------------------- undelete

/// "2026-12-24", "2026-12-24T08:00:00Z", or how long ago: "2h".
std::optional<TimePoint> parse_since(const std::string& text) {
  if (const auto ago = config::parse_duration(text)) {
    return runtime::SystemClock().now() - *ago;
  }
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const int read = std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%dZ", &year, &month, &day, &hour, &minute, &second);
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if ((read != 3 && read != 6) || !date.ok()) return std::nullopt;
  return TimePoint{std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
                   std::chrono::seconds{second}};
}

void put_expunged(std::string& out, const json::object& m) {
  out += fmt::format("{}  {}  {:>9}  {}\n", member(m, "id"), member(m, "expunged"),
                     octets_text(m.at("size").to_number<std::uint64_t>()), member(m, "mailbox"));
}

Exit undelete(const Invocation& v) {
  json::object arguments{{"account", v.get("ACCOUNT")}};
  if (v.has("--since")) {
    const auto since = parse_since(v.get("--since"));
    if (!since)
      return report(Problem{ProblemKind::usage, v.get("--since"), "it is neither a time nor a duration",
                            "write 2026-12-24T08:00:00Z, 2026-12-24, or 2h for two hours ago"});
    arguments["since"] = std::max<std::int64_t>(unix_seconds(*since), 0);
  }
  json::array ids;
  for (const std::string& id : v.all("ID")) ids.emplace_back(id);
  arguments["ids"] = std::move(ids);
  if (v.has("--list")) arguments["list"] = "true";
  return ask(v, std::move(arguments),
             {.item = put_expunged, .nothing = "There is nothing that could be brought back."});
}

const Argument account{"ACCOUNT", "an account's address"};

}  // namespace
}  // namespace mailbox_noun

const std::vector<Verb>& mailbox_verbs() {
  using namespace mailbox_noun;
  static const std::vector<Verb> verbs{
      {"mailbox import",
       "take mail from mbox files or a Maildir",
       "Flags, keywords, arrival times and folders come along; mailboxes that are missing are made. It may be stopped\n"
       "at any time: called again it goes on where it was. No message of a path is taken twice into a mailbox, also "
       "when\n"
       "the import came to its end: called again it takes what is new there. Messages are given in parts to the "
       "running\n"
       "server, or to the store where none runs.\n\n"
       "  posthorn mailbox import ann@example.org /srv/old/ann/Maildir\n"
       "  posthorn mailbox import ann@example.org old.mbox --mailbox Archive/2019",
       {account, {"PATH", "an mbox file, a folder of them (Work/2026.mbox is the mailbox Work/2026), or a Maildir"}},
       {{"--mailbox", "NAME", "where the messages of one file, or of a Maildir's own folder, go; INBOX otherwise"},
        {"--again", "", "also what was imported from there before"}},
       import},
      {"mailbox export",
       "write an account's mail as mbox files or a Maildir",
       "Importing it again gives the same octets, flags, keywords and arrival times (a Maildir has room for 26\n"
       "keywords a folder). It may be stopped at any time: called again with the same folder it goes on where it "
       "was.\n\n"
       "  posthorn mailbox export ann@example.org /backup/ann\n"
       "  posthorn mailbox export ann@example.org /backup/ann --format mbox --mailbox INBOX",
       {account, {"PATH", "a folder; made where it is missing"}},
       {{"--format", "FORMAT", "maildir (default) or mbox"}, {"--mailbox", "NAME", "only this one"}},
       export_mail},
      {"mailbox undelete",
       "bring back messages that were expunged",
       "Messages can be brought back for limits.undelete_time after they were expunged, also when their mailbox was\n"
       "deleted. Each goes to the mailbox it was in, or to INBOX where that is gone. Without --since and ids: all.\n\n"
       "  posthorn mailbox undelete ann@example.org --list\n"
       "  posthorn mailbox undelete ann@example.org --since 2h",
       {account, {"ID", "messages, as --list names them", false, true}},
       {{"--since", "TIME", "only what was expunged since then: a time, or 2h for the last two hours"},
        {"--list", "", "only show what could be brought back"}},
       undelete},
  };
  return verbs;
}

}  // namespace posthorn::cli
