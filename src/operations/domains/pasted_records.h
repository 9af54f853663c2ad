// Records that somebody was told to publish ("add these to your DNS"), read and judged before they enter a model: what
// is no record, was never filled in or gives the domain away is refused with what to write instead. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "operations/domains/model.h"

namespace posthorn::domains {

/// "NAME [TTL] [IN] TYPE DATA", as providers print it. Names without a final dot may be relative to the domain: those
/// that do not end in it are. Typographic quotes are taken off.
[[nodiscard]] Result<ExtraRecord, Problem> read_record(std::string_view line, std::string_view domain);

/// Takes the record into the model: a key reference goes to the stream that waits for one, an SPF record's terms to the
/// first stream, everything else stands beside the plan. Refused: NS (delegation guard), a second DMARC policy.
[[nodiscard]] Result<void, Problem> take_record(Model& model, const ExtraRecord& record);

/// The delegation guard: NS for a name of the domain hands that name, and all below it, to whoever runs those servers.
/// The Problem says so and offers the TXT and CNAME form.
[[nodiscard]] Problem delegation_refused(std::string_view name, std::string_view server, std::string_view domain);

/// A change in words, for `plan` and `timeline`: "mx+HOST[:PREFERENCE]", "mx-HOST", "mx:OLD=NEW", "inbound=PROVIDER",
/// "sts=MODE[/MAX_AGE]", "state=STATE", or a record line.
[[nodiscard]] Result<void, Problem> take_change(Model& model, std::string_view change,
                                                const std::vector<MxHost>& present);

}  // namespace posthorn::domains
