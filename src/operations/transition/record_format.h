// Planned records as text for those who publish them by other means: zone file, Terraform for Route 53, a table. Pure.
#pragma once

#include <string>
#include <vector>

#include "operations/transition/road.h"

namespace posthorn::transition {

/// A record set: everything that is to stand at a name with a type, what others own there included. Providers whose
/// records are sets (Route 53) would otherwise remove it.
struct RecordSet {
  dns::Name name;
  dns::RecordType type = dns::RecordType::txt;
  std::uint32_t ttl_seconds = 3600;
  std::vector<std::string> data;
  std::vector<std::string> reasons;
};
/// What the road wants published once all its steps are taken; records of other networks (PTR) and those waited for are
/// left out.
[[nodiscard]] std::vector<RecordSet> record_sets(const Road& road);

/// RFC 1035 5.1, one line a record, names with their root dot; reasons as comments.
[[nodiscard]] std::string zone_format(const std::vector<RecordSet>& sets);
/// The records by themselves in the same form, without comments, in the order in which they are to be published; those
/// of other networks (PTR) and those waited for are left out.
[[nodiscard]] std::string zone_lines(const std::vector<domains::WantedRecord>& records);
/// aws_route53_record resources. A TXT value is given to the provider as the inside of one quoted string; longer ones
/// are cut at 255 octets, the pieces parted by \"\" as the provider wants it.
[[nodiscard]] std::string terraform_format(const std::vector<RecordSet>& sets, std::string_view domain);

}  // namespace posthorn::transition
