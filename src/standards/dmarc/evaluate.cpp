#include "standards/dmarc/evaluate.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/address/header_parse.h"

namespace posthorn::dmarc {
namespace {

constexpr std::size_t kAuthorsLookedAt = 100;  // ours: a From field with more names no author

/// The organizational domains of this message, each walked once.
class Walks {
 public:
  explicit Walks(dns::Resolver& resolver) : resolver_(resolver) {}

  Task<const Walk*> of(dns::Name domain) {
    auto known = walks_.find(domain);
    if (known == walks_.end()) {
      Walk walk = co_await tree_walk(resolver_, domain);
      known = walks_.emplace(std::move(domain), std::move(walk)).first;
    }
    co_return &known->second;
  }

 private:
  dns::Resolver& resolver_;
  std::map<dns::Name, Walk> walks_;
};

/// An identifier that SPF or DKIM speaks for, whatever came of it.
struct Identifier {
  std::string_view mechanism;
  std::string domain;
  AlignmentMode mode;
  bool passed;
  bool temporary;  ///< it could not be checked now
};

class Evaluation {
 public:
  Evaluation(dns::Resolver& resolver, const dns::Name& author)
      : resolver_(resolver), walks_(resolver), author_(author) {
    out_.rfc5322_from_domain = author.text();
  }

  /// RFC 9989 4.10.1: whose record applies, and which of its policies.
  Task<void> discover() {
    walk_ = co_await walks_.of(author_);
    out_.walk = walk_->steps;
    out_.organizational_domain = walk_->organizational_domain.text();
    // With a record of its own the domain needs the walk only for relaxed alignment: see compare().
    const WalkStep* own = walk_->step_at(author_);
    if (walk_->temporary_failure && !(own && own->record)) {
      conclude(Result::temperror, fmt::format("the policy could not be looked up: {}", walk_->failure));
      co_return;
    }
    const WalkStep* step = policy_step();
    if (!step) {
      conclude(Result::none, "no DMARC record at the domain, its organizational domain or a public suffix");
      co_return;
    }
    out_.policy_domain = step->domain.text();
    out_.record = step->text;
    out_.parsed = *step->record;
    if (step->record->unusable) {
      conclude(Result::none, fmt::format("the record of {} is not used: {}", out_.policy_domain, step->record->fault));
      co_return;
    }
    co_await choose_policy(*step);
  }

  Task<void> align(const spf::Outcome& mail_from, const std::vector<dkim::VerifiedSignature>& signatures) {
    bool temporary = false;
    for (const Identifier& identifier : identifiers(mail_from, signatures)) {
      if (!identifier.passed && !identifier.temporary) continue;
      AlignmentStep step = co_await compare(identifier);
      if (identifier.temporary) {
        temporary |= step.aligned;
        continue;
      }
      out_.spf_aligned |= step.aligned && identifier.mechanism == "spf";
      out_.dkim_aligned |= step.aligned && identifier.mechanism == "dkim";
      out_.alignment.push_back(std::move(step));
    }
    verdict(temporary);
  }

  [[nodiscard]] bool concluded() const { return concluded_; }
  [[nodiscard]] Outcome take() { return std::move(out_); }

 private:
  void conclude(Result result, std::string reason) {
    out_.result = result;
    out_.reason = std::move(reason);
    concluded_ = true;
  }

  /// The author domain's own record, else the organizational domain's, else the public suffix's.
  const WalkStep* policy_step() const {
    for (const WalkStep* step :
         {walk_->step_at(author_), walk_->step_at(walk_->organizational_domain), walk_->public_suffix()})
      if (step && step->record) return step;
    return nullptr;
  }

  Task<void> choose_policy(const WalkStep& step) {
    const Record& record = *step.record;
    out_.policy = record.p;
    out_.policy_tag = "p";
    if (step.domain == author_) co_return;
    out_.policy = record.for_subdomain();
    out_.policy_tag = record.sp ? "sp" : "p";
    if (!record.np) co_return;
    // RFC 9989 4.7 np: NXDOMAIN alone makes a name non-existent (RFC 8020), whatever type is asked for.
    const dns::Answer answer = co_await resolver_.resolve(author_, dns::RecordType::a);
    if (!dns::is_definite(answer.status())) {
      conclude(Result::temperror, fmt::format("whether {} exists could not be looked up", author_.text()));
    } else if (answer.status() == dns::Status::nx_domain) {
      out_.policy = record.for_non_existent();
      out_.policy_tag = "np";
    }
  }

  std::vector<Identifier> identifiers(const spf::Outcome& mail_from,
                                      const std::vector<dkim::VerifiedSignature>& signatures) const {
    std::vector<Identifier> out;
    const Record& record = *out_.parsed;
    out.push_back({"spf", mail_from.domain, record.aspf, mail_from.result == spf::Result::pass,
                   mail_from.result == spf::Result::temperror});
    for (const auto& signature : signatures) {
      if (out.size() > signature_domains_max) break;
      const bool passed = signature.result == dkim::Result::pass && signature.counted_for_dmarc;
      out.push_back({"dkim", signature.domain, record.adkim, passed, signature.result == dkim::Result::temperror});
    }
    return out;
  }

  /// RFC 9989 4.10.2: strict wants the same name, relaxed the same organizational domain, found by a walk from each.
  Task<AlignmentStep> compare(Identifier identifier) {
    AlignmentStep step{std::string{identifier.mechanism}, identifier.domain, {}, false, {}};
    const auto domain = dns::Name::parse(identifier.domain);
    if (!domain || domain->is_root()) {
      step.reason = "not a domain";
      co_return step;
    }
    step.aligned = *domain == author_;
    step.reason = step.aligned ? "equal" : "strict alignment wants the same domain";
    if (step.aligned || identifier.mode == AlignmentMode::strict) co_return step;
    const Walk* walk = co_await walks_.of(*domain);
    step.organizational_domain = walk->organizational_domain.text();
    if (walk->temporary_failure || walk_->temporary_failure) {
      step.reason = "an organizational domain could not be looked up";
      walk_failed_ = true;
      co_return step;
    }
    step.aligned = walk->organizational_domain == walk_->organizational_domain;
    step.reason =
        fmt::format("{} organizational domain {}", step.aligned ? "same" : "another", step.organizational_domain);
    co_return step;
  }

  /// RFC 9989 4.4: one aligned pass is enough.
  void verdict(bool temporary) {
    if (out_.spf_aligned || out_.dkim_aligned) {
      const char* which = out_.spf_aligned ? out_.dkim_aligned ? "SPF and DKIM" : "SPF" : "DKIM";
      conclude(Result::pass, fmt::format("{} passed for an aligned domain", which));
      return;
    }
    if (temporary || walk_failed_) {
      conclude(Result::temperror, "a mechanism that might have passed could not be checked now");
      return;
    }
    conclude(Result::fail, out_.alignment.empty() ? "neither SPF nor DKIM passed"
                                                  : "what SPF or DKIM passed for is not aligned with the From domain");
    out_.disposition = *out_.policy;
    if (!out_.parsed->testing) return;
    out_.disposition = step_down(*out_.policy);
    out_.policy_test_mode = out_.disposition != *out_.policy;
  }

  dns::Resolver& resolver_;
  Walks walks_;
  dns::Name author_;
  const Walk* walk_ = nullptr;
  Outcome out_;
  bool walk_failed_ = false;
  bool concluded_ = false;
};

constexpr std::string_view kSeveralDomains = "the From field names several domains";

Outcome without_author(const message::Header& header, std::string reason) {
  Outcome out;
  out.result = Result::permerror;
  out.ambiguous_author = header.count("From") > 1 || reason == kSeveralDomains;
  out.reason = std::move(reason);
  return out;
}

}  // namespace

std::string_view text(Result result) {
  static constexpr std::array<std::string_view, 5> names{"none", "pass", "fail", "temperror", "permerror"};
  return names[static_cast<std::size_t>(result)];
}

posthorn::Result<dns::Name, std::string> author_domain(const message::Header& header) {
  // Another From field may stand behind the bound.
  if (header.overflowed()) return fail(dkim::header_bound_reason());
  const auto fields = header.all("From");
  if (fields.size() != 1)
    return fail(fields.empty() ? std::string{"there is no From field"}
                               : fmt::format("there are {} From fields", fields.size()));
  const auto list = address::parse_address_list(fields.front().value, kAuthorsLookedAt);
  if (!list || list->mailboxes.empty()) return fail(std::string{"the From field names no author"});
  std::optional<std::string> found;
  for (const address::HeaderMailbox& author : list->mailboxes) {
    const auto* domain = std::get_if<address::Domain>(&author.mailbox.host);
    if (!domain) return fail(std::string{"the From field has an address literal"});
    if (found && *found != domain->a_label()) return fail(std::string{kSeveralDomains});
    found = domain->a_label();
  }
  const auto name = dns::Name::parse(*found);
  if (!name) return fail(std::string{"the From domain is no domain name"});
  return *name;
}

Task<Outcome> evaluate(dns::Resolver& resolver, const message::Header& header, const spf::Outcome& mail_from,
                       const std::vector<dkim::VerifiedSignature>& signatures) {
  const auto author = author_domain(header);
  if (!author) co_return without_author(header, author.error());
  Evaluation evaluation{resolver, *author};
  co_await evaluation.discover();
  if (!evaluation.concluded()) co_await evaluation.align(mail_from, signatures);
  co_return evaluation.take();
}

Task<Outcome> discover_policy(dns::Resolver& resolver, dns::Name author_domain) {
  Evaluation evaluation{resolver, author_domain};
  co_await evaluation.discover();
  co_return evaluation.take();
}

}  // namespace posthorn::dmarc
