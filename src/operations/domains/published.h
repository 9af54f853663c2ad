// PublishedRecords: what the DNS says about a domain at the names a plan manages. Filled by asking a dns::Resolver (the
// cache, a zone file, one authoritative server), or record by record.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "foundation/base/task.h"
#include "standards/dns/resolver.h"

namespace posthorn::domains {

struct RecordQuestion {
  dns::Name name;
  dns::RecordType type = dns::RecordType::txt;
  friend auto operator<=>(const RecordQuestion& a, const RecordQuestion& b) {
    if (const auto order = a.name <=> b.name; order != 0) return order;
    return std::weak_ordering(a.type <=> b.type);
  }
  friend bool operator==(const RecordQuestion& a, const RecordQuestion& b) = default;
};

/// What stands at one name with one type, CNAMEs not followed: a name with a CNAME has no other records.
struct PublishedSet {
  dns::Status status = dns::Status::no_data;
  std::vector<std::string> data;        ///< canonical presentation form (record_data.h), in the order of the answer
  std::vector<dns::RecordData> octets;  ///< the same as it stands there: a TXT's strings may be cut otherwise
  std::uint32_t ttl_seconds = 0;
  bool secure = false;
  /// The name is an alias: where it leads. `data` is then what stands at the end of the chain.
  std::string alias_of;
};

[[nodiscard]] PublishedSet published_set(const dns::Answer& answer);

class PublishedRecords {
 public:
  void put(RecordQuestion question, PublishedSet set) { sets_.insert_or_assign(std::move(question), std::move(set)); }
  /// nullptr: not asked. An answer that is not definite is in the set's status.
  [[nodiscard]] const PublishedSet* find(const dns::Name& name, dns::RecordType type) const;
  /// Data at the name, empty where there is none or it was not asked.
  [[nodiscard]] const std::vector<std::string>& data(const dns::Name& name, dns::RecordType type) const;
  [[nodiscard]] const std::map<RecordQuestion, PublishedSet>& all() const { return sets_; }
  /// Questions without a definite answer: the plan cannot know what stands there.
  [[nodiscard]] std::vector<RecordQuestion> unknown() const;
  /// The zone is signed: an answer at or below the domain was validated.
  bool secure = false;

 private:
  std::map<RecordQuestion, PublishedSet> sets_;
};

/// Asks every question, one after the other, for a domain's plan. The resolver outlives it.
[[nodiscard]] Task<PublishedRecords> ask_published(dns::Resolver& resolver, std::vector<RecordQuestion> questions,
                                                   dns::Name domain);

}  // namespace posthorn::domains
