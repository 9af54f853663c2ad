#include "operations/domains/spf_count.h"

#include "standards/dkim/key_record.h"
#include "standards/spf/check_host.h"

namespace posthorn::domains {
namespace {

/// The DNS with one record as it is to be.
class AsIfPublished final : public dns::Resolver {
 public:
  AsIfPublished(dns::Resolver& rest, dns::Name name, std::string_view text) : rest_(rest), name_(std::move(name)) {
    data_.question = name_;
    data_.type = dns::RecordType::txt;
    data_.status = dns::Status::ok;
    data_.records.push_back({name_, dns::RecordType::txt, 300, dns::Txt{dkim::txt_strings(text)}});
    data_.source = "the plan";
  }
  Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override {
    if (type == dns::RecordType::txt && name == name_) co_return dns::Answer(data_);
    co_return co_await rest_.resolve(std::move(name), type);
  }

 private:
  dns::Resolver& rest_;
  dns::Name name_;
  dns::AnswerData data_;
};

}  // namespace

Task<SpfCount> count_spf(dns::Resolver& resolver, dns::Name domain, std::string text) {
  AsIfPublished with(resolver, domain, text);
  // An address of class E is nobody's: every term is looked at, and none matches.
  spf::Query query;
  query.ip = IpAddress::v4({240, 0, 0, 1});
  query.mail_from = "postmaster@" + domain.text();
  query.helo = domain.text();
  const spf::Outcome outcome = co_await spf::check_mail_from(with, query);
  const bool broken = outcome.result == spf::Result::permerror || outcome.result == spf::Result::temperror;
  co_return SpfCount{outcome.lookups, outcome.void_lookups, broken ? outcome.problem : std::string{}};
}

}  // namespace posthorn::domains
