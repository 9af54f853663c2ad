// queue list|show|retry|hold|release|drop. The rules are flow/queue's.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"

namespace posthorn::admin {
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

Task<Done> list(Site& site, const Request& request, Answer& answer) {
  const storage::QueueFilter filter{text_argument(request, "filter")};
  MailId after;
  while (true) {
    const auto listed = co_await queue::list(*site.store, filter, after, page);
    if (!listed) co_return fail(listed.error());
    for (const queue::Listed& mail : *listed) {
      if (auto done = co_await answer.item(json::serialize(mail_json(mail))); !done) co_return done;
      after = mail.mail.id;
    }
    if (listed->empty()) co_return Done{};
  }
}

Task<Done> show(Site& site, const Request& request, Answer& answer) {
  const std::string id = text_argument(request, "id");
  const auto mail_id = MailId::parse(id);
  if (mail_id) {
    const MailId wanted = *mail_id;
    const auto question = [wanted](storage::Reader& reader) -> std::optional<queue::Listed> {
      auto row = reader.queued(wanted);
      if (!row) return std::nullopt;
      return queue::Listed{std::move(*row), reader.recipients(wanted)};
    };
    const std::optional<queue::Listed> listed = co_await site.store->read(question);
    if (listed) co_return co_await answer.value(json::serialize(mail_json(*listed)));
  }
  co_return fail(Problem{ProblemKind::no, id, "no such mail waits in the queue",
                         "posthorn message trace tells what became of it"});
}

Task<Done> apply(Site& site, const Request& request, Answer& answer, queue::Operation operation) {
  const storage::QueueFilter filter{text_argument(request, "filter")};
  Result<std::uint64_t, Problem> changed = 0;
  if (site.queue != nullptr) {
    changed = co_await site.queue->apply(operation, filter, request.by);
  } else {
    changed = co_await queue::apply_offline(*site.store, *site.clock, operation, filter, request.by);
  }
  if (!changed) co_return fail(changed.error());
  if (auto done = co_await answer.value(json::serialize(json::object{{"recipients", *changed}})); !done) co_return done;
  if (*changed > 0 || filter.text.empty()) co_return Done{};
  co_return fail(Problem{ProblemKind::no, filter.text, "nothing in the queue matches", "posthorn queue list"});
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

std::span<const Handler> queue_handlers() {
  return handlers;
}

}  // namespace posthorn::admin
