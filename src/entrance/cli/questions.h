// What the verbs that ask about mail's trust have in common: their options, the resolver, the message to read, a key.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "entrance/cli/verb.h"
#include "foundation/base/ip_address.h"
#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "standards/dkim/sign.h"
#include "standards/dns/name.h"
#include "standards/dns/resolver.h"

namespace posthorn::cli {

inline constexpr std::size_t message_octets_max = 1 * GiB;
inline constexpr std::size_t text_octets_max = 4 * MiB;

inline constexpr Option dns_option{"--dns", "SOURCE",
                                   "system (default), recursive, authoritative, ADDRESS[:PORT] or zone:FILE"};
inline constexpr Option now_option{"--now", "UNIXTIME", "the time to go by; else the clock's"};
inline constexpr Argument message_file{"FILE", "the message, with LF or CRLF line ends; - is standard input"};

/// Runs `question` to its end over the resolver that --dns names. A named coroutine makes the task; what it learns it
/// leaves in objects that outlive this call. The Problem is about the source: answers that fail are answers.
using Question = std::function<Task<>(dns::Resolver& resolver)>;
[[nodiscard]] std::optional<Problem> ask(const Invocation& v, const Question& question);
/// The same over a source given as text. `trust_anchors`: what dns.trust_anchor_file holds; may be empty.
[[nodiscard]] std::optional<Problem> ask_source(std::string_view source, const Question& question,
                                                std::string trust_anchors = {});

/// --now, or the clock's time.
[[nodiscard]] Result<TimePoint, Problem> now_of(const Invocation& v);
/// A domain name among options and arguments; `name` as in Invocation::get.
[[nodiscard]] Result<dns::Name, Problem> name_of(const Invocation& v, std::string_view name);
/// --selector.
[[nodiscard]] Result<dns::Name, Problem> selector_of(const Invocation& v);
/// What was given, as a problem names it: between quotation marks, since it may be empty or end in a space.
[[nodiscard]] std::string in_quotes(std::string_view given);
[[nodiscard]] Result<IpAddress, Problem> ip_of(const Invocation& v, std::string_view name);
/// FILE with CRLF line ends.
[[nodiscard]] Result<std::string, Problem> read_message(const Invocation& v);
/// TEXT, or standard input where it is "-".
[[nodiscard]] Result<std::string, Problem> read_text(const Invocation& v);
/// --domain, --selector and --key. Keys are PEM (PKCS#8, PKCS#1) or, for Ed25519, the base64 of 32 octets, the form
/// that dkimpy writes.
[[nodiscard]] Result<dkim::Signer, Problem> signer_of(const Invocation& v);

}  // namespace posthorn::cli
