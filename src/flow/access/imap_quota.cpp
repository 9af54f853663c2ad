// GETQUOTA and GETQUOTAROOT (RFC 9208): one root, "", for the account; no root where it has no limit.
#include "flow/access/imap_commands.h"

namespace posthorn::access {

namespace code = imap::code;

namespace {

constexpr std::string_view kRoot;

/// RFC 9208 5.1: STORAGE counts units of 1,024 octets; usage is rounded up, so that a full account shows as full.
std::vector<imap::QuotaResource> resources(const mailbox::Quota& quota) {
  std::vector<imap::QuotaResource> all;
  if (quota.octets_limit != 0)
    all.push_back({"STORAGE", (quota.octets_used + KiB - 1) / KiB, quota.octets_limit / KiB});
  return all;
}

}  // namespace

Task<Ending> run(ImapContext& context, const imap::GetQuotaCommand& command) {
  const mailbox::Quota quota = co_await context.mailboxes().quota(context.account());
  const auto limited = resources(quota);
  if (command.root != kRoot || limited.empty()) co_return no(code::nonexistent(), "There is no such quota root");
  context.out().quota(kRoot, limited);
  co_return ok("GETQUOTA completed");
}

Task<Ending> run(ImapContext& context, const imap::GetQuotaRootCommand& command) {
  const auto folders = co_await context.mailboxes().folders().of(context.account());
  if (!folders) co_return no(code::unavailable(), "The mailboxes cannot be read at this moment");
  if (mailbox::Folders::find(**folders, command.mailbox) == nullptr)
    co_return no(code::nonexistent(), "There is no such mailbox");
  const mailbox::Quota quota = co_await context.mailboxes().quota(context.account());
  const auto limited = resources(quota);
  std::vector<std::string> roots;
  if (!limited.empty()) roots.emplace_back(kRoot);
  context.out().quota_root(command.mailbox, roots);
  if (!limited.empty()) context.out().quota(kRoot, limited);
  co_return ok("GETQUOTAROOT completed");
}

}  // namespace posthorn::access
