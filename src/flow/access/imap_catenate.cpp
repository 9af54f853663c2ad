// The parts of a message of CATENATE (RFC 4469): texts are streamed like other literals; what a URL names is copied
// from the store to the store piece by piece. Nothing is marked \Seen (RFC 4469 3).
#include "flow/access/imap_commands.h"
#include "flow/access/imap_content.h"
#include "foundation/text/ascii.h"
#include "standards/imap/url.h"

namespace posthorn::access {

namespace code = imap::code;
namespace server = imap::server;

namespace {

using Refusal = std::optional<Ending>;

/// RFC 4469 4.1: names the URL that failed.
Ending bad_url(std::string_view url, std::string_view why) {
  return no(code::bad_url(url), why);
}

/// RFC 4469 3: only what the session itself could fetch. An absolute URL must name its own user and server.
bool is_own(const ImapContext& context, const std::optional<imap::UrlServer>& of) {
  if (!of) return true;
  constexpr std::uint16_t imap_port = 143;
  const directory::Identity& identity = *context.gate.identity();
  return of->port == imap_port && text::iequals(of->host, context.settings.host_name) &&
         (text::iequals(of->user, identity.address) || text::iequals(of->user, identity.login_name));
}

/// The mailbox's name; empty: the selected one. nullopt: relative to a mailbox that is not selected.
Task<std::optional<std::string>> mailbox_named_by(ImapContext& context, const imap::MessageUrl& url) {
  if (!url.is_beside_selected) co_return url.mailbox;
  if (!context.selected) co_return std::nullopt;
  const auto folders = co_await context.mailboxes().folders().of(context.account());
  if (!folders) co_return std::nullopt;
  const auto* row = mailbox::Folders::find(**folders, context.selected->view().mailbox());
  if (row == nullptr) co_return std::nullopt;
  co_return imap::mailbox_beside(row->name, url.mailbox);
}

/// nullptr: there is no such mailbox.
Task<std::shared_ptr<mailbox::View>> view_of(ImapContext& context, const imap::MessageUrl& url) {
  const auto name = co_await mailbox_named_by(context, url);
  if (!name) co_return nullptr;
  if (name->empty()) co_return context.selected ? context.selected->snapshot.view() : nullptr;
  auto view = co_await context.mailboxes().open(context.account(), *name);
  co_return view ? std::move(*view) : nullptr;
}

/// Why that many octets more cannot be had.
Task<Refusal> no_room(ImapContext& context, std::uint64_t octets) {
  Appending& appending = *context.appending;
  const std::uint64_t so_far = appending.append.octets() - appending.octets_before;
  // RFC 4469 4.2, RFC 7889 4
  const std::uint64_t limit = context.settings.append_octets_max;
  if (limit != 0 && (so_far > limit || octets > limit - so_far))
    co_return no(code::too_big(), "The message is too big");
  if (!appending.target.is_replace && co_await exceeds_quota(context, octets))
    co_return no(code::over_quota(), "The account would exceed its quota");
  co_return std::nullopt;
}

Task<Refusal> write(ImapContext& context, Octets octets) {
  const auto written = co_await context.appending->append.write(octets);
  if (!written) co_return failed(written.error());
  co_return std::nullopt;
}

Task<Refusal> copy_range(ImapContext& context, Content& content, imap::OctetRange range) {
  OctetString storage;
  while (range.length > 0) {
    const imap::OctetRange piece{range.offset, std::min<std::uint64_t>(range.length, kPieceOctets)};
    const auto octets = co_await content.octets_of(piece, storage);
    if (!octets) co_return no(code::corruption(), "The octets of a message cannot be read");
    if (auto refusal = co_await write(context, *octets)) co_return refusal;
    range.offset += piece.length;
    range.length -= piece.length;
  }
  co_return std::nullopt;
}

/// As the literal of FETCH BODY would be, in place of the URL (RFC 4469 3).
Task<Refusal> copy_section(ImapContext& context, const mailbox::ReadMessage& read, const imap::MessageUrl& url,
                           const std::string& as_written) {
  Content content(context, read);
  imap::FetchSection section;
  section.section = url.section;
  section.peek = true;
  const auto found = co_await content.find(section);
  if (!found) co_return bad_url(as_written, "The message has no such part");
  imap::OctetRange range = imap::window(url.partial, found->made ? found->made->size() : found->length);
  if (auto refusal = co_await no_room(context, range.length)) co_return refusal;
  if (found->made) co_return co_await write(context, Octets(*found->made).substr(range.offset, range.length));
  range.offset += found->offset;
  co_return co_await copy_range(context, content, range);
}

Task<Refusal> take_url(ImapContext& context, const std::string& as_written) {
  const auto url = imap::parse_message_url(as_written);
  if (!url) co_return bad_url(as_written, "Not the URL of a message");
  if (!is_own(context, url->server)) co_return bad_url(as_written, "Only your own messages on this server");
  const auto view = co_await view_of(context, *url);
  if (!view) co_return bad_url(as_written, "There is no such mailbox");
  const auto now = view->current();
  if (url->uid_validity && *url->uid_validity != now->uid_validity())
    co_return bad_url(as_written, "The mailbox has another UIDVALIDITY");
  std::vector<storage::Uid> uids(1, url->uid);
  const auto read =
      co_await context.mailboxes().read_messages(*view, std::move(uids), kWholeOctetsMax, kWholeOctetsMax);
  if (!read) co_return failed(read.error());
  if (read->empty()) co_return bad_url(as_written, "There is no such message");
  co_return co_await copy_section(context, read->front(), *url, as_written);
}

}  // namespace

Task<> append_part(ImapContext& context, const server::AppendPart& part) {
  // What went wrong in a part before is said now, so that the client need not send the rest.
  Refusal refusal = std::exchange(context.appending->refusal, {});
  if (!refusal && part.url) {
    refusal = co_await take_url(context, *part.url);
  } else if (!refusal) {
    refusal = co_await no_room(context, part.size_octets);
  }
  if (!refusal) {
    context.machine.accept();
    co_return;
  }
  context.appending.reset();
  context.machine.refuse_append(refusal->code, refusal->text);
}

}  // namespace posthorn::access
