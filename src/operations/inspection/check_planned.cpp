// What is published against what the plan wants.
#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "operations/domains/wanted.h"
#include "operations/inspection/check_work.h"
#include "standards/dmarc/record.h"

namespace posthorn::inspection {
namespace {

Task<domains::PublishedRecords> ask_wanted(CheckWork& work, const domains::Model& model) {
  std::vector<std::pair<dns::Name, dns::RecordType>> questions;
  for (const domains::RecordQuestion& question : domains::questions_for(model, work.expectation.around))
    questions.emplace_back(question.name, question.type);
  co_await work.prefetch(questions);
  domains::PublishedRecords records;
  for (const auto& [name, type] : questions) {
    const Published* const published = work.asked(name, type);
    const dns::Answer* const answer = published == nullptr ? nullptr : published->value();
    if (answer != nullptr) records.put({name, type}, domains::published_set(*answer));
  }
  const Published* const soa = co_await work.ask(work.domain, dns::RecordType::soa);
  records.secure = soa->best() != nullptr && (soa->best()->secure() || (soa->cached && soa->cached->secure()));
  co_return records;
}

void judge_one(CheckWork& work, const domains::WantedRecord& wanted, const domains::PublishedSet& there) {
  if (!dns::is_definite(there.status)) return;
  const std::string line = record_line(wanted.name, wanted.type, wanted.data, wanted.ttl_seconds);
  const std::string what = fmt::format("{} {}", wanted.name.text(), dns::text(wanted.type));
  if (std::ranges::find(there.data, wanted.data) != there.data.end()) {
    const bool shown_in_full = there.alias_of.empty() && there.ttl_seconds != 0;
    if (shown_in_full && there.ttl_seconds != wanted.ttl_seconds)
      work.add({"ttl-differs", FindingLevel::info,
                fmt::format("{} has a TTL of {} s; {} s is wanted", what, there.ttl_seconds, wanted.ttl_seconds), line},
               wanted.name, wanted.type, wanted.data);
    return;
  }
  // A TXT or CAA record of others at the name is not ours to compare with.
  const bool replaces = !wanted.replaces.empty() || !there.alias_of.empty();
  if (replaces)
    work.add({"record-differs", FindingLevel::error,
              fmt::format("{} is published as {}; {}", what,
                          there.alias_of.empty() ? fmt::format("{}", fmt::join(wanted.replaces, "; "))
                                                 : "an alias of " + there.alias_of,
                          wanted.reason),
              line},
             wanted.name, wanted.type, wanted.data);
  else
    work.add({"record-missing", FindingLevel::error, fmt::format("{} is not published: {}", what, wanted.reason), line},
             wanted.name, wanted.type, wanted.data);
}

bool is_for_zone(const domains::WantedRecord& record) {
  return record.owner == domains::Owner::domain && !record.waited_for() && record.type != dns::RecordType::ptr;
}

/// Records that stand at a name of ours, and that we neither want nor replace.
void judge_foreign(CheckWork& work, const domains::Wanted& wanted, const domains::PublishedRecords& published) {
  for (const auto& [question, set] : published.all()) {
    const bool is_ours = std::ranges::any_of(wanted.records, [&](const domains::WantedRecord& w) {
      return is_for_zone(w) && w.name == question.name && w.type == question.type;
    });
    if (!is_ours || !set.alias_of.empty()) continue;
    for (const std::string& data : set.data) {
      const bool known = std::ranges::any_of(wanted.records, [&](const domains::WantedRecord& w) {
        return w.name == question.name && w.type == question.type &&
               (w.data == data || std::ranges::find(w.replaces, data) != w.replaces.end());
      });
      if (!known)
        work.add({"record-foreign",
                  FindingLevel::info,
                  fmt::format("{} {} {} is not ours; it is kept", question.name.text(), dns::text(question.type), data),
                  {}},
                 question.name, question.type);
    }
  }
}

}  // namespace

Task<> check_wanted(CheckWork& work) {
  const auto& model = work.expectation.model;
  // A domain whose DNS is somebody else's now has no plan of ours.
  if (!model || model->state == domains::State::migrated) co_return;
  const domains::PublishedRecords published = co_await ask_wanted(work, *model);
  const domains::PolicyEntry* const policy = work.expectation.policies.current();
  const domains::Wanted wanted = domains::wanted_records(*model, work.expectation.around, published,
                                                         policy == nullptr ? std::string_view{} : policy->id);
  for (const domains::WantedRecord& record : wanted.records) {
    const domains::PublishedSet* const there = published.find(record.name, record.type);
    if (is_for_zone(record)) work.wants[{record.name, record.type}].push_back(record.data);
    if (is_for_zone(record) && there != nullptr) judge_one(work, record, *there);
  }
  judge_foreign(work, wanted, published);
}

}  // namespace posthorn::inspection
