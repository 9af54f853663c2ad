#include "platform/resolver/aliases.h"

#include "standards/dns/zone.h"

namespace posthorn::resolver {
namespace {

bool leads_on(const dns::Answer& answer) {
  return answer.status() == dns::Status::no_data && !answer.cname_chain().empty();
}

/// What came so far and what came last, as one answer to the first question.
void add(dns::AnswerData& whole, const dns::Answer& next) {
  whole.status = next.status();
  whole.records = next.records();
  whole.source = next.source();
  whole.reason = next.reason();
  whole.ttl_seconds = std::min(whole.ttl_seconds, next.ttl_seconds());
  whole.cname_chain.insert(whole.cname_chain.end(), next.cname_chain().begin(), next.cname_chain().end());
}

}  // namespace

Task<dns::Answer> follow_aliases(OneStep& steps, dns::Name name, dns::RecordType type) {
  dns::Answer answer = co_await steps.ask_one(name, type);
  if (!leads_on(answer)) co_return answer;
  dns::AnswerData whole{.question = std::move(name), .type = type, .ttl_seconds = UINT32_MAX};
  add(whole, answer);
  while (leads_on(answer)) {
    if (whole.cname_chain.size() > dns::cname_chain_max) {
      whole.status = dns::Status::servfail;
      whole.reason = "the CNAMEs do not come to an end";
      break;
    }
    answer = co_await steps.ask_one(answer.canonical_name(), type);
    // RFC 2308 2.1: the alias exists, its target need not have the type.
    add(whole, answer);
  }
  co_return dns::Answer(std::move(whole));
}

}  // namespace posthorn::resolver
