// Golden IMAP sessions of a whole server, mailboxes behind it: every tests/transcripts/imap_server/*.txt (its README.md
// says how they are written). And: no command and no response code is without one.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "flow/test_support/access_bed.h"
#include "foundation/text/ascii.h"
#include "site/directory/plan.h"
#include "standards/imap/server.h"

namespace posthorn::access {
namespace {

namespace fs = std::filesystem;
using flow_test::AccessBed;
using flow_test::ImapCaller;

constexpr auto kScriptPassword = "secret";
constexpr std::uint64_t kAppendOctetsMax = 2000;
constexpr std::size_t kNotifiedAtOnceMax = 3;

// The source tree stands above the build folder, where the tests are run from or the binary stands.
fs::path transcripts() {
  for (const auto& start : {fs::current_path(), fs::read_symlink("/proc/self/exe").parent_path()}) {
    for (auto above = start; above.has_relative_path(); above = above.parent_path())
      if (const auto found = above / "tests" / "transcripts"; fs::is_directory(found)) return found;
  }
  return {};
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// "\r\n\\"
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    out += c == 'r' ? '\r' : c == 'n' ? '\n' : c;
  }
  return out;
}

/// "…" stands for anything.
bool fits(std::string_view line, std::string_view wanted) {
  constexpr std::string_view anything = "…";
  const auto first = wanted.find(anything);
  if (first == std::string_view::npos) return line == wanted;
  if (!line.starts_with(wanted.substr(0, first))) return false;
  line.remove_prefix(first);
  wanted.remove_prefix(first + anything.size());
  for (auto next = wanted.find(anything); next != std::string_view::npos; next = wanted.find(anything)) {
    const auto at = line.find(wanted.substr(0, next));
    if (at == std::string_view::npos) return false;
    line.remove_prefix(at + next);
    wanted.remove_prefix(next + anything.size());
  }
  return line.ends_with(wanted);
}

class Player {
 public:
  explicit Player(const fs::path& file) : name_(file.filename().string()) {
    bed_.settings.append_octets_max = kAppendOctetsMax;
    bed_.settings.notified_at_once_max = kNotifiedAtOnceMax;
    bed_.door->reconfigure(bed_.settings);
    bed_.site.domain("alpha.example");
    bed_.site.account("ann@alpha.example", kScriptPassword);
  }

  void play(const fs::path& file) {
    for (const std::string& line : lines_of(file)) {
      ++number_;
      if (line.empty() || line.starts_with('#')) continue;
      if (line.starts_with("! ")) {
        arrange(line.substr(2));
      } else {
        speak(line);
      }
      if (testing::Test::HasFailure()) return;
    }
    send();
    for (auto& [at, connection] : connections_) expect_nothing(connection);
  }

 private:
  struct Connection {
    std::unique_ptr<ImapCaller> caller;
    std::string heard;
  };

  void arrange(std::string_view what) {
    send();
    const auto word = text::take_until(what, ' ');
    if (word == "guest") {
      connections_[number_at(what)].caller = bed_.call();
    } else if (word == "quota") {
      bed_.site.account("small@alpha.example", kScriptPassword, *text::parse_number(what));
    } else if (word == "as") {
      const auto who = text::take_until(what, ' ');
      connections_[number_at(what)].caller = bed_.reader(fmt::format("{}@alpha.example", who), kScriptPassword);
    } else if (word == "login") {
      const auto made = bed_.site.login("ann@alpha.example", "phone", "imap");
      login_ = made.name;
      connections_[number_at(what)].caller = bed_.reader(made.name, made.secret);
    } else if (word == "revoke") {
      bed_.site.apply(directory::revoke_login(bed_.site.now(), login_));
    } else if (word == "shutdown") {
      for (const auto& each : bed_.running)
        if (each->session != nullptr) each->session->end(EndReason::shutdown);
    } else if (word == "guesses") {
      for (int i = 0; i < 25; ++i) {
        const auto guesser = bed_.call();
        guesser->say("LOGIN ann@alpha.example guess");
      }
    } else {
      ADD_FAILURE() << where() << ": unknown option " << word;
    }
  }

  static std::size_t number_at(std::string_view text) { return text.empty() ? 1 : *text::parse_number(text); }

  /// "C: …", "2C: …", "C| …", "S: …", "CLOSED"
  void speak(std::string_view line) {
    std::size_t which = 1;
    if (line.front() >= '1' && line.front() <= '9') {
      which = static_cast<std::size_t>(line.front() - '0');
      line.remove_prefix(1);
    }
    Connection& connection = connections_[which];
    if (!connection.caller) connection.caller = bed_.reader("ann@alpha.example", kScriptPassword);
    const auto rest = line.size() > 3 ? line.substr(3) : std::string_view{};
    if (line.starts_with("C: ") || line.starts_with("C| ")) {
      if (which != speaker_) send();
      speaker_ = which;
      to_send_ += unescape(rest) + (line[1] == ':' ? "\r\n" : "");
    } else if (line.starts_with("S: ")) {
      send();
      hear(connection, unescape(rest));
    } else if (line == "CLOSED") {
      send();
      if (!connection.caller->ended()) connection.heard += connection.caller->listen("(the end)");
      EXPECT_TRUE(connection.caller->ended()) << where();
    } else {
      ADD_FAILURE() << where() << ": not a line of a transcript: " << line;
    }
  }

  void send() {
    if (!to_send_.empty()) connections_[speaker_].caller->push(std::exchange(to_send_, {}));
  }

  void hear(Connection& connection, std::string_view wanted) {
    while (!connection.heard.contains("\r\n") && !connection.caller->ended())
      connection.heard += connection.caller->listen("\r\n");
    connection.heard += connection.caller->send("", "");
    const auto end = connection.heard.find("\r\n");
    const std::string line = connection.heard.substr(0, end);
    connection.heard.erase(0, end == std::string::npos ? end : end + 2);
    EXPECT_TRUE(fits(line, wanted)) << where() << "\nwanted: " << wanted << "\nsaid:   " << line << "\nand then:\n"
                                    << connection.heard;
  }

  void expect_nothing(Connection& connection) {
    if (connection.caller) connection.heard += connection.caller->send("", "");
    EXPECT_EQ(connection.heard, "") << where() << ": more was said";
  }

  [[nodiscard]] std::string where() const { return fmt::format("{}:{}", name_, number_); }

  AccessBed bed_;
  std::string name_;
  std::size_t number_ = 0;
  std::map<std::size_t, Connection> connections_;
  std::size_t speaker_ = 1;
  std::string to_send_;
  std::string login_;
};

TEST(ImapServerTranscripts, All) {
  const auto folder = transcripts() / "imap_server";
  ASSERT_TRUE(fs::is_directory(folder));
  std::size_t count = 0;
  for (const auto& file : files_of(folder)) {
    SCOPED_TRACE(file);
    Player(file).play(file);
    ++count;
    if (HasFailure()) return;
  }
  EXPECT_GE(count, 10u);
}

// ---------------------------------------------------------------- nothing is without a transcript

/// What clients say and servers answer in all transcripts; not what a transcript itself tells the executor to answer.
struct Said {
  std::set<std::string> commands;  ///< "FETCH", "UID FETCH"
  std::set<std::string> codes;
};

void take_command(std::string_view line, Said& said) {
  static_cast<void>(text::take_until(line, ' '));
  auto command = text::upper(text::take_until(line, ' '));
  if (command == "UID") command += ' ' + text::upper(text::take_until(line, ' '));
  said.commands.insert(std::move(command));
}

/// "a1 NO [CANNOT] words", "* OK [UNSEEN 1] words"
void take_code(std::string_view line, Said& said) {
  static_cast<void>(text::take_until(line, ' '));
  static_cast<void>(text::take_until(line, ' '));
  if (!line.starts_with('[')) return;
  line.remove_prefix(1);
  said.codes.emplace(line.substr(0, line.find_first_of(" ]")));
}

Said said_in_all(const fs::path& folder) {
  Said said;
  for (const char* kind : {"imap", "imap_server"}) {
    for (const auto& file : files_of(folder / kind)) {
      bool is_scripted = false;
      for (std::string_view line : lines_of(file)) {
        if (!line.empty() && line.front() >= '1' && line.front() <= '9') line.remove_prefix(1);
        if (line.starts_with("X: ")) is_scripted = true;
        if (line.starts_with("C: ") || line.starts_with("C| ")) take_command(line.substr(3), said), is_scripted = false;
        if (line.starts_with("S: ") && !is_scripted) take_code(line.substr(3), said);
      }
    }
  }
  return said;
}

TEST(ImapServerTranscripts, EveryCommandHasOne) {
  const Said said = said_in_all(transcripts());
  std::size_t count = 0;
  for (const auto& row : imap::server::command_rows()) {
    ++count;
    EXPECT_TRUE(said.commands.contains(std::string(row.name))) << row.name << " has no transcript";
  }
  for (const char* name : {"FETCH", "STORE", "COPY", "MOVE", "SEARCH", "SORT", "THREAD", "EXPUNGE", "REPLACE"})
    EXPECT_TRUE(said.commands.contains(std::string("UID ") + name)) << "UID " << name << " has no transcript";
  EXPECT_GE(count, 36u);
}

struct Code {
  const char* name;
  const char* unused;  ///< why this server never says it; nullptr: it has a transcript
};

// RFC 9051 7.1, RFC 3501 7.1, RFC 5530, and those of the extensions offered.
constexpr Code codes[] = {
    {"ALERT", "nothing here is so urgent that a client must show it at once"},
    {"ALREADYEXISTS", nullptr},
    {"APPENDUID", nullptr},
    {"AUTHENTICATIONFAILED", nullptr},
    {"AUTHORIZATIONFAILED", "to act as somebody else fails in the words of a wrong password"},
    {"BADCHARSET", nullptr},
    {"BADEVENT", nullptr},  // RFC 5465 3.1
    {"BADURL", nullptr},    // RFC 4469 4.1
    {"CANNOT", nullptr},
    {"CAPABILITY", nullptr},
    {"CLIENTBUG", "what a client may not say is BAD"},
    {"CLOSED", nullptr},
    {"CONTACTADMIN", "every refusal says itself what to do"},
    {"COPYUID", nullptr},
    {"CORRUPTION", "only where the store is damaged: tests/fault/damage_test.py"},
    {"EXPIRED", nullptr},
    {"EXPUNGEISSUED", nullptr},
    {"HASCHILDREN", "a mailbox with inferiors can be deleted (RFC 9051 6.3.5)"},
    {"INUSE", "mailboxes are shared without locks"},
    {"LIMIT", nullptr},
    {"NONEXISTENT", nullptr},
    {"NOTIFICATIONOVERFLOW", nullptr},  // RFC 5465 5.8
    {"NOPERM", "there are no shared mailboxes"},
    {"OVERQUOTA", nullptr},
    {"PARSE", "a message that cannot be parsed is served as it is"},
    {"PERMANENTFLAGS", nullptr},
    {"PRIVACYREQUIRED", nullptr},
    {"READ-ONLY", nullptr},
    {"READ-WRITE", nullptr},
    {"SERVERBUG", "only where a promise inside the server is broken"},
    {"TRYCREATE", nullptr},
    {"UIDNEXT", nullptr},
    {"UIDNOTSTICKY", "uids are kept in every mailbox"},
    {"UIDVALIDITY", nullptr},
    {"UNAVAILABLE", nullptr},
    {"UNKNOWN-CTE", nullptr},
    {"UNSEEN", nullptr},         // RFC 3501 7.1
    {"HIGHESTMODSEQ", nullptr},  // RFC 7162 3.1.2.1
    {"NOMODSEQ", "every mailbox has modseqs"},
    {"MODIFIED", nullptr},  // RFC 7162 3.1.3
    {"NOTSAVED", "a result is always saved"},
    {"USEATTR", nullptr},    // RFC 6154 3
    {"TOOBIG", nullptr},     // RFC 4469 4.2, used by RFC 7889
    {"MAILBOXID", nullptr},  // RFC 8474 4
};

TEST(ImapServerTranscripts, EveryResponseCodeHasOne) {
  const Said said = said_in_all(transcripts());
  std::set<std::string> known;
  for (const Code& code : codes) {
    known.insert(code.name);
    EXPECT_EQ(said.codes.contains(code.name), code.unused == nullptr)
        << code.name << (code.unused == nullptr ? " has no transcript" : " is said after all: ")
        << (code.unused == nullptr ? "" : code.unused);
  }
  for (const std::string& name : said.codes) EXPECT_TRUE(known.contains(name)) << name << " is not in the table";
}

}  // namespace
}  // namespace posthorn::access
