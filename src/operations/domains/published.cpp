#include "operations/domains/published.h"

#include "operations/domains/record_data.h"

namespace posthorn::domains {

const PublishedSet* PublishedRecords::find(const dns::Name& name, dns::RecordType type) const {
  const auto at = sets_.find(RecordQuestion{name, type});
  return at == sets_.end() ? nullptr : &at->second;
}

const std::vector<std::string>& PublishedRecords::data(const dns::Name& name, dns::RecordType type) const {
  static const std::vector<std::string> none;
  const PublishedSet* set = find(name, type);
  return set == nullptr ? none : set->data;
}

std::vector<RecordQuestion> PublishedRecords::unknown() const {
  std::vector<RecordQuestion> out;
  for (const auto& [question, set] : sets_) {
    if (!dns::is_definite(set.status)) out.push_back(question);
  }
  return out;
}

PublishedSet published_set(const dns::Answer& answer) {
  PublishedSet set;
  set.status = answer.status();
  set.ttl_seconds = answer.ttl_seconds();
  set.secure = answer.secure();
  for (const dns::Record& record : answer.records()) {
    set.data.push_back(canonical_text(record.data));
    set.octets.push_back(record.data);
  }
  if (answer.cname_chain().empty()) return set;
  set.alias_of = answer.cname_chain().front().text();
  // Asked for the CNAME itself, the alias is the answer.
  if (answer.type() == dns::RecordType::cname) set.alias_of.clear();
  return set;
}

Task<PublishedRecords> ask_published(dns::Resolver& resolver, std::vector<RecordQuestion> questions, dns::Name domain) {
  PublishedRecords published;
  for (const RecordQuestion& question : questions) {
    const dns::Answer answer = co_await resolver.resolve(question.name, question.type);
    // A host or a reverse name elsewhere may lie in a signed zone: that says nothing of this one.
    const bool is_own = question.name.is_at_or_below(domain) && answer.cname_chain().empty();
    if (is_own && answer.secure() && dns::is_definite(answer.status())) published.secure = true;
    published.put(question, published_set(answer));
  }
  co_return published;
}

}  // namespace posthorn::domains
