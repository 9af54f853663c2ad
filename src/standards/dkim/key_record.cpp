#include "standards/dkim/key_record.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "standards/dkim/tag_list.h"

namespace posthorn::dkim {
namespace {

constexpr std::size_t kCharacterStringMax = 255;  // RFC 1035 3.3

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

/// p= of the kind k= names.
Result<crypto::PublicKey, crypto::KeyError> read_key(std::string_view kind, std::string_view octets) {
  return kind == "ed25519" ? crypto::PublicKey::from_raw_ed25519(octets) : crypto::PublicKey::from_der(octets);
}

KeyRecordError error(std::string reason) {
  return {std::move(reason), false};
}

/// RFC 6376 3.6.1: v= is optional, but where it stands it stands first and is DKIM1.
std::optional<std::string> version_fault(const TagList& tags) {
  const auto v = tags.value("v");
  if (!v) return std::nullopt;
  if (*v != "DKIM1") return fmt::format("v={} is not DKIM1", text::printable(*v, 40));
  if (tags.tags().front().name != "v") return "v= is not the first tag";
  return std::nullopt;
}

}  // namespace

bool KeyRecord::testing() const {
  return contains(flags, "y");
}
bool KeyRecord::strict_identity() const {
  return contains(flags, "s");
}
bool KeyRecord::allows_hash(std::string_view name) const {
  return hashes.empty() || contains(hashes, name);
}
bool KeyRecord::allows_service(std::string_view name) const {
  return services.empty() || contains(services, "*") || contains(services, name);
}

posthorn::Result<KeyRecord, KeyRecordError> parse_key_record(std::string_view text) {
  const auto tags = TagList::parse(text);
  if (!tags) return fail(error(tags.error().reason));
  if (auto fault = version_fault(*tags)) return fail(error(std::move(*fault)));
  KeyRecord out;
  if (const auto k = tags->value("k")) out.kind_text = *k;
  if (const auto h = tags->value("h")) out.hashes = colon_list(*h);
  if (const auto s = tags->value("s")) out.services = colon_list(*s);
  if (const auto t = tags->value("t")) out.flags = colon_list(*t);
  if (const auto n = tags->value("n")) out.notes = *n;
  if (out.kind_text != "rsa" && out.kind_text != "ed25519")
    return fail(
        KeyRecordError{fmt::format("k={} is not a kind of key we know", text::printable(out.kind_text, 40)), true});
  const auto p = tags->squeezed("p");
  if (!p) return fail(error("p= is missing"));
  if (p->empty()) return out;  // revoked
  const auto octets = codec::base64_decode(*p);
  if (!octets) return fail(error("p= is not base64"));
  auto key = read_key(out.kind_text, *octets);
  if (!key) {
    const bool der = out.kind_text == "ed25519" && octets->size() > crypto::ed25519_key_octets;
    const std::string_view hint = der ? "; RFC 8463 4 wants the 32 octets of the key alone" : "";
    return fail(error(fmt::format("p= is {}{}", crypto::text(key.error()), hint)));
  }
  out.key = std::move(*key);
  return out;
}

std::string key_record_text(const crypto::PublicKey& key) {
  return fmt::format("v=DKIM1; k={}; p={}", crypto::text(key.kind()), codec::base64_encode(key.dkim_octets()));
}

std::vector<std::string> txt_strings(std::string_view text) {
  std::vector<std::string> out;
  do {
    out.emplace_back(text.substr(0, kCharacterStringMax));
    text.remove_prefix(out.back().size());
  } while (!text.empty());
  return out;
}

}  // namespace posthorn::dkim
