#include "flow/verification/verification.h"

#include "platform/runtime/event.h"
#include "standards/arc/chain.h"

namespace posthorn::verification {
namespace {

/// Whose MX tells whether the sender can be answered; nothing for the null sender and for address literals.
std::optional<dns::Name> sender_domain(std::string_view mail_from) {
  const auto at = mail_from.rfind('@');
  if (at == std::string_view::npos || mail_from.substr(at + 1).starts_with('[')) return std::nullopt;
  return dkim::parse_domain(mail_from.substr(at + 1));
}

}  // namespace

struct Verification::Early {
  Early(std::shared_ptr<Inquiry> questions, Session known, TimePoint at)
      : inquiry(std::move(questions)), session(std::move(known)), now(at) {}

  [[nodiscard]] spf::Query query() const {
    return {session.ip, session.mail_from, session.helo, session.receiver, now};
  }
  void done() {
    if (--open == 0) finished.set();
  }

  std::shared_ptr<Inquiry> inquiry;
  Session session;
  TimePoint now;
  SessionVerdicts verdicts;
  int open = 4;
  runtime::Event finished;
};

Verification::Verification(const Surroundings& around, runtime::Executor executor)
    : around_(around), executor_(std::move(executor)), inquiry_(Inquiry::make(around_, executor_)) {}

void Verification::begin(Session session) {
  early_ = std::make_shared<Early>(inquiry_, std::move(session), around_.clock->now());
  runtime::spawn(*around_.tasks, executor_, "iprev", check_iprev(early_));
  runtime::spawn(*around_.tasks, executor_, "spf", check_mail_from(early_));
  runtime::spawn(*around_.tasks, executor_, "spf", check_helo(early_));
  runtime::spawn(*around_.tasks, executor_, "sender mx", check_sender_mx(early_));
}

Task<> Verification::check_iprev(std::shared_ptr<Early> early) {
  early->verdicts.iprev = co_await iprev::check(*early->inquiry, early->session.ip);
  early->done();
}

Task<> Verification::check_helo(std::shared_ptr<Early> early) {
  spf::Query query = early->query();
  early->verdicts.helo = co_await spf::check_helo(*early->inquiry, std::move(query));
  early->done();
}

Task<> Verification::check_mail_from(std::shared_ptr<Early> early) {
  spf::Query query = early->query();
  early->verdicts.mail_from = co_await spf::check_mail_from(*early->inquiry, std::move(query));
  early->done();
}

Task<> Verification::check_sender_mx(std::shared_ptr<Early> early) {
  if (auto domain = sender_domain(early->session.mail_from))
    early->verdicts.sender_mx = co_await dns::lookup_mx(*early->inquiry, std::move(*domain));
  early->done();
}

void Verification::feed(Octets octets) {
  scan_.feed(octets);
  if (scan_.header_complete() && !asked_) ask_early();
}

/// What verify_message() will want to know, all at once.
void Verification::ask_early() {
  asked_ = true;
  for (const dns::Name& name : scan_.key_names()) inquiry_->begin(name, dns::RecordType::txt);
  const arc::Chain chain = arc::read_chain(scan_.header());
  if (!chain.sets.empty()) {
    if (const auto name = chain.sets.back().signature.key_name()) inquiry_->begin(*name, dns::RecordType::txt);
    for (const arc::Set& set : chain.sets)
      if (const auto name = set.seal.key_name()) inquiry_->begin(*name, dns::RecordType::txt);
  }
  const auto author = dmarc::author_domain(scan_.header());
  if (!author) return;
  for (const dns::Name& domain : dmarc::walk_names(*author))
    if (const auto name = domain.child("_dmarc")) inquiry_->begin(*name, dns::RecordType::txt);
}

Task<Verdicts> Verification::finish(Duration time_max) {
  const TimePoint now = around_.clock->now();
  inquiry_->set_deadline(now + time_max);
  scan_.finish();
  if (!asked_) ask_early();
  std::optional<SessionVerdicts> session;
  if (early_) {
    co_await early_->finished.wait();
    session = std::move(early_->verdicts);
  }
  co_return co_await verify_message(*inquiry_, scan_, std::move(session), now);
}

}  // namespace posthorn::verification
