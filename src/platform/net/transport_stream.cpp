// The one Stream there is: plain or TLS over a Transport.
#include <limits>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "foundation/base/bytes.h"
#include "platform/net/tls_session.h"
#include "platform/net/transport.h"
#include "platform/runtime/executor.h"

namespace posthorn::net {
namespace {

constexpr Duration kLingerMax = std::chrono::seconds{2};
constexpr std::size_t kLingerOctetsMax = MiB;
// OpenSSL's own unit: one record is one write to the socket.
constexpr std::size_t kTlsWriteMax = 16 * KiB;

class TransportStream final : public Stream, private Deadline {
 public:
  TransportStream(Loop& loop, std::unique_ptr<Transport> transport) : loop_(loop), transport_(std::move(transport)) {}

  Task<Result<void, StreamError>> wait_readable() override;
  Result<std::size_t, StreamError> read_now(std::span<char> into) override;
  Task<Result<void, StreamError>> write(Octets octets) override;
  Task<Result<void, TlsFailure>> start_tls(const ServerTls& tls) override;
  Task<Result<void, TlsFailure>> start_tls(const ClientTls& tls, ClientHandshake handshake) override;
  Task<> close(Linger linger) override;
  void refuse(Octets text) override;

  void set_deadline(TimePoint deadline) override {
    timed_out_ = false;
    loop_.deadlines().set(*this, deadline);
  }
  void interrupt() override {
    interrupted_ = true;
    transport_->wake();
  }

  bool is_tls() const override { return ssl_ != nullptr; }
  std::optional<TlsInfo> tls_info() const override {
    if (!ssl_) return std::nullopt;
    return describe(ssl_.get(), names_checked_);
  }
  std::optional<OctetString> channel_binding(ChannelBinding kind) const override {
    return ssl_ ? channel_binding_of(ssl_.get(), kind) : std::nullopt;
  }
  std::vector<OctetString> peer_chain() const override {
    return ssl_ ? chain_of_peer(ssl_.get()) : std::vector<OctetString>{};
  }
  const Endpoint& peer() const override { return transport_->peer(); }
  const Endpoint& local() const override { return transport_->local(); }

 private:
  void expired() override {
    timed_out_ = true;
    transport_->wake();
  }
  Task<Result<void, StreamError>> wait(Direction direction, bool for_input);
  Result<void, StreamError> look_at_flags(bool for_input);
  Result<std::size_t, StreamError> read_tls(std::span<char> into);
  Task<Result<void, TlsFailure>> shake_hands();
  std::string handshake_problem() const;
  Moved write_some(Octets octets, Direction& wants);
  Moved write_tls(Octets octets, Direction& wants);
  Task<> drain();

  Loop& loop_;
  std::unique_ptr<Transport> transport_;
  Ssl ssl_;
  bool names_checked_ = false;
  bool timed_out_ = false;
  bool interrupted_ = false;
  bool buffered_input_ = false;               // OpenSSL holds input that it has not said "would block" about
  Direction input_wants_ = Direction::input;  // TLS may have to write before it can read
  bool broken_ = false;                       // nothing more may be said
};

StreamError error_of(Moved::State state) {
  return state == Moved::State::ended ? StreamError::closed : StreamError::reset;
}

Result<void, StreamError> TransportStream::look_at_flags(bool for_input) {
  if (timed_out_) return fail(StreamError::timed_out);
  if (for_input && std::exchange(interrupted_, false)) return fail(StreamError::interrupted);
  return {};
}

Task<Result<void, StreamError>> TransportStream::wait(Direction direction, bool for_input) {
  if (auto flags = look_at_flags(for_input); !flags) co_return flags;
  co_await transport_->wait(direction);
  co_return look_at_flags(for_input);
}

Task<Result<void, StreamError>> TransportStream::wait_readable() {
  if (buffered_input_) co_return look_at_flags(true);
  co_return co_await wait(input_wants_, true);
}

Result<std::size_t, StreamError> TransportStream::read_now(std::span<char> into) {
  if (ssl_) return read_tls(into);
  const Moved moved = transport_->read(into);
  if (moved.state == Moved::State::done) return moved.octets;
  if (moved.state == Moved::State::would_block) return 0;
  broken_ = moved.state == Moved::State::broken;
  return fail(error_of(moved.state));
}

/// As many records as are there and fit.
Result<std::size_t, StreamError> TransportStream::read_tls(std::span<char> into) {
  std::size_t total = 0;
  input_wants_ = Direction::input;
  buffered_input_ = false;
  while (total < into.size()) {
    std::size_t got = 0;
    ERR_clear_error();
    if (SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &got) == 1) {
      total += got;
      buffered_input_ = SSL_has_pending(ssl_.get()) != 0;
      if (!buffered_input_) break;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), 0);
    buffered_input_ = false;
    if (error == SSL_ERROR_WANT_READ) break;
    if (error == SSL_ERROR_WANT_WRITE) {
      input_wants_ = Direction::output;
      break;
    }
    if (total != 0) {  // the end or the failure shows again at the next read
      buffered_input_ = true;
      break;
    }
    if (error == SSL_ERROR_ZERO_RETURN) return fail(StreamError::closed);
    broken_ = true;
    return fail(error == SSL_ERROR_SYSCALL ? StreamError::reset : StreamError::tls);
  }
  return total;
}

Moved TransportStream::write_tls(Octets octets, Direction& wants) {
  std::size_t done = 0;
  ERR_clear_error();
  if (SSL_write_ex(ssl_.get(), octets.data(), std::min(octets.size(), kTlsWriteMax), &done) == 1)
    return {Moved::State::done, done};
  const int error = SSL_get_error(ssl_.get(), 0);
  if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) return {Moved::State::broken};
  wants = error == SSL_ERROR_WANT_READ ? Direction::input : Direction::output;
  return {Moved::State::would_block};
}

Moved TransportStream::write_some(Octets octets, Direction& wants) {
  return ssl_ ? write_tls(octets, wants) : transport_->write(octets);
}

Task<Result<void, StreamError>> TransportStream::write(Octets octets) {
  while (!octets.empty()) {
    if (broken_) co_return fail(StreamError::reset);
    Direction wants = Direction::output;
    const Moved moved = write_some(octets, wants);
    octets.remove_prefix(moved.octets);
    if (moved.state == Moved::State::done) continue;
    if (moved.state != Moved::State::would_block) {
      broken_ = true;
      co_return fail(StreamError::reset);
    }
    if (auto waited = co_await wait(wants, false); !waited) co_return waited;
  }
  co_return Result<void, StreamError>{};
}

Task<Result<void, TlsFailure>> TransportStream::start_tls(const ServerTls& tls) {
  std::shared_ptr<const void> keep;
  ssl_ = new_server_session(tls, keep);
  if (!ssl_) co_return fail(TlsFailure{StreamError::tls, "no certificate"});
  co_return co_await shake_hands();
}

Task<Result<void, TlsFailure>> TransportStream::start_tls(const ClientTls& tls, ClientHandshake handshake) {
  names_checked_ = !handshake.names.empty();
  ssl_ = new_client_session(tls, handshake);
  if (!ssl_) co_return fail(TlsFailure{StreamError::tls, "the name cannot be asked for in TLS"});
  co_return co_await shake_hands();
}

std::string TransportStream::handshake_problem() const {
  const long verify = SSL_get_verify_result(ssl_.get());
  std::string reason = openssl_reason("the peer closed the connection during the handshake");
  if (SSL_is_server(ssl_.get()) != 0 || verify == X509_V_OK) return reason;
  return reason + ": " + X509_verify_cert_error_string(verify);
}

Task<Result<void, TlsFailure>> TransportStream::shake_hands() {
  BIO* const bio = make_bio(*transport_);
  SSL_set_bio(ssl_.get(), bio, bio);
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    if (done == 1) break;
    const int error = SSL_get_error(ssl_.get(), done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      broken_ = true;
      co_return fail(TlsFailure{StreamError::tls, handshake_problem()});
    }
    const Direction wants = error == SSL_ERROR_WANT_READ ? Direction::input : Direction::output;
    if (const auto waited = co_await wait(wants, true); !waited) {
      broken_ = true;
      co_return fail(TlsFailure{waited.error(), std::string(text(waited.error()))});
    }
  }
  buffered_input_ = SSL_has_pending(ssl_.get()) != 0;
  co_return Result<void, TlsFailure>{};
}

Task<> TransportStream::close(Linger linger) {
  if (ssl_ && !broken_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // close_notify; the peer's is not waited for
  }
  transport_->end_output();
  if (linger == Linger::yes && !broken_) co_await drain();
  set_deadline(TimePoint::max());
  transport_->close();
}

/// Reads and forgets what the peer still sends until it ends, too.
Task<> TransportStream::drain() {
  set_deadline(loop_.clock().now() + kLingerMax);
  std::size_t drained = 0;
  while (drained < kLingerOctetsMax) {
    std::array<char, 4096> piece;
    const Moved moved = transport_->read(piece);
    drained += moved.octets;
    if (moved.state == Moved::State::done) continue;
    if (moved.state != Moved::State::would_block) co_return;
    if (const auto waited = co_await wait(Direction::input, false); !waited) co_return;
  }
}

void TransportStream::refuse(Octets text) {
  if (!ssl_) static_cast<void>(transport_->write(text));
  transport_->end_output();
  transport_->close();
}

}  // namespace

std::string_view text(StreamError error) {
  switch (error) {
    case StreamError::closed:
      return "the peer closed the connection";
    case StreamError::reset:
      return "the connection broke";
    case StreamError::timed_out:
      return "the deadline passed";
    case StreamError::interrupted:
      return "interrupted";
    case StreamError::cancelled:
      return "cancelled";
    case StreamError::tls:
      return "TLS failed";
  }
  return "unknown";
}

Task<Result<std::size_t, StreamError>> Stream::read_some(std::span<char> into) {
  for (;;) {
    const auto got = read_now(into);
    if (!got || *got != 0) co_return got;
    if (const auto ready = co_await wait_readable(); !ready) co_return fail(ready.error());
  }
}

std::unique_ptr<Stream> make_stream(Loop& loop, std::unique_ptr<Transport> transport) {
  return std::make_unique<TransportStream>(loop, std::move(transport));
}

}  // namespace posthorn::net
