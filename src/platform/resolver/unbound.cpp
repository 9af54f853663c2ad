#include "platform/resolver/unbound.h"

#include <atomic>
#include <mutex>
#include <unordered_map>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>
#include <unbound.h>

#include "platform/runtime/event.h"
#include "standards/dns/wire.h"

namespace posthorn::resolver {
namespace {

namespace asio = boost::asio;

constexpr int kClassInternet = 1;
constexpr int kCodeNoError = 0;
constexpr int kCodeNameError = 3;

struct FreeContext {
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using Context = std::unique_ptr<ub_ctx, FreeContext>;

struct FreeResult {
  void operator()(ub_result* result) const { ub_resolve_free(result); }
};
using UnboundResult = std::unique_ptr<ub_result, FreeResult>;

class ThreadedContext;

/// A question on its way. libunbound holds its address until it calls back.
struct Question {
  ThreadedContext* context;
  dns::Name name;
  dns::RecordType type;
  runtime::Promise<dns::Answer> promise;
  std::atomic<bool> answered = false;

  /// The first answer counts: libunbound's or the deadline's.
  void answer(dns::Answer answer) {
    if (!answered.exchange(true)) promise.set(std::move(answer));
  }
};

dns::AnswerData failure(const Question& question, dns::Status status, std::string reason) {
  return {.question = question.name, .type = question.type, .status = status, .reason = std::move(reason)};
}

/// Follows the CNAMEs of an answer section and takes the records at their end.
void take_records(dns::AnswerData& data, const std::vector<dns::Record>& answers) {
  dns::Name owner = data.question;
  for (std::size_t step = 0; step <= answers.size(); ++step) {
    const auto cname = std::find_if(answers.begin(), answers.end(), [&owner, &data](const dns::Record& r) {
      return r.owner == owner && r.type == dns::RecordType::cname && data.type != dns::RecordType::cname;
    });
    if (cname == answers.end()) break;
    owner = std::get<dns::Cname>(cname->data).target;
    data.cname_chain.push_back(owner);
  }
  for (const dns::Record& record : answers)
    if (record.owner == owner && record.type == data.type) data.records.push_back(record);
}

dns::Status status_of(const ub_result& result) {
  if (result.bogus != 0) return dns::Status::bogus;
  if (result.nxdomain != 0 || result.rcode == kCodeNameError) return dns::Status::nx_domain;
  if (result.rcode != kCodeNoError) return dns::Status::servfail;
  return result.havedata != 0 ? dns::Status::ok : dns::Status::no_data;
}

std::string reason_of(const ub_result& result) {
  if (result.bogus != 0) return result.why_bogus != nullptr ? result.why_bogus : "the DNSSEC signatures do not hold";
  return fmt::format("the servers could not answer (response code {})", result.rcode);
}

dns::Answer read_result(const Question& question, const ub_result& result) {
  const dns::Status status = status_of(result);
  if (!dns::is_definite(status)) return dns::Answer(failure(question, status, reason_of(result)));
  dns::AnswerData data;
  data.question = question.name;
  data.type = question.type;
  data.status = status;
  data.ttl_seconds = static_cast<std::uint32_t>(std::max(result.ttl, 0));
  data.secure = result.secure != 0;
  data.source = "resolver";
  const Octets packet(static_cast<const char*>(result.answer_packet),
                      static_cast<std::size_t>(std::max(result.answer_len, 0)));
  const auto message = dns::read_message(packet);
  if (message) take_records(data, message->answers);
  if (status == dns::Status::ok && data.records.empty())
    return dns::Answer(failure(question, dns::Status::servfail, "the answer cannot be read"));
  return dns::Answer(std::move(data));
}

Problem cannot_start(int error) {
  return Problem{ProblemKind::unavailable, "cannot start the resolver", ub_strerror(error), "look at dns.source"};
}

class ThreadedContext final : public UnboundContext, public std::enable_shared_from_this<ThreadedContext> {
 public:
  ThreadedContext(Context context, const runtime::Executor& executor)
      : context_(std::move(context)), descriptor_(executor) {}
  ~ThreadedContext() override {
    if (descriptor_.is_open()) descriptor_.release();  // libunbound closes it
    context_.reset();                                  // ends its thread; nobody calls back any more
  }
  ThreadedContext(const ThreadedContext&) = delete;
  ThreadedContext& operator=(const ThreadedContext&) = delete;

  Task<dns::Answer> ask(dns::Name name, dns::RecordType type, runtime::Clock& clock, TimePoint deadline) override {
    const auto question = std::make_shared<Question>(this, std::move(name), type);
    const std::string text = question->name.is_root() ? "." : question->name.text() + ".";
    keep(question);
    const int error = ub_resolve_async(context_.get(), text.c_str(), static_cast<int>(type), kClassInternet,
                                       question.get(), &ThreadedContext::call_back, nullptr);
    if (error != 0) {
      forget(question.get());
      co_return dns::Answer(failure(*question, dns::Status::servfail, ub_strerror(error)));
    }
    const runtime::Executor executor = co_await runtime::current_executor();
    const auto alarm = clock.call_at(deadline, executor, [question] {
      question->answer(dns::Answer(failure(*question, dns::Status::timeout, "no server answered in time")));
    });
    co_return co_await question->promise.wait();
  }

  /// The descriptor exists once the context works in the background.
  void watch() {
    if (!descriptor_.is_open()) descriptor_.assign(ub_fd(context_.get()));
    descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                           [weak = weak_from_this()](const boost::system::error_code& error) {
                             const auto self = weak.lock();
                             if (error || !self) return;
                             ub_process(self->context_.get());
                             self->watch();
                           });
  }

 private:
  static void call_back(void* data, int error, ub_result* raw) {
    const UnboundResult result(raw);
    auto* const asked = static_cast<Question*>(data);
    const auto question = asked->context->forget(asked);
    if (!question) return;
    if (error != 0 || !result) {
      question->answer(dns::Answer(failure(*question, dns::Status::servfail, ub_strerror(error))));
    } else {
      question->answer(read_result(*question, *result));
    }
  }

  void keep(const std::shared_ptr<Question>& question) {
    const std::lock_guard lock(mutex_);
    open_.emplace(question.get(), question);
  }
  std::shared_ptr<Question> forget(Question* question) {
    const std::lock_guard lock(mutex_);
    const auto node = open_.extract(question);
    return node ? node.mapped() : nullptr;
  }

  Context context_;
  asio::posix::stream_descriptor descriptor_;
  std::mutex mutex_;
  std::unordered_map<Question*, std::shared_ptr<Question>> open_;
};

/// Owns the context for callers that hold plain interfaces; the wait for the descriptor holds a weak pointer.
class SharedContext final : public UnboundContext {
 public:
  explicit SharedContext(std::shared_ptr<ThreadedContext> context) : context_(std::move(context)) {}
  Task<dns::Answer> ask(dns::Name name, dns::RecordType type, runtime::Clock& clock, TimePoint deadline) override {
    return context_->ask(std::move(name), type, clock, deadline);
  }

 private:
  std::shared_ptr<ThreadedContext> context_;
};

/// Collects the first error of a row of calls.
class Calls {
 public:
  void made(int error) {
    if (error_ == 0) error_ = error;
  }
  [[nodiscard]] int error() const { return error_; }

 private:
  int error_ = 0;
};

void set_options(Calls& calls, ub_ctx* context) {
  // Servers on this very host are what tests, demos and local resolvers are.
  calls.made(ub_ctx_set_option(context, "do-not-query-localhost:", "no"));
  // Private reverse zones are answered by the servers, not by a built-in NXDOMAIN.
  calls.made(ub_ctx_set_option(context, "unblock-lan-zones:", "yes"));
  calls.made(ub_ctx_set_option(context, "insecure-lan-zones:", "yes"));
  // Only with this libunbound says why an answer is bogus; it goes to no log.
  calls.made(ub_ctx_set_option(context, "val-log-level:", "2"));
  calls.made(ub_ctx_debugout(context, nullptr));
}

void set_source(Calls& calls, ub_ctx* context, const Source& source) {
  if (std::holds_alternative<SystemServers>(source)) calls.made(ub_ctx_resolvconf(context, nullptr));
  if (const auto* server = std::get_if<net::Endpoint>(&source)) {
    const std::string text = fmt::format("{}@{}", server->address.text(), server->port);
    calls.made(ub_ctx_set_fwd(context, text.c_str()));
  }
}

/// RFC 6761 6.2: caching servers answer "test." themselves, and so does libunbound; the tests of a mail system serve
/// it. This ends the time when options can be set.
void open_zones(Calls& calls, ub_ctx* context) {
  calls.made(ub_ctx_zone_remove(context, "test."));
}

}  // namespace

Result<std::unique_ptr<UnboundContext>, Problem> UnboundContext::make(const ContextSettings& settings,
                                                                      runtime::Executor executor) {
  Context context(ub_ctx_create());
  if (!context) return fail(cannot_start(UB_NOMEM));
  Calls calls;
  set_options(calls, context.get());
  set_source(calls, context.get(), settings.source);
  for (const std::string& anchor : settings.trust_anchors) calls.made(ub_ctx_add_ta(context.get(), anchor.c_str()));
  calls.made(ub_ctx_async(context.get(), 1));  // a thread, not a process
  open_zones(calls, context.get());
  if (calls.error() != 0) return fail(cannot_start(calls.error()));
  auto threaded = std::make_shared<ThreadedContext>(std::move(context), executor);
  threaded->watch();
  return std::make_unique<SharedContext>(std::move(threaded));
}

}  // namespace posthorn::resolver
