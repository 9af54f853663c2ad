#include "operations/domains/model.h"

#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"
#include "operations/domains/provider.h"
#include "standards/address/domain.h"
#include "standards/dns/record.h"

namespace posthorn::domains {
namespace {

using namespace std::string_view_literals;

constexpr std::array state_words{"draft"sv, "testing"sv, "enforcing"sv, "leaving"sv, "migrated"sv, "parked"sv};
constexpr std::array profile_words{"default"sv, "uk-gov"sv, "us-federal"sv};
constexpr std::array side_words{"here"sv, "provider"sv, "backup"sv};

template <class Word, std::size_t N>
std::optional<Word> parse_word(const std::array<std::string_view, N>& words, std::string_view text) {
  const auto* const at = std::ranges::find(words, text);
  if (at == words.end()) return std::nullopt;
  return static_cast<Word>(at - words.begin());
}

Problem wrong(const Model& model, std::string why, std::string remedy) {
  return {ProblemKind::usage, fmt::format("the model of {}", model.domain), std::move(why), std::move(remedy)};
}

std::string provider_names() {
  std::string out;
  for (const Provider& provider : all_providers()) out += (out.empty() ? "" : ", ") + provider.name;
  return out;
}

Result<void, Problem> check_provider(const Model& model, const std::string& name) {
  if (find_provider(name) != nullptr) return {};
  return fail(wrong(model, fmt::format("'{}' is no provider known here", text::printable(name)),
                    fmt::format("write one of {}", provider_names())));
}

Result<void, Problem> check_hosts(const Model& model) {
  for (const MxHost& mx : model.inbound.hosts) {
    if (IpAddress::parse(mx.host)) {
      return fail(wrong(model, fmt::format("{} is an address; an MX names a host (RFC 5321 5.1)", mx.host),
                        "give the host's name; its address records say the address"));
    }
    if (!address::Domain::parse(mx.host)) {
      return fail(wrong(model, fmt::format("'{}' is no host name", text::printable(mx.host)),
                        "write PREFERENCE:HOST, such as 10:mail.example.org"));
    }
  }
  return {};
}

Result<void, Problem> check_streams(const Model& model) {
  for (const Stream& stream : model.streams) {
    if (stream.name.empty()) return fail(wrong(model, "a stream has no name", "name it: --stream NAME=PROVIDER"));
    if (stream.provider.empty()) continue;
    if (auto done = check_provider(model, stream.provider); !done) return done;
  }
  return {};
}

Result<void, Problem> check_reports(const Model& model) {
  const Reports& reports = model.reports;
  for (const auto* list : {&reports.dmarc_aggregate, &reports.dmarc_failure, &reports.tls}) {
    for (const std::string& uri : *list) {
      const bool mail = text::istarts_with(uri, "mailto:") && uri.contains('@');
      // RFC 8460 3 permits https for TLS reports; DMARC's are mailto (RFC 9990 has no other transport).
      const bool web = list == &reports.tls && text::istarts_with(uri, "https://");
      const bool clean = uri.find_first_of(",;! \t\"") == std::string::npos;
      if ((mail || web) && clean) continue;
      return fail(wrong(model, fmt::format("'{}' is no place for reports", text::printable(uri)),
                        "write mailto:ADDRESS, with commas and spaces percent-encoded"));
    }
  }
  return {};
}

Result<void, Problem> check_extra(const Model& model) {
  for (const ExtraRecord& record : model.extra) {
    if (!dns::Name::parse(record.name) || !dns::parse_record_type(record.type)) {
      return fail(wrong(model, fmt::format("'{} {}' is no record", text::printable(record.name), record.type), ""));
    }
  }
  return {};
}

}  // namespace

std::string_view text(State state) {
  return state_words[static_cast<std::size_t>(state)];
}
std::optional<State> parse_state(std::string_view text) {
  return parse_word<State>(state_words, text);
}
std::string_view text(Profile profile) {
  return profile_words[static_cast<std::size_t>(profile)];
}
std::optional<Profile> parse_profile(std::string_view text) {
  return parse_word<Profile>(profile_words, text);
}
std::string_view text(InboundSide side) {
  return side_words[static_cast<std::size_t>(side)];
}
std::optional<InboundSide> parse_inbound_side(std::string_view text) {
  return parse_word<InboundSide>(side_words, text);
}

std::vector<Stream> Model::all_streams() const {
  if (!streams.empty()) return streams;
  // A domain whose people are at a provider sends from there, too; only what is said otherwise comes from here.
  Stream first{.name = "own"};
  if (inbound.side == InboundSide::provider) {
    first.name = "people";
    first.provider = inbound.provider;
  }
  return {first};
}

Result<void, Problem> check_model(const Model& model) {
  if (!model.inbound.provider.empty()) {
    if (auto done = check_provider(model, model.inbound.provider); !done) return done;
  }
  if (model.sts && model.sts->max_age_seconds > mta_sts::max_age_seconds_max) {
    return fail(wrong(model, fmt::format("max_age {} is over a year", model.sts->max_age_seconds),
                      fmt::format("RFC 8461 3.2 permits {} at most", mta_sts::max_age_seconds_max)));
  }
  if (auto done = check_hosts(model); !done) return done;
  if (auto done = check_streams(model); !done) return done;
  if (auto done = check_reports(model); !done) return done;
  return check_extra(model);
}

Result<mta_sts::Mode, Problem> read_mode(std::string_view word) {
  for (const auto mode : {mta_sts::Mode::none, mta_sts::Mode::testing, mta_sts::Mode::enforce}) {
    if (mta_sts::text(mode) == word) return mode;
  }
  const std::string_view meant = mta_sts::did_you_mean(word);
  return fail(Problem{ProblemKind::usage, fmt::format("'{}'", text::printable(word)),
                      "MTA-STS has no such mode (RFC 8461 3.2)",
                      meant.empty() ? "write none, testing or enforce" : fmt::format("did you mean {}?", meant)});
}

}  // namespace posthorn::domains
