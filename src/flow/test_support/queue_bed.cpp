#include "flow/test_support/queue_bed.h"

#include <algorithm>

namespace posthorn::flow_test {

namespace {

Task<> start_queue(queue::Queue& queue) {
  (void)co_await queue.start();
}

Task<> stop_queue(queue::Queue& queue, bool& stopped) {
  co_await queue.stop(std::chrono::seconds(10));
  stopped = true;
}

Task<> commit_unit(storage::Store& store, storage::Unit unit) {
  (void)co_await store.commit(std::move(unit));
}

class Unheard final : public queue::Changes {
 public:
  Task<Result<void, Problem>> changed(queue::Listed) override { co_return Result<void, Problem>{}; }
};

Task<> apply_to(queue::Queue& queue, queue::Operation operation, std::string filter, std::uint64_t& changed) {
  storage::QueueFilter what{std::move(filter)};
  Unheard nobody;
  const auto done = co_await queue.apply(operation, std::move(what), "the test", nobody);
  if (done) changed = *done;
}

}  // namespace

Task<Result<storage::Unit, Problem>> KeepingAcceptor::plan(queue::OwnMessage message) {
  if (nobody_there) co_return fail(Problem{ProblemKind::no, "cannot deliver the report", "no such user", ""});
  if (refuse_for_now > 0) {
    --refuse_for_now;
    co_return fail(Problem{ProblemKind::unavailable, "cannot deliver the report", "not now", ""});
  }
  storage::Unit unit;
  unit.mutations.emplace_back(storage::AppendStory{{message.id, TimePoint{}, "[report]"}});
  messages.push_back(std::move(message));
  co_return unit;
}

std::size_t KeepingAcceptor::count(std::string_view text) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      messages, [&](const queue::OwnMessage& message) { return message.octets.find(text) != std::string::npos; }));
}

QueueBed::QueueBed()
    : clock(from_unix_seconds(1'790'000'000)),
      loop(clock),
      net_loop(loop.executor(), clock),
      group("test", runtime::Logger{}) {}

QueueBed::~QueueBed() {
  if (queue) stop();
  group.cancel();
  loop.run_ready();
}

void QueueBed::start(queue::CourierOffice& office, queue::Policy wanted, queue::Routes routes) {
  policy = wanted;
  queue::Surroundings with;
  with.store = &store;
  with.clock = &clock;
  with.ids = &ids;
  with.office = &office;
  with.acceptor = &acceptor;
  with.executors = {loop.executor()};
  with.host_name = "mx.alpha.example";
  queue = queue::Queue::create(std::move(with), std::move(wanted), std::move(routes));
  store.observe([this](std::span<const storage::CommittedUnit> units) { queue->committed(units); });
  runtime::spawn(group, loop.executor(), "start", start_queue(*queue));
  loop.run_ready();
}

void QueueBed::stop() {
  bool stopped = false;
  runtime::spawn(group, loop.executor(), "stop", stop_queue(*queue, stopped));
  (void)loop.run_until([&] { return stopped; }, clock.now() + std::chrono::minutes(1));
  store.observe(nullptr);
  queue.reset();
}

MailId QueueBed::send(const std::string& sender, const std::vector<std::string>& recipients,
                      const std::function<void(storage::QueueRow&, std::vector<storage::RecipientRow>&)>& change) {
  storage::QueueRow mail;
  mail.id = ids.make<MailId>();
  mail.sender = sender;
  mail.arrived = clock.now();
  auto octets = std::make_shared<const OctetString>("Message-ID: <" + mail.id.text() +
                                                    "@alpha.example>\r\nSubject: news\r\n\r\n" + text);
  mail.octets.content = mail.id;
  mail.octets.size = octets->size();
  std::vector<storage::RecipientRow> rows;
  for (const std::string& address : recipients)
    rows.push_back(queue::new_recipient(policy, mail.id, static_cast<std::uint32_t>(rows.size()), address,
                                        queue ? queue->next_hop(address, sender, "") : queue::domain_key(address),
                                        clock.now()));
  if (change) change(mail, rows);
  const MailId id = mail.id;
  storage::Unit unit;
  unit.mutations.emplace_back(storage::PutContent{id, octets, nullptr, {}});
  unit.mutations.emplace_back(storage::PutQueued{std::move(mail), std::move(rows)});
  runtime::spawn(group, loop.executor(), "send", commit_unit(store, std::move(unit)));
  loop.run_ready();
  return id;
}

std::uint64_t QueueBed::apply(queue::Operation operation, const std::string& filter) {
  std::uint64_t changed = 0;
  runtime::spawn(group, loop.executor(), "apply", apply_to(*queue, operation, filter, changed));
  loop.run_ready();
  return changed;
}

}  // namespace posthorn::flow_test
