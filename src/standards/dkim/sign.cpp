#include "standards/dkim/sign.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "standards/dkim/canonical.h"
#include "standards/dkim/fold.h"

namespace posthorn::dkim {
namespace {

/// What a reader or a client acts upon, and no relay has reason to touch (RFC 6376 5.4.1, RFC 8058 4).
constexpr std::array<std::string_view, 20> kSignedFields{"From",
                                                         "To",
                                                         "Cc",
                                                         "Subject",
                                                         "Date",
                                                         "Reply-To",
                                                         "Message-ID",
                                                         "In-Reply-To",
                                                         "References",
                                                         "MIME-Version",
                                                         "Content-Type",
                                                         "Content-Transfer-Encoding",
                                                         "Content-Disposition",
                                                         "Sender",
                                                         "List-Id",
                                                         "List-Post",
                                                         "List-Help",
                                                         "List-Unsubscribe",
                                                         "List-Unsubscribe-Post",
                                                         "Auto-Submitted"};

/// Those to which somebody could gain by adding a second one; signed once more than they occur even where they are
/// absent.
constexpr std::array<std::string_view, 10> kOversigned{
    "From",     "To",           "Cc",           "Subject",          "Date",
    "Reply-To", "MIME-Version", "Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post"};

constexpr std::string_view kFieldName = "DKIM-Signature";

Algorithm algorithm_of(const crypto::PrivateKey& key) {
  return key.kind() == crypto::KeyKind::rsa ? Algorithm::rsa_sha256 : Algorithm::ed25519_sha256;
}

/// The field up to and with "b=".
std::string unsigned_field(std::string_view body_digest, const Signer& signer, const SigningOptions& options,
                           const std::vector<std::string>& headers) {
  FoldedField field{kFieldName};
  field.add("v", "1");
  field.add("a", text(algorithm_of(signer.key)));
  field.add("c", fmt::format("{}/{}", text(options.canonicalizations.header), text(options.canonicalizations.body)));
  field.add("d", signer.domain.text());
  field.add("s", signer.selector.text());
  if (!options.identity.empty()) field.add("i", options.identity);
  field.add("t", std::to_string(unix_seconds(options.now)));
  if (options.expiration) field.add("x", std::to_string(unix_seconds(*options.expiration)));
  field.add_list("h", headers);
  field.add_base64("bh", codec::base64_encode(body_digest));
  return field.finish_with_empty("b");
}

}  // namespace

BodyHashKind signing_body_hash(Canonicalization form) {
  return {form, crypto::SignatureHash::sha256, std::nullopt};
}

std::vector<std::string> signed_header_list(const message::Header& header) {
  std::vector<std::string> out;
  for (const std::string_view name : kSignedFields) {
    std::size_t times = header.count(name);
    if (std::ranges::find(kOversigned, name) != kOversigned.end()) ++times;
    out.insert(out.end(), std::min(times, signed_headers_max / kSignedFields.size()), std::string{name});
  }
  return out;
}

std::string sign(const MessageScan& scan, const Signer& signer, const SigningOptions& options) {
  const auto kind = signing_body_hash(options.canonicalizations.body);
  return sign(scan.header(), scan.body_hash(kind)->digest, signer, options);
}

std::string sign(const message::Header& header, std::string_view body_digest, const Signer& signer,
                 const SigningOptions& options) {
  const std::vector<std::string> headers = options.headers ? *options.headers : signed_header_list(header);
  std::string field = unsigned_field(body_digest, signer, options, headers);
  const OwnField own{field, field.size(), field.size()};
  const std::string octets = canonical_headers(header, headers, options.canonicalizations.header, own);
  crypto::SignatureDigest digest{crypto::SignatureHash::sha256};
  digest.update(octets);
  append_folded_base64(field, codec::base64_encode(signer.key.sign_sha256(digest.finish())));
  return field + "\r\n";
}

std::string sign_all(const message::Header& header, std::string_view body_digest, const std::vector<Signer>& signers,
                     const SigningOptions& options) {
  std::string out;
  for (const Signer& signer : signers) out += sign(header, body_digest, signer, options);
  return out;
}

}  // namespace posthorn::dkim
