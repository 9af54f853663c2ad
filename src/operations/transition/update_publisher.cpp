#include "operations/transition/update_publisher.h"

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "platform/runtime/files.h"

namespace posthorn::transition {
namespace {

constexpr std::size_t key_file_octets_max = 16 * KiB;
constexpr std::size_t length_octets = 2;  // RFC 1035 4.2.2
constexpr std::size_t header_octets = 12;

/// Until `count` octets are there.
Task<Result<void, net::StreamError>> fill(net::Stream& stream, OctetString& into, std::size_t count) {
  while (into.size() < count) {
    std::array<char, 4096> buffer{};
    const std::span<char> room(buffer.data(), std::min(buffer.size(), count - into.size()));
    const auto got = co_await stream.read_some(room);
    if (!got) co_return fail(got.error());
    into.append(buffer.data(), *got);
  }
  co_return Result<void, net::StreamError>{};
}

}  // namespace

Result<OctetString, Problem> read_tsig_secret(const std::string& file) {
  const auto octets = runtime::read_file(file, key_file_octets_max);
  if (!octets) return fail(octets.error());
  std::string_view text = *octets;
  // BIND's form: key "name" { algorithm hmac-sha256; secret "…"; };
  if (const auto at = text.find("secret"); at != std::string_view::npos) {
    text.remove_prefix(at);
    const auto open = text.find('"');
    const auto close = open == std::string_view::npos ? open : text.find('"', open + 1);
    if (close != std::string_view::npos) text = text.substr(open + 1, close - open - 1);
  }
  const auto secret = codec::base64_decode(text::trim(text.substr(0, text.find_first_of("\r\n"))));
  if (secret && !secret->empty()) return OctetString(*secret);
  return fail(Problem{ProblemKind::usage, file, "it holds no TSIG secret in base64",
                      "tsig-keygen -a hmac-sha256 NAME makes one"});
}

Result<UpdateTarget, Problem> update_target(const domains::UpdateServer& server, const std::string& domain) {
  constexpr std::uint16_t dns_port = 53;
  auto endpoint = net::Endpoint::parse(server.address);
  if (!endpoint)
    if (const auto address = IpAddress::parse(server.address)) endpoint = net::Endpoint{*address, dns_port};
  if (!endpoint)
    return fail(Problem{ProblemKind::usage, "--server " + server.address, "it is no ADDRESS[:PORT]",
                        "write 192.0.2.53 or 192.0.2.53:5353"});
  const auto key = dns::Name::parse(server.key_name);
  if (!key || server.key_name.empty())
    return fail(Problem{ProblemKind::usage, "--key-name", "updates are signed, and no key is named",
                        "tsig-keygen -a hmac-sha256 NAME makes one"});
  auto secret = read_tsig_secret(server.key_file);
  if (!secret) return fail(std::move(secret.error()));
  const auto zone = dns::Name::parse(server.zone.empty() ? domain : server.zone);
  if (!zone)
    return fail(Problem{ProblemKind::usage, "--zone " + server.zone, "it is no name", "write it like example.org"});
  return UpdateTarget{.server = *endpoint, .zone = *zone, .key = {*key, std::move(*secret)}};
}

Problem UpdatePublisher::problem(ProblemKind kind, std::string why, std::string remedy) const {
  return {kind, fmt::format("update of {} at {}", target_.zone.text(), target_.server.text()), std::move(why),
          std::move(remedy)};
}

Task<Result<OctetString, Problem>> UpdatePublisher::exchange(OctetString request) {
  const net::ConnectOptions options{.deadline = loop_.clock().now() + target_.time_max, .source = {}};
  auto stream = co_await dialer_.dial(loop_, target_.server, options);
  if (!stream) co_return fail(problem(ProblemKind::unavailable, stream.error().reason));
  (*stream)->set_deadline(options.deadline);
  const OctetString framed =
      std::string{static_cast<char>(request.size() >> 8), static_cast<char>(request.size() & 0xff)} + request;
  OctetString answer;
  auto done = co_await (*stream)->write(framed);
  if (done) done = co_await fill(**stream, answer, length_octets);
  if (done) {
    const std::size_t length =
        static_cast<unsigned char>(answer[0]) * std::size_t{256} + static_cast<unsigned char>(answer[1]);
    done = co_await fill(**stream, answer, length_octets + length);
  }
  if (!done) co_return fail(problem(ProblemKind::unavailable, std::string(net::text(done.error()))));
  co_return answer.substr(length_octets);
}

Result<void, Problem> UpdatePublisher::judge(Octets answer, const dns::SignedMessage& request) const {
  if (answer.size() < header_octets || answer.substr(0, 2) != Octets(request.octets).substr(0, 2))
    return fail(problem(ProblemKind::unavailable, "the answer belongs to no request of ours"));
  const auto code = static_cast<dns::UpdateCode>(static_cast<unsigned char>(answer[3]) & 0xf);
  const auto verified = dns::verify_tsig(answer, target_.key, loop_.clock().now(), request.mac);
  if (!verified) {
    // RFC 8945 5.3: errors of the signature come with NOTAUTH; refusals of a server without the key come unsigned.
    const bool refused = verified.error() == dns::TsigError::unsigned_ && code != dns::UpdateCode::no_error;
    const std::string why = refused ? fmt::format("{}, in an answer that is not signed", dns::text(code))
                                    : std::string(dns::text(verified.error()));
    return fail(problem(verified.error() == dns::TsigError::bad_time ? ProblemKind::unavailable : ProblemKind::no, why,
                        "compare key name, secret and clocks with the server's"));
  }
  switch (code) {
    case dns::UpdateCode::no_error:
      return {};
    case dns::UpdateCode::name_exists:
    case dns::UpdateCode::rrset_exists:
    case dns::UpdateCode::rrset_missing:
    case dns::UpdateCode::name_error:
      return fail(
          problem(ProblemKind::no, "somebody else has changed the zone since it was looked at", "say it again"));
    case dns::UpdateCode::server_failure:
      return fail(problem(ProblemKind::unavailable, std::string(dns::text(code)), "look at the server's log"));
    default:
      return fail(
          problem(ProblemKind::no, std::string(dns::text(code)), "let the server allow this key to update the zone"));
  }
}

Task<Result<void, Problem>> UpdatePublisher::publish(ZoneChange change) {
  dns::Update update{.zone = target_.zone,
                     .sets_exist = std::move(change.must_exist),
                     .absent = {},
                     .remove = std::move(change.remove),
                     .add = std::move(change.add)};
  for (auto& absent : change.must_not_exist) update.absent.push_back({std::move(absent.name), absent.type});
  const auto id = static_cast<std::uint16_t>(random_.next());
  const OctetString message = dns::write_update(update, id);
  const dns::SignedMessage request = dns::sign_tsig(message, target_.key, loop_.clock().now());
  if (request.octets.size() > dns::message_octets_max)
    co_return fail(problem(ProblemKind::no, "the change is too large for one update"));
  auto answer = co_await exchange(request.octets);
  if (!answer) co_return fail(std::move(answer.error()));
  co_return judge(*answer, request);
}

}  // namespace posthorn::transition
