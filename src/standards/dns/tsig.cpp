// Transaction signatures (RFC 8945): the last record of a message, over everything before it.
#include <array>
#include <cstdlib>

#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"
#include "standards/dns/update.h"

namespace posthorn::dns {
namespace {

constexpr std::uint16_t type_tsig = 250, class_any = 255;
constexpr std::size_t header_octets = 12, additional_count_at = 10;
// RFC 8945 3: errors in the record itself.
constexpr std::uint16_t error_signature = 16, error_key = 17, error_time = 18;

std::string u16(std::size_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
/// RFC 8945 4.2: 48 bits of seconds since 1970.
std::string u48(std::uint64_t value) {
  std::string out;
  for (int shift = 40; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
  return out;
}

std::string lower_wire(const Name& name) {
  return text::lower(name.wire());
}

std::string algorithm_wire() {
  return Name::parse(tsig_algorithm)->wire();
}

/// RFC 8945 4.3.3: what is signed besides the message.
std::string variables(const TsigKey& key, std::uint64_t seconds, std::uint16_t fudge, std::uint16_t error,
                      Octets other) {
  return lower_wire(key.name) + u16(class_any) + std::string(4, '\0') + algorithm_wire() + u48(seconds) + u16(fudge) +
         u16(error) + u16(other.size()) + std::string(other);
}

std::string mac_of(Octets message, const TsigKey& key, Octets request_mac, const std::string& its_variables) {
  std::string signed_octets;
  if (!request_mac.empty()) signed_octets = u16(request_mac.size()) + std::string(request_mac);
  signed_octets.append(message);
  return crypto::hmac_sha256(key.secret, signed_octets + its_variables);
}

/// Reads over a message; every read is within its bounds, or fails.
class Walker {
 public:
  explicit Walker(Octets octets) : octets_(octets) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  std::uint64_t number(std::size_t count) {
    std::uint64_t value = 0;
    for (const char c : take(count)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  Octets take(std::size_t count) {
    if (!ok_ || octets_.size() - at_ < count) {
      ok_ = false;
      return {};
    }
    const Octets taken = octets_.substr(at_, count);
    at_ += count;
    return taken;
  }
  /// A name, in lower case; where it ends in a pointer only what stands before it.
  std::string name() {
    std::string wire;
    while (ok_) {
      const auto length = static_cast<std::size_t>(number(1));
      if (length >= 0xc0) {
        (void)take(1);
        return wire;
      }
      if (length > label_octets_max) ok_ = false;
      wire.push_back(static_cast<char>(length));
      if (length == 0) return text::lower(wire);
      wire.append(take(length));
      if (wire.size() > name_wire_octets_max) ok_ = false;
    }
    return wire;
  }

 private:
  Octets octets_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct TsigRecord {
  std::size_t begins = 0;
  std::string key, algorithm;
  std::uint64_t seconds = 0;
  std::uint16_t fudge = 0, error = 0, original_id = 0;
  Octets mac, other;
};

Result<TsigRecord, TsigError> read_tsig(Octets message) {
  Walker walk(message);
  (void)walk.take(4);
  std::array<std::uint64_t, 4> counts{};
  for (auto& count : counts) count = walk.number(2);
  for (std::uint64_t i = 0; i < counts[0] && walk.ok(); ++i) {
    (void)walk.name();
    (void)walk.take(4);
  }
  const std::uint64_t records = counts[1] + counts[2] + counts[3];
  if (counts[3] == 0) return fail(TsigError::unsigned_);
  for (std::uint64_t i = 0; i + 1 < records && walk.ok(); ++i) {
    (void)walk.name();
    (void)walk.take(8);
    (void)walk.take(static_cast<std::size_t>(walk.number(2)));
  }
  TsigRecord record;
  record.begins = walk.at();
  record.key = walk.name();
  const auto type = walk.number(2), record_class = walk.number(2), ttl = walk.number(4), length = walk.number(2);
  if (!walk.ok()) return fail(TsigError::malformed);
  // RFC 8945 5.1: it is the last record, and the only one.
  if (type != type_tsig) return fail(TsigError::unsigned_);
  // RFC 8945 4.2.
  if (record_class != class_any || ttl != 0 || length != message.size() - walk.at()) return fail(TsigError::malformed);
  record.algorithm = walk.name();
  record.seconds = walk.number(6);
  record.fudge = static_cast<std::uint16_t>(walk.number(2));
  record.mac = walk.take(static_cast<std::size_t>(walk.number(2)));
  record.original_id = static_cast<std::uint16_t>(walk.number(2));
  record.error = static_cast<std::uint16_t>(walk.number(2));
  record.other = walk.take(static_cast<std::size_t>(walk.number(2)));
  if (!walk.ok() || walk.at() != message.size()) return fail(TsigError::malformed);
  return record;
}

OctetString with_additional_count(Octets message, int change) {
  OctetString out(message);
  const auto count = (static_cast<unsigned char>(out[additional_count_at]) << 8 |
                      static_cast<unsigned char>(out[additional_count_at + 1])) +
                     change;
  out.replace(additional_count_at, 2, u16(static_cast<std::size_t>(count)));
  return out;
}

}  // namespace

std::string_view text(TsigError error) {
  switch (error) {
    case TsigError::malformed:
      return "the answer cannot be read";
    case TsigError::unsigned_:
      return "the answer is not signed";
    case TsigError::wrong_key:
      return "the server does not know the key, or uses another one";
    case TsigError::bad_signature:
      return "the signature is wrong: the secrets differ";
    case TsigError::bad_time:
      break;
  }
  return "the clocks of this host and the server differ by more than five minutes";
}

SignedMessage sign_tsig(Octets message, const TsigKey& key, TimePoint now, Octets request_mac) {
  const auto seconds = static_cast<std::uint64_t>(unix_seconds(now));
  SignedMessage out;
  out.mac = mac_of(message, key, request_mac, variables(key, seconds, tsig_fudge_seconds, 0, {}));
  const std::string data = algorithm_wire() + u48(seconds) + u16(tsig_fudge_seconds) + u16(out.mac.size()) + out.mac +
                           std::string(message.substr(0, 2)) + u16(0) + u16(0);
  out.octets = with_additional_count(message, 1) + key.name.wire() + u16(type_tsig) + u16(class_any) +
               std::string(4, '\0') + u16(data.size()) + data;
  return out;
}

Result<OctetString, TsigError> verify_tsig(Octets message, const TsigKey& key, TimePoint now, Octets request_mac) {
  if (message.size() < header_octets) return fail(TsigError::malformed);
  auto record = read_tsig(message);
  if (!record) return fail(record.error());
  // RFC 8945 5.3.2: an answer that tells of a bad key or signature is not signed itself.
  if (record->error == error_key) return fail(TsigError::wrong_key);
  if (record->error == error_signature) return fail(TsigError::bad_signature);
  if (record->key != lower_wire(key.name) || record->algorithm != algorithm_wire()) return fail(TsigError::wrong_key);
  OctetString covered = with_additional_count(message.substr(0, record->begins), -1);
  covered.replace(0, 2, u16(record->original_id));
  const std::string mac =
      mac_of(covered, key, request_mac, variables(key, record->seconds, record->fudge, record->error, record->other));
  if (!crypto::constant_time_equals(mac, record->mac)) return fail(TsigError::bad_signature);
  if (record->error == error_time) return fail(TsigError::bad_time);
  const auto apart = std::llabs(static_cast<long long>(record->seconds) - unix_seconds(now));
  if (apart > record->fudge) return fail(TsigError::bad_time);
  return OctetString(record->mac);
}

}  // namespace posthorn::dns
