#include "standards/dane/tlsa.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/codec/hex.h"
#include "foundation/crypto/certificate.h"
#include "foundation/crypto/der.h"
#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"
#include "standards/dns/zone.h"

namespace posthorn::dane {
namespace {

constexpr std::uint8_t kSelectorsKnown = 2;  // RFC 6698 2.1.2: 0 the certificate, 1 its public key
constexpr std::size_t kLinesMax = 10'000;    // ours

bool is_whole_record(std::string_view line) {
  return std::ranges::any_of(text::words(line), [](std::string_view word) {
    return text::iequals(word, "TLSA") || text::iequals(word, "TYPE52");
  });
}

}  // namespace

Result<dns::Tlsa, std::string> parse_tlsa(std::string_view text) {
  const std::string_view line = text::trim_lines(text);
  const std::string whole = is_whole_record(line) ? std::string(line) : fmt::format("tlsa. TLSA {}", line);
  const auto zone = dns::Zone::parse(whole);
  if (!zone) return fail(zone.error().reason);
  for (const dns::Record& record : zone->records())
    if (const auto* tlsa = std::get_if<dns::Tlsa>(&record.data)) return *tlsa;
  return fail(std::string("this is no TLSA record (usage selector type data)"));
}

Result<std::vector<dns::Tlsa>, std::string> parse_tlsa_file(std::string_view text) {
  std::vector<dns::Tlsa> out;
  std::size_t number = 0;
  for (const std::string_view raw : text::split(text, '\n')) {
    if (++number > kLinesMax) return fail(std::string("the file has too many lines"));
    const std::string_view line = text::trim_lines(raw);
    if (line.empty() || line.front() == ';' || line.front() == '#') continue;
    auto record = parse_tlsa(line);
    if (!record) return fail(fmt::format("line {}: {}", number, record.error()));
    out.push_back(std::move(*record));
  }
  return out;
}

std::string text(const dns::Tlsa& record) {
  return fmt::format("{} {} {} {}", record.usage, record.selector, record.matching_type,
                     codec::hex_encode(record.association_data));
}

std::string why_unusable(const dns::Tlsa& record) {
  // RFC 7672 3.1.3: SMTP has no use for usages 0 and 1: there is no set of CAs that mail servers agree on.
  if (record.usage != dane_ta && record.usage != dane_ee)
    return fmt::format("certificate usage {} is not used in SMTP", record.usage);
  if (record.selector >= kSelectorsKnown) return fmt::format("selector {} is unknown", record.selector);
  const std::size_t length = record.association_data.size();
  switch (record.matching_type) {
    case matching_full:
      if (record.selector == 0 && !crypto::Certificate::from_der(record.association_data))
        return "the data is no certificate";
      if (record.selector == 1 && !crypto::is_public_key_info(record.association_data))
        return "the data is no public key";
      return {};
    case matching_sha256:
      return length == crypto::sha256_size_octets ? "" : fmt::format("a SHA-256 digest has 32 octets, not {}", length);
    case matching_sha512:
      return length == crypto::sha512_size_octets ? "" : fmt::format("a SHA-512 digest has 64 octets, not {}", length);
    default:
      return fmt::format("matching type {} is unknown", record.matching_type);
  }
}

std::string_view text(TlsaState state) {
  static constexpr std::array<std::string_view, 5> names{"insecure", "absent", "usable", "unusable", "unavailable"};
  return names[static_cast<std::size_t>(state)];
}

// ---------------------------------------------------------------- lookup

namespace {

bool is_bogus(const dns::AddressLookup& addresses) {
  return addresses.a.status() == dns::Status::bogus || addresses.aaaa.status() == dns::Status::bogus;
}

/// The names that may be TLSA base domains, the best first (RFC 7672 2.2.2, 2.2.3).
std::vector<dns::Name> candidates(const dns::Name& host, const dns::AddressLookup& addresses) {
  const dns::Answer& found = addresses.a.status() == dns::Status::ok ? addresses.a : addresses.aaaa;
  if (found.canonical_name() == host) return {host};
  return {found.canonical_name(), host};
}

bool is_alias(const dns::AddressLookup& addresses) {
  return !addresses.a.cname_chain().empty() || !addresses.aaaa.cname_chain().empty();
}

std::optional<dns::Name> tlsa_name(const dns::Name& base, std::uint16_t port) {
  const auto tcp = base.child("_tcp");
  const auto name = tcp ? tcp->child(fmt::format("_{}", port)) : tcp;
  return name ? std::optional(*name) : std::nullopt;
}

/// Sets the state from the TLSA answer; false: there is nothing here, the next candidate may have something.
bool take(const dns::Answer& answer, const dns::Name& base, TlsaLookup& out) {
  if (!dns::is_definite(answer.status())) {
    // RFC 7672 2.1.2: an error is no "there is none", or whoever can drop packets would switch DANE off.
    out.state = TlsaState::unavailable;
    out.reason = fmt::format("the TLSA records of {} could not be learned: {}{}", base.text(),
                             dns::text(answer.status()), answer.reason().empty() ? "" : " (" + answer.reason() + ")");
    return true;
  }
  if (answer.status() != dns::Status::ok || !answer.secure()) return false;
  for (const dns::Tlsa* record : answer.all<dns::Tlsa>())
    if (out.records.size() < records_max) out.records.push_back(*record);
  out.base = base;
  const bool usable = std::ranges::any_of(out.records, [](const dns::Tlsa& r) { return why_unusable(r).empty(); });
  out.state = usable ? TlsaState::usable : TlsaState::unusable;
  out.reason =
      usable ? fmt::format("{} has {} TLSA records", base.text(), out.records.size())
             : fmt::format("no TLSA record of {} can be used: {}", base.text(), why_unusable(out.records.front()));
  return true;
}

/// RFC 7672 2.2.2: where the addresses of an alias are not validated, its own CNAME still may be.
Task<bool> is_secure_alias(dns::Resolver& resolver, dns::Name host, TlsaLookup& out) {
  const dns::Answer answer = co_await resolver.resolve(std::move(host), dns::RecordType::cname);
  out.answers.push_back(answer);
  co_return answer.status() == dns::Status::ok&& answer.secure();
}

}  // namespace

Task<TlsaLookup> find_tlsa(dns::Resolver& resolver, dns::Name host, dns::AddressLookup addresses, std::uint16_t port) {
  TlsaLookup out;
  out.base = host;
  if (is_bogus(addresses)) {
    out.state = TlsaState::unavailable;
    out.reason = fmt::format("the addresses of {} do not validate (DNSSEC)", host.text());
    co_return out;
  }
  std::vector<dns::Name> names = candidates(host, addresses);
  if (!addresses.secure()) {
    out.reason = fmt::format("the addresses of {} are not signed", host.text());
    if (!is_alias(addresses)) co_return out;
    const bool secure = co_await is_secure_alias(resolver, host, out);
    if (!secure) co_return out;
    names = {host};
  }
  for (const dns::Name& base : names) {
    const auto name = tlsa_name(base, port);
    if (!name) continue;
    const dns::Answer answer = co_await resolver.resolve(*name, dns::RecordType::tlsa);
    out.answers.push_back(answer);
    if (take(answer, base, out)) co_return out;
  }
  out.state = TlsaState::absent;
  out.reason = fmt::format("{} has no TLSA records", host.text());
  co_return out;
}

}  // namespace posthorn::dane
