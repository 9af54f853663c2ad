#include "operations/domains/record_data.h"

#include "foundation/text/ascii.h"
#include "standards/dkim/key_record.h"
#include "standards/dns/zone.h"

namespace posthorn::domains {
namespace {

dns::Name lower(const dns::Name& name) {
  return dns::Name::parse(text::lower(name.text())).value_or(name);
}

struct Canonical {
  dns::RecordData operator()(const dns::Mx& d) const { return dns::Mx{d.preference, lower(d.exchange)}; }
  dns::RecordData operator()(const dns::Cname& d) const { return dns::Cname{lower(d.target)}; }
  dns::RecordData operator()(const dns::Ns& d) const { return dns::Ns{lower(d.host)}; }
  dns::RecordData operator()(const dns::Ptr& d) const { return dns::Ptr{lower(d.target)}; }
  dns::RecordData operator()(const dns::Srv& d) const {
    return dns::Srv{d.priority, d.weight, d.port, lower(d.target)};
  }
  dns::RecordData operator()(const dns::Caa& d) const { return dns::Caa{d.flags, text::lower(d.tag), d.value}; }
  dns::RecordData operator()(const dns::Txt& d) const { return dns::Txt{dkim::txt_strings(d.joined())}; }
  template <class Other>
  dns::RecordData operator()(const Other& d) const {
    return d;
  }
};

}  // namespace

std::optional<dns::RecordData> parse_data(dns::RecordType type, std::string_view text) {
  if (text.find_first_of("\n\r;") != std::string_view::npos && type != dns::RecordType::txt &&
      type != dns::RecordType::caa)
    return std::nullopt;
  const auto zone = dns::Zone::parse(fmt::format("$ORIGIN .\nx. 0 IN {} {}\n", dns::text(type), text));
  if (!zone) return std::nullopt;
  const auto records = zone->records();
  if (records.size() != 1 || records.front().type != type) return std::nullopt;
  return records.front().data;
}

std::string canonical_text(const dns::RecordData& data) {
  return dns::text(std::visit(Canonical{}, data));
}

std::string canonical_text(dns::RecordType type, std::string_view text) {
  const auto data = parse_data(type, text);
  return data ? canonical_text(*data) : std::string(text);
}

std::string txt_data(std::string_view text) {
  return dns::text(dns::RecordData{dns::Txt{dkim::txt_strings(text)}});
}

std::string txt_text(std::string_view data) {
  const auto parsed = parse_data(dns::RecordType::txt, data);
  const auto* txt = parsed ? std::get_if<dns::Txt>(&*parsed) : nullptr;
  return txt != nullptr ? txt->joined() : std::string{};
}

}  // namespace posthorn::domains
