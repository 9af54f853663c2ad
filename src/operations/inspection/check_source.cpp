#include "operations/inspection/check_source.h"

#include <algorithm>

#include <fmt/format.h>

namespace posthorn::inspection {
namespace {

/// What is compared between servers: the data sorted, or the first alias where there is one.
std::string compared(const dns::Answer& answer) {
  if (!answer.cname_chain().empty()) return "CNAME " + answer.cname_chain().front().lower_case_key();
  return answer_text(answer);
}

class ZoneSession final : public CheckSource::Session {
 public:
  ZoneSession(const dns::Zone& zone, const dns::Name& domain) : zone_(zone), domain_(domain) {
    view_.zone = domain;
    view_.servers.push_back({"zone file", CheckedServer::State::answers, std::nullopt, {}});
    const dns::Answer soa = zone.lookup(domain, dns::RecordType::soa);
    if (const auto records = soa.all<dns::Soa>(); !records.empty()) view_.servers[0].serial = records[0]->serial;
  }

  const CheckedZone& zone() const override { return view_; }

  Task<Published> ask(dns::Name name, dns::RecordType type) override {
    ++questions_;
    Published published{name, type, {}, std::nullopt, std::nullopt};
    const dns::Answer answer = zone_.lookup(name, type);
    ServerAnswer said{"zone file", answer, view_.servers[0].serial, true, cut_above(name), {}};
    published.authoritative.push_back(std::move(said));
    co_return published;
  }

  Task<std::vector<dns::Record>> list() override {
    std::vector<dns::Record> out;
    for (const dns::Record& record : zone_.records())
      if (record.owner.is_at_or_below(domain_)) out.push_back(record);
    co_return out;
  }

  std::vector<AskedCount> asked() const override { return {{"zone file", questions_}}; }

 private:
  /// NS records between the domain and the name lead elsewhere.
  [[nodiscard]] std::optional<dns::Name> cut_above(const dns::Name& name) const {
    std::optional<dns::Name> cut;
    for (dns::Name at = name; at.is_at_or_below(domain_) && at != domain_; at = at.parent()) {
      const dns::Answer ns = zone_.lookup(at, dns::RecordType::ns);
      if (ns.status() == dns::Status::ok && ns.cname_chain().empty()) cut = at;
    }
    return cut;
  }

  const dns::Zone& zone_;
  dns::Name domain_;
  CheckedZone view_;
  unsigned questions_ = 0;
};

class ZoneSource final : public CheckSource {
 public:
  explicit ZoneSource(const dns::Zone& zone) : zone_(zone), resolver_(zone) {}

  Task<std::unique_ptr<Session>> open(dns::Name domain) override {
    co_return std::make_unique<ZoneSession>(zone_, domain);
  }
  dns::Resolver& resolver() override { return resolver_; }
  bool is_live() const override { return false; }
  bool validates() const override { return true; }

 private:
  const dns::Zone& zone_;
  dns::ZoneFileResolver resolver_;
};

}  // namespace

std::string_view text(CheckedServer::State state) {
  switch (state) {
    case CheckedServer::State::answers:
      return "answers";
    case CheckedServer::State::unreachable:
      return "unreachable";
    case CheckedServer::State::lame:
      return "lame";
    case CheckedServer::State::not_asked:
      return "not asked";
  }
  return "";
}

std::string answer_text(const dns::Answer& answer) {
  std::vector<std::string> data;
  for (const dns::Record& record : answer.records()) data.push_back(dns::text(record.data));
  std::ranges::sort(data);
  return fmt::format("{}", fmt::join(data, "; "));
}

const dns::Answer* Published::best() const {
  for (const ServerAnswer& said : authoritative)
    if (dns::is_definite(said.answer.status()) && !said.delegated) return &said.answer;
  if (cached && dns::is_definite(cached->status())) return &*cached;
  if (!authoritative.empty()) return &authoritative.front().answer;
  return cached ? &*cached : nullptr;
}

const dns::Answer* Published::value() const {
  const dns::Answer* const found = best();
  const bool leads_on = found != nullptr && found->records().empty() && !found->cname_chain().empty();
  const bool refers = delegated().has_value();
  if (!leads_on && !refers) return found;
  if (cached && dns::is_definite(cached->status())) return &*cached;
  return resolved ? &*resolved : found;
}

bool Published::disagree() const {
  const ServerAnswer* first = nullptr;
  for (const ServerAnswer& said : authoritative) {
    if (!dns::is_definite(said.answer.status()) || said.delegated) continue;
    if (first == nullptr)
      first = &said;
    else if (compared(first->answer) != compared(said.answer))
      return true;
  }
  return false;
}

bool Published::cache_differs() const {
  if (!cached || !dns::is_definite(cached->status()) || disagree() || delegated()) return false;
  for (const ServerAnswer& said : authoritative) {
    if (!dns::is_definite(said.answer.status())) continue;
    return compared(said.answer) != compared(*cached);
  }
  return false;
}

std::optional<dns::Name> Published::delegated() const {
  for (const ServerAnswer& said : authoritative)
    if (said.delegated) return said.delegated;
  return std::nullopt;
}

std::unique_ptr<CheckSource> make_zone_source(const dns::Zone& zone) {
  return std::make_unique<ZoneSource>(zone);
}

}  // namespace posthorn::inspection
