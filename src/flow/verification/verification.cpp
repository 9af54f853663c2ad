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
  /// A check begins; done() when it has ended.
  void begun() { ++open; }
  void done() {
    if (--open == 0) finished.set();
  }

  std::shared_ptr<Inquiry> inquiry;
  Session session;
  TimePoint now;
  TimePoint oldest = now;  ///< of what the verdicts say
  SessionVerdicts verdicts;
  int open = 1;  ///< checks under way, and begin() itself
  runtime::Event finished;
};

Verification::Verification(const Surroundings& around, runtime::Executor executor)
    : around_(around), executor_(std::move(executor)), inquiry_(Inquiry::make(around_, executor_)) {}

void Verification::begin(Session session, std::optional<KnownSession> known) {
  const TimePoint now = around_.clock->now();
  if (known && (known->at + KnownSession::age_max <= now || known->session.ip != session.ip)) known.reset();
  early_ = std::make_shared<Early>(inquiry_, std::move(session), now);
  if (known) early_->oldest = known->at;
  begin_unknown(std::move(known));
  early_->done();
}

/// Takes over what is known for certain and begins the rest.
void Verification::begin_unknown(std::optional<KnownSession> known) {
  const auto begin_check = [this](const char* name, Task<> (*check)(std::shared_ptr<Early>)) {
    early_->begun();
    runtime::spawn(*around_.tasks, executor_, name, check(early_));
  };
  SessionVerdicts& verdicts = early_->verdicts;
  if (known && known->verdicts.iprev.result != iprev::Result::temperror)
    verdicts.iprev = std::move(known->verdicts.iprev);
  else
    begin_check("iprev", check_iprev);
  const bool same_helo = known && known->session.helo == early_->session.helo;
  if (same_helo && known->verdicts.helo.result != spf::Result::temperror)
    verdicts.helo = std::move(known->verdicts.helo);
  else
    begin_check("spf", check_helo);
  // The macros of a record may speak of the HELO name, too (RFC 7208 7.2).
  const bool same_sender = same_helo && known->session.mail_from == early_->session.mail_from;
  if (same_sender && known->verdicts.mail_from.result != spf::Result::temperror) {
    verdicts.mail_from = std::move(known->verdicts.mail_from);
    verdicts.sender_mx = std::move(known->verdicts.sender_mx);
  } else {
    begin_check("spf", check_mail_from);
    begin_check("sender mx", check_sender_mx);
  }
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

KnownSession Verification::known(SessionVerdicts verdicts) const {
  return {early_->session, std::move(verdicts), early_->oldest};
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
