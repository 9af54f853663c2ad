// submit_local: `message send`.
#include <fmt/format.h>

#include "flow/submission/author.h"
#include "flow/submission/submission.h"
#include "foundation/text/ascii.h"
#include "standards/message/message_id.h"
#include "standards/message/transfer_encoding.h"
#include "standards/message/view.h"

namespace posthorn::submission {
namespace {

using journal::Stage;

constexpr std::string_view what = "the message was not sent";

Problem refusal(std::string why, std::string remedy) {
  return {ProblemKind::no, std::string(what), std::move(why), std::move(remedy)};
}

/// What our own doors would have replied.
Problem refusal(const smtp::Reply& reply, std::string remedy) {
  if (!reply.code.is_temporary()) return refusal(reply.one_line(), std::move(remedy));
  return {ProblemKind::unavailable, std::string(what), reply.one_line(), "try again later"};
}

/// An option that is no address.
Problem no_address(std::string_view option, const std::string& given, address::AddressError error) {
  return {ProblemKind::usage, fmt::format("{} {}", option, text::printable(given)), std::string(explain(error)),
          "write it like ann@example.org"};
}

/// Files have LF where mail has CRLF (RFC 5322 2.3), and some have no end of their last line.
OctetString as_mail(Octets file) {
  OctetString text = message::with_crlf(file);
  if (!text.ends_with("\r\n")) text += "\r\n";
  return text;
}

bool has_lone_cr(Octets octets) {
  for (std::size_t at = octets.find('\r'); at != Octets::npos; at = octets.find('\r', at + 1)) {
    if (!octets.substr(at).starts_with("\r\n")) return true;
  }
  return false;
}

/// What the doors refuse while they read (RFC 5322 3.5, RFC 5321 4.5.3.1.6) a file must not bring in either.
std::optional<std::string_view> unfit(Octets octets) {
  if (octets.find('\0') != Octets::npos) return "it has a NUL octet";
  if (has_lone_cr(octets)) return "it has a CR that is not followed by LF";
  for (std::size_t at = 0; at < octets.size();) {
    const std::size_t end = octets.find('\n', at);
    if (end + 1 - at > smtp::server::text_line_octets_max) return "it has a line longer than 64 KB";
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace

Task<Result<MailId, Problem>> Submission::submit_local(LocalMessage local) {
  const auto snapshot = doorway_.directory->snapshot();
  const auto from = address::Mailbox::parse(local.from);
  if (!from) co_return fail(no_address("--from", local.from, from.error()));
  const directory::Resolution resolved = snapshot->resolve(*from);
  const auto* author = std::get_if<directory::ToMailbox>(&resolved);
  if (author == nullptr)
    co_return fail(refusal(fmt::format("<{}> is no account's address here", local.from),
                           "posthorn account list and address list show them"));

  const OctetString octets = as_mail(local.octets);
  delivery::Arrival arrival;
  arrival.id = doorway_.ids->make<MailId>();
  arrival.at = doorway_.clock->now();
  arrival.sender = address::ReversePath(*from);
  arrival.parameters.body = message::has_8bit(octets) ? smtp::Body::eight_bit_mime : smtp::Body::seven_bit;
  arrival.login = author->account_address;
  for (const std::string& to : local.to) {
    const auto path = address::ForwardPath::parse(to);
    if (!path) co_return fail(no_address("--to", to, path.error()));
    auto recipient =
        delivery::decide_recipient(*snapshot, doorway_.host_name, *path, {}, delivery::Relaying::permitted);
    if (!recipient) co_return fail(refusal(recipient.error(), "nobody got it; correct --to"));
    arrival.parameters.smtputf8 |= path->needs_smtputf8();
    arrival.recipients.push_back(std::move(*recipient));
  }
  arrival.standing = delivery::SenderStanding::verified;
  arrival.story.step(arrival.at, Stage::administration, "sent from the command line").with("by", local.by);
  arrival.story.key(local.from);
  if (const auto fault = unfit(octets))
    co_return fail(refusal(std::string(*fault), "encode that part as base64 or quoted-printable"));
  arrival.header = message::Header::parse(octets);
  const std::uint64_t header_max = doorway_.delivery->rules()->header_octets_max;
  if (arrival.header.overflowed() || arrival.header.octets().size() > header_max)
    co_return fail(refusal(fmt::format("its header section is longer than {} octets", header_max), "make it shorter"));
  arrival.edit = message::HeaderEdit(arrival.header);
  if (auto refused = check_author(*snapshot, author->account, arrival.header))
    co_return fail(refusal(*refused, "its From must be an address of the account that sends"));
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

  signing::BodyHash body;
  body.feed(octets);
  co_await doorway_.delivery->sign(arrival, signing::Origin::author, body.finish());
  auto intake = doorway_.store->intake(arrival.id);
  if (const auto taken = co_await intake->append(octets); !taken) co_return fail(taken.error());
  const auto accepted = co_await doorway_.delivery->accept(arrival, std::move(intake));
  if (!accepted) co_return fail(refusal(accepted.error(), "nobody got it"));
  co_return arrival.id;
}

}  // namespace posthorn::submission
