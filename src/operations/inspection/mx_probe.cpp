#include "operations/inspection/mx_probe.h"

#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include "foundation/codec/hex.h"
#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"
#include "platform/runtime/spawn.h"
#include "standards/smtp/client.h"

namespace posthorn::inspection {
namespace {

namespace client = smtp::client;

constexpr std::size_t addresses_per_family_max = probed_addresses_max / 2;
constexpr std::size_t dialogue_octets_max = 64 * KiB;  // ours: what a host may say before it is left alone

CertificateVerdict judge(const std::vector<OctetString>& chain, const std::string& host,
                         const crypto::TrustStore* trust, TimePoint now) {
  CertificateVerdict out;
  std::vector<crypto::Certificate> certificates;
  for (const OctetString& der : chain) {
    auto certificate = crypto::Certificate::from_der(der);
    if (!certificate) break;
    certificates.push_back(std::move(*certificate));
  }
  if (certificates.empty()) {
    out.problem = out.not_trusted = "the certificate cannot be read";
    return out;
  }
  const crypto::Certificate& leaf = certificates.front();
  out.names = leaf.names();
  out.issuer = leaf.issuer();
  out.key_type = leaf.key_type();
  // RFC 7672 3.1.1: usage 3, selector 1, SHA-256.
  out.tlsa = "3 1 1 " + codec::hex_encode(crypto::sha256(leaf.public_key_der()));
  out.not_before = leaf.not_before();
  out.not_after = leaf.not_after();
  out.fits_name = leaf.fits(host);
  out.expired = !leaf.is_valid_at(now);
  if (trust != nullptr) {
    // Where the certificate's own dates are wrong the chain is judged without dates, so that both are told apart.
    const crypto::ChainVerdict verdict =
        trust->verify(certificates, out.expired ? std::nullopt : std::optional<TimePoint>(now));
    if (!verdict.trusted) out.not_trusted = verdict.reason;
  }
  if (!out.fits_name)
    out.problem = fmt::format("the certificate is for {}, not for {}",
                              out.names.empty() ? "no name" : fmt::format("{}", fmt::join(out.names, ", ")), host);
  else if (out.expired)
    out.problem = now < out.not_before ? fmt::format("the certificate is not valid before {}", rfc3339(out.not_before))
                                       : fmt::format("the certificate expired at {}", rfc3339(out.not_after));
  else
    out.problem = out.not_trusted;
  return out;
}

/// One connection: greeting, EHLO, STARTTLS, EHLO, QUIT.
class Visit {
 public:
  Visit(const ProbeSurroundings& with, const ProbeOptions& options, const MxProbe& probe, IpAddress address,
        TimePoint now)
      : with_(with), options_(options), probe_(probe), now_(now) {
    out_.address = address;
    client::Settings settings;
    settings.host_name = options.host_name;
    session_.emplace(std::move(settings));
  }

  Task<AddressProbe> run() {
    if (co_await connect()) co_await talk();
    out_.greeting = text::printable(session_->greeting());
    out_.requiretls = out_.encrypted && session_->peer_extensions().requiretls;
    co_return std::move(out_);
  }

 private:
  Task<bool> connect() {
    const TimePoint began = with_.loop->clock().now();
    net::ConnectOptions how;
    how.deadline = began + std::min(options_.connect_time_max, options_.time_max);
    for (const IpAddress& source : options_.source)
      if (source.is_v4() == out_.address.is_v4()) how.source = source;
    const net::Endpoint endpoint{out_.address, options_.port};
    auto stream = co_await with_.dialer->dial(*with_.loop, endpoint, how);
    if (!stream) {
      out_.problem = "no connection: " + stream.error().reason;
      out_.refused = stream.error().refused;
      out_.silent = stream.error().error == net::StreamError::timed_out;
      co_return false;
    }
    stream_ = std::move(*stream);
    stream_->set_deadline(began + options_.time_max);
    out_.connected = true;
    co_return true;
  }

  Task<> talk() {
    for (;;) {
      client::Event event = session_->next();
      if (std::holds_alternative<client::NeedInput>(event)) {
        if (!co_await exchange()) co_return;
      } else if (std::holds_alternative<client::StartTls>(event)) {
        out_.starttls = true;
        if (!co_await flush() || !co_await shake_hands()) co_return;
      } else if (auto* failed = std::get_if<client::Failed>(&event)) {
        out_.problem = text::printable(failed->outcome.reply.one_line());
      } else if (std::holds_alternative<client::Ready>(event)) {
        session_->quit();
      } else if (std::holds_alternative<client::Close>(event)) {
        if (co_await flush()) co_await stream_->close();
        co_return;
      }
    }
  }

  Task<bool> flush() {
    const std::string output = session_->take_output();
    if (output.empty()) co_return true;
    const auto written = co_await stream_->write(output);
    if (!written && out_.problem.empty()) out_.problem = net::text(written.error());
    co_return written.has_value();
  }

  Task<bool> exchange() {
    if (!co_await flush()) co_return false;
    std::array<char, probe_line_octets_max> piece;
    const auto got = co_await stream_->read_some(piece);
    if (!got) {
      // After QUIT nobody waits for manners.
      const bool done = session_->is_tls() || !session_->hello_text().empty();
      if (!done) out_.problem = net::text(got.error());
      out_.silent = heard_ == 0;
      co_return false;
    }
    heard_ += *got;
    if (heard_ > dialogue_octets_max) {
      out_.problem = "the host does not stop talking";
      co_return false;
    }
    session_->receive({piece.data(), *got});
    co_return true;
  }

  Task<bool> shake_hands() {
    const bool by_dane = probe_.tlsa.state == dane::TlsaState::usable;
    const std::string host = probe_.host.text();
    net::ClientHandshake handshake;
    // RFC 7672 3.2, RFC 8461 4.1: the TLSA base domain, else the MX name.
    handshake.server_name = by_dane ? probe_.tlsa.base.text() : host;
    const auto made = co_await stream_->start_tls(*with_.tls, std::move(handshake));
    if (!made) {
      out_.problem = "the TLS handshake failed: " + made.error().reason;
      co_return false;
    }
    out_.encrypted = true;
    if (const auto info = stream_->tls_info()) out_.tls = fmt::format("{} {}", info->version, info->cipher);
    const std::vector<OctetString> chain = stream_->peer_chain();
    out_.certificate = judge(chain, host, with_.trust, now_);
    if (probe_.tlsa.state >= dane::TlsaState::usable && !probe_.tlsa.records.empty())
      out_.dane = dane::verify_chain_der(probe_.tlsa.records, chain, {probe_.tlsa.base.text(), host}, now_);
    session_->on_tls_established({});
    co_return true;
  }

  const ProbeSurroundings& with_;
  const ProbeOptions& options_;
  const MxProbe& probe_;
  TimePoint now_;
  AddressProbe out_;
  std::optional<client::Session> session_;
  std::unique_ptr<net::Stream> stream_;
  std::size_t heard_ = 0;
};

/// Some of each family.
std::vector<IpAddress> to_visit(const std::vector<IpAddress>& addresses) {
  std::vector<IpAddress> out;
  std::size_t of_v4 = 0, of_v6 = 0;
  for (const IpAddress& address : addresses)
    if ((address.is_v4() ? of_v4 : of_v6)++ < addresses_per_family_max) out.push_back(address);
  return out;
}

/// RFC 7672 2.2.2 asks no unsigned host for TLSA; who checks a domain wants to know of records that nobody may use.
Task<> look_for_unsigned_records(dns::Resolver& resolver, MxProbe& probe) {
  const auto tcp = probe.host.child("_tcp");
  const auto name = tcp ? tcp->child("_25") : tcp;
  if (!name) co_return;
  const dns::Answer answer = co_await resolver.resolve(*name, dns::RecordType::tlsa);
  probe.answers.push_back(answer);
  probe.unsigned_tlsa = answer.status() == dns::Status::ok && !answer.secure();
}

Task<> visit_into(Visit& visit, AddressProbe& out) {
  out = co_await visit.run();
}

/// At the same time: who is silent takes his time.
Task<> visit_addresses(const ProbeSurroundings& with, const ProbeOptions& options, MxProbe& probe, TimePoint now) {
  const std::vector<IpAddress> addresses = to_visit(probe.addresses);
  probe.probes.resize(addresses.size());
  std::deque<Visit> visits;
  runtime::TaskGroup group("probes", {});
  const runtime::Executor executor = co_await runtime::current_executor();
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (addresses[i].is_special() && !options.allow_private) {
      probe.probes[i].address = addresses[i];
      probe.probes[i].skipped = true;
      probe.probes[i].problem = "a private or reserved address: not connected to";
      continue;
    }
    Visit& visit = visits.emplace_back(with, options, probe, addresses[i], now);
    runtime::spawn(group, executor, "probe", visit_into(visit, probe.probes[i]));
  }
  co_await group.join();
}

}  // namespace

Task<MxProbe> probe_mx(ProbeSurroundings with, ProbeOptions options, dns::Name host, bool mx_secure, TimePoint now) {
  MxProbe probe;
  probe.host = host;
  probe.tlsa.base = host;
  const dns::AddressLookup found = co_await dns::lookup_addresses(*with.resolver, host);
  probe.addresses_status = found.status();
  probe.addresses = found.addresses;
  probe.addresses_secure = found.secure();
  probe.is_alias = !found.a.cname_chain().empty() || !found.aaaa.cname_chain().empty();
  probe.answers = {found.aaaa, found.a};
  if (mx_secure) {
    probe.tlsa = co_await dane::find_tlsa(*with.resolver, host, found);
    probe.answers.insert(probe.answers.end(), probe.tlsa.answers.begin(), probe.tlsa.answers.end());
  } else {
    probe.tlsa.reason = "the MX record is not signed";
  }
  const bool nobody_vouches = probe.tlsa.state == dane::TlsaState::insecure && probe.tlsa.answers.empty();
  if (nobody_vouches && !probe.addresses.empty()) co_await look_for_unsigned_records(*with.resolver, probe);
  if (options.dns_only) co_return probe;
  co_await visit_addresses(with, options, probe, now);
  co_return probe;
}

namespace {

void judge_addresses(const MxProbe& probe, const std::string& host, Findings& out) {
  if (probe.addresses.empty() && dns::is_definite(probe.addresses_status))
    out.push_back({"mx-unresolvable", FindingLevel::error, fmt::format("{} has no address", host),
                   fmt::format("{}. A … or AAAA …, or an MX record that names a host which has one", host)});
  if (probe.is_alias)
    out.push_back({"mx-cname", FindingLevel::error,
                   fmt::format("{} is an alias (CNAME): RFC 5321 5.1 forbids it, and some senders refuse it", host),
                   fmt::format("an MX record that names {}", [&] {
                     for (const dns::Answer& answer : probe.answers)
                       if (!answer.cname_chain().empty()) return answer.canonical_name().text() + ".";
                     return std::string("the alias' target");
                   }())});
  if (probe.unsigned_tlsa)
    out.push_back({"tlsa-unsigned", FindingLevel::warning,
                   fmt::format("{} has TLSA records, and nothing signs them: senders do not look at them ({})", host,
                               probe.tlsa.reason),
                   "sign the zones of the MX record and of the host (DNSSEC), or remove the TLSA records"});
}

void judge_visit(const AddressProbe& visit, const std::string& host, Findings& out) {
  const std::string where = fmt::format("{} ({})", host, visit.address.text());
  if (visit.refused)
    out.push_back(
        {"mx-no-starttls", FindingLevel::error,
         fmt::format("{} refuses connections: no mail comes in there, with TLS or without", where),
         fmt::format("start the mail server at {}, or take {} out of the MX records", visit.address.text(), host)});
  const bool answered = visit.connected && (visit.starttls || visit.problem.empty());
  if (answered && !visit.starttls)
    out.push_back({"mx-no-starttls", FindingLevel::error, fmt::format("{} does not offer STARTTLS", where),
                   "switch TLS on there"});
  else if (visit.starttls && !visit.encrypted)
    out.push_back({"mx-no-starttls", FindingLevel::error,
                   fmt::format("{} offers STARTTLS and cannot do it: {}", where, visit.problem), "mend TLS there"});
  const bool dane_match = visit.dane && visit.dane->match == dane::Match::match;
  // RFC 7671 5.1: who publishes the key itself needs no CA.
  if (visit.certificate && !visit.certificate->is_good() && !dane_match)
    out.push_back({"mx-certificate", FindingLevel::error, fmt::format("{}: {}", where, visit.certificate->problem),
                   fmt::format("a certificate of a public CA with {} among its names", host)});
  if (visit.dane && visit.dane->match == dane::Match::mismatch)
    out.push_back({"tlsa-mismatch", FindingLevel::error,
                   fmt::format("{}: {}: senders that do DANE deliver nothing here", where, visit.dane->reason),
                   fmt::format("_25._tcp.{}. 3600 IN TLSA {}", host,
                               visit.certificate ? visit.certificate->tlsa : "3 1 1 with the SHA-256 of its key")});
}

}  // namespace

Findings findings_of(const MxProbe& probe) {
  Findings out;
  const std::string host = probe.host.text();
  judge_addresses(probe, host, out);
  for (const AddressProbe& visit : probe.probes) judge_visit(visit, host, out);
  return out;
}

void Reached::note(const MxProbe& probe) {
  for (const AddressProbe& visit : probe.probes) {
    if (visit.greeting.empty() || visit.address.is_special()) continue;
    (visit.address.is_v4() ? v4 : v6) = true;
  }
}

/// A private address has no provider on the way to it.
bool Reached::proves(const IpAddress& address) const {
  return address.is_special() || (address.is_v4() ? v4 : v6);
}

std::optional<SilentHost> silence_of(const MxProbe& probe, const Reached& reached, std::uint16_t port) {
  std::string where;
  bool in_doubt = false, no_connection = false;
  for (const AddressProbe& visit : probe.probes) {
    if (!visit.greeting.empty() || visit.refused) return std::nullopt;
    if (!visit.silent) continue;
    where += (where.empty() ? "" : ", ") + visit.address.text();
    no_connection |= !visit.connected;
    in_doubt |= !visit.connected && !reached.proves(visit.address);
  }
  if (where.empty()) return std::nullopt;
  const std::string host = probe.host.text();
  const ProbeOptions usual;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(no_connection ? usual.connect_time_max : usual.time_max);
  std::string reason =
      no_connection
          ? fmt::format("nothing answers on port {} of {} ({}) within {} s", port, host, where, seconds.count())
          : fmt::format("{} ({}) takes the connection on port {} and says nothing within {} s", host, where, port,
                        seconds.count());
  reason += in_doubt ? fmt::format(
                           ": no mail comes in there. Or, if no other host on the Internet can be reached on "
                           "port {} from here either, your own provider blocks the port, and the host is well",
                           port)
                     : ": no mail comes in there";
  std::string remedy = fmt::format(
      "start the mail server of {} and let port {} through its firewall, or take it out of "
      "the MX records",
      host, port);
  if (in_doubt) remedy += fmt::format("; to tell which it is, ask from another network: nc -w 12 {} {}", host, port);
  return SilentHost{{"mx-no-starttls", FindingLevel::error, std::move(reason), std::move(remedy)}, in_doubt};
}

}  // namespace posthorn::inspection
