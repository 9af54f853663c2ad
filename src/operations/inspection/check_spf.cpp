// SPF: the record, its tree, and whether every stream of ours is in it.
#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "operations/domains/provider.h"
#include "operations/inspection/check_work.h"
#include "standards/spf/check_host.h"
#include "standards/spf/tree.h"

namespace posthorn::inspection {
namespace {

/// The record with a term before its `all`.
std::string with_term(const std::string& record, std::string_view term) {
  std::string out;
  bool placed = false;
  for (const std::string_view word : text::words(record)) {
    const bool ends = text::lower(word).ends_with("all") || text::istarts_with(word, "redirect=");
    if (ends && !placed) {
      out += fmt::format("{} ", term);
      placed = true;
    }
    out += fmt::format("{} ", word);
  }
  if (!placed) out += fmt::format("{} ", term);
  out.pop_back();
  return out;
}

void show_tree(CheckReport& report, const spf::Tree& tree) {
  report.spf_lookups = tree.lookups;
  report.spf_void_lookups = tree.void_lookups;
  for (const spf::TreeNode& node : tree.nodes)
    report.spf_tree.push_back(fmt::format("{:{}}{}{}: {}", "", node.depth * 2, node.domain,
                                          node.lookups > 0 ? fmt::format(" ({} lookups)", node.lookups) : "",
                                          node.problem.empty() ? node.record : node.problem));
}

/// Findings about records below are about their names; ours get the whole record as correction.
void add_findings(CheckWork& work, const spf::Tree& tree) {
  Findings findings = tree.findings;
  for (Finding& finding : findings) {
    if (finding.id == "spf-missing")
      finding.correction = work.is_parked || work.takes_no_mail ? "v=spf1 -all" : "v=spf1 mx ~all";
    if (finding.id == "spf-include-missing" || (finding.id == "spf-syntax" && finding.correction.empty()))
      finding.correction = fmt::format("correct or remove the term in the record of {}", work.domain.text());
    if (finding.id == "spf-placeholder" && finding.correction.empty())
      finding.correction = "put the sending host's address in its place, or remove the term";
    if (finding.id == "spf-too-many-lookups" || finding.id == "spf-void-lookups")
      finding.correction = "remove includes of providers that no longer send, or list their networks as ip4: and ip6:";
  }
  work.add_txt(findings, work.domain);
}

Task<bool> passes(CheckWork& work, IpAddress address) {
  const spf::Query query{.ip = address,
                         .mail_from = "postmaster@" + work.domain.text(),
                         .helo = work.expectation.around.host_name,
                         .now = work.options.now};
  const spf::Outcome outcome = co_await spf::check_mail_from(work.resolver(), query);
  // What the DNS does not answer now is no fault of the record.
  co_return outcome.result == spf::Result::pass || outcome.result == spf::Result::temperror;
}

/// Whether the domain's record lets the hosts of a term pass.
Task<bool> covers(CheckWork& work, const spf::Tree& tree, std::string term) {
  const auto record = spf::parse_record("v=spf1 " + term);
  if (!record || record->mechanisms.empty()) co_return true;
  const spf::Mechanism& mechanism = record->mechanisms.front();
  switch (mechanism.kind) {
    case spf::MechanismKind::include:
      co_return tree.includes(mechanism.domain_spec);
    case spf::MechanismKind::ip4:
    case spf::MechanismKind::ip6:
      co_return co_await passes(work, mechanism.network);
    default: {
      const auto own = spf::parse_record(tree.nodes.front().record);
      co_return own&& std::ranges::any_of(own->mechanisms,
                                          [&](const spf::Mechanism& m) { return text::iequals(m.text, term); });
    }
  }
}

std::vector<std::string> terms_of(const domains::Stream& stream, const dns::Name& domain) {
  std::vector<std::string> terms = stream.spf;
  if (const domains::Provider* const provider = domains::find_provider(stream.provider)) {
    const domains::Provider filled = domains::provider_for(*provider, domain.text());
    terms.insert(terms.end(), filled.spf.begin(), filled.spf.end());
  }
  return terms;
}

void not_covered(CheckWork& work, const spf::Tree& tree, const std::string& stream, const std::string& term) {
  work.add_txt({{"spf-not-sending-stream", FindingLevel::warning,
                 fmt::format("the stream \"{}\" sends for the domain, and its record does not cover {}", stream, term),
                 with_term(tree.nodes.front().record, term)}},
               work.domain);
}

Task<> judge_streams(CheckWork& work, const spf::Tree& tree) {
  // A record that nobody can use covers nobody; that has its own finding.
  if (!work.expectation.model || tree.nodes.front().record.empty() || tree.temporary_failure) co_return;
  for (const domains::Stream& stream : work.expectation.model->all_streams()) {
    // Mail that bounces to a name of its own is checked by the record there.
    if (!stream.return_path_subdomain.empty()) continue;
    for (const std::string& term : terms_of(stream, work.domain)) {
      const bool covered = co_await covers(work, tree, term);
      if (!covered) not_covered(work, tree, stream.name, term);
    }
    if (!stream.provider.empty()) continue;
    for (const IpAddress& address : work.expectation.around.addresses) {
      const std::string term = fmt::format("{}:{}", address.is_v4() ? "ip4" : "ip6", address.text());
      const bool covered = co_await passes(work, address);
      if (!covered) not_covered(work, tree, stream.name, term);
    }
  }
}

}  // namespace

Task<> check_spf(CheckWork& work) {
  static_cast<void>(co_await work.ask(work.domain, dns::RecordType::txt));
  const spf::Tree tree = co_await spf::walk_tree(work.resolver(), work.domain);
  show_tree(work.report, tree);
  add_findings(work, tree);
  if (!work.is_parked) co_await judge_streams(work, tree);
}

}  // namespace posthorn::inspection
