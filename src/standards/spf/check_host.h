// check_host (RFC 7208 4): may this host send for this domain? TXT only, all processing limits, and a trace that
// tells a person term by term how the result came about.
//
// Awaitables over a dns::Resolver; they hold no state between calls. Views and references in arguments must outlive
// the await. Errors are results (temperror, permerror), never exceptions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/finding.h"
#include "foundation/base/ip_address.h"
#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "standards/dns/resolver.h"
#include "standards/spf/result.h"

namespace posthorn::spf {

inline constexpr unsigned dns_terms_max = 10;            // RFC 7208 4.6.4: include, a, mx, ptr, exists, redirect
inline constexpr unsigned dns_terms_near_max = 8;        // spf-near-lookup-limit: 8 to 10
inline constexpr unsigned void_lookups_max = 2;          // RFC 7208 4.6.4
inline constexpr unsigned mx_names_max = 10;             // RFC 7208 4.6.4: more is permerror
inline constexpr unsigned ptr_names_max = 10;            // RFC 7208 4.6.4: the rest is not looked at
inline constexpr unsigned explanation_octets_max = 500;  // ours: it goes into an SMTP reply

enum class Identity : unsigned char { mail_from, helo };
[[nodiscard]] std::string_view text(Identity identity);

/// What the peer said.
struct Query {
  IpAddress ip;                      ///< an IPv4-mapped address counts as IPv4 (RFC 7208 5)
  std::string mail_from;             ///< the reverse-path's mailbox without <>; empty for the null sender
  std::string helo;                  ///< as given with HELO or EHLO
  std::string receiver = "unknown";  ///< %{r}: our own host name
  TimePoint now{};                   ///< %{t}
};

/// One step of the evaluation, in the order it happened.
struct TraceStep {
  std::string term;      ///< as written: "include:_spf.example", "redirect=…"; "v=spf1 …" when a record was fetched
  std::string domain;    ///< the domain whose record holds the term
  std::string target;    ///< the name asked for after macro expansion; empty where none is
  std::string result;    ///< "match", "no match", or a Result's word where the step decided or failed
  unsigned depth = 0;    ///< 0 for the domain itself, +1 a nested include or redirect
  unsigned lookups = 0;  ///< terms that ask DNS, counted up to here
  std::vector<dns::Answer> answers;  ///< what the DNS said; Answer::summary() tells it in a line
};

struct Outcome {
  Result result = Result::none;
  Identity identity = Identity::mail_from;
  std::string domain;       ///< the domain checked, lower case
  std::string sender;       ///< the mailbox used for macros: postmaster@HELO for the null sender
  std::string explanation;  ///< the owner's exp= text; only with fail
  std::string problem;      ///< why none, temperror or permerror
  std::string record;       ///< the domain's own record; empty where none was found
  std::string term;         ///< the term that decided; empty where none did
  unsigned lookups = 0;
  unsigned void_lookups = 0;
  std::vector<TraceStep> trace;
};

/// The MAIL FROM identity; for the null sender postmaster@HELO (RFC 7208 2.4).
[[nodiscard]] Task<Outcome> check_mail_from(dns::Resolver& resolver, Query query);
/// The HELO identity (RFC 7208 2.3).
[[nodiscard]] Task<Outcome> check_helo(dns::Resolver& resolver, Query query);

/// What an evaluation shows about the domain's records that no single record shows: missing, several, too many
/// lookups with the nested ones, void lookups, includes of nothing.
[[nodiscard]] Findings findings_of(const Outcome& outcome);

}  // namespace posthorn::spf
