#include "standards/dns/record.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace posthorn::dns {
namespace {

struct TypeName {
  RecordType type;
  std::string_view name;
};
constexpr std::array type_names{
    TypeName{RecordType::a, "A"},         TypeName{RecordType::ns, "NS"},         TypeName{RecordType::cname, "CNAME"},
    TypeName{RecordType::soa, "SOA"},     TypeName{RecordType::ptr, "PTR"},       TypeName{RecordType::mx, "MX"},
    TypeName{RecordType::txt, "TXT"},     TypeName{RecordType::aaaa, "AAAA"},     TypeName{RecordType::srv, "SRV"},
    TypeName{RecordType::opt, "OPT"},     TypeName{RecordType::tlsa, "TLSA"},     TypeName{RecordType::spf, "SPF"},
    TypeName{RecordType::any, "ANY"},     TypeName{RecordType::caa, "CAA"},       TypeName{RecordType::ds, "DS"},
    TypeName{RecordType::rrsig, "RRSIG"}, TypeName{RecordType::dnskey, "DNSKEY"}, TypeName{RecordType::dname, "DNAME"},
    TypeName{RecordType::axfr, "AXFR"},
};

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

std::string absolute(const Name& name) {
  return name.is_root() ? "." : name.text() + ".";
}

/// A character-string in quotes (RFC 1035 5.1).
std::string quoted_string(std::string_view octets) {
  std::string out = "\"";
  for (const char c : octets) {
    if (c < ' ' || c >= 0x7f) {
      out += fmt::format("\\{:03}", static_cast<unsigned char>(c));
    } else {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
  }
  return out + "\"";
}

std::string hex(std::string_view octets) {
  std::string out;
  for (const char c : octets) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

struct Writer {
  std::string operator()(const A& d) const { return d.address.text(); }
  std::string operator()(const Aaaa& d) const { return d.address.text(); }
  std::string operator()(const Mx& d) const { return fmt::format("{} {}", d.preference, absolute(d.exchange)); }
  std::string operator()(const Txt& d) const {
    std::string out;
    for (const std::string& string : d.strings) out += (out.empty() ? "" : " ") + quoted_string(string);
    return out;
  }
  std::string operator()(const Cname& d) const { return absolute(d.target); }
  std::string operator()(const Ns& d) const { return absolute(d.host); }
  std::string operator()(const Ptr& d) const { return absolute(d.target); }
  std::string operator()(const Soa& d) const {
    return fmt::format("{} {} {} {} {} {} {}", absolute(d.primary), absolute(d.responsible), d.serial, d.refresh,
                       d.retry, d.expire, d.minimum);
  }
  std::string operator()(const Srv& d) const {
    return fmt::format("{} {} {} {}", d.priority, d.weight, d.port, absolute(d.target));
  }
  std::string operator()(const Tlsa& d) const {
    const std::string data = d.association_data.empty() ? "" : " " + hex(d.association_data);
    return fmt::format("{} {} {}{}", d.usage, d.selector, d.matching_type, data);
  }
  std::string operator()(const Caa& d) const { return fmt::format("{} {} {}", d.flags, d.tag, quoted_string(d.value)); }
  // RFC 3597 5.
  std::string operator()(const Unknown& d) const {
    return fmt::format("\\# {}{}{}", d.octets.size(), d.octets.empty() ? "" : " ", hex(d.octets));
  }
};

}  // namespace

std::string text(RecordType type) {
  for (const TypeName& row : type_names)
    if (row.type == type) return std::string{row.name};
  return fmt::format("TYPE{}", static_cast<unsigned>(type));
}

std::optional<RecordType> parse_record_type(std::string_view text) {
  for (const TypeName& row : type_names)
    if (same_ignoring_case(row.name, text)) return row.type;
  if (text.size() < 5 || !same_ignoring_case(text.substr(0, 4), "TYPE")) return std::nullopt;
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 4, text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return static_cast<RecordType>(value);
}

std::string Txt::joined() const {
  std::string out;
  for (const std::string& string : strings) out += string;
  return out;
}

std::string text(const RecordData& data) {
  return std::visit(Writer{}, data);
}

std::string text(const Record& record) {
  return fmt::format("{} {} IN {} {}", absolute(record.owner), record.ttl_seconds, text(record.type),
                     text(record.data));
}

}  // namespace posthorn::dns
