// Writing DNS messages (RFC 1035 4.1).
#include <utility>

#include "standards/dns/wire.h"

namespace posthorn::dns {
namespace {

constexpr std::size_t pointer_target_max = 0x3fff;  // RFC 1035 4.1.4: 14 bits
constexpr std::size_t edns_record_octets = 11;

class WireWriter {
 public:
  explicit WireWriter(bool compress) : compress_(compress) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value) {
    u8(static_cast<std::uint8_t>(value >> 8));
    u8(static_cast<std::uint8_t>(value & 0xff));
  }
  void u32(std::uint32_t value) {
    u16(static_cast<std::uint16_t>(value >> 16));
    u16(static_cast<std::uint16_t>(value & 0xffff));
  }
  void octets(Octets octets) { out_.append(octets); }
  void character_string(Octets string) {
    const Octets kept = string.substr(0, 255);
    u8(static_cast<std::uint8_t>(kept.size()));
    octets(kept);
  }
  void name(Name name, bool compressible);
  void record(const Record& record);
  void patch_u16(std::size_t at, std::size_t value) {
    out_[at] = static_cast<char>(value >> 8 & 0xff);
    out_[at + 1] = static_cast<char>(value & 0xff);
  }
  [[nodiscard]] std::size_t size() const { return out_.size(); }
  /// Forgets what was written after `size`, names to point at too.
  void cut(std::size_t size) {
    out_.resize(size);
    std::erase_if(places_, [size](const auto& place) { return place.second >= size; });
  }
  [[nodiscard]] OctetString take() && { return std::move(out_); }

 private:
  bool compress_;
  OctetString out_;
  std::map<std::string, std::size_t> places_;  ///< lower-case wire names and where they stand
};

void WireWriter::name(Name name, bool compressible) {
  for (; !name.is_root(); name = name.parent()) {
    if (compress_) {
      const std::string key = name.lower_case_key();
      const auto found = places_.find(key);
      if (compressible && found != places_.end()) return u16(static_cast<std::uint16_t>(0xc000 | found->second));
      if (found == places_.end() && size() <= pointer_target_max) places_.emplace(key, size());
    }
    u8(static_cast<std::uint8_t>(name.first_label().size()));
    octets(name.first_label());
  }
  u8(0);
}

/// RFC 3597 4: only the types of RFC 1035 may have compressed names in their data.
struct DataWriter {
  WireWriter& out;
  void operator()(const A& d) const { out.octets(d.address.octets()); }
  void operator()(const Aaaa& d) const { out.octets(d.address.octets()); }
  void operator()(const Mx& d) const {
    out.u16(d.preference);
    out.name(d.exchange, true);
  }
  void operator()(const Txt& d) const {
    for (const std::string& string : d.strings) out.character_string(string);
  }
  void operator()(const Cname& d) const { out.name(d.target, true); }
  void operator()(const Ns& d) const { out.name(d.host, true); }
  void operator()(const Ptr& d) const { out.name(d.target, true); }
  void operator()(const Soa& d) const {
    out.name(d.primary, true);
    out.name(d.responsible, true);
    for (const std::uint32_t value : {d.serial, d.refresh, d.retry, d.expire, d.minimum}) out.u32(value);
  }
  void operator()(const Srv& d) const {
    for (const std::uint16_t value : {d.priority, d.weight, d.port}) out.u16(value);
    out.name(d.target, false);
  }
  void operator()(const Tlsa& d) const {
    for (const std::uint8_t value : {d.usage, d.selector, d.matching_type}) out.u8(value);
    out.octets(d.association_data);
  }
  void operator()(const Caa& d) const {
    out.u8(d.flags);
    out.character_string(d.tag);
    out.octets(d.value);
  }
  void operator()(const Unknown& d) const { out.octets(d.octets); }
};

void WireWriter::record(const Record& record) {
  name(record.owner, true);
  u16(static_cast<std::uint16_t>(record.type));
  u16(1);
  u32(record.ttl_seconds);
  const std::size_t length_at = size();
  u16(0);
  std::visit(DataWriter{*this}, record.data);
  patch_u16(length_at, size() - length_at - 2);
}

std::uint16_t flags_of(const Message& m) {
  unsigned flags = static_cast<unsigned>(m.code) & 0xf;
  flags |= m.is_response ? 0x8000u : 0;
  flags |= (m.opcode & 0xfu) << 11;
  flags |= m.authoritative ? 0x0400u : 0;
  flags |= m.truncated ? 0x0200u : 0;
  flags |= m.recursion_desired ? 0x0100u : 0;
  flags |= m.recursion_available ? 0x0080u : 0;
  flags |= m.authentic_data ? 0x0020u : 0;
  flags |= m.checking_disabled ? 0x0010u : 0;
  return static_cast<std::uint16_t>(flags);
}

/// Writes records while they fit; returns how many did.
std::size_t write_section(WireWriter& out, const std::vector<Record>& records, std::size_t limit) {
  std::size_t written = 0;
  for (const Record& record : records) {
    const std::size_t before = out.size();
    out.record(record);
    if (out.size() > limit) {
      out.cut(before);
      return written;
    }
    ++written;
  }
  return written;
}

void write_edns(WireWriter& out, const Edns& edns) {
  out.u8(0);
  out.u16(static_cast<std::uint16_t>(RecordType::opt));
  out.u16(edns.udp_octets);
  out.u32(static_cast<std::uint32_t>(edns.version) << 16 | (edns.dnssec_ok ? 0x8000u : 0u));
  out.u16(0);
}

}  // namespace

OctetString write_message(const Message& message, std::size_t octets_max) {
  WireWriter out{true};
  const std::size_t reserve = message.edns ? edns_record_octets : 0;
  const std::size_t limit = octets_max > reserve ? octets_max - reserve : 0;
  Message head = message;
  out.u16(message.id);
  out.u16(0);
  out.u16(static_cast<std::uint16_t>(message.questions.size()));
  for (int i = 0; i < 3; ++i) out.u16(0);
  for (const Question& question : message.questions) {
    out.name(question.name, true);
    out.u16(static_cast<std::uint16_t>(question.type));
    out.u16(question.record_class);
  }
  const std::size_t answers = write_section(out, message.answers, limit);
  const bool answers_fit = answers == message.answers.size();
  const std::size_t authorities = answers_fit ? write_section(out, message.authorities, limit) : 0;
  const bool all_fit = answers_fit && authorities == message.authorities.size();
  std::size_t additionals = all_fit ? write_section(out, message.additionals, limit) : 0;
  // RFC 2181 9: TC says that required records are missing; missing additional ones are no reason.
  head.truncated = message.truncated || !all_fit;
  if (message.edns) {
    write_edns(out, *message.edns);
    ++additionals;
  }
  out.patch_u16(2, flags_of(head));
  out.patch_u16(6, answers);
  out.patch_u16(8, authorities);
  out.patch_u16(10, additionals);
  return std::move(out).take();
}

OctetString write_record_data(const RecordData& data) {
  WireWriter out{false};
  std::visit(DataWriter{out}, data);
  return std::move(out).take();
}

}  // namespace posthorn::dns
