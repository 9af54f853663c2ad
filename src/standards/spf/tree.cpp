#include "standards/spf/tree.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "standards/spf/check_host.h"

namespace posthorn::spf {
namespace {

bool has_macro(std::string_view domain_spec) {
  return domain_spec.contains('%');
}

/// A record of ours that receivers do not even see, since quotation marks of a word processor stand before "v=spf1".
bool looks_like_spf(const std::string& text) {
  return is_spf_record(text) || is_spf_record(text::without_quotes(text));
}

class Walk {
 public:
  explicit Walk(dns::Resolver& resolver) : resolver_(resolver) {}

  Task<Tree> run(dns::Name domain) {
    co_await visit(domain.text(), "", 0);
    count();
    co_return std::move(tree_);
  }

 private:
  void add(std::string_view id, FindingLevel level, std::string reason, std::string correction = {}) {
    tree_.findings.push_back({std::string(id), level, std::move(reason), std::move(correction)});
  }

  /// The record at a domain and those it leads to. Returns the terms that ask the DNS, here and below.
  Task<unsigned> visit(std::string domain, std::string via, unsigned depth) {
    const std::size_t at = tree_.nodes.size();
    tree_.nodes.push_back({domain, via, depth, {}, {}, 0});
    if (tree_.nodes.size() > tree_records_max || depth > tree_depth_max) {
      tree_.nodes[at].problem = "the tree is not followed further";
      co_return 0;
    }
    const auto record = co_await fetch(at);
    if (!record) co_return 0;
    unsigned lookups = 0;
    for (const Mechanism& mechanism : record->mechanisms) {
      if (!asks_dns(mechanism.kind)) continue;
      ++lookups;
      lookups += co_await follow(mechanism, domain, depth);
    }
    // RFC 7208 6.1: redirect counts for nothing where there is an all.
    if (record->redirect && !record->has_all()) {
      ++lookups;
      if (!has_macro(*record->redirect))
        lookups += co_await visit(*record->redirect, "redirect=" + *record->redirect, depth + 1);
    }
    tree_.nodes[at].lookups = lookups;
    co_return lookups;
  }

  Task<unsigned> follow(const Mechanism& mechanism, std::string domain, unsigned depth) {
    const std::string target = mechanism.domain_spec.empty() ? domain : mechanism.domain_spec;
    if (has_macro(target)) co_return 0;
    if (mechanism.kind == MechanismKind::include) co_return co_await visit(target, mechanism.text, depth + 1);
    co_await count_void(mechanism.kind, target);
    co_return 0;
  }

  /// RFC 7208 4.6.4: a question without records is a void lookup.
  Task<> count_void(MechanismKind kind, std::string target) {
    const auto name = dns::Name::parse(target);
    if (!name || kind == MechanismKind::ptr) co_return;
    const dns::RecordType type = kind == MechanismKind::mx ? dns::RecordType::mx : dns::RecordType::a;
    dns::Answer answer = co_await resolver_.resolve(*name, type);
    // A host may have IPv6 alone: the question is then void for clients of the other family only.
    const bool may_be_v6 = kind == MechanismKind::a && answer.status() == dns::Status::no_data;
    if (may_be_v6) answer = co_await resolver_.resolve(*name, dns::RecordType::aaaa);
    if (!dns::is_definite(answer.status())) tree_.temporary_failure = true;
    if (answer.status() == dns::Status::no_data || answer.status() == dns::Status::nx_domain) ++tree_.void_lookups;
  }

  Task<std::optional<Record>> fetch(std::size_t at) {
    const std::string domain = tree_.nodes[at].domain;
    const bool nested = tree_.nodes[at].depth > 0;
    const auto name = dns::Name::parse(domain);
    if (!name) {
      tree_.nodes[at].problem = "this is no domain name";
      add("spf-syntax", FindingLevel::error, fmt::format("{} is no domain name", text::printable(domain)));
      co_return std::nullopt;
    }
    const dns::TxtLookup found = co_await dns::lookup_txt(resolver_, *name);
    if (!dns::is_definite(found.status())) {
      tree_.temporary_failure = true;
      tree_.nodes[at].problem = std::string(dns::text(found.status()));
      co_return std::nullopt;
    }
    std::vector<std::string> texts;
    for (const std::string& one : found.texts)
      if (nested ? is_spf_record(one) : looks_like_spf(one)) texts.push_back(one);
    if (nested && found.texts.empty()) ++tree_.void_lookups;
    if (texts.size() != 1) {
      not_one(at, texts);
      co_return std::nullopt;
    }
    co_return read(at, texts.front());
  }

  void not_one(std::size_t at, const std::vector<std::string>& texts) {
    TreeNode& node = tree_.nodes[at];
    const bool nested = node.depth > 0;
    if (texts.empty()) {
      node.problem = "no SPF record";
      if (nested)
        add("spf-include-missing", FindingLevel::error,
            fmt::format("{} leads to {}, which has no SPF record: receivers answer permerror", node.via, node.domain));
      else
        add("spf-missing", FindingLevel::warning, fmt::format("{} has no SPF record", node.domain));
      return;
    }
    node.problem = fmt::format("{} SPF records", texts.size());
    add("spf-multiple", FindingLevel::error,
        fmt::format("{} has {} SPF records, so receivers use none of them (permerror)", node.domain, texts.size()),
        nested ? std::string{} : merged(texts));
  }

  std::optional<Record> read(std::size_t at, const std::string& text) {
    TreeNode& node = tree_.nodes[at];
    node.record = text;
    if (node.depth == 0) {
      RecordReview review = review_record(text);
      // The counts of the whole tree say more than those of one record.
      std::erase_if(review.findings,
                    [](const Finding& f) { return f.id == "spf-too-many-lookups" || f.id == "spf-near-lookup-limit"; });
      tree_.findings.insert(tree_.findings.end(), review.findings.begin(), review.findings.end());
      if (!review.valid) node.problem = "the record cannot be evaluated";
      return review.record;
    }
    auto record = parse_record(text);
    if (record) return std::move(*record);
    node.problem = record.error().text();
    add("spf-syntax", FindingLevel::error,
        fmt::format("{} leads to {}, whose record cannot be evaluated: {}", node.via, node.domain,
                    record.error().text()));
    return std::nullopt;
  }

  void count() {
    tree_.lookups = tree_.nodes.front().lookups;
    if (tree_.lookups > dns_terms_max)
      add("spf-too-many-lookups", FindingLevel::error,
          fmt::format("{} terms ask the DNS, nested ones counted; receivers stop after {} with permerror",
                      tree_.lookups, dns_terms_max));
    else if (tree_.lookups >= dns_terms_near_max)
      add("spf-near-lookup-limit", FindingLevel::info,
          fmt::format("{} of at most {} terms ask the DNS, nested ones counted", tree_.lookups, dns_terms_max));
    if (tree_.void_lookups > void_lookups_max)
      add("spf-void-lookups", FindingLevel::error,
          fmt::format("{} lookups find nothing; receivers stop after {} with permerror", tree_.void_lookups,
                      void_lookups_max));
  }

  dns::Resolver& resolver_;
  Tree tree_;
};

}  // namespace

bool Tree::includes(std::string_view domain) const {
  return std::ranges::any_of(
      nodes, [&](const TreeNode& node) { return node.depth > 0 && text::lower(node.domain) == text::lower(domain); });
}

Task<Tree> walk_tree(dns::Resolver& resolver, dns::Name domain) {
  Walk walk(resolver);
  co_return co_await walk.run(std::move(domain));
}

}  // namespace posthorn::spf
