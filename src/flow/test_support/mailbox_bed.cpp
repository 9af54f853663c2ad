#include "flow/test_support/mailbox_bed.h"

#include <stdexcept>

#include <unistd.h>

namespace posthorn::flow_test {

MailboxBed::MailboxBed(mailbox::MailboxOptions options)
    : clock(from_unix_seconds(1'790'000'000)), random(1), ids(clock, random), options_(std::move(options)) {
  std::string name = (std::filesystem::temp_directory_path() / "posthorn-mailbox-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder: " + name);
  folder_ = name;
  open();
}

MailboxBed::~MailboxBed() {
  store->close();
  mailboxes.reset();
  folders.reset();
  store.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void MailboxBed::open() {
  storage::StoreOptions options;
  options.dir = folder_ / "store";
  options.create = true;
  options.reserve_octets = 0;
  options.clock = &clock;
  auto opened = storage::Store::open(options);
  if (!opened) throw std::runtime_error(opened.error().text());
  store = std::move(*opened);
  folders = std::make_unique<mailbox::Folders>(*store);
  mailboxes = std::make_unique<mailbox::Mailboxes>(*store, *folders, clock, ids, options_, runtime::Logger());
}

void MailboxBed::restart() {
  store->close();
  mailboxes.reset();
  folders.reset();
  store.reset();
  open();
}

void MailboxBed::wait(Task<> task) {
  auto held = std::make_shared<Task<>>(std::move(task));
  runtime::run_to_end([held] { return std::move(*held); });
}

storage::AccountId MailboxBed::account(const std::string& address, std::uint64_t quota_octets) {
  storage::AccountRow row;
  row.address = address;
  row.enabled = true;
  row.quota_octets = quota_octets;
  storage::Unit unit;
  unit.mutations = {storage::PutAccount{row}};
  const auto made = wait(store->commit(std::move(unit)));
  if (!made) throw std::runtime_error("account not made: " + address);
  return made->account;
}

std::shared_ptr<mailbox::View> MailboxBed::view(storage::AccountId account, const std::string& name) {
  auto opened = wait(mailboxes->open(account, name));
  if (!opened) throw std::runtime_error("no mailbox " + name);
  return *opened;
}

storage::Uid MailboxBed::append(storage::AccountId account, const std::string& text, const std::string& name,
                                std::uint8_t flags, std::vector<std::string> keywords) {
  mailbox::Append append = mailboxes->begin_append(account);
  if (!append.begin_message(flags, std::move(keywords), std::nullopt)) return 0;
  if (!wait(append.write(text)) || !wait(append.end_message())) return 0;
  const auto done = wait(mailboxes->finish_append(std::move(append), name));
  return done ? done->uids.front() : 0;
}

std::string MailboxBed::octets(const mailbox::View& view, storage::Uid uid) {
  const auto read = wait(mailboxes->read_messages(view, {uid}, ~std::uint64_t{0}, 1));
  return read && read->size() == 1 ? read->front().octets : "";
}

std::string MailboxBed::damages() {
  std::string text;
  const auto report = store->verify();
  if (!report) return report.error().text();
  for (const storage::Damage& damage : report->damages) text += damage.what + "\n";
  return text;
}

}  // namespace posthorn::flow_test
