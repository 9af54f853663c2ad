// mailbox import|export|undelete.
#include <cstdio>
#include <fstream>

#include <boost/json.hpp>
#include <unistd.h>

#include "entrance/cli/ask.h"
#include "entrance/cli/mail_folder.h"
#include "entrance/cli/tables.h"
#include "foundation/text/ascii.h"
#include "platform/runtime/clock.h"
#include "site/config/values.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

// What goes to the store at once: one unit, one sync.
constexpr std::size_t part_octets_max = 4 * MiB;
constexpr std::size_t part_messages_max = 500;
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
    const std::uint64_t percent = total_ == 0 ? 100 : std::min<std::uint64_t>(octets_ * 100 / total_, 100);
    if (!shows_ || (shown_ && percent == percent_ && messages_ % 1000 != 0)) return;
    percent_ = percent;
    shown_ = true;
    const std::string bar = std::string(percent / 4, '#') + std::string(25 - percent / 4, '.');
    fmt::print(stderr, "\r[{}] {:>3} %  {} messages, {}   ", bar, percent, messages_, octets_text(octets_));
  }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] std::uint64_t octets() const { return octets_; }

 private:
  std::uint64_t total_ = 0, octets_ = 0, messages_ = 0, percent_ = 0;
  bool shows_ = false, shown_ = false;
};

void print_sum(const Invocation& v, std::string_view done, std::uint64_t messages, std::uint64_t octets,
               std::uint64_t passed_over) {
  if (v.json()) {
    print(json::serialize(json::object{{"messages", messages}, {"octets", octets}, {"passed_over", passed_over}}) +
          "\n");
    return;
  }
  print(fmt::format("{} messages {}, {}\n", messages, done, octets_text(octets)));
  if (passed_over > 0) print(fmt::format("{} were left out: they are larger than limits.message_size\n", passed_over));
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

  Result<void, Problem> run(MailSource& source) {
    mailbox_ = source.mailbox();
    std::error_code error;
    key_ = fmt::format("{} {} {}", account_, mailbox_, fs::absolute(source.path(), error).string());
    const auto begun = position();
    if (!begun) return fail(begun.error());
    from_ = position_ = *begun;
    auto read = source.read(*begun, [this](SourceMessage message) { return take(std::move(message)); });
    if (read) read = send();
    if (!read) return read;
    // It is through: the same source can be taken again from its start.
    Gathered ignored;
    return ask("mailbox forget-position", {{"key", key_}}, {}, ignored);
  }

 private:
  Result<std::string, Problem> position() {
    Gathered answer;
    if (auto done = ask("mailbox position", {{"key", key_}}, {}, answer); !done) return fail(done.error());
    return member(json::parse(answer.whole).as_object(), "position");
  }

  Result<void, Problem> take(SourceMessage source) {
    const message::KeptMessage& m = source.message;
    json::array keywords;
    for (const std::string& keyword : m.keywords) keywords.emplace_back(keyword);
    json::object about{{"size", m.octets.size()}, {"flags", flags_of(m)}, {"keywords", std::move(keywords)}};
    if (m.date) about["date"] = unix_seconds(*m.date);
    messages_.emplace_back(std::move(about));
    octets_ += m.octets;
    position_ = std::move(source.position);
    if (octets_.size() < part_octets_max && messages_.size() < part_messages_max) return {};
    return send();
  }

  Result<void, Problem> send() {
    if (messages_.empty()) return {};
    const std::uint64_t count = messages_.size();
    const std::uint64_t size = octets_.size();
    json::object arguments{{"account", account_}, {"mailbox", mailbox_},   {"key", key_},
                           {"from", from_},       {"position", position_}, {"messages", std::exchange(messages_, {})}};
    Gathered ignored;
    auto done = ask("mailbox part", std::move(arguments), std::exchange(octets_, {}), ignored);
    if (!done) return done;
    from_ = position_;
    progress_.add(size, count);
    return done;
  }

  Result<void, Problem> ask(std::string verb, json::object arguments, OctetString input, admin::Answer& answer) {
    const admin::Request request{std::move(verb), std::move(arguments), std::move(input), {}};
    return ask_into(config_, request, answer);
  }

  const config::Config& config_;
  const std::string account_;
  Progress& progress_;
  std::string mailbox_, key_;
  std::string from_;      ///< the place that the server knows
  std::string position_;  ///< the place behind the messages gathered
  json::array messages_;
  OctetString octets_;
};

Exit import(const Invocation& v) {
  const auto config = load_config(v);
  if (!config) return config.error();
  auto sources = open_mail_sources(v.get("PATH"), v.get("--mailbox"), config->limits.message_size);
  if (!sources) return report(sources.error());
  std::uint64_t total = 0, passed_over = 0;
  for (const auto& source : *sources) total += source->octets();
  std::uint64_t messages = 0, octets = 0;
  {
    Progress progress(total);
    Importer importer(*config, v.get("ACCOUNT"), progress);
    for (const auto& source : *sources) {
      if (auto done = importer.run(*source); !done) return report(done.error());
      passed_over += source->passed_over();
    }
    messages = progress.messages();
    octets = progress.octets();
  }
  print_sum(v, "imported", messages, octets, passed_over);
  return passed_over == 0 ? Exit::done : Exit::no;
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
  print_sum(v, "exported", messages, octets, 0);
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

const std::vector<Verb>& mailbox_verbs() {
  static const std::vector<Verb> verbs{
      {"mailbox import",
       "take mail from mbox files or a Maildir",
       "Flags, keywords, arrival times and folders come along; mailboxes that are missing are made. It may be stopped\n"
       "at any time: called again it goes on where it was, and takes no message twice; one that came to its end begins\n"
       "anew. Messages are given in parts to the running server, or to the store where none runs.\n\n"
       "  posthorn mailbox import ann@example.org /srv/old/ann/Maildir\n"
       "  posthorn mailbox import ann@example.org old.mbox --mailbox Archive/2019",
       {account, {"PATH", "an mbox file, a folder of them (Work/2026.mbox is the mailbox Work/2026), or a Maildir"}},
       {{"--mailbox", "NAME", "where the messages of one file, or of a Maildir's own folder, go; INBOX otherwise"}},
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
