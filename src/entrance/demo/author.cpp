#include "entrance/demo/author.h"

#include "foundation/crypto/random.h"

namespace posthorn::demo {

namespace client = smtp::client;

namespace {

constexpr Duration kPatience = std::chrono::seconds(30);

/// One submission: the pump of the client machine.
class Author {
 public:
  Author(net::Loop& loop, const net::ClientTls& tls, Letter letter)
      : loop_(loop), tls_(tls), letter_(std::move(letter)), session_(settings()) {}

  Task<client::Outcome> run() {
    net::ConnectOptions options;
    options.deadline = loop_.clock().now() + kPatience;
    options.source = letter_.source;
    auto connected = co_await net::connect(loop_, letter_.server, options);
    if (connected) {
      stream_ = std::move(*connected);
      stream_->set_deadline(options.deadline);
    } else {
      session_.on_disconnect(connected.error().reason);
    }
    while (!ended_) {
      client::Event event = session_.next();
      co_await std::visit([this](auto& what) { return on(what); }, event);
    }
    co_return outcome_;
  }

 private:
  client::Settings settings() const {
    client::Settings settings;
    settings.host_name = letter_.host_name;
    settings.tls = letter_.login.empty() ? client::TlsUse::opportunistic : client::TlsUse::required;
    if (!letter_.login.empty()) settings.credentials = sasl::Credentials{letter_.login, "", letter_.password};
    settings.nonce = crypto::random_octets(24);
    return settings;
  }

  Task<> on(client::NeedInput&) {
    if (!co_await flush()) co_return;
    net::BorrowedBuffer buffer = loop_.borrow_buffer();
    const auto got = co_await stream_->read_some(buffer.span());
    if (got) {
      session_.receive({buffer.span().data(), *got});
    } else {
      session_.on_disconnect(std::string(net::text(got.error())));
    }
  }

  Task<> on(client::StartTls&) {
    if (!co_await flush()) co_return;
    net::ClientHandshake handshake{letter_.server_name, {letter_.server_name}, true};
    const auto shaken = co_await stream_->start_tls(tls_, std::move(handshake));
    if (!shaken) {
      session_.on_tls_failed(shaken.error().reason);
      co_return;
    }
    sasl::ChannelBindings bindings;
    bindings.tls_exporter = stream_->channel_binding(net::ChannelBinding::tls_exporter).value_or("");
    session_.on_tls_established(std::move(bindings));
  }

  Task<> on(client::Ready&) {
    if (sent_) {
      session_.quit();
      co_return;
    }
    sent_ = true;
    client::Envelope envelope;
    envelope.reverse_path = *address::ReversePath::parse(letter_.from);
    envelope.recipients.push_back({*address::ForwardPath::parse(letter_.to), {}});
    envelope.parameters.size = letter_.octets.size();
    session_.send(std::move(envelope));
  }

  Task<> on(client::NeedBody&) {
    session_.body(letter_.octets, true);
    co_return;
  }
  Task<> on(client::Done& done) {
    outcome_ = done.outcome.message;
    co_return;
  }
  Task<> on(client::Failed& failed) {
    outcome_ = failed.outcome;
    co_return;
  }
  Task<> on(client::Close&) {
    ended_ = true;
    if (!stream_) co_return;
    (void)co_await flush();
    co_await stream_->close();
  }

  Task<bool> flush() {
    const std::string output = session_.take_output();
    if (output.empty()) co_return true;
    const auto written = co_await stream_->write(output);
    if (!written && !ended_) session_.on_disconnect(std::string(net::text(written.error())));
    co_return written.has_value();
  }

  net::Loop& loop_;
  const net::ClientTls& tls_;
  Letter letter_;
  client::Session session_;
  std::unique_ptr<net::Stream> stream_;
  client::Outcome outcome_;
  bool sent_ = false;
  bool ended_ = false;
};

}  // namespace

Task<client::Outcome> submit(net::Loop& loop, const net::ClientTls& tls, Letter letter) {
  Author author(loop, tls, std::move(letter));
  co_return co_await author.run();
}

}  // namespace posthorn::demo
