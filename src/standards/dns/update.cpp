#include "standards/dns/update.h"

#include <array>

namespace posthorn::dns {
namespace {

constexpr std::uint16_t class_in = 1, class_none = 254;

class Octetter {
 public:
  void u16(std::size_t value) {
    out_.push_back(static_cast<char>(value >> 8 & 0xff));
    out_.push_back(static_cast<char>(value & 0xff));
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
  }
  /// RFC 1035 3.2.1; without data where it is empty.
  void record(const Name& name, RecordType type, std::uint16_t record_class, std::uint32_t ttl, Octets data) {
    out_ += name.wire();
    u16(static_cast<std::uint16_t>(type));
    u16(record_class);
    u32(ttl);
    u16(data.size());
    out_.append(data);
  }
  [[nodiscard]] OctetString take() { return std::move(out_); }

 private:
  OctetString out_;
};

}  // namespace

std::string_view text(UpdateCode code) {
  constexpr std::array<std::string_view, 11> words{
      "no error",
      "the server cannot read the update (FORMERR)",
      "the server failed (SERVFAIL)",
      "a name that should exist does not (NXDOMAIN)",
      "the server does not take updates (NOTIMP)",
      "the server refuses the update (REFUSED)",
      "a name exists that should not (YXDOMAIN)",
      "records exist that should not (YXRRSET)",
      "records are not as they were (NXRRSET)",
      "the server is not authoritative for the zone, or refuses the key (NOTAUTH)",
      "a name is not in the zone (NOTZONE)",
  };
  const auto index = static_cast<std::size_t>(code);
  return index < words.size() ? words[index] : "an unknown error";
}

OctetString write_update(const Update& update, std::uint16_t id) {
  Octetter out;
  out.u16(id);
  out.u16(opcode_update << 11);
  out.u16(1);
  out.u16(update.sets_exist.size() + update.absent.size());
  out.u16(update.remove.size() + update.add.size());
  out.u16(0);
  OctetString zone = update.zone.wire();
  Octetter question;
  question.u16(static_cast<std::uint16_t>(RecordType::soa));
  question.u16(class_in);
  OctetString message = out.take() + zone + question.take();

  Octetter body;
  for (const Record& record : update.sets_exist)
    body.record(record.owner, record.type, class_in, 0, write_record_data(record.data));
  for (const Update::Absent& absent : update.absent) body.record(absent.name, absent.type, class_none, 0, {});
  // RFC 2136 3.4.2: in their order; what goes leaves before what comes, so that a CNAME can be replaced.
  for (const Record& record : update.remove)
    body.record(record.owner, record.type, class_none, 0, write_record_data(record.data));
  for (const Record& record : update.add)
    body.record(record.owner, record.type, class_in, record.ttl_seconds, write_record_data(record.data));
  return message + body.take();
}

}  // namespace posthorn::dns
