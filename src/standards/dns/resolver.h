// The DNS as the rooms above ask it. platform/resolver implements Resolver over the network, ZoneFileResolver
// (zone_resolver.h) over a zone in memory; SPF, DKIM, DMARC, DANE, relay are written against this header alone.
//
// A Resolver outlives the coroutines that await it. It is called from one executor at a time unless the
// implementation says more. It never fails otherwise than through Answer::status: a broken network is `timeout`
// or `servfail`. CNAMEs are followed by the implementation (bounded; a loop is `servfail`).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/task.h"
#include "standards/dns/record.h"

namespace posthorn::dns {

/// Told apart everywhere: taking one for another drops mail or accepts forgeries (RFC 2308, RFC 4035 5.5).
enum class Status : unsigned char {
  ok,         ///< at least one record of the type asked for
  no_data,    ///< the name exists (or has names below it, RFC 8020), the type does not
  nx_domain,  ///< the name does not exist
  servfail,   ///< the servers could not answer: temporary
  timeout,    ///< no server answered in time: temporary
  bogus,      ///< DNSSEC validation failed: temporary, and nothing of the answer may be used
};
[[nodiscard]] std::string_view text(Status status);
/// `ok`, `no_data`, `nx_domain`: what the DNS says. Otherwise: we could not learn it now.
[[nodiscard]] constexpr bool is_definite(Status status) {
  return status <= Status::nx_domain;
}

/// What an Answer holds; filled by implementations of Resolver.
struct AnswerData {
  Name question;
  RecordType type = RecordType::a;
  Status status = Status::servfail;
  std::vector<Record> records;    ///< of the type asked for, at the end of the CNAME chain; empty unless `ok`
  std::vector<Name> cname_chain;  ///< the targets followed, in order; empty without CNAME
  std::uint32_t ttl_seconds = 0;  ///< smallest of the records and CNAMEs; of a negative answer as RFC 2308 5
  bool secure = false;            ///< the whole answer, chain included, is DNSSEC-validated
  bool from_cache = false;
  std::string source;  ///< for stories: "cache", "zone file", "192.0.2.53"
  std::string reason;  ///< why it failed, for `servfail`, `timeout`, `bogus`
};

/// One answer. Copies share the data.
class Answer {
 public:
  explicit Answer(AnswerData data) : data_(std::make_shared<const AnswerData>(std::move(data))) {}

  [[nodiscard]] const Name& question() const { return data_->question; }
  [[nodiscard]] RecordType type() const { return data_->type; }
  [[nodiscard]] Status status() const { return data_->status; }
  [[nodiscard]] const std::vector<Record>& records() const { return data_->records; }
  [[nodiscard]] const std::vector<Name>& cname_chain() const { return data_->cname_chain; }
  /// The name that owns the records: the question, or where its CNAMEs lead.
  [[nodiscard]] const Name& canonical_name() const {
    return data_->cname_chain.empty() ? data_->question : data_->cname_chain.back();
  }
  [[nodiscard]] std::uint32_t ttl_seconds() const { return data_->ttl_seconds; }
  [[nodiscard]] bool secure() const { return data_->secure; }
  [[nodiscard]] bool from_cache() const { return data_->from_cache; }
  [[nodiscard]] const std::string& source() const { return data_->source; }
  [[nodiscard]] const std::string& reason() const { return data_->reason; }
  /// The data of every record that is a T, in the order of the answer; pointers live as long as this answer.
  template <class T>
  [[nodiscard]] std::vector<const T*> all() const {
    std::vector<const T*> found;
    for (const Record& record : data_->records)
      if (const T* data = std::get_if<T>(&record.data)) found.push_back(data);
    return found;
  }
  /// For stories and logs: "beta.example MX: 10 mx.beta.example. (300 s left, validated, from cache)".
  [[nodiscard]] std::string summary() const;

 private:
  std::shared_ptr<const AnswerData> data_;
};

class Resolver {
 public:
  virtual ~Resolver() = default;
  [[nodiscard]] virtual Task<Answer> resolve(Name name, RecordType type) = 0;
  /// The answer, where it is known without asking anybody (a cache, a zone in memory): spares the callers who would
  /// otherwise set a task and a deadline in motion.
  [[nodiscard]] virtual std::optional<Answer> at_hand(const Name& /*name*/, RecordType /*type*/) {
    return std::nullopt;
  }
  /// The question will probably come: who can ask beside the caller's own work begins, so that what several names are
  /// needed for is asked in parallel. Nothing is promised; the answer is had by resolve().
  virtual void begin(const Name& /*name*/, RecordType /*type*/) {}
};

/// "4.3.2.1.in-addr.arpa" or the nibbles under "ip6.arpa" (RFC 1035 3.5, RFC 3596 2.5).
[[nodiscard]] Name reverse_name(const IpAddress& address);

struct MxLookup {
  Answer answer;
  std::vector<Mx> hosts;  ///< by preference, equals in the order of the answer (the caller shuffles them)
  /// RFC 7505: the only record is "0 ." . A root exchange among others is left out of `hosts`.
  bool null_mx = false;
  [[nodiscard]] Status status() const { return answer.status(); }
};
[[nodiscard]] Task<MxLookup> lookup_mx(Resolver& resolver, Name domain);

struct AddressLookup {
  Answer aaaa;
  Answer a;
  std::vector<IpAddress> addresses;  ///< IPv6 first
  /// `ok` when there is an address; else the first failure; else `nx_domain` or `no_data`.
  [[nodiscard]] Status status() const;
  /// Every answer that contributed addresses was validated.
  [[nodiscard]] bool secure() const;
};
[[nodiscard]] Task<AddressLookup> lookup_addresses(Resolver& resolver, Name host);

struct TxtLookup {
  Answer answer;
  std::vector<std::string> texts;  ///< one a record, its strings joined without a space
  [[nodiscard]] Status status() const { return answer.status(); }
};
[[nodiscard]] Task<TxtLookup> lookup_txt(Resolver& resolver, Name name);

struct PtrLookup {
  Answer answer;
  std::vector<Name> names;
  [[nodiscard]] Status status() const { return answer.status(); }
};
[[nodiscard]] Task<PtrLookup> lookup_ptr(Resolver& resolver, IpAddress address);

}  // namespace posthorn::dns
