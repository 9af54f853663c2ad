// The ARC fields of one message, sorted into sets (RFC 8617 4.2): structure alone, no cryptography.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "standards/arc/arc.h"
#include "standards/dkim/canonical.h"
#include "standards/dkim/signature.h"
#include "standards/message/header.h"

namespace posthorn::arc {

inline constexpr std::string_view seal_name = "ARC-Seal";
inline constexpr std::string_view signature_name = "ARC-Message-Signature";
inline constexpr std::string_view results_name = "ARC-Authentication-Results";

/// An ARC-Seal taken apart (RFC 8617 4.1.3).
struct Seal {
  dkim::Algorithm algorithm = dkim::Algorithm::rsa_sha256;
  std::string cv;
  dns::Name domain;
  dns::Name selector;
  std::string signature;  ///< b=, octets
  std::size_t b_begin = 0, b_end = 0;

  [[nodiscard]] std::optional<dns::Name> key_name() const;
};

struct Set {
  message::Field seal_field, signature_field, results_field;
  Seal seal;
  dkim::Signature signature;
  std::string results_text;  ///< what stands after "i=N;"
};

struct Chain {
  std::vector<Set> sets;  ///< oldest first
  unsigned newest = 0;    ///< the highest instance named anywhere; 0: no ARC field at all
  std::string fault;      ///< why the structure is broken; `sets` is then empty
};
[[nodiscard]] Chain read_chain(const message::Header& header);

/// Offsets of b= in the raw field, for canonical forms.
[[nodiscard]] dkim::OwnField own_field(const message::Field& field, std::size_t b_begin, std::size_t b_end);

}  // namespace posthorn::arc
