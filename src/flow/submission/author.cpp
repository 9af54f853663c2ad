#include "flow/submission/author.h"

#include <fmt/format.h>

#include "standards/address/header_parse.h"
#include "standards/message/write.h"

namespace posthorn::submission {
namespace {

using smtp::EnhancedStatus;
using smtp::Reply;

std::optional<Reply> check_field(const directory::Snapshot& directory, storage::AccountId account,
                                 const message::Field& field) {
  const auto list = address::parse_address_list(field.unfolded());
  if (!list || list->mailboxes.empty())
    return Reply(550, EnhancedStatus{5, 7, 1},
                 fmt::format("the {} field has no address that can be read; mend it in the mail program", field.name));
  // RFC 6854 allows group syntax here; DMARC and many readers cannot tell who such a message is from.
  if (!list->groups.empty())
    return Reply(550, EnhancedStatus{5, 7, 1},
                 fmt::format("the {} field names a group; it needs a plain address", field.name));
  for (const address::HeaderMailbox& author : list->mailboxes) {
    if (directory.may_send_as(account, author.mailbox)) continue;
    return Reply(550, EnhancedStatus{5, 7, 1},
                 fmt::format("{} has <{}>, which is not an address of this login; an administrator can add it as an "
                             "address or a group",
                             field.name, author.mailbox.utf8_text()));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Reply> check_author(const directory::Snapshot& directory, storage::AccountId account,
                                  const message::Header& header) {
  // A reader that skips the stray line would see fields that were not checked here.
  if (header.missing_separator())
    return Reply(554, EnhancedStatus{5, 6, 0},
                 "the header section has a line that is no field; an empty line must end it");
  const auto from = header.all("From");
  // RFC 5322 3.6: exactly one. With two, one could be checked and the other be shown.
  if (from.size() != 1)
    return Reply(550, EnhancedStatus{5, 7, 1},
                 fmt::format("the message has {} From fields; it needs exactly one", from.size()));
  if (auto refusal = check_field(directory, account, from[0])) return refusal;
  for (const message::Field& sender : header.all("Sender"))
    if (auto refusal = check_field(directory, account, sender)) return refusal;
  return std::nullopt;
}

std::string mend(const message::Header& header, message::HeaderEdit& edit, MailId id, std::string_view host_name,
                 TimePoint at) {
  edit.remove_all("Bcc");
  edit.remove_all("Resent-Bcc");
  std::string added;
  if (header.count("Message-ID") == 0) {
    edit.put_on_top(message::write_message_id(id.text(), host_name));
    added = fmt::format("{}@{}", id.text(), host_name);
  }
  if (header.count("Date") == 0) edit.put_on_top(message::write_date(at));
  return added;
}

}  // namespace posthorn::submission
