#include "entrance/cli/questions.h"

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "platform/resolver/resolver.h"
#include "platform/runtime/files.h"
#include "platform/runtime/loops.h"
#include "standards/dkim/signature.h"
#include "standards/dkim/tag_list.h"
#include "standards/message/view.h"

namespace posthorn::cli {
namespace {

constexpr std::size_t key_octets_max = 64 * KiB;
constexpr std::uint64_t now_max = 253'402'300'799;  // the end of the year 9999, the last that RFC 3339 can write

Task<> ask_resolver(runtime::Clock& clock, const resolver::Options& options, const Question& question,
                    std::optional<Problem>& problem) {
  auto made = resolver::make_resolver(options, clock, co_await runtime::current_executor());
  if (!made) {
    problem = std::move(made.error());
    co_return;
  }
  co_await question(**made);
}

Result<crypto::PrivateKey, Problem> read_key(const std::string& file) {
  auto octets = read_input(file, key_octets_max);
  if (!octets) return fail(std::move(octets.error()));
  if (auto key = crypto::PrivateKey::from_pem(*octets)) return std::move(*key);
  const auto seed = codec::base64_decode(dkim::without_fws(*octets));
  if (seed && seed->size() == crypto::ed25519_key_octets) {
    if (auto key = crypto::PrivateKey::from_raw_ed25519(*seed)) return std::move(*key);
  }
  const auto error = crypto::PrivateKey::from_pem(*octets).error();
  return fail(Problem{ProblemKind::usage, file, std::string(crypto::text(error)),
                      "give a PEM file (openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048)"});
}

}  // namespace

std::optional<Problem> ask(const Invocation& v, const Question& question) {
  return ask_source(v.has("--dns") ? v.get("--dns") : "system", question);
}

std::optional<Problem> ask_source(std::string_view text, const Question& question, std::string trust_anchors) {
  auto source = resolver::parse_source(text);
  if (!source) return std::move(source.error());
  resolver::Options options;
  options.source = std::move(*source);
  options.trust_anchor = std::move(trust_anchors);
  runtime::SystemClock clock;
  std::optional<Problem> problem;
  runtime::run_to_end([&] { return ask_resolver(clock, options, question, problem); });
  return problem;
}

Result<TimePoint, Problem> now_of(const Invocation& v) {
  if (!v.has("--now")) return runtime::SystemClock{}.now();
  const auto seconds = text::parse_number(v.get("--now"));
  if (!seconds || *seconds > now_max) {
    return fail(Problem{ProblemKind::usage, "--now " + text::printable(v.get("--now")), "this is no UNIX time",
                        "write the seconds since 1970, as date +%s prints them"});
  }
  return from_unix_seconds(static_cast<std::int64_t>(*seconds));
}

Result<dns::Name, Problem> name_of(const Invocation& v, std::string_view name) {
  auto parsed = dkim::parse_domain(v.get(name));
  if (parsed) return std::move(*parsed);
  return fail(Problem{ProblemKind::usage, in_quotes(v.get(name)), "this is no domain name",
                      "write it as example.org: labels of at most 63 letters, digits and hyphens, no @ and no spaces"});
}

Result<dns::Name, Problem> selector_of(const Invocation& v) {
  auto parsed = dkim::parse_domain(v.get("--selector"));
  if (parsed) return std::move(*parsed);
  return fail(Problem{ProblemKind::usage, "--selector " + in_quotes(v.get("--selector")), "this is no selector",
                      "write the s= of a DKIM-Signature: letters, digits, hyphens and dots, as 2026a"});
}

std::string in_quotes(std::string_view given) {
  return fmt::format("'{}'", text::printable(given));
}

Result<IpAddress, Problem> ip_of(const Invocation& v, std::string_view name) {
  if (const auto ip = IpAddress::parse(v.get(name))) return *ip;
  return fail(
      Problem{ProblemKind::usage, in_quotes(v.get(name)), "this is no IP address", "write 192.0.2.1 or 2001:db8::1"});
}

Result<std::string, Problem> read_message(const Invocation& v) {
  auto octets = read_input(v.get("FILE"), message_octets_max);
  if (!octets) return fail(std::move(octets.error()));
  return message::with_crlf(*octets);
}

Result<std::string, Problem> read_text(const Invocation& v) {
  if (v.get("TEXT") != "-") return v.get("TEXT");
  auto input = read_input("-", text_octets_max);
  if (!input) return fail(std::move(input.error()));
  return std::string(std::move(*input));
}

Result<dkim::Signer, Problem> signer_of(const Invocation& v) {
  auto domain = name_of(v, "--domain");
  if (!domain) return fail(std::move(domain.error()));
  auto selector = selector_of(v);
  if (!selector) return fail(std::move(selector.error()));
  auto key = read_key(v.get("--key"));
  if (!key) return fail(std::move(key.error()));
  if (key->kind() == crypto::KeyKind::rsa && key->bits() < crypto::rsa_sign_bits_min) {
    return fail(Problem{ProblemKind::usage, v.get("--key"), fmt::format("an RSA key of {} bits", key->bits()),
                        "RFC 8301 forbids to sign with less than 1024 bits; take 2048"});
  }
  return dkim::Signer{std::move(*domain), std::move(*selector), std::move(*key)};
}

}  // namespace posthorn::cli
