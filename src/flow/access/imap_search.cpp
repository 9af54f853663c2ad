// SEARCH and UID SEARCH (RFC 9051 6.4.4, RFC 4731, 5032, 5182, 7162 3.1.5, 9394).
#include "flow/access/imap_commands.h"
#include "flow/access/imap_find.h"

namespace posthorn::access {

namespace code = imap::code;

namespace {

using Kind = imap::SearchKey::Kind;

imap::NumberSet numbers_of(const mailbox::Version& version, const std::vector<std::size_t>& positions, bool is_uid) {
  imap::NumberSet numbers;
  for (const std::size_t position : positions)
    numbers.add(is_uid ? version.at(position).uid() : static_cast<std::uint32_t>(position + 1));
  return numbers;
}

/// What RFC 5182 2.4 (and RFC 9394 3.2 for PARTIAL) keeps as "$": only what was asked for, where that is less than all.
imap::NumberSet kept(const imap::SearchReturn& returns, const imap::NumberSet& uids) {
  const bool asks_part = returns.min || returns.max || returns.partial;
  if (uids.empty() || returns.all || returns.count || !asks_part) return uids;
  imap::NumberSet part;
  if (returns.partial) part = returns.partial->of(uids);
  if (returns.min) part.add(uids.min());
  if (returns.max) part.add(uids.max());
  return part;
}

/// RFC 7162 3.1.5: the highest MODSEQ of all that is returned; where only MIN or MAX is, of those (3.1.10).
imap::ModSeq highest(const mailbox::Version& version, const std::vector<std::size_t>& positions,
                     const imap::SearchReturn& returns) {
  const bool only_ends =
      (returns.min || returns.max) && !returns.all && !returns.count && !returns.partial && returns.is_extended;
  imap::ModSeq highest = 0;
  if (!only_ends) {
    for (const std::size_t position : positions) highest = std::max(highest, version.at(position).modseq());
    return highest;
  }
  if (returns.min) highest = version.at(positions.front()).modseq();
  if (returns.max) highest = std::max(highest, version.at(positions.back()).modseq());
  return highest;
}

}  // namespace

Task<Ending> run(ImapContext& context, const imap::SearchCommand& command) {
  Selected& selected = *context.selected;
  const bool asks_mod_seq = command.key.has(Kind::mod_seq);
  const std::vector<std::size_t> found = co_await find_messages(context, command.key);
  const mailbox::Version& known = selected.known();
  imap::SearchResponse response;
  response.is_uid = command.is_uid;
  response.numbers = numbers_of(known, found, command.is_uid);
  if (asks_mod_seq && !found.empty()) response.mod_seq = highest(known, found, command.returns);
  if (command.returns.save) selected.saved = kept(command.returns, numbers_of(known, found, true));
  // RFC 5182 2.1: where SAVE alone is asked, nothing is answered but OK.
  const imap::SearchReturn& returns = command.returns;
  const bool only_save =
      returns.save && !returns.min && !returns.max && !returns.all && !returns.count && !returns.partial;
  if (!only_save) context.out().search(context.tag, returns, response);
  co_return ok("SEARCH completed");
}

}  // namespace posthorn::access
