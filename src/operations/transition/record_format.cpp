#include "operations/transition/record_format.h"

#include <algorithm>
#include <set>

#include "foundation/text/ascii.h"
#include "operations/domains/record_data.h"
#include "standards/dkim/key_record.h"

namespace posthorn::transition {
namespace {

std::string absolute(const dns::Name& name) {
  return name.text() + ".";
}

RecordSet& set_for(std::vector<RecordSet>& sets, const dns::Name& name, dns::RecordType type, std::uint32_t ttl) {
  const auto at = std::ranges::find_if(sets, [&](const RecordSet& s) { return s.type == type && s.name == name; });
  if (at != sets.end()) return *at;
  sets.push_back({name, type, ttl, {}, {}});
  return sets.back();
}

// ---------------------------------------------------------------- Terraform

/// HCL string: backslash and quote escaped; "${" and "%{" begin templates unless doubled.
std::string hcl_string(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\') out += '\\';
    out += c;
    if ((c == '$' || c == '%') && i + 1 < text.size() && text[i + 1] == '{') out += c;
  }
  return out + "\"";
}

/// Route 53 takes what stands between the outer quotation marks: strings are parted by `""`, and octets that are not
/// printable are written \ooo.
std::string route53_txt(std::string_view text) {
  std::string inside;
  for (const std::string& string : dkim::txt_strings(text)) {
    if (!inside.empty()) inside += "\"\"";
    for (const char c : string) {
      const auto octet = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        inside += '\\';
        inside += c;
      } else if (octet < ' ' || octet > '~') {
        inside += fmt::format("\\{:03o}", octet);
      } else {
        inside += c;
      }
    }
  }
  return inside;
}

/// "_dmarc.example.org TXT" → "dmarc_example_org_txt".
std::string resource_name(const RecordSet& set) {
  std::string out;
  for (const char c : fmt::format("{}_{}", set.name.text(), dns::text(set.type))) {
    if (c == '*') {
      out += "wildcard";
    } else {
      out += text::is_alnum(c) ? text::to_lower(c) : '_';
    }
  }
  const auto first = out.find_first_not_of('_');
  out.erase(0, first == std::string::npos ? out.size() : first);
  // A resource's name must not begin with a digit.
  return out.empty() || text::is_digit(out.front()) ? "r_" + out : out;
}

std::string route53_value(const RecordSet& set, const std::string& data) {
  return hcl_string(set.type == dns::RecordType::txt ? route53_txt(domains::txt_text(data)) : data);
}

}  // namespace

std::vector<RecordSet> record_sets(const Road& road) {
  std::vector<RecordSet> sets;
  for (const domains::WantedRecord& record : road.wanted.records) {
    if (record.waited_for() || record.owner == domains::Owner::network) continue;
    RecordSet& set = set_for(sets, record.name, record.type, record.ttl_seconds);
    if (std::ranges::find(set.data, record.data) != set.data.end()) continue;
    set.data.push_back(record.data);
    set.reasons.push_back(record.reason);
  }
  for (const Foreign& foreign : road.foreign) {
    RecordSet& set = set_for(sets, foreign.name, foreign.type, domains::ttl_seconds_mail);
    set.data.push_back(foreign.data);
    set.reasons.emplace_back("not ours; kept");
  }
  return sets;
}

std::string zone_format(const std::vector<RecordSet>& sets) {
  std::string out;
  for (const RecordSet& set : sets) {
    for (std::size_t i = 0; i < set.data.size(); ++i) {
      out += fmt::format("; {}\n{} {} IN {} {}\n", set.reasons[i], absolute(set.name), set.ttl_seconds,
                         dns::text(set.type), set.data[i]);
    }
  }
  return out;
}

std::string zone_lines(const std::vector<domains::WantedRecord>& records) {
  std::string out;
  for (const domains::WantedRecord& record : records) {
    if (record.waited_for() || record.owner == domains::Owner::network) continue;
    out +=
        fmt::format("{} {} IN {} {}\n", absolute(record.name), record.ttl_seconds, dns::text(record.type), record.data);
  }
  return out;
}

std::string terraform_format(const std::vector<RecordSet>& sets, std::string_view domain) {
  std::string out = fmt::format(
      "variable \"zone_id\" {{\n  description = \"Route 53 hosted zone of {}\"\n  type        = string\n}}\n", domain);
  std::set<std::string> names;
  for (const RecordSet& set : sets) {
    std::string name = resource_name(set);
    while (!names.insert(name).second) name += "_2";
    out += fmt::format("\nresource \"aws_route53_record\" \"{}\" {{\n", name);
    out += fmt::format("  zone_id = var.zone_id\n  name    = {}\n  type    = \"{}\"\n  ttl     = {}\n  records = [\n",
                       hcl_string(set.name.text()), dns::text(set.type), set.ttl_seconds);
    for (const std::string& data : set.data) out += fmt::format("    {},\n", route53_value(set, data));
    out += "  ]\n}\n";
  }
  return out;
}

}  // namespace posthorn::transition
