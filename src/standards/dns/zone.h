// Records of any zones as a flat list, in memory: what a `zone:FILE` names (docs/operator/commands.md), what the
// tests and the demo serve. No SOA or NS is needed; a name that is absent is NXDOMAIN.
//
// Wildcards are RFC 4592's (the closest encloser decides; an existing name, empty non-terminals included, is never
// covered by one above it); CNAMEs are followed within the list, at most cname_chain_max of them.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"
#include "standards/dns/resolver.h"

namespace posthorn::dns {

inline constexpr std::size_t cname_chain_max = 8;  // our bound; RFC 1034 3.6.2 asks that chains work and loops end
inline constexpr std::size_t zone_file_octets_max = 256 * MiB;
inline constexpr std::uint32_t zone_default_ttl_seconds = 3600;  // where neither $TTL nor the record has one

/// What goes wrong with a zone file: "line 12: MX: preference is not a number".
struct ZoneFileError {
  std::size_t line = 0;  ///< 1 for the first
  std::string reason;
  [[nodiscard]] std::string text() const;
};

class Zone {
 public:
  /// RFC 1035 5 master-file text with the steering comments of `zone:FILE`
  /// (`;; timeout NAME [TYPE]`, `;; servfail …`, `;; bogus …`, `;; secure NAME`).
  [[nodiscard]] static Result<Zone, ZoneFileError> parse(std::string_view text);

  /// A record already there (same owner, type and data) is not added twice (RFC 2181 5).
  void add(Record record);
  /// As the comment lines do. Without a type the failure applies to every type that has no record at the name.
  void fail_with(const Name& name, std::optional<RecordType> type, Status failure);
  /// Marks the names at and below as DNSSEC-validated.
  void mark_secure(const Name& name);

  /// The answer of the DNS that this list describes; never awaits.
  [[nodiscard]] Answer lookup(const Name& name, RecordType type) const;

  [[nodiscard]] std::vector<Record> records() const;
  [[nodiscard]] bool is_secure(const Name& name) const;

 private:
  struct Node {
    std::vector<Record> records;
    std::map<RecordType, Status> failures;
    std::optional<Status> failure_of_others;
    bool secure_from_here = false;

    [[nodiscard]] bool has_content() const;
    [[nodiscard]] bool has(RecordType type) const;
    [[nodiscard]] std::optional<Status> failure_for(RecordType type) const;
  };
  /// What one name says about one type: records, or a CNAME to follow, or neither.
  struct Step {
    Status status = Status::no_data;
    std::vector<Record> records;
    std::optional<Record> alias;
  };
  [[nodiscard]] Step step(const Name& name, RecordType type) const;
  [[nodiscard]] std::uint32_t negative_ttl(const Name& name) const;
  [[nodiscard]] const Node* find(const Name& name) const;
  [[nodiscard]] bool exists(const Name& name) const;
  [[nodiscard]] const Node* find_wildcard(const Name& name) const;

  std::map<Name, Node> nodes_;
};

/// A Resolver over a zone in memory. Thread-safe: the zone is never changed.
class ZoneFileResolver final : public Resolver {
 public:
  explicit ZoneFileResolver(Zone zone) : zone_(std::move(zone)) {}
  [[nodiscard]] Task<Answer> resolve(Name name, RecordType type) override;
  [[nodiscard]] std::optional<Answer> at_hand(const Name& name, RecordType type) override;
  [[nodiscard]] const Zone& zone() const { return zone_; }

 private:
  Zone zone_;
};

}  // namespace posthorn::dns
