// queue list|show|retry|hold|release|drop: each answers the mails that are meant. The rules are flow/queue's.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"

namespace posthorn::admin {
namespace queue_noun {
namespace {

namespace json = boost::json;

constexpr std::size_t page = queue::list_page_max;

json::object recipient_json(const storage::RecipientRow& row) {
  return {
      {"address", row.address},
      {"state", queue::text(row.state)},
      {"attempts", row.attempts},
      {"next_attempt", row.state == storage::RecipientState::held ? json::value(nullptr) : time_value(row.not_before)},
      {"last_reply", row.last_reply},
      {"next_hop", row.domain},
      {"expires", time_value(row.expires)}};
}

json::object mail_json(const queue::Listed& listed) {
  json::array recipients;
  for (const storage::RecipientRow& row : listed.recipients) recipients.emplace_back(recipient_json(row));
  return {{"id", listed.mail.id.text()},
          {"message_id", listed.mail.message_id},
          {"sender", listed.mail.sender},
          {"size", listed.mail.octets.size},
          {"arrived", time_value(listed.mail.arrived)},
          {"stream", listed.mail.stream},
          {"recipients", std::move(recipients)}};
}

Task<Done> answer_mails(Answer& answer, const std::vector<queue::Listed>& mails) {
  for (const queue::Listed& mail : mails) {
    if (auto done = co_await answer.item(json::serialize(mail_json(mail))); !done) co_return done;
  }
  co_return Done{};
}

Task<Done> list(Site& site, const Request& request, Answer& answer) {
  const storage::QueueFilter filter{text_argument(request, "filter")};
  MailId after;
  while (true) {
    const auto listed = co_await queue::list(*site.store, filter, after, page);
    if (!listed) co_return fail(listed.error());
    if (listed->empty()) co_return Done{};
    after = listed->back().mail.id;
    if (auto done = co_await answer_mails(answer, *listed); !done) co_return done;
  }
}

/// FILTER may be an id, as in `queue list`; nothing found is a "no" here.
Task<Done> show(Site& site, const Request& request, Answer& answer) {
  const storage::QueueFilter filter{text_argument(request, "filter")};
  MailId after;
  for (bool found = false;;) {
    const auto listed = co_await queue::list(*site.store, filter, after, page);
    if (!listed) co_return fail(listed.error());
    if (listed->empty() && (found || filter.text.empty())) co_return Done{};
    if (listed->empty())
      co_return fail(Problem{ProblemKind::no, filter.text, "no such mail waits in the queue",
                             fmt::format("posthorn message trace {} tells what became of it", filter.text)});
    found = true;
    after = listed->back().mail.id;
    if (auto done = co_await answer_mails(answer, *listed); !done) co_return done;
  }
}

/// Tells each mail that an operation changes; what was dropped is discarded, as the story says.
class Telling final : public queue::Changes {
 public:
  Telling(Answer& answer, queue::Operation operation) : answer_(answer), operation_(operation) {}

  Task<Done> changed(queue::Listed mail) override {
    json::object told = mail_json(mail);
    if (operation_ == queue::Operation::drop) {
      for (json::value& recipient : told["recipients"].as_array()) {
        recipient.as_object()["state"] = "discarded";
        recipient.as_object()["next_attempt"] = nullptr;
      }
    }
    return answer_.item(json::serialize(told));
  }

 private:
  Answer& answer_;
  const queue::Operation operation_;
};

Task<Done> apply(Site& site, const Request& request, Answer& answer, queue::Operation operation) {
  const storage::QueueFilter filter{text_argument(request, "filter")};
  Telling telling(answer, operation);
  Result<std::uint64_t, Problem> changed = 0;
  if (site.queue != nullptr) {
    changed = co_await site.queue->apply(operation, filter, request.by, telling);
  } else {
    changed = co_await queue::apply_offline(*site.store, *site.clock, operation, filter, request.by, telling);
  }
  if (!changed) co_return fail(changed.error());
  if (*changed > 0 || filter.text.empty()) co_return Done{};
  co_return fail(Problem{ProblemKind::no, filter.text, "nothing in the queue matches, or it is so already",
                         "posthorn queue list shows what waits"});
}

Task<Done> retry(Site& site, const Request& request, Answer& answer) {
  return apply(site, request, answer, queue::Operation::retry);
}
Task<Done> hold(Site& site, const Request& request, Answer& answer) {
  return apply(site, request, answer, queue::Operation::hold);
}
Task<Done> release(Site& site, const Request& request, Answer& answer) {
  return apply(site, request, answer, queue::Operation::release);
}
Task<Done> drop(Site& site, const Request& request, Answer& answer) {
  return apply(site, request, answer, queue::Operation::drop);
}

constexpr std::array handlers{Handler{"queue list", list},       Handler{"queue show", show},
                              Handler{"queue retry", retry},     Handler{"queue hold", hold},
                              Handler{"queue release", release}, Handler{"queue drop", drop}};

}  // namespace
}  // namespace queue_noun

std::span<const Handler> queue_handlers() {
  return queue_noun::handlers;
}

}  // namespace posthorn::admin
