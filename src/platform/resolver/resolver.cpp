#include "platform/resolver/resolver.h"

#include <atomic>

#include "platform/resolver/answer_cache.h"
#include "platform/resolver/delegation.h"
#include "platform/resolver/unbound.h"
#include "platform/runtime/files.h"
#include "standards/dns/zone.h"

namespace posthorn::resolver {
namespace {

// IANA's trust anchors of the root (RFC 9718): KSK-2017 and KSK-2024.
constexpr const char* kRootKsk2017 =
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
constexpr const char* kRootKsk2024 =
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16";
constexpr auto kDnskey = static_cast<dns::RecordType>(48);

std::vector<std::string> anchors(const Options& options) {
  std::vector<std::string> all{kRootKsk2017, kRootKsk2024};
  std::string_view left = options.trust_anchor;
  while (!left.empty()) {
    const std::string_view record = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(left.size(), record.size() + 1));
    if (!record.empty() && record.front() != ';') all.emplace_back(record);
  }
  return all;
}

/// Over the network, with the cache in front.
class NetworkResolver final : public dns::Resolver {
 public:
  NetworkResolver(const Options& options, runtime::Clock& clock, std::unique_ptr<UnboundContext> validating,
                  std::unique_ptr<UnboundContext> plain)
      : clock_(clock),
        question_time_max_(options.question_time_max),
        cache_(options.cached_answers_max),
        validating_(std::move(validating)),
        plain_(std::move(plain)),
        way_(plain_ ? Way::unknown : Way::validated) {}

  Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override {
    if (auto cached = cache_.find(name, type, clock_.now())) co_return std::move(*cached);
    UnboundContext& context = *co_await way();
    const TimePoint deadline = clock_.now() + question_time_max_;
    const dns::Answer answer = co_await context.ask(std::move(name), type, clock_, deadline);
    cache_.keep(answer, clock_.now());
    co_return answer;
  }
  std::optional<dns::Answer> at_hand(const dns::Name& name, dns::RecordType type) override {
    return cache_.find(name, type, clock_.now());
  }

 private:
  enum class Way : unsigned char { unknown, validated, plain };

  /// A server named by its address that has no root zone to offer cannot be validated; found out by asking it for the
  /// root's keys. One that is silent is asked again at the next question.
  Task<UnboundContext*> way() {
    if (way_.load() == Way::unknown) {
      const TimePoint deadline = clock_.now() + question_time_max_;
      const dns::Answer keys = co_await plain_->ask(dns::Name{}, kDnskey, clock_, deadline);
      if (keys.status() == dns::Status::ok) {
        way_ = Way::validated;
      } else if (keys.status() != dns::Status::timeout) {
        way_ = Way::plain;
      }
    }
    co_return way_.load() == Way::plain ? plain_.get() : validating_.get();
  }

  runtime::Clock& clock_;
  Duration question_time_max_;
  AnswerCache cache_;
  std::unique_ptr<UnboundContext> validating_, plain_;
  std::atomic<Way> way_;
};

Result<std::unique_ptr<dns::Resolver>, Problem> read_zone(const ZoneFile& file) {
  const auto text = runtime::read_file(file.path, dns::zone_file_octets_max);
  if (!text) return fail(text.error());
  auto zone = dns::Zone::parse(*text);
  if (!zone) {
    return fail(Problem{ProblemKind::usage, "cannot read the zone file " + file.path.string(), zone.error().text(),
                        "correct that line"});
  }
  return std::make_unique<dns::ZoneFileResolver>(std::move(*zone));
}

}  // namespace

Result<std::unique_ptr<dns::Resolver>, Problem> make_resolver(const Options& options, runtime::Clock& clock,
                                                              runtime::Executor executor) {
  if (const auto* file = std::get_if<ZoneFile>(&options.source)) return read_zone(*file);
  if (const auto* authoritative = std::get_if<Authoritative>(&options.source))
    return make_authoritative_resolver(delegation_start(*authoritative), clock, executor);
  auto validating = UnboundContext::make({options.source, anchors(options)}, executor);
  if (!validating) return fail(validating.error());
  std::unique_ptr<UnboundContext> plain;
  if (std::holds_alternative<net::Endpoint>(options.source) && options.trust_anchor.empty()) {
    auto made = UnboundContext::make({options.source, {}}, executor);
    if (!made) return fail(made.error());
    plain = std::move(*made);
  }
  return std::make_unique<NetworkResolver>(options, clock, std::move(*validating), std::move(plain));
}

}  // namespace posthorn::resolver
