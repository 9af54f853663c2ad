#include "platform/test_support/store_support.h"

#include <stdexcept>

#include <unistd.h>

namespace posthorn::storage::testing {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "posthorn-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder: " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::unique_ptr<Store> open_store(const TemporaryFolder& folder, const runtime::Clock* clock) {
  StoreOptions options;
  options.dir = folder.path() / "store";
  options.create = true;
  options.reserve_octets = 0;
  options.clock = clock;
  auto store = Store::open(options);
  if (!store) throw std::runtime_error(store.error().text());
  return std::move(*store);
}

PutContent content(MailId id, OctetString octets) {
  PutContent put;
  put.id = id;
  put.octets = std::make_shared<const OctetString>(std::move(octets));
  put.envelope = "<ann@alpha.example> <bob@beta.example>";
  return put;
}

AddEmail email(AccountId account, MailboxId mailbox, EmailId id, MailId content, std::uint64_t size) {
  EmailRow row;
  row.account = account;
  row.mailbox = mailbox;
  row.email_id = id;
  row.thread_id = id.value;
  row.octets.content = content;
  row.octets.header_block = "Delivered-To: bob@beta.example\r\n";
  row.octets.size = row.octets.header_block.size() + size;
  row.internal_date = row.save_date = from_unix_seconds(1'790'000'000);
  return AddEmail{row};
}

OctetString message(MailId id, std::size_t size) {
  OctetString octets = "Message-ID: <" + id.text() + "@alpha.example>\r\n\r\n";
  std::uint64_t state = id.value;
  while (octets.size() < size) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    octets += fmt::format("{:016x} {:016x}\r\n", state, id.value);
  }
  octets.resize(size);
  return octets;
}

Place make_account(Store& store, const std::string& address, std::uint64_t quota_octets) {
  AccountRow account;
  account.address = address;
  account.quota_octets = quota_octets;
  MailboxRow inbox;
  inbox.name = "INBOX";
  Unit unit;
  unit.mutations = {PutAccount{account}, PutMailbox{inbox}};
  const auto done = commit(store, std::move(unit));
  if (!done) throw std::runtime_error("account not made: " + address);
  return {done->account, done->mailbox};
}

namespace {

StoryRow story(MailId mail) {
  StoryRow row;
  row.id = mail;
  row.at = from_unix_seconds(1'790'000'000);
  row.keys = {mail.text() + "@alpha.example", "ann@alpha.example", "bob@beta.example"};
  row.steps =
      R"([{"at":"2026-09-21T14:13:20Z","stage":"reception","what":"accepted","peer":"192.0.2.1","tls":"TLSv1.3",)"
      R"("helo":"mail.alpha.example"},{"at":"2026-09-21T14:13:20Z","stage":"delivery","what":"stored"}])";
  return row;
}

}  // namespace

Unit delivery(Ids& ids, const Place& place, std::size_t size, MailId* mail) {
  const MailId id = ids.mail();
  if (mail != nullptr) *mail = id;
  Unit unit;
  unit.mutations.emplace_back(content(id, message(id, size)));
  unit.mutations.emplace_back(email(place.account, place.inbox, ids.email(), id, size));
  unit.mutations.emplace_back(PutStory{story(id)});
  return unit;
}

Unit submission(Ids& ids, const std::vector<std::string>& recipients, std::size_t size, MailId* mail) {
  const MailId id = ids.mail();
  if (mail != nullptr) *mail = id;
  PutQueued queued;
  queued.row.id = id;
  queued.row.octets.content = id;
  queued.row.octets.size = size;
  queued.row.sender = "ann@alpha.example";
  queued.row.arrived = from_unix_seconds(1'790'000'000);
  for (std::uint32_t i = 0; i < recipients.size(); ++i) {
    RecipientRow row;
    row.mail = id;
    row.index = i;
    row.address = recipients[i];
    row.domain = recipients[i].substr(recipients[i].find('@') + 1);
    row.not_before = from_unix_seconds(1'790'000'000);
    row.expires = from_unix_seconds(1'790'432'000);
    queued.recipients.push_back(row);
  }
  Unit unit;
  unit.mutations.emplace_back(content(id, message(id, size)));
  unit.mutations.emplace_back(std::move(queued));
  unit.mutations.emplace_back(PutStory{story(id)});
  return unit;
}

}  // namespace posthorn::storage::testing
