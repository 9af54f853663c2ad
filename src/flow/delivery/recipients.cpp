#include "flow/delivery/recipients.h"

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "site/directory/address_key.h"

namespace posthorn::delivery {
namespace {

using smtp::EnhancedStatus;
using smtp::Reply;

/// The reply for a resolution that cannot take mail; nullopt for the others.
struct Refusal {
  const std::string& address;
  Relaying relaying;

  std::optional<Reply> operator()(const directory::ToMailbox&) const { return std::nullopt; }
  std::optional<Reply> operator()(const directory::ToGroup& group) const {
    if (!group.members.empty()) return std::nullopt;
    return Reply(550, EnhancedStatus{5, 2, 1},
                 fmt::format("<{}>: every member of this group is switched off", address));
  }
  std::optional<Reply> operator()(const directory::NotHosted&) const {
    if (relaying == Relaying::permitted) return std::nullopt;
    return Reply(550, EnhancedStatus{5, 7, 1},
                 fmt::format("<{}>: relaying denied: that domain is not hosted here; to send mail outward, log in on "
                             "the submission port",
                             address));
  }
  std::optional<Reply> operator()(const directory::UnknownUser&) const {
    return Reply(550, EnhancedStatus{5, 1, 1}, fmt::format("<{}>: no such mailbox here; check the spelling", address));
  }
  std::optional<Reply> operator()(const directory::Disabled&) const {
    return Reply(550, EnhancedStatus{5, 2, 1}, fmt::format("<{}>: this mailbox is switched off", address));
  }
  std::optional<Reply> operator()(const directory::Parked&) const {
    // RFC 7505 4.1: the code of a null MX.
    return Reply(556, EnhancedStatus{5, 1, 10}, fmt::format("<{}>: this domain takes no mail at all", address));
  }
  std::optional<Reply> operator()(const directory::GroupLoop& loop) const {
    return Reply(
        550, EnhancedStatus{5, 4, 6},
        fmt::format("<{}>: the group {} contains itself; its administrator must mend it", address, loop.group));
  }
  std::optional<Reply> operator()(const directory::GroupTooLarge& large) const {
    return Reply(554, EnhancedStatus{5, 5, 3},
                 fmt::format("<{}>: the group {} has more members than this server allows; its administrator must mend "
                             "it (limits.group_members)",
                             address, large.group));
  }
};

/// RFC 5321 4.5.1: postmaster@ the host's own name, which HELP and every report tell people to write to, and the other
/// roles (RFC 2142), mailer-daemon among them, who answers for reports.
bool is_role_of_host(const directory::Snapshot& directory, std::string_view host_name,
                     const address::ForwardPath& path) {
  const address::Mailbox* mailbox = path.mailbox_or_null();
  const address::Domain* domain = mailbox == nullptr ? nullptr : mailbox->domain();
  if (domain == nullptr || !text::iequals(domain->a_label(), host_name)) return false;
  return directory.domain(domain->a_label()) == nullptr &&
         directory::is_role(directory::local_part_key(mailbox->local_part.value()));
}

}  // namespace

Result<Recipient, Reply> decide_recipient(const directory::Snapshot& directory, std::string_view host_name,
                                          const address::ForwardPath& path, smtp::RcptParameters parameters,
                                          Relaying relaying) {
  const bool is_ours = is_role_of_host(directory, host_name, path);
  Recipient recipient{path.text(), std::move(parameters),
                      directory.resolve(is_ours ? address::ForwardPath::postmaster() : path)};
  if (auto refusal = std::visit(Refusal{recipient.address, relaying}, recipient.target))
    return fail(std::move(*refusal));
  return recipient;
}

Reply mailbox_full(std::string_view address) {
  return Reply(452, EnhancedStatus{4, 2, 2}, fmt::format("<{}>: the mailbox is full; try again later", address));
}

Reply storage_full() {
  return Reply(452, EnhancedStatus{4, 3, 1}, "the disk is full here; try again later");
}

Reply storage_damaged() {
  return Reply(451, EnhancedStatus{4, 3, 0}, "the store of this server is damaged here; try again later");
}

Reply shutting_down() {
  return Reply(421, EnhancedStatus{4, 3, 2}, "this server is being stopped; try again in a minute");
}

Reply routing_loop(std::string_view why) {
  return Reply(554, EnhancedStatus{5, 4, 6}, fmt::format("mail loop: {}", why));
}

}  // namespace posthorn::delivery
