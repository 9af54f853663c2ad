// APPEND, MULTIAPPEND and REPLACE (RFC 9051 6.3.12, RFC 3502, RFC 8508): messages are streamed into the store as they
// come; the command is one unit.
#include "flow/access/imap_binary.h"
#include "flow/access/imap_chosen.h"
#include "flow/access/imap_commands.h"
#include "flow/access/imap_notify.h"
#include "flow/access/imap_updates.h"

namespace posthorn::access {

namespace code = imap::code;
namespace server = imap::server;

namespace {

/// A literal8 is encoded in memory; larger ones are refused before they are sent.
constexpr std::uint64_t kBinaryOctetsMax = 64 * MiB;

/// RFC 8508 3.1: the message that makes way.
std::optional<storage::Uid> replaced_uid(const ImapContext& context, const imap::AppendTarget& target) {
  if (!context.selected) return std::nullopt;
  const mailbox::Version& known = context.selected->known();
  if (known.empty()) return std::nullopt;
  if (target.replaced == 0) return known.at(known.size() - 1).uid();
  if (target.is_uid) return known.find(target.replaced) != nullptr ? std::optional(target.replaced) : std::nullopt;
  if (target.replaced > known.size()) return std::nullopt;
  return known.at(target.replaced - 1).uid();
}

/// Known without asking the store.
bool has_quota(const ImapContext& context) {
  const auto snapshot = context.world.directory->snapshot();
  const auto* account = snapshot->account(context.account());
  return account != nullptr && account->row.quota_octets != 0;
}

/// What can be said before the octets come: the client is spared to send them.
Task<std::optional<Ending>> first_look(ImapContext& context, const server::AppendBegins& event) {
  const auto folders = co_await context.mailboxes().folders().of(context.account());
  if (!folders) co_return no(code::unavailable(), "The mailboxes cannot be read at this moment");
  if (mailbox::Folders::find(**folders, event.target.mailbox) == nullptr)
    co_return no(code::try_create(), "There is no such mailbox");
  if (event.target.is_replace) {
    if (context.selected && context.selected->read_only)
      co_return no(code::read_only(), "The mailbox was opened with EXAMINE");
    if (!replaced_uid(context, event.target)) co_return no(code::nonexistent(), "There is no such message to replace");
  }
  // A replacement gives back what it takes; the unit decides.
  if (!event.target.is_replace && co_await exceeds_quota(context, event.message.size_octets))
    co_return no(code::over_quota(), "The account would exceed its quota");
  co_return std::nullopt;
}

void begin_command(ImapContext& context, const server::AppendBegins& event) {
  context.appending = std::make_unique<Appending>(context.mailboxes().begin_append(context.account()));
  context.appending->target = event.target;
  if (event.target.is_replace) context.appending->replaced = replaced_uid(context, event.target).value_or(0);
}

/// RFC 3516 4.4: a literal8, whole now, is stored in an encoding that every session can be shown.
Task<std::optional<Ending>> write_binary(Appending& appending) {
  if (!appending.binary) co_return std::nullopt;
  const auto encoded = without_nul(*appending.binary);
  appending.binary.reset();
  if (!encoded) co_return no(code::unknown_cte(), "There is NUL outside of the parts that could be encoded");
  const auto written = co_await appending.append.write(*encoded);
  if (!written) co_return failed(written.error());
  co_return std::nullopt;
}

imap::ResponseCode append_code(const mailbox::Appended& appended) {
  return code::append_uid(appended.uid_validity, appended.uids);
}

}  // namespace

Task<bool> exceeds_quota(ImapContext& context, std::uint64_t octets) {
  if (!has_quota(context)) co_return false;
  const mailbox::Quota quota = co_await context.mailboxes().quota(context.account());
  const std::uint64_t begun = context.appending ? context.appending->append.octets() : 0;
  co_return quota.octets_used + begun + octets > quota.octets_limit;
}

Task<> begin_append(ImapContext& context, const server::AppendBegins& event) {
  if (event.message.index == 0) context.appending.reset();
  if (event.message.is_binary && event.message.size_octets > kBinaryOctetsMax) {
    context.appending.reset();
    context.machine.refuse_append(code::too_big(), "A binary literal is taken up to 64 MB; send it encoded");
    co_return;
  }
  if (auto refusal = co_await first_look(context, event)) {
    context.appending.reset();
    context.machine.refuse_append(refusal->code, refusal->text);
    co_return;
  }
  if (!context.appending) begin_command(context, event);
  auto begun = context.appending->append.begin_message(event.message.flags.system & imap::storable_flags,
                                                       event.message.flags.keywords, event.message.internal_date);
  if (!begun) {
    const Ending refusal = failed(begun.error());
    context.appending.reset();
    context.machine.refuse_append(refusal.code, refusal.text);
    co_return;
  }
  context.appending->binary.reset();
  if (event.message.is_binary) context.appending->binary.emplace();
  context.appending->is_catenated = event.message.is_catenated;
  context.appending->octets_before = context.appending->append.octets();
  context.machine.accept();
}

bool take_append_now(ImapContext& context, Octets octets) {
  if (!context.appending || context.appending->refusal) return true;
  // Only a whole message could be encoded (RFC 3516 4.4); of one in parts the client does that (RFC 4469 3).
  if (context.appending->is_catenated && octets.contains('\0')) {
    context.appending->refusal = no(code::unknown_cte(), "There is NUL in a part");
    return true;
  }
  if (context.appending->binary) {
    context.appending->binary->append(octets);
    return true;
  }
  if (!context.appending->append.fits_in_memory(octets.size())) return false;
  context.appending->append.write_now(octets);
  return true;
}

Task<> take_append(ImapContext& context, Octets octets) {
  if (take_append_now(context, octets)) co_return;
  const auto written = co_await context.appending->append.write(octets);
  if (!written) context.appending->refusal = failed(written.error());
}

Task<> end_append_message(ImapContext& context) {
  if (!context.appending || context.appending->refusal) co_return;
  if (auto refusal = co_await write_binary(*context.appending)) {
    context.appending->refusal = std::move(refusal);
    co_return;
  }
  // RFC 3502: a message of no octets gives the APPEND up.
  if (context.appending->append.octets() == context.appending->octets_before) {
    context.appending->refusal = no({}, "A message has at least one octet");
    co_return;
  }
  const auto ended = co_await context.appending->append.end_message();
  if (!ended) context.appending->refusal = failed(ended.error());
}

Task<Ending> finish_append(ImapContext& context) {
  const std::unique_ptr<Appending> appending = std::move(context.appending);
  if (!appending) co_return no(code::server_bug(), "APPEND lost its message");
  if (appending->refusal) co_return std::move(*appending->refusal);
  const std::string target = appending->target.mailbox;
  if (!appending->target.is_replace) {
    const auto appended = co_await context.mailboxes().finish_append(std::move(appending->append), target);
    if (!appended) co_return failed(appended.error(), MissingMailbox::try_create);
    note_own_messages(context, appended->mailbox, appended->uids);
    co_return ok(append_code(*appended), "APPEND completed");
  }
  const auto replaced = co_await context.mailboxes().replace(std::move(appending->append), target,
                                                             context.selected->view(), appending->replaced);
  if (!replaced) co_return failed(replaced.error(), MissingMailbox::try_create);
  note_own_messages(context, replaced->mailbox, replaced->uids);
  // RFC 8508 3.3: APPENDUID comes before the EXPUNGE of what it took the place of.
  context.out().ok(append_code(*replaced), "Replacement");
  tell_changes(context, {.is_own = true});
  co_return ok("REPLACE completed");
}

}  // namespace posthorn::access
