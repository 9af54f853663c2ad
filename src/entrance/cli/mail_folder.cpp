#include "entrance/cli/mail_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include <fcntl.h>
#include <sys/stat.h>

#include "foundation/text/ascii.h"
#include "standards/imap/mailbox_name.h"
#include "standards/message/maildir_name.h"

namespace posthorn::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_octets = 1 * MiB;
constexpr std::size_t keywords_file_octets_max = 64 * KiB;
constexpr std::size_t maildir_keywords_max = 26;
constexpr std::string_view mbox_suffix = ".mbox";

Problem cannot(std::string what, const fs::path& path) {
  return {ProblemKind::usage, fmt::format("cannot {} {}", what, path.string()), std::strerror(errno), ""};
}

/// A level as a file's or folder's name: modified UTF-7, which has a way to write a dot as well.
std::string level_to_file(std::string_view level, bool every_dot) {
  std::string out;
  for (const char c : imap::encode_modified_utf7(level)) {
    if (c == '.' && (every_dot || out.empty())) {
      out += "&AC4-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string file_to_level(std::string_view name) {
  // "&AC4-" is no canonical encoding, so it is undone by hand.
  std::string plain;
  for (std::size_t i = 0; i < name.size();) {
    const bool dot = name.substr(i).starts_with("&AC4-");
    plain += dot ? '.' : name[i];
    i += dot ? 5 : 1;
  }
  return imap::decode_modified_utf7(plain).value_or(plain);
}

std::vector<std::string> levels_of(std::string_view mailbox) {
  std::vector<std::string> levels;
  while (!mailbox.empty()) levels.emplace_back(text::take_until(mailbox, '/'));
  return levels;
}

std::string joined(const std::vector<std::string>& levels) {
  return fmt::format("{}", fmt::join(levels, "/"));
}

// ---------------------------------------------------------------- mbox

class MboxSource final : public MailSource {
 public:
  MboxSource(fs::path path, std::string mailbox, std::size_t octets_max)
      : MailSource(std::move(path), std::move(mailbox)), octets_max_(octets_max) {}

  std::uint64_t octets() const override {
    std::error_code error;
    const auto size = fs::file_size(path_, error);
    return error ? 0 : size;
  }
  std::uint64_t passed_over() const override { return passed_over_; }

  Result<void, Problem> read(const std::function<Result<void, Problem>(message::KeptMessage)>& take) override {
    std::ifstream file(path_, std::ios::binary);
    if (!file) return fail(cannot("read", path_));
    message::MboxReader reader(octets_max_);
    std::string piece(piece_octets, '\0');
    while (file) {
      file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
      reader.push(Octets(piece).substr(0, static_cast<std::size_t>(file.gcount())));
      if (!file) reader.finish();
      while (auto message = reader.next()) {
        auto taken = take(std::move(*message));
        if (!taken) return taken;
      }
    }
    passed_over_ = reader.passed_over();
    if (!reader.is_broken()) return {};
    return fail(
        Problem{ProblemKind::usage, path_.string(), "it is no mbox file: its first line is not \"From …\"", ""});
  }

 private:
  std::size_t octets_max_;
  std::uint64_t passed_over_ = 0;
};

class MboxTarget final : public MailTarget {
 public:
  MboxTarget(fs::path path, std::uint64_t keep) : path_(std::move(path)) {
    std::error_code error;
    if (fs::exists(path_, error)) fs::resize_file(path_, keep, error);
    file_.open(path_, std::ios::binary | std::ios::app);
    octets_ = keep;
  }
  [[nodiscard]] bool is_open() const { return file_.is_open(); }
  Result<void, Problem> write(const message::KeptMessage& message, const std::string&) override {
    const std::string text = message::format_mbox(message);
    file_.write(text.data(), static_cast<std::streamsize>(text.size()));
    octets_ += text.size();
    if (!file_) return fail(cannot("write", path_));
    return {};
  }
  Result<std::uint64_t, Problem> flush() override {
    if (!file_.flush()) return fail(cannot("write", path_));
    return octets_;
  }

 private:
  fs::path path_;
  std::ofstream file_;
  std::uint64_t octets_ = 0;
};

// ---------------------------------------------------------------- Maildir

std::vector<std::string> read_keywords(const fs::path& folder) {
  std::vector<std::string> names;
  std::ifstream file(folder / "dovecot-keywords");
  std::string line;
  for (std::size_t octets = 0; std::getline(file, line) && octets < keywords_file_octets_max; octets += line.size()) {
    std::string_view rest = line;
    const auto number = text::parse_number(text::take_until(rest, ' '));
    if (!number || *number >= maildir_keywords_max) continue;
    names.resize(std::max<std::size_t>(names.size(), *number + 1));
    names[*number] = rest;
  }
  return names;
}

class MaildirSource final : public MailSource {
 public:
  MaildirSource(fs::path path, std::string mailbox, std::size_t octets_max)
      : MailSource(std::move(path), std::move(mailbox)), octets_max_(octets_max), keywords_(read_keywords(path_)) {
    for (const char* const part : {"cur", "new"}) {
      std::error_code error;
      for (const auto& entry : fs::directory_iterator(path_ / part, error)) {
        if (!entry.is_regular_file(error) || entry.path().filename().string().starts_with('.')) continue;
        files_.emplace(entry.path().filename().string(), entry.path());
        octets_ += entry.file_size(error);
      }
    }
  }
  std::uint64_t octets() const override { return octets_; }
  std::uint64_t passed_over() const override { return passed_over_; }

  Result<void, Problem> read(const std::function<Result<void, Problem>(message::KeptMessage)>& take) override {
    passed_over_ = 0;
    for (const auto& [name, path] : files_) {
      std::error_code error;
      const std::uint64_t size = fs::file_size(path, error);
      if (error) continue;  // its mail program has moved it
      if (size > octets_max_) {
        ++passed_over_;
        continue;
      }
      auto message = read_file(path, name);
      if (!message) return fail(message.error());
      auto taken = take(std::move(*message));
      if (!taken) return taken;
    }
    return {};
  }

 private:
  Result<message::KeptMessage, Problem> read_file(const fs::path& path, const std::string& name) const {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(cannot("read", path));
    message::KeptMessage message;
    message.octets.assign(std::istreambuf_iterator<char>(file), {});
    const message::MaildirName facts = message::parse_maildir_name(name);
    // "W=" is the size with CRLF: where the file has it already, its octets are what they are.
    if (facts.crlf_size != message.octets.size()) message.octets = message::to_crlf(message.octets);
    message.seen = facts.seen;
    message.answered = facts.answered;
    message.flagged = facts.flagged;
    message.deleted = facts.deleted;
    message.draft = facts.draft;
    for (const std::size_t keyword : facts.keywords)
      if (keyword < keywords_.size() && !keywords_[keyword].empty()) message.keywords.push_back(keywords_[keyword]);
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) message.date = from_unix_seconds(status.st_mtim.tv_sec);
    return message;
  }

  std::size_t octets_max_;
  std::vector<std::string> keywords_;
  std::map<std::string, fs::path> files_;
  std::uint64_t octets_ = 0;
  std::uint64_t passed_over_ = 0;
};

class MaildirTarget final : public MailTarget {
 public:
  explicit MaildirTarget(fs::path path) : path_(std::move(path)), keywords_(read_keywords(path_)) {}

  Result<void, Problem> write(const message::KeptMessage& message, const std::string& id) override {
    message::MaildirName name;
    const std::int64_t seconds = unix_seconds(message.date.value_or(TimePoint{}));
    name.unique = fmt::format("{}.{}.posthorn", std::max<std::int64_t>(seconds, 0), id);
    // By habit files have LF; where that would lose something they have what the message has.
    const bool plain = message::has_plain_lines(message.octets);
    const OctetString octets = plain ? message::to_lf(message.octets) : message.octets;
    name.size = octets.size();
    name.crlf_size = message.octets.size();
    name.seen = message.seen;
    name.answered = message.answered;
    name.flagged = message.flagged;
    name.deleted = message.deleted;
    name.draft = message.draft;
    for (const std::string& keyword : message.keywords) add_keyword(name, keyword);
    const fs::path draft = path_ / "tmp" / name.unique;
    const fs::path target = path_ / "cur" / message::format_maildir_name(name);
    std::ofstream file(draft, std::ios::binary | std::ios::trunc);
    file.write(octets.data(), static_cast<std::streamsize>(octets.size()));
    file.close();
    if (!file) return fail(cannot("write", draft));
    const timespec at{seconds, 0};
    const timespec times[2]{at, at};
    ::utimensat(AT_FDCWD, draft.c_str(), times, 0);
    if (std::rename(draft.c_str(), target.c_str()) != 0) return fail(cannot("write", target));
    return {};
  }
  Result<std::uint64_t, Problem> flush() override { return std::uint64_t{0}; }

 private:
  void add_keyword(message::MaildirName& name, const std::string& keyword) {
    const auto found = std::ranges::find(keywords_, keyword);
    const auto number = static_cast<std::size_t>(found - keywords_.begin());
    if (number >= maildir_keywords_max) return;  // the format has no more
    name.keywords.push_back(number);
    std::ranges::sort(name.keywords);
    if (found != keywords_.end()) return;
    keywords_.push_back(keyword);
    std::ofstream file(path_ / "dovecot-keywords", std::ios::trunc);
    for (std::size_t i = 0; i < keywords_.size(); ++i) file << i << ' ' << keywords_[i] << '\n';
  }

  fs::path path_;
  std::vector<std::string> keywords_;
};

// ---------------------------------------------------------------- finding them

bool is_maildir(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path / "cur", error) && fs::is_directory(path / "new", error);
}

using Sources = std::vector<std::unique_ptr<MailSource>>;

Sources maildir_sources(const fs::path& path, const std::string& mailbox, std::size_t octets_max) {
  Sources sources;
  sources.push_back(std::make_unique<MaildirSource>(path, mailbox.empty() ? "INBOX" : mailbox, octets_max));
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error))
    if (entry.path().filename().string().starts_with('.') && is_maildir(entry.path())) folders.push_back(entry.path());
  std::ranges::sort(folders);
  for (const fs::path& folder : mailbox.empty() ? folders : std::vector<fs::path>{}) {
    std::vector<std::string> levels = message::maildir_levels(folder.filename().string());
    std::ranges::transform(levels, levels.begin(), file_to_level);
    sources.push_back(std::make_unique<MaildirSource>(folder, joined(levels), octets_max));
  }
  return sources;
}

Sources mbox_sources(const fs::path& path, std::size_t octets_max) {
  Sources sources;
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(path, error))
    if (entry.is_regular_file(error) && !entry.path().filename().string().starts_with('.'))
      files.push_back(entry.path());
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    std::vector<std::string> levels;
    for (const fs::path& part : file.lexically_relative(path)) levels.push_back(part.string());
    if (levels.back().ends_with(mbox_suffix)) levels.back().resize(levels.back().size() - mbox_suffix.size());
    std::ranges::transform(levels, levels.begin(), file_to_level);
    sources.push_back(std::make_unique<MboxSource>(file, joined(levels), octets_max));
  }
  return sources;
}

}  // namespace

Result<std::vector<std::unique_ptr<MailSource>>, Problem> open_mail_sources(const fs::path& path,
                                                                            const std::string& mailbox,
                                                                            std::size_t message_octets_max) {
  std::error_code error;
  if (is_maildir(path)) return maildir_sources(path, mailbox, message_octets_max);
  if (fs::is_directory(path, error)) {
    if (!mailbox.empty())
      return fail(Problem{ProblemKind::usage, "--mailbox", "a folder of mbox files has a mailbox for each", ""});
    return mbox_sources(path, message_octets_max);
  }
  if (!fs::is_regular_file(path, error))
    return fail(Problem{ProblemKind::usage, path.string(), "there is no such file or folder", ""});
  Sources sources;
  sources.push_back(std::make_unique<MboxSource>(path, mailbox.empty() ? "INBOX" : mailbox, message_octets_max));
  return sources;
}

Result<std::unique_ptr<MailTarget>, Problem> open_mbox_target(const fs::path& folder, const std::string& mailbox,
                                                              std::uint64_t keep) {
  fs::path path = folder;
  for (const std::string& level : levels_of(mailbox)) path /= level_to_file(level, false);
  path += mbox_suffix;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  auto target = std::make_unique<MboxTarget>(path, keep);
  if (!target->is_open()) return fail(cannot("write", path));
  return std::unique_ptr<MailTarget>(std::move(target));
}

Result<std::unique_ptr<MailTarget>, Problem> open_maildir_target(const fs::path& folder, const std::string& mailbox) {
  std::vector<std::string> levels = mailbox == "INBOX" ? std::vector<std::string>{} : levels_of(mailbox);
  for (std::string& level : levels) level = level_to_file(level, true);
  const fs::path path = levels.empty() ? folder : folder / message::maildir_folder(levels);
  std::error_code error;
  for (const char* const part : {"tmp", "new", "cur"}) fs::create_directories(path / part, error);
  if (!is_maildir(path)) return fail(cannot("make", path));
  return std::unique_ptr<MailTarget>(std::make_unique<MaildirTarget>(path));
}

}  // namespace posthorn::cli
