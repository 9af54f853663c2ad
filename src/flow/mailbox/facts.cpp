// What is made of emails once and kept: envelopes, structures, the usual header fields.
#include "flow/mailbox/mailboxes.h"
#include "standards/message/header.h"

namespace posthorn::mailbox {
namespace {

// Facts are made from at most this much of an email; the rest is one part's body, whose length its row tells.
constexpr std::uint64_t facts_octets_max = 64 * MiB;
// Facts of this many emails are kept by one unit.
constexpr std::size_t facts_unit_emails = 100;

using Kept = std::vector<storage::PutFacts>;

/// Some of a list of ids, and where each stands in it.
struct Some {
  std::vector<EmailId> ids;
  std::vector<std::size_t> places;

  void add(EmailId id, std::size_t place) {
    ids.push_back(id);
    places.push_back(place);
  }
};

struct MadeFacts {
  std::vector<std::optional<Facts>> facts;
  Kept to_keep;
};

/// What is kept, and what is made now because it was not.
MadeFacts read_facts(storage::Reader& reader, const Some& wanted, std::size_t count, storage::FactsParts parts,
                     const FactsMaker& make) {
  MadeFacts made;
  made.facts.resize(count);
  auto kept = reader.facts(wanted.ids, parts);
  Some missing;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) {
      made.facts[wanted.places[i]] = std::move(kept[i]);
    } else {
      missing.add(wanted.ids[i], wanted.places[i]);
    }
  }
  if (!make || missing.ids.empty()) return made;
  reader.visit_octets(missing.ids, facts_octets_max, [&](std::size_t i, Octets octets) {
    made.facts[missing.places[i]] = make(octets);
    made.to_keep.push_back({missing.ids[i], *made.facts[missing.places[i]]});
    return true;
  });
  return made;
}

/// Visits the fields that are kept; the others are told apart.
void visit_kept(storage::Reader& reader, const std::vector<EmailId>& ids, const FieldsVisitor& visit, Some& too_large,
                Some& missing) {
  std::size_t next = 0;
  const auto pass_over = [&](std::size_t end) {
    for (; next < end; ++next) missing.add(ids[next], next);
  };
  reader.visit_fields(ids, [&](std::size_t i, Octets fields) {
    pass_over(i);
    next = i + 1;
    if (fields.empty()) {
      too_large.add(ids[i], i);
    } else {
      visit(i, fields);
    }
  });
  pass_over(ids.size());
}

Kept visit_all(storage::Reader& reader, const std::vector<EmailId>& ids, const FieldsVisitor& visit,
               const FactsMaker& make) {
  Some too_large, missing;
  visit_kept(reader, ids, visit, too_large, missing);
  reader.visit_octets(too_large.ids, message::header_octets_max, [&](std::size_t i, Octets octets) {
    visit(too_large.places[i], octets);
    return true;
  });
  Kept to_keep;
  reader.visit_octets(
      missing.ids, make ? facts_octets_max : message::header_octets_max, [&](std::size_t i, Octets octets) {
        if (make) to_keep.push_back({missing.ids[i], make(octets)});
        const bool is_small = make && !to_keep.back().facts.fields.empty();
        visit(missing.places[i],
              is_small ? Octets(to_keep.back().facts.fields) : octets.substr(0, message::header_octets_max));
        return true;
      });
  return to_keep;
}

/// Nobody waits: what is not kept is made again.
void keep(storage::Store& store, Kept facts) {
  storage::Unit unit;
  for (storage::PutFacts& each : facts) {
    unit.mutations.emplace_back(std::move(each));
    if (unit.mutations.size() < facts_unit_emails) continue;
    store.commit_later(std::exchange(unit, {}));
  }
  if (!unit.mutations.empty()) store.commit_later(std::move(unit));
}

}  // namespace

Task<std::vector<std::optional<Facts>>> Mailboxes::facts(const View& view, std::vector<Uid> uids,
                                                         storage::FactsParts parts) {
  Some wanted;
  const auto version = view.current();
  for (std::size_t i = 0; i < uids.size(); ++i)
    if (const Entry* entry = version->find(uids[i])) wanted.add(entry->email_id(), i);
  auto question = [wanted = std::move(wanted), count = uids.size(), parts, make = options_.make_facts](
                      storage::Reader& reader) { return read_facts(reader, wanted, count, parts, make); };
  MadeFacts made = co_await store_.read(std::move(question));
  keep(store_, std::move(made.to_keep));
  co_return std::move(made.facts);
}

Task<> Mailboxes::visit_fields(std::vector<EmailId> ids, FieldsVisitor visit) {
  auto question = [ids = std::move(ids), visit = std::move(visit),
                   make = options_.make_facts](storage::Reader& reader) { return visit_all(reader, ids, visit, make); };
  Kept to_keep = co_await store_.read(std::move(question));
  keep(store_, std::move(to_keep));
}

}  // namespace posthorn::mailbox
