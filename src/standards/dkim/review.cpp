// What is wrong, or not wise, with one key record or one signature field: without asking the DNS.
#include <algorithm>

#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/crypto/signature.h"
#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "standards/dkim/key_record.h"
#include "standards/dkim/signature.h"
#include "standards/dkim/tag_list.h"

namespace posthorn::dkim {
namespace {

void add(Findings& findings, std::string_view id, FindingLevel level, std::string reason, std::string correction = {}) {
  findings.push_back({std::string{id}, level, std::move(reason), std::move(correction)});
}

/// Tags of RFC 6376 3.6.1, with g= of RFC 4871.
constexpr std::string_view kKeyTags = " v g h k n p s t ";
constexpr std::string_view kWhatToWrite =
    "write v=DKIM1; k=rsa; p=KEY (or k=ed25519), with the public key in base64 as the signing software shows it";
/// Tags of RFC 6376 3.5, RFC 6541 and RFC 6651.
constexpr std::string_view kSignatureTags = " v a b bh c d h i l q s t x z atps atpsh r ";

/// What people do to a tag list by hand: each is named, and the list mended is returned.
std::string mend(std::string_view text, Findings& findings) {
  std::string plain = text::without_quotes(text);
  if (text::has_typographic_quotes(text))
    add(findings, "quotes-typographic", FindingLevel::error, "typographic quotation marks are part of the record",
        plain);
  if (plain.find(',') == std::string::npos) return plain;
  std::string out = plain;
  std::ranges::replace(out, ',', ';');
  add(findings, "separator-comma", FindingLevel::error, "a comma stands where tags are separated by semicolons", out);
  return out;
}

void name_odd_tags(std::string_view text, std::string_view known, Findings& findings) {
  std::vector<std::string_view> seen;
  for (const std::string_view element : text::split(text, ';')) {
    const std::string_view name = text::trim_lines(element.substr(0, element.find('=')));
    if (name.empty()) continue;
    if (std::ranges::find(seen, name) != seen.end())
      add(findings, "tag-duplicate", FindingLevel::error,
          fmt::format("tag {}= appears twice: keep the one that is right", text::printable(name, 40)));
    else if (!known.contains(fmt::format(" {} ", name)))
      add(findings, "tag-unknown", FindingLevel::info,
          fmt::format("no specification knows a tag {}=", text::printable(name, 40)));
    seen.push_back(name);
  }
}

void judge_key(const KeyRecord& record, KeyReview& out) {
  if (record.revoked()) {
    out.valid = false;
    add(out.findings, "dkim-revoked", FindingLevel::warning,
        "p= is empty: the key is revoked, and what it signed no longer verifies. Sign with another selector; a name "
        "that "
        "was revoked is not used again");
    return;
  }
  const unsigned bits = record.key->bits();
  if (record.key->kind() == crypto::KeyKind::rsa && bits < rsa_verify_bits_min) {
    out.valid = false;
    add(out.findings, "dkim-too-weak-key", FindingLevel::error,
        fmt::format("an RSA key of {} bits: verifiers refuse less than {}", bits, rsa_verify_bits_min));
  } else if (record.key->kind() == crypto::KeyKind::rsa && bits < rsa_recommended_bits) {
    add(out.findings, "dkim-weak-key", FindingLevel::warning,
        fmt::format("an RSA key of {} bits: change to {} bits, with an Ed25519 key beside it", bits,
                    rsa_recommended_bits));
  }
  if (record.testing())
    add(out.findings, "dkim-testing", FindingLevel::warning,
        "t=y says the key is for testing: receivers may treat signed mail as unsigned. Remove t=y when signatures "
        "verify");
  if (!record.allows_hash("sha256")) {
    out.valid = false;
    add(out.findings, "dkim-key-syntax", FindingLevel::error,
        "h= does not allow sha256, the only hash in use: remove h=");
  }
}

/// RFC 8463 4 wants the raw key: one that was published as SubjectPublicKeyInfo (RFC 8410 4) is unwrapped. Empty where
/// that is not the fault.
std::string unwrapped_ed25519(std::string_view text) {
  constexpr std::string_view prefix{"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12};
  const auto tags = TagList::parse(text);
  if (!tags || tags->value("k") != "ed25519") return {};
  const auto der = codec::base64_decode(tags->squeezed("p").value_or(""));
  if (!der || !der->starts_with(prefix) || der->size() != prefix.size() + crypto::ed25519_key_octets) return {};
  return fmt::format("v=DKIM1; k=ed25519; p={}", codec::base64_encode(der->substr(prefix.size())));
}

}  // namespace

KeyReview review_key_record(std::string_view text) {
  KeyReview out;
  auto record = parse_key_record(text);
  out.valid = record.has_value();
  const std::string better = mend(text, out.findings);
  name_odd_tags(better, kKeyTags, out.findings);
  if (record) {
    out.record = std::move(*record);
    judge_key(*out.record, out);
    return out;
  }
  if (std::string raw = unwrapped_ed25519(better); !raw.empty()) {
    add(out.findings, "dkim-key-syntax", FindingLevel::error,
        "p= holds the Ed25519 key in its DER wrapping; RFC 8463 4 wants its 32 octets alone", std::move(raw));
    return out;
  }
  const bool helps = parse_key_record(better).has_value();
  // A quotation mark inside means that the character-strings were never joined.
  const bool split = helps && text.contains('"');
  add(out.findings, split ? "dkim-string-split" : "dkim-key-syntax", FindingLevel::error,
      fmt::format("the key cannot be read: {}{}", record.error().reason,
                  helps ? "" : fmt::format("; {}", kWhatToWrite)),
      helps ? better : std::string{});
  return out;
}

SignatureReview review_signature(Octets value) {
  SignatureReview out;
  auto signature = parse_signature(value);
  out.valid = signature.has_value();
  name_odd_tags(value, kSignatureTags, out.findings);
  if (!signature) {
    out.problem = signature.error().reason + "; a signature needs v=1, a=, d=, s=, h=, bh= and b= (RFC 6376 3.5)";
    return out;
  }
  out.signature = std::move(*signature);
  if (out.signature->algorithm == Algorithm::rsa_sha1) {
    out.valid = false;
    out.problem = "rsa-sha1 must not be used (RFC 8301); sign with rsa-sha256";
  }
  return out;
}

}  // namespace posthorn::dkim
