// Reading DNS messages (RFC 1035 4.1).
#include <utility>

#include "standards/dns/wire.h"

namespace posthorn::dns {
namespace {

template <class T>
using Read = std::expected<T, WireError>;

/// Octets of a message with a position; every read is checked.
class Cursor {
 public:
  Cursor(Octets message, std::size_t at, std::size_t end) : message_(message), at_(at), end_(end) {}

  [[nodiscard]] std::size_t left() const { return end_ - at_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  [[nodiscard]] WireError error() const { return *error_; }

  std::uint32_t number(std::size_t octets) {
    std::uint32_t value = 0;
    for (const char c : take(octets)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return number(4); }
  Octets take(std::size_t octets) {
    if (left() < octets) return give_up(WireError::truncated);
    at_ += octets;
    return message_.substr(at_ - octets, octets);
  }
  Octets rest() { return take(left()); }
  Octets character_string() { return take(u8()); }
  Name name();

 private:
  Octets give_up(WireError error) {
    if (!error_) error_ = error;
    at_ = end_;
    return {};
  }

  Octets message_;
  std::size_t at_, end_;
  std::optional<WireError> error_;
};

/// RFC 1035 4.1.4. A pointer may only lead before the place it stands at, so every name ends.
Name Cursor::name() {
  std::vector<std::string_view> labels;
  std::size_t at = at_, end = end_, lowest = at_, total = 1;
  bool jumped = false;
  for (;;) {
    if (at >= end) return give_up(WireError::truncated), Name{};
    const auto length = static_cast<unsigned char>(message_[at]);
    if (length == 0) {
      if (!jumped) at_ = at + 1;
      break;
    }
    if ((length & 0xc0) == 0xc0) {
      if (at + 1 >= end) return give_up(WireError::truncated), Name{};
      const std::size_t target = (length & 0x3fu) << 8 | static_cast<unsigned char>(message_[at + 1]);
      if (target >= lowest) return give_up(WireError::bad_name), Name{};
      if (!jumped) at_ = at + 2;
      jumped = true;
      lowest = at = target;
      end = message_.size();
      continue;
    }
    if ((length & 0xc0) != 0) return give_up(WireError::bad_name), Name{};
    total += length + 1u;
    if (total > name_wire_octets_max) return give_up(WireError::bad_name), Name{};
    if (at + 1 + length > end) return give_up(WireError::truncated), Name{};
    labels.push_back(message_.substr(at + 1, length));
    at += length + 1u;
  }
  auto name = Name::from_labels(labels);
  if (!name) return give_up(WireError::bad_name), Name{};
  return std::move(*name);
}

std::optional<RecordData> read_address(Cursor& rdata, bool v4) {
  const Octets octets = rdata.rest();
  if (octets.size() != (v4 ? 4u : 16u)) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::transform(octets, bytes.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  if (!v4) return Aaaa{IpAddress::v6(bytes)};
  return A{IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]})};
}

std::optional<RecordData> read_txt(Cursor& rdata) {
  Txt txt;
  while (rdata.left() > 0) txt.strings.emplace_back(rdata.character_string());
  if (txt.strings.empty()) return std::nullopt;
  return txt;
}

std::optional<RecordData> read_caa(Cursor& rdata) {
  const std::uint8_t flags = rdata.u8();
  const Octets tag = rdata.character_string();
  if (tag.empty()) return std::nullopt;
  return Caa{flags, std::string{tag}, std::string{rdata.rest()}};
}

std::optional<RecordData> read_data(RecordType type, Cursor& rdata) {
  switch (type) {
    case RecordType::a:
      return read_address(rdata, true);
    case RecordType::aaaa:
      return read_address(rdata, false);
    case RecordType::mx: {
      const std::uint16_t preference = rdata.u16();
      return Mx{preference, rdata.name()};
    }
    case RecordType::txt:
    case RecordType::spf:
      return read_txt(rdata);
    case RecordType::cname:
      return Cname{rdata.name()};
    case RecordType::ns:
      return Ns{rdata.name()};
    case RecordType::ptr:
      return Ptr{rdata.name()};
    case RecordType::soa: {
      Soa soa;
      soa.primary = rdata.name();
      soa.responsible = rdata.name();
      for (std::uint32_t* value : {&soa.serial, &soa.refresh, &soa.retry, &soa.expire, &soa.minimum})
        *value = rdata.u32();
      return soa;
    }
    case RecordType::srv: {
      Srv srv{rdata.u16(), rdata.u16(), rdata.u16(), {}};
      srv.target = rdata.name();
      return srv;
    }
    case RecordType::tlsa: {
      Tlsa tlsa{rdata.u8(), rdata.u8(), rdata.u8(), {}};
      tlsa.association_data = rdata.rest();
      return tlsa;
    }
    case RecordType::caa:
      return read_caa(rdata);
    default:
      return Unknown{std::string{rdata.rest()}};
  }
}

/// The octets [begin, end) of `message` as RDATA; names in it may point back into the message.
Read<RecordData> read_rdata(RecordType type, Octets message, std::size_t begin, std::size_t end) {
  Cursor rdata{message, begin, end};
  auto data = read_data(type, rdata);
  if (rdata.failed() || !data || rdata.left() > 0) return std::unexpected{WireError::bad_record_data};
  return std::move(*data);
}

Read<Record> read_record(Octets message, Cursor& cursor, std::uint16_t& record_class) {
  Record record;
  record.owner = cursor.name();
  record.type = static_cast<RecordType>(cursor.u16());
  record_class = cursor.u16();
  record.ttl_seconds = cursor.u32();
  const std::size_t length = cursor.u16();
  const std::size_t begin = cursor.at();
  cursor.take(length);
  if (cursor.failed()) return std::unexpected{cursor.error()};
  // RFC 2136 and ANY queries carry empty RDATA of any type; keep it as octets.
  if (length == 0 || record.type == RecordType::opt) {
    record.data = Unknown{std::string{message.substr(begin, length)}};
    return record;
  }
  auto data = read_rdata(record.type, message, begin, begin + length);
  if (!data) return std::unexpected{data.error()};
  record.data = std::move(*data);
  return record;
}

void read_flags(Message& message, std::uint16_t flags) {
  message.is_response = (flags & 0x8000) != 0;
  message.opcode = static_cast<std::uint8_t>(flags >> 11 & 0xf);
  message.authoritative = (flags & 0x0400) != 0;
  message.truncated = (flags & 0x0200) != 0;
  message.recursion_desired = (flags & 0x0100) != 0;
  message.recursion_available = (flags & 0x0080) != 0;
  message.authentic_data = (flags & 0x0020) != 0;  // RFC 4035 3.2
  message.checking_disabled = (flags & 0x0010) != 0;
  message.code = static_cast<ResponseCode>(flags & 0xf);
}

}  // namespace

std::string_view text(WireError error) {
  switch (error) {
    case WireError::truncated:
      return "the octets end too early";
    case WireError::bad_name:
      return "a name is not legal";
    case WireError::bad_record_data:
      return "the record data does not fit the type";
    case WireError::too_many_records:
      return "too many records";
    case WireError::too_long:
      return "too long";
  }
  return "";
}

Result<Message, WireError> read_message(Octets octets) {
  Cursor cursor{octets, 0, octets.size()};
  Message message;
  message.id = cursor.u16();
  read_flags(message, cursor.u16());
  std::array<std::size_t, 4> counts{};
  for (std::size_t& count : counts) count = cursor.u16();
  if (cursor.failed()) return fail(WireError::truncated);
  if (counts[0] + counts[1] + counts[2] + counts[3] > message_records_max) return fail(WireError::too_many_records);
  for (std::size_t i = 0; i < counts[0] && !cursor.failed(); ++i) {
    Question question;
    question.name = cursor.name();
    question.type = static_cast<RecordType>(cursor.u16());
    question.record_class = cursor.u16();
    message.questions.push_back(std::move(question));
  }
  if (cursor.failed()) return fail(cursor.error());
  const std::array sections{&message.answers, &message.authorities, &message.additionals};
  for (std::size_t section = 0; section < sections.size(); ++section) {
    for (std::size_t i = 0; i < counts[section + 1]; ++i) {
      std::uint16_t record_class = 1;
      auto record = read_record(octets, cursor, record_class);
      if (!record) return fail(record.error());
      if (record->type != RecordType::opt) {
        sections[section]->push_back(std::move(*record));
      } else if (section == 2) {
        // RFC 6891 6.1.2, 6.1.3: the class is the sender's UDP size, the TTL holds version and DO.
        message.edns = Edns{record_class, static_cast<std::uint8_t>(record->ttl_seconds >> 16),
                            (record->ttl_seconds & 0x8000) != 0};
      }
    }
  }
  return message;
}

Result<RecordData, WireError> read_record_data(RecordType type, Octets octets) {
  auto data = read_rdata(type, octets, 0, octets.size());
  if (!data) return fail(data.error());
  return std::move(*data);
}

}  // namespace posthorn::dns
