// sign dkim|arc: the signer's half, for files.
#include <algorithm>

#include <boost/json.hpp>

#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "foundation/text/ascii.h"
#include "standards/arc/arc.h"
#include "standards/dkim/tag_list.h"

namespace posthorn::cli {
namespace sign_noun {
namespace {

/// The signer, the time and the message, read and hashed.
struct Signing {
  dkim::Signer signer;
  TimePoint now;
  std::string message;
  dkim::MessageScan scan;
};

Result<Signing, Problem> prepare(const Invocation& v, dkim::Canonicalization body_form) {
  auto signer = signer_of(v);
  if (!signer) return fail(std::move(signer.error()));
  const auto now = now_of(v);
  if (!now) return fail(now.error());
  auto message = read_message(v);
  if (!message) return fail(std::move(message.error()));
  Signing out{std::move(*signer), *now, std::move(*message), dkim::MessageScan{{dkim::signing_body_hash(body_form)}}};
  out.scan.feed(out.message);
  out.scan.finish();
  if (out.scan.header().overflowed())
    return fail(Problem{ProblemKind::no, v.get("FILE"), dkim::header_bound_reason(), "take fields out of it"});
  return out;
}

/// --headers: "from:to:subject", as it is to stand in h=.
Result<std::optional<std::vector<std::string>>, Problem> headers_of(const Invocation& v) {
  std::optional<std::vector<std::string>> out;
  if (!v.has("--headers")) return out;
  out = dkim::colon_list(v.get("--headers"));
  for (const std::string& name : *out) {
    const bool legal =
        !name.empty() && std::ranges::all_of(name, [](char c) { return text::is_visible(c) && c != ';'; });
    if (!legal) {
      return fail(Problem{ProblemKind::usage, "--headers " + text::printable(v.get("--headers")),
                          "a name in it is no field name", "write from:to:subject:date"});
    }
  }
  return out;
}

Exit put_on_top(const Invocation& v, const std::string& fields, const std::string& message) {
  if (v.json()) {
    print_json(boost::json::object{{"fields", json_text(fields)}, {"message", json_text(fields + message)}});
  } else {
    print(fields);
    print(message);
  }
  return Exit::done;
}

// ---------------------------------------------------------------- dkim

std::optional<Problem> algorithm_fault(const Invocation& v, const crypto::PrivateKey& key) {
  if (!v.has("--algorithm")) return std::nullopt;
  const auto algorithm = dkim::parse_algorithm(v.get("--algorithm"));
  const std::string what = "--algorithm " + text::printable(v.get("--algorithm"));
  if (!algorithm || algorithm == dkim::Algorithm::rsa_sha1)
    return Problem{ProblemKind::usage, what, "nobody may sign with it", "write rsa-sha256 or ed25519-sha256"};
  if (dkim::key_kind(*algorithm) != key.kind())
    return Problem{ProblemKind::usage, what,
                   fmt::format("the key in {} is of kind {}", v.get("--key"), crypto::text(key.kind())),
                   "give a key of the algorithm's kind, or leave --algorithm out"};
  return std::nullopt;
}

bool signs_from(const std::vector<std::string>& headers) {
  return std::ranges::any_of(headers, [](const std::string& name) { return text::iequals(name, "From"); });
}

Exit sign_dkim(const Invocation& v) {
  dkim::SigningOptions options;
  if (v.has("--canonicalization")) {
    const auto forms = dkim::parse_canonicalizations(v.get("--canonicalization"));
    if (!forms) {
      return report({ProblemKind::usage, "--canonicalization " + text::printable(v.get("--canonicalization")),
                     "there is no such form",
                     "write relaxed/relaxed, relaxed/simple, simple/relaxed or simple/simple"});
    }
    options.canonicalizations = *forms;
  }
  auto headers = headers_of(v);
  if (!headers) return report(headers.error());
  options.headers = std::move(*headers);
  if (options.headers && !signs_from(*options.headers)) {
    return report({ProblemKind::usage, "--headers " + text::printable(v.get("--headers")), "From is not among them",
                   "RFC 6376 5.4 demands it: write from:…"});
  }
  const auto signing = prepare(v, options.canonicalizations.body);
  if (!signing) return report(signing.error());
  if (const auto fault = algorithm_fault(v, signing->signer.key)) return report(*fault);
  if (signing->scan.header().count("From") == 0) {
    return report(
        {ProblemKind::no, v.get("FILE"), "the message has no From field", "RFC 6376 5.4 demands that it be signed"});
  }
  options.now = signing->now;
  return put_on_top(v, dkim::sign(signing->scan, signing->signer, options), signing->message);
}

// ---------------------------------------------------------------- arc

Task<> ask_chain(dns::Resolver& resolver, const Signing& signing, arc::Outcome& out) {
  out = co_await arc::verify(signing.scan, resolver, signing.now);
}

Exit sign_arc(const Invocation& v) {
  auto headers = headers_of(v);
  if (!headers) return report(headers.error());
  const auto signing = prepare(v, dkim::Canonicalization::relaxed);
  if (!signing) return report(signing.error());
  arc::Outcome chain;
  if (const auto problem = ask(v, [&](dns::Resolver& resolver) { return ask_chain(resolver, *signing, chain); }))
    return report(*problem);
  // A chain that could not be checked now must not be marked as failed for ever (RFC 8617 5.2.1).
  if (chain.temporary) {
    return report({ProblemKind::unavailable, v.get("FILE"),
                   fmt::format("its chain could not be checked: {}", text::printable(chain.reason)),
                   "try again later"});
  }
  arc::SealOptions options;
  options.authserv_id = v.get("--authserv-id");
  options.headers = std::move(*headers);
  options.now = signing->now;
  const auto fields = arc::seal(signing->scan, chain, signing->signer, options);
  if (!fields) {
    return report({ProblemKind::no, v.get("FILE"), std::string(arc::text(fields.error())),
                   fields.error() == arc::SealError::no_results ? "ARC seals results: verify the message first" : ""});
  }
  return put_on_top(v, *fields, signing->message);
}

const Option domain_option{"--domain", "D", "who signs: d=", true};
const Option selector_option{"--selector", "S", "which key: s=", true};
const Option key_option{"--key", "FILE", "the private key: PEM, or the base64 of an Ed25519 seed", true};
const Option headers_option{"--headers", "H:H", "h= exactly so; else all fields that a reader acts upon"};

}  // namespace
}  // namespace sign_noun

const std::vector<Verb>& sign_verbs() {
  using namespace sign_noun;
  static const std::vector<Verb> verbs{
      {"sign dkim",
       "put a DKIM-Signature on a message",
       "Prints the message with its signature on top, with CRLF line ends. Without --headers every field that a "
       "reader\n"
       "or a client acts upon is signed, and those to which a second one could be added once more than they occur.\n\n"
       "  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out 2026a.pem\n"
       "  posthorn sign dkim --domain example.org --selector 2026a --key 2026a.pem letter.eml > signed.eml",
       {message_file},
       {domain_option,
        selector_option,
        key_option,
        {"--algorithm", "A", "rsa-sha256 or ed25519-sha256; else by the key"},
        {"--canonicalization", "C/C", "header and body: relaxed or simple (relaxed/relaxed)"},
        headers_option,
        now_option},
       sign_dkim},
      {"sign arc",
       "seal what we found out about a message, for those it is forwarded to",
       "Adds the next ARC set: the results of the message's Authentication-Results of --authserv-id, a signature over\n"
       "the message and a seal over the chain (RFC 8617). The chain that is there is checked first; one that fails is\n"
       "sealed as failed.\n\n"
       "  posthorn sign arc --domain lists.example --selector 2026a --key 2026a.pem --authserv-id mx.lists.example "
       "in.eml",
       {message_file},
       {domain_option,
        selector_option,
        key_option,
        {"--authserv-id", "ID", "whose Authentication-Results to seal", true},
        headers_option,
        dns_option,
        now_option},
       sign_arc},
  };
  return verbs;
}

}  // namespace posthorn::cli
