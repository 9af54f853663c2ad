#include "platform/test_support/store_load.h"

#include <map>
#include <set>
#include <sstream>

namespace posthorn::storage::testing {

StoreOptions options_for_faults(const std::filesystem::path& dir) {
  StoreOptions options;
  options.dir = dir;
  options.create = true;
  options.reader_threads = 1;
  options.inline_octets_max = 4 * KiB;
  options.segment_octets_max = 24 * KiB;
  options.intake_memory_max = 256 * KiB;
  options.reserve_octets = 0;
  options.segment_file_octets_max = 64 * KiB;
  options.checkpoint_octets = 128 * KiB;
  options.wal_octets_max = 512 * KiB;
  options.prepare_octets = 16 * KiB;
  options.next_segment_octets = 48 * KiB;
  return options;
}

// ---------------------------------------------------------------- the load

bool Load::begin(const std::string& address) {
  AccountRow account;
  account.address = address;
  MailboxRow inbox;
  inbox.name = "INBOX";
  Unit unit;
  unit.mutations = {PutAccount{account}, PutMailbox{inbox}};
  const auto done = commit(store_, std::move(unit));
  if (!done) return false;
  place_ = {done->account, done->mailbox};
  write_(fmt::format("A {} {}", place_.account.value, place_.inbox.value));
  return true;
}

void Load::step() {
  const std::uint64_t choice = random_() % 10;
  if (choice < 5) return deliver();
  if (choice < 7) return submit();
  if (choice < 9 && !uids_.empty()) return expunge();
  if (!queued_.empty()) finish_recipient();
}

Result<PutContent, Problem> Load::take_in(MailId id, std::size_t size) {
  const std::unique_ptr<Intake> intake = store_.intake(id);
  const OctetString octets = message(id, size);
  constexpr std::size_t part = 10'000;
  for (std::size_t at = 0; at < octets.size(); at += part) {
    const auto appended = wait(intake->append(Octets(octets).substr(at, part)));
    if (!appended) return fail(appended.error());
  }
  return wait(intake->finish());
}

void Load::deliver() {
  static constexpr std::array<std::size_t, 6> sizes{300, 1'000, 3'000, 6'000, 20'000, 40'000};
  const std::size_t size = sizes[random_() % sizes.size()] + random_() % 100;
  MailId mail;
  Unit unit = delivery(ids_, place_, size, &mail);
  auto put = take_in(mail, size);
  if (!put) {
    ++refused_;
    return;
  }
  unit.mutations.front() = std::move(*put);
  const auto done = commit(store_, std::move(unit));
  if (!done) {
    ++refused_;
    return;
  }
  const Uid uid = done->placed.at(0).uid;
  write_(fmt::format("D {} {} {} {} {}", place_.account.value, place_.inbox.value, uid, mail.text(), size));
  uids_.push_back(uid);
}

void Load::submit() {
  const std::size_t size = 200 + random_() % 8'000;
  MailId mail;
  std::vector<std::string> recipients;
  for (std::uint64_t i = 0; i <= random_() % 3; ++i) {
    recipients.push_back(fmt::format("user{}@d{}.example", i, random_() % 5));
  }
  if (!commit(store_, submission(ids_, recipients, size, &mail))) {
    ++refused_;
    return;
  }
  write_(fmt::format("Q {} {} {}", mail.text(), size, recipients.size()));
  for (std::uint32_t i = 0; i < recipients.size(); ++i) queued_.push_back({mail, i});
}

void Load::expunge() {
  const std::size_t which = random_() % uids_.size();
  const std::string what = fmt::format("{} {} {}", place_.account.value, place_.inbox.value, uids_[which]);
  write_("x " + what);
  Unit unit;
  unit.mutations = {ExpungeEmail{place_.account, place_.inbox, uids_[which]}};
  if (!commit(store_, std::move(unit))) {
    ++refused_;
    return;
  }
  write_("X " + what);
  uids_.erase(uids_.begin() + static_cast<std::ptrdiff_t>(which));
}

void Load::finish_recipient() {
  const std::size_t which = random_() % queued_.size();
  const Queued recipient = queued_[which];
  const std::string what = fmt::format("{} {}", recipient.mail.text(), recipient.index);
  write_("r " + what);
  Unit unit;
  unit.mutations = {RemoveRecipient{recipient.mail, recipient.index},
                    AppendStory{{recipient.mail, from_unix_seconds(1), "[]"}}};
  if (!commit(store_, std::move(unit))) {
    ++refused_;
    return;
  }
  write_("R " + what);
  queued_.erase(queued_.begin() + static_cast<std::ptrdiff_t>(which));
}

// ---------------------------------------------------------------- the check

namespace {

enum class Fate { kept, asked, gone };

struct Message {
  MailId mail;
  std::size_t size = 0;
  Fate fate = Fate::kept;
};

/// A diary by what it says.
struct Expected {
  using Box = std::pair<std::int64_t, std::int64_t>;
  std::map<Box, std::map<Uid, Message>> boxes;
  std::map<std::uint64_t, std::map<std::uint32_t, Fate>> queue;

  explicit Expected(const Diary& diary) {
    // Expunges of one thread may stand before the delivery's line of another: kinds are read one after another.
    for (const char* kinds : {"A", "DQ", "xr", "XR"}) {
      for (const std::string& line : diary) {
        if (std::string_view(kinds).find(line[0]) != std::string_view::npos) read(line);
      }
    }
  }

 private:
  void read(const std::string& line) {
    std::istringstream words(line);
    char kind = 0;
    words >> kind;
    if (kind == 'Q' || kind == 'r' || kind == 'R') return read_queue(kind, words);
    Box box;
    words >> box.first >> box.second;
    auto& messages = boxes[box];
    if (kind == 'A') return;
    Uid uid = 0;
    words >> uid;
    if (kind == 'D') {
      std::string mail;
      Message message;
      words >> mail >> message.size;
      message.mail = MailId::parse(mail).value();
      messages[uid] = message;
    } else if (const auto known = messages.find(uid); known != messages.end()) {
      // One whose delivery is not in this diary was delivered after it was copied.
      known->second.fate = kind == 'x' ? Fate::asked : Fate::gone;
    }
  }
  void read_queue(char kind, std::istringstream& words) {
    std::string mail;
    words >> mail;
    auto& recipients = queue[MailId::parse(mail)->value];
    if (kind == 'Q') {
      std::size_t size = 0;
      std::uint32_t count = 0;
      words >> size >> count;
      for (std::uint32_t i = 0; i < count; ++i) recipients[i] = Fate::kept;
    } else {
      std::uint32_t index = 0;
      words >> index;
      recipients[index] = kind == 'r' ? Fate::asked : Fate::gone;
    }
  }
};

class Check {
 public:
  Check(const Diary& diary, Store& store) : expected_(diary), store_(store) {}

  std::vector<std::string> run() {
    const auto verified = store_.verify();
    if (!verified) say(verified.error().text());
    if (verified) {
      for (const Damage& damage : verified->damages) say(fmt::format("{}: {}", damage_name(damage.kind), damage.what));
    }
    for (const auto& [box, messages] : expected_.boxes) check_box(box, messages);
    check_queue();
    return std::move(wrong_);
  }

 private:
  void say(std::string what) { wrong_.push_back(std::move(what)); }

  /// The octets are those of the message, and its story came with it.
  void check_octets(const std::string& who, const StoredOctets& octets) {
    struct Found {
      OctetString octets;
      bool story = false;
    };
    const auto found = ask(store_, [octets](Reader& reader) {
      Found f;
      const auto read = reader.read_octets(octets, 0, octets.size, f.octets);
      if (!read) f.octets = read.error().text();
      f.story = reader.story(octets.content).has_value();
      return f;
    });
    const std::size_t size = octets.size - octets.header_block.size();
    if (found.octets != octets.header_block + message(octets.content, size)) say(who + " has other octets");
    if (!found.story) say(who + " has no story");
  }

  void check_box(Expected::Box box, const std::map<Uid, Message>& messages) {
    const Place place{AccountId{box.first}, MailboxId{box.second}};
    const auto rows = ask(store_, [place](Reader& r) { return r.emails(place.account, place.inbox, 1, 1'000'000); });
    std::map<Uid, const EmailRow*> found;
    for (const EmailRow& row : rows) found[row.uid] = &row;
    for (const auto& [uid, message] : messages) {
      const std::string who = fmt::format("email {}/{}/{}", box.first, box.second, uid);
      const bool there = found.contains(uid);
      if (message.fate == Fate::kept && !there) say(who + " was acknowledged and is gone");
      if (message.fate == Fate::gone && there) say(who + " was expunged and is back");
      if (there && found[uid]->octets.content != message.mail) say(who + " is another message");
    }
    for (const auto& [uid, row] : found) {
      check_octets(fmt::format("email {}/{}/{}", box.first, box.second, uid), row->octets);
    }
    static Ids ids(1'000);
    const auto next = commit(store_, delivery(ids, place, 100));
    const Uid last = messages.empty() ? 0 : messages.rbegin()->first;
    if (!next || next->placed.at(0).uid <= last) say(fmt::format("mailbox {} gives uids again", box.second));
  }

  void check_queue() {
    for (const auto& [mail, recipients] : expected_.queue) {
      std::set<std::uint32_t> there;
      for (const RecipientRow& row : ask(store_, [id = mail](Reader& r) { return r.recipients(MailId{id}); })) {
        there.insert(row.index);
      }
      for (const auto& [index, fate] : recipients) {
        const std::string who = fmt::format("recipient {}/{}", MailId{mail}.text(), index);
        if (fate == Fate::kept && !there.contains(index)) say(who + " was acknowledged and is gone");
        if (fate == Fate::gone && there.contains(index)) say(who + " was done and is back");
      }
    }
    for (const QueueRow& row : ask(store_, [](Reader& r) { return r.queue_page({}, {}, 1'000'000); })) {
      check_octets("queue entry " + row.id.text(), row.octets);
    }
  }

  Expected expected_;
  Store& store_;
  std::vector<std::string> wrong_;
};

}  // namespace

std::vector<std::string> check_against(const Diary& diary, Store& store) {
  return Check(diary, store).run();
}

}  // namespace posthorn::storage::testing
