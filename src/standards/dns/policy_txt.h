// Policy TXT: the form that MTA-STS (RFC 8461 3.1) and TLS-RPT (RFC 8460 3) share. One TXT record at a fixed name, told
// by its version, with fields "name=value" between semicolons; two records are as bad as none. Pure.
//
// (DMARC's record has another grammar, RFC 9989 4.7, and is looked for along a tree: standards/dmarc.)
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "standards/dns/resolver.h"

namespace posthorn::dns {

inline constexpr std::size_t policy_field_name_octets_max =
    32;  // RFC 8461 3.1: sts-ext-name; RFC 8460 3: tlsrpt-ext-name

struct PolicyField {
  std::string_view name, value;
};
/// Says why a field cannot stand; that ends the reading.
using TakeField = std::function<Result<void, std::string>(const PolicyField&)>;

/// `version` ("v=STSv1") at the very beginning, white space, ";". Others are passed over by those who look for one.
[[nodiscard]] bool has_policy_version(std::string_view text, std::string_view version);
/// version 1*(field-delim field) [field-delim], field-delim = *WSP ";" *WSP: calls `take` for each field in its order.
/// The error says what is wrong, in words.
[[nodiscard]] Result<void, std::string> read_policy_fields(std::string_view text, std::string_view version,
                                                           const TakeField& take);

enum class RecordState : unsigned char {
  found,
  absent,
  several,      ///< two or more bear the version: nobody uses any
  invalid,      ///< one, which does not parse
  unavailable,  ///< the DNS could not be asked now
};
[[nodiscard]] std::string_view text(RecordState state);

/// What stands at the name; `found` where it is one text, which the caller then reads.
struct PolicyTexts {
  RecordState state = RecordState::absent;
  std::vector<std::string> texts;  ///< those that bear the version
  std::string reason;              ///< one sentence where it is not one
  std::vector<Answer> answers;
};
/// What is looked for, in words: "MTA-STS", and what follows from there being several: "senders use none".
struct PolicyKind {
  std::string_view version, name, of_several;
};
/// TXT at `labels` ("_smtp", "_tls") below the domain; an alias (CNAME) is followed. Never asks at a parent of it.
[[nodiscard]] Task<PolicyTexts> find_policy_texts(Resolver& resolver, Name domain, std::vector<std::string> labels,
                                                  PolicyKind kind);

}  // namespace posthorn::dns
