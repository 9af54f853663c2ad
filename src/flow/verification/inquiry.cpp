#include "flow/verification/inquiry.h"

namespace posthorn::verification {
namespace {

dns::Answer unanswered(dns::Name name, dns::RecordType type, const char* reason) {
  dns::AnswerData data;
  data.question = std::move(name);
  data.type = type;
  data.status = dns::Status::timeout;
  data.reason = reason;
  return dns::Answer(std::move(data));
}

constexpr const char* kOver = "not answered within the time that a message has (verification.time_max)";
constexpr const char* kTooMany = "not asked: the message raises too many questions";

}  // namespace

std::shared_ptr<Inquiry> Inquiry::make(const Surroundings& around, runtime::Executor executor) {
  return std::shared_ptr<Inquiry>(new Inquiry(around, std::move(executor)));
}

/// The question of that key, begun now where it is new.
Inquiry::Question& Inquiry::question(const Key& key) {
  const auto [place, is_new] = questions_.try_emplace(key);
  Question& found = place->second;
  if (!is_new) return found;
  if (over_ || questions_.size() > questions_max) {
    found.answer = unanswered(key.first, key.second, over_ ? kOver : kTooMany);
  } else if (auto known = around_.resolver->at_hand(key.first, key.second)) {
    found.answer = std::move(known);
  } else {
    runtime::spawn(*around_.tasks, executor_, "dns question", ask(shared_from_this(), key));
  }
  return found;
}

Task<> Inquiry::ask(std::shared_ptr<Inquiry> self, Key key) {
  dns::Answer answer = co_await self->around_.resolver->resolve(key.first, key.second);
  self->settle(self->questions_.at(key), std::move(answer));
}

void Inquiry::settle(Question& question, dns::Answer answer) {
  if (question.answer) return;  // the deadline was first
  question.answer = std::move(answer);
  // At last: who waited may raise the next question.
  for (const runtime::Event& event : std::exchange(question.waiting, {})) event.set_here();
}

void Inquiry::begin(const dns::Name& name, dns::RecordType type) {
  static_cast<void>(question({name, type}));
}

Task<dns::Answer> Inquiry::resolve(dns::Name name, dns::RecordType type) {
  Question& asked = question({std::move(name), type});
  if (!asked.answer) {
    const runtime::Event answered;
    asked.waiting.push_back(answered);
    co_await answered.wait();
  }
  co_return *asked.answer;
}

void Inquiry::set_deadline(TimePoint when) {
  const std::weak_ptr<Inquiry> weak = weak_from_this();
  alarm_ = around_.clock->call_at(when, executor_, [weak] {
    if (const auto self = weak.lock()) self->end();
  });
}

void Inquiry::end() {
  over_ = true;
  for (auto& [key, question] : questions_)
    if (!question.answer) settle(question, unanswered(key.first, key.second, kOver));
}

}  // namespace posthorn::verification
