// submit_local: `message send`.
#include <fmt/format.h>

#include "flow/submission/author.h"
#include "flow/submission/submission.h"
#include "standards/message/message_id.h"
#include "standards/message/transfer_encoding.h"

namespace posthorn::submission {
namespace {

using journal::Stage;

Problem refusal(std::string_view what, std::string why) {
  return {ProblemKind::no, std::string(what), std::move(why), ""};
}

/// RFC 5322 2.3: CRLF alone ends a line. Files have LF; a lone CR stays out of mail.
OctetString with_crlf(Octets octets) {
  OctetString text;
  text.reserve(octets.size() + octets.size() / 32);
  for (const char c : octets) {
    if (c == '\r') continue;
    if (c == '\n') text += '\r';
    text += c;
  }
  if (!text.ends_with("\r\n")) text += "\r\n";
  return text;
}

/// What the doors refuse while they read (RFC 5322 3.5, RFC 5321 4.5.3.1.6) a file must not bring in either.
std::optional<std::string_view> unfit(Octets octets) {
  if (octets.find('\0') != Octets::npos) return "it has a NUL octet";
  for (std::size_t at = 0; at < octets.size();) {
    const std::size_t end = octets.find('\n', at);
    if (end - at > smtp::server::text_line_octets_max) return "it has a line longer than 64 KB; encode it";
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace

Task<Result<MailId, Problem>> Submission::submit_local(LocalMessage local) {
  constexpr std::string_view what = "the message was not sent";
  const auto snapshot = doorway_.directory->snapshot();
  const auto from = address::Mailbox::parse(local.from);
  if (!from) co_return fail(refusal(what, fmt::format("--from {}: {}", local.from, explain(from.error()))));
  const directory::Resolution resolved = snapshot->resolve(*from);
  const auto* author = std::get_if<directory::ToMailbox>(&resolved);
  if (author == nullptr) co_return fail(refusal(what, fmt::format("<{}> is no account's address here", local.from)));

  const OctetString octets = with_crlf(local.octets);
  delivery::Arrival arrival;
  arrival.id = doorway_.ids->make<MailId>();
  arrival.at = doorway_.clock->now();
  arrival.sender = address::ReversePath(*from);
  arrival.parameters.body = message::has_8bit(octets) ? smtp::Body::eight_bit_mime : smtp::Body::seven_bit;
  arrival.login = author->account_address;
  for (const std::string& to : local.to) {
    const auto path = address::ForwardPath::parse(to);
    if (!path) co_return fail(refusal(what, fmt::format("--to {}: {}", to, explain(path.error()))));
    auto recipient = delivery::decide_recipient(*snapshot, *path, {}, delivery::Relaying::permitted);
    if (!recipient) co_return fail(refusal(what, recipient.error().one_line()));
    arrival.parameters.smtputf8 |= path->needs_smtputf8();
    arrival.recipients.push_back(std::move(*recipient));
  }
  arrival.story.step(arrival.at, Stage::administration, "sent from the command line").with("by", local.by);
  arrival.story.key(local.from);
  if (const auto fault = unfit(octets)) co_return fail(refusal(what, std::string(*fault)));
  arrival.header = message::Header::parse(octets);
  const std::uint64_t header_max = doorway_.delivery->rules()->header_octets_max;
  if (arrival.header.overflowed() || arrival.header.octets().size() > header_max)
    co_return fail(refusal(what, fmt::format("its header section is longer than {} octets", header_max)));
  arrival.edit = message::HeaderEdit(arrival.header);
  if (auto refused = check_author(*snapshot, author->account, arrival.header))
    co_return fail(refusal(what, refused->one_line()));
  arrival.message_id = mend(arrival.header, arrival.edit, arrival.id, doorway_.host_name, arrival.at);
  if (arrival.message_id.empty())
    arrival.message_id = message::parse_message_id(arrival.header.value("Message-ID").value_or("")).value_or("");
  if (!arrival.message_id.empty()) arrival.story.message_id(arrival.message_id);
  message::ReceivedTrace trace;
  trace.by = doorway_.host_name;
  trace.by_comment = "Posthorn";
  trace.with = "ESMTPA";
  trace.id = arrival.id.text();
  trace.at = arrival.at;
  arrival.received = message::write_received(trace);

  auto intake = doorway_.store->intake(arrival.id);
  if (const auto taken = co_await intake->append(octets); !taken) co_return fail(taken.error());
  const auto accepted = co_await doorway_.delivery->accept(arrival, std::move(intake));
  if (!accepted) co_return fail(refusal(what, accepted.error().one_line()));
  co_return arrival.id;
}

}  // namespace posthorn::submission
