#include "entrance/admin/control.h"

#include <utility>

#include "entrance/admin/frames.h"
#include "platform/net/connect.h"

namespace posthorn::admin {
namespace {

using namespace std::chrono_literals;

/// A client on this machine that says nothing for this long is gone.
constexpr Duration request_time_max = 1min;
/// A verb may take long (backup, verify); an answer that nobody takes may not.
constexpr Duration answer_time_max = 10min;
/// Beside the message itself.
constexpr std::size_t input_octets_more = 1 * MiB;

Problem broken_off(std::string_view why) {
  return {ProblemKind::unavailable, "the control socket", std::string(why), "try again"};
}

/// Answers over the socket, a frame a piece; small pieces are gathered so that a long list is few writes.
class SocketAnswer final : public Answer {
 public:
  static constexpr std::size_t gathered_octets = 64 * KiB;

  SocketAnswer(net::Stream& stream, const runtime::Clock& clock) : stream_(stream), clock_(clock) {}

  Task<Result<void, Problem>> item(std::string json) override { return put('i', std::move(json)); }
  Task<Result<void, Problem>> octets(Octets octets) override { return put('o', std::string(octets)); }
  Task<Result<void, Problem>> value(std::string json) override { return put('v', std::move(json)); }

  Task<Result<void, Problem>> end(const Done& done) {
    append_frames(buffer_, 'e', end_json(done));
    return flush();
  }

 private:
  Task<Result<void, Problem>> put(char type, std::string payload) {
    append_frames(buffer_, type, payload);
    if (buffer_.size() < gathered_octets) co_return Done{};
    co_return co_await flush();
  }
  Task<Result<void, Problem>> flush() {
    stream_.set_deadline(clock_.now() + answer_time_max);
    const std::string out = std::exchange(buffer_, {});
    const auto written = co_await stream_.write(out);
    if (!written) co_return fail(broken_off(net::text(written.error())));
    co_return Done{};
  }

  net::Stream& stream_;
  const runtime::Clock& clock_;
  std::string buffer_;
};

Task<std::optional<Frame>> read_frame(net::Stream& stream, FrameReader& frames) {
  while (true) {
    if (auto frame = frames.next()) co_return frame;
    if (frames.broken()) co_return std::nullopt;
    std::array<char, 16 * KiB> piece;
    const auto got = co_await stream.read_some(piece);
    if (!got) co_return std::nullopt;
    frames.push({piece.data(), *got});
  }
}

/// The request with its input; a Problem where it does not keep to the protocol.
Task<Result<Request, Problem>> read_request(net::Stream& stream, std::size_t input_max) {
  FrameReader frames;
  const std::optional<Frame> first = co_await read_frame(stream, frames);
  if (!first || first->type != 'R') co_return fail(broken_off("the request was cut off"));
  auto request = parse_request(first->payload);
  while (request) {
    const std::optional<Frame> frame = co_await read_frame(stream, frames);
    if (!frame) co_return fail(broken_off("the request was cut off"));
    if (frame->type == 'E') break;
    if (frame->type != 'I' || request->input.size() + frame->payload.size() > input_max) {
      co_return fail(Problem{ProblemKind::usage, "the input", "it is too long", "see limits.message_size"});
    }
    request->input += frame->payload;
  }
  co_return request;
}

Task<Done> run_handler(Site& site, const Request& request, Answer& answer) {
  const Handler* handler = find_handler(request.verb);
  if (handler == nullptr) {
    co_return fail(Problem{ProblemKind::usage, request.verb, "the running server does not know this verb",
                           "use the posthorn of the same version"});
  }
  // A damaged page ends the verb with its word, not the connection.
  try {
    co_return co_await handler->run(site, request, answer);
  } catch (const std::exception& broken) {
    co_return fail(unreadable_store(site.config, broken.what()));
  }
}

/// Passes one frame of an answer on; true: it was the last.
Task<Result<bool, Problem>> take_frame(const Frame& frame, Answer& answer, std::string& whole) {
  Done taken;
  switch (frame.type) {
    case 'i':
      taken = co_await answer.item(frame.payload);
      break;
    case 'o':
      taken = co_await answer.octets(frame.payload);
      break;
    case 'v':
      whole += frame.payload;  // a long value comes in several frames
      break;
    case 'e':
      if (!whole.empty()) taken = co_await answer.value(std::move(whole));
      if (taken) taken = parse_end(frame.payload);
      if (!taken) co_return fail(taken.error());
      co_return true;
    default:
      co_return fail(broken_off("the answer cannot be read"));
  }
  if (!taken) co_return fail(taken.error());
  co_return false;
}

Task<Done> converse(net::Stream& stream, const Request& request, Answer& answer) {
  std::string out;
  append_frames(out, 'R', request_json(request));
  if (!request.input.empty()) append_frames(out, 'I', request.input);
  append_frames(out, 'E', "");
  const auto written = co_await stream.write(out);
  if (!written) co_return fail(broken_off(net::text(written.error())));
  FrameReader frames;
  std::string whole;
  while (true) {
    const std::optional<Frame> frame = co_await read_frame(stream, frames);
    if (!frame) co_return fail(broken_off("the server went away before it had answered"));
    const auto last = co_await take_frame(*frame, answer, whole);
    if (!last) co_return fail(last.error());
    if (*last) co_return Done{};
  }
}

}  // namespace

std::filesystem::path control_path(const std::filesystem::path& store_dir) {
  return store_dir / "control.sock";
}

ControlServer::ControlServer(net::Loop& loop, std::function<Site()> site, runtime::Logger log)
    : loop_(loop), site_(std::move(site)), log_(std::move(log)), sessions_("control", log_) {}

ControlServer::~ControlServer() = default;

Result<void, Problem> ControlServer::open(const std::filesystem::path& store_dir) {
  auto listener = net::Listener::open_local(loop_, control_path(store_dir));
  if (!listener) return fail(std::move(listener.error()));
  listener_ = std::move(*listener);
  return {};
}

Task<> ControlServer::run() {
  co_await listener_->run(*this);
}

Task<> ControlServer::stop() {
  if (listener_) listener_->close();
  co_await sessions_.join();
}

void ControlServer::connected(net::Loop& loop, std::unique_ptr<net::Stream> stream) {
  runtime::spawn(sessions_, loop.executor(), "control session", session(std::move(stream)));
}

Task<> ControlServer::session(std::unique_ptr<net::Stream> stream) {
  Site site = site_();
  stream->set_deadline(loop_.clock().now() + request_time_max);
  auto request = co_await read_request(*stream, site.config.limits.message_size + input_octets_more);
  SocketAnswer answer(*stream, loop_.clock());
  Done done;
  if (request) {
    request->by = "the command line";
    stream->set_deadline(TimePoint::max());
    done = co_await run_handler(site, *request, answer);
    log_.info("administration", {{"verb", request->verb}, {"done", done.has_value()}});
  } else {
    done = fail(request.error());
  }
  [[maybe_unused]] const auto written = co_await answer.end(done);
  co_await stream->close();
}

Task<std::optional<Done>> ask(net::Loop& loop, std::filesystem::path store_dir, const Request& request,
                              Answer& answer) {
  auto stream = co_await net::connect_local(loop, control_path(store_dir));
  if (!stream) co_return std::nullopt;
  const Done done = co_await converse(**stream, request, answer);
  co_return done;
}

}  // namespace posthorn::admin
