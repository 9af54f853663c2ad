// One run of check_host: the counters that all nested records share, the trace, and the mechanisms.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/task.h"
#include "standards/dns/resolver.h"
#include "standards/spf/check_host.h"
#include "standards/spf/macro.h"
#include "standards/spf/record.h"

namespace posthorn::spf {

class Evaluation {
 public:
  /// All arguments outlive the evaluation. `sender` has a local part.
  Evaluation(dns::Resolver& resolver, const Query& query, std::string_view sender)
      : resolver_(resolver), query_(query), sender_(sender) {}

  /// result, explanation, problem, record, term, counters and trace of the Outcome.
  [[nodiscard]] Task<Outcome> run(std::string domain);

 private:
  /// What one record, with those it includes or redirects to, came to.
  struct Verdict {
    Result result = Result::none;
    std::string problem;
    std::string term;         ///< that decided
    std::string explanation;  ///< domain-spec of exp=; empty without
    std::string domain;       ///< whose record decided, for the macros of exp=
  };
  /// What one mechanism came to: a match, no match, or an error that ends everything.
  struct Match {
    bool matched = false;
    Result error = Result::none;
    std::string problem;
  };
  /// The record at a domain.
  struct Found {
    Result error = Result::none;  ///< none with a record in `text`
    std::string text;
    std::string problem;
  };

  Task<Verdict> check_host(std::string domain, unsigned depth);
  Task<Found> find_record(const std::string& domain, unsigned depth);
  Task<Verdict> evaluate(Record record, std::string domain, unsigned depth);
  /// Begins the questions that the record will probably raise, so that they are asked in parallel.
  void ask_ahead(const Record& record, const std::string& domain);
  void ask_ahead(const Mechanism& mechanism, const std::string& domain);
  Task<Verdict> redirect(std::string spec, std::string domain, unsigned depth);
  Task<Match> match(const Mechanism& mechanism, const std::string& domain, unsigned depth, std::size_t step);
  Task<Match> match_include(std::string target, unsigned depth);
  Task<Match> match_a(const Mechanism& mechanism, std::string target, std::size_t step);
  Task<Match> match_mx(const Mechanism& mechanism, std::string target, std::size_t step);
  Task<Match> match_ptr(std::string target, std::size_t step);
  Task<Match> match_exists(std::string target, std::size_t step);

  Task<std::string> explain(Verdict verdict);
  Task<std::string> expand(std::string_view spec, const std::string& domain);
  /// Names whose addresses include the client's (RFC 7208 5.5), asked for once.
  Task<const std::vector<std::string>*> validated_names(std::size_t step);
  Task<std::string> validated_name_for(std::string domain);
  /// Nullopt where that takes more questions.
  [[nodiscard]] std::optional<dns::Name> name_without_asking(std::string_view spec, const std::string& domain) const;
  [[nodiscard]] MacroContext macro_context(std::string_view domain) const;

  [[nodiscard]] bool matches_client(const Mechanism& mechanism) const;
  [[nodiscard]] bool contains_client(const dns::Answer& answer, const Mechanism& mechanism) const;
  [[nodiscard]] dns::RecordType address_type() const;
  [[nodiscard]] Match count_void(const dns::Answer& answer);
  [[nodiscard]] bool count_term();
  std::size_t add_step(std::string term, const std::string& domain, unsigned depth);
  void note(std::size_t step, const dns::Answer& answer);

  dns::Resolver& resolver_;
  const Query& query_;
  std::string_view sender_;
  unsigned lookups_ = 0;
  unsigned void_lookups_ = 0;
  std::string first_record_;
  std::vector<TraceStep> trace_;
  std::optional<std::vector<std::string>> validated_;
  bool ptr_void_ = false;  ///< the PTR question itself found nothing
};

}  // namespace posthorn::spf
