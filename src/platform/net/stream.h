// Stream: a connection, over TCP, a local socket or memory, with or without TLS. Sessions know nothing more.
//
// Thread rule: everything on the executor of its Loop. One coroutine reads and writes at a time (reading and writing
// do not overlap: that is how mail protocols work, and it keeps TLS simple).
// Reading: `wait_readable()` holds no buffer, `read_now()` fills one borrowed from the loop:
//
//   const auto ready = co_await stream.wait_readable();
//   BorrowedBuffer buffer = loop.borrow_buffer();
//   const auto got = stream.read_now(buffer.span());   // 0: nothing yet, wait again
//
// Deadlines: one absolute deadline a stream, checked by whatever waits; set it before each phase.
// Destroying a stream closes it at once, with unread input as a reset; close() does it in order.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "platform/net/endpoint.h"

namespace posthorn::net {

class ServerTls;
class ClientTls;

enum class StreamError : unsigned char {
  closed,       ///< the peer ended the connection in order
  reset,        ///< the connection broke
  timed_out,    ///< the deadline passed
  interrupted,  ///< interrupt() was called (reading only): say goodbye and close
  cancelled,    ///< the task group was cancelled
  tls,          ///< the TLS layer failed: not TLS, a fatal alert, a cut without close_notify
};
[[nodiscard]] std::string_view text(StreamError error);

/// Why a certificate does not verify, for TLS reports (RFC 8460 4.3.1).
enum class VerifyFailure : unsigned char { none, name, dates, trust };

/// What an established TLS connection is, for stories and Received fields.
struct TlsInfo {
  std::string version;  ///< "TLSv1.3"
  std::string cipher;   ///< "TLS_AES_256_GCM_SHA384" (IANA name)
  unsigned cipher_bits = 0;
  std::string group;        ///< "x25519"; empty where there is none
  std::string server_name;  ///< SNI, as sent; empty without
  bool resumed = false;
  /// Client side: the server's certificate chains to a trusted root and bears the name asked for.
  bool verified = false;
  std::string verify_problem;  ///< why not, in words; empty when verified or not asked for
  VerifyFailure verify_failure = VerifyFailure::none;
};

/// Why a handshake failed. After it only destroying the stream makes sense.
struct TlsFailure {
  StreamError error = StreamError::tls;
  std::string reason;  ///< for logs and stories: "certificate verify failed: self-signed certificate"
};

enum class ChannelBinding : unsigned char {
  tls_exporter,          ///< RFC 9266; not before TLS 1.3
  tls_server_end_point,  ///< RFC 5929 4
};

/// How the client asks (RFC 6066 3, RFC 9525).
struct ClientHandshake {
  std::string server_name;  ///< sent as SNI unless empty
  /// Acceptable names of the certificate (any one of them); empty: not checked, and nothing is `verified`.
  std::vector<std::string> names;
  /// Fail the handshake where the certificate does not verify; else `TlsInfo::verified` tells.
  bool require_verified = false;
};

/// Whether close() waits a little for the peer to read our last words. With unread input a TCP close is a reset,
/// which may destroy a 421 on its way.
enum class Linger : unsigned char { no, yes };

class Stream {
 public:
  virtual ~Stream() = default;

  /// Returns when read_now() may have something, an end included.
  [[nodiscard]] virtual Task<Result<void, StreamError>> wait_readable() = 0;
  /// What is there now, without waiting: at least one octet, or 0 for "nothing yet".
  [[nodiscard]] virtual Result<std::size_t, StreamError> read_now(std::span<char> into) = 0;
  /// Waits for at least one octet. `into` is held meanwhile.
  [[nodiscard]] Task<Result<std::size_t, StreamError>> read_some(std::span<char> into);
  /// Writes all of it. `octets` must live until this returns.
  [[nodiscard]] virtual Task<Result<void, StreamError>> write(Octets octets) = 0;

  /// The server's or the client's handshake, then everything is encrypted. The caller makes sure that no plaintext
  /// is buffered above (RFC 3207 4.2).
  [[nodiscard]] virtual Task<Result<void, TlsFailure>> start_tls(const ServerTls& tls) = 0;
  [[nodiscard]] virtual Task<Result<void, TlsFailure>> start_tls(const ClientTls& tls, ClientHandshake handshake) = 0;

  /// In order: close_notify under TLS, end of our sending, with Linger::yes up to 2 seconds for the peer to end its
  /// own. Afterwards the stream is closed.
  [[nodiscard]] virtual Task<> close(Linger linger = Linger::no) = 0;
  /// Says one last thing without waiting and closes: for refusals where there is no session. Plaintext only; a
  /// stream under TLS is just closed.
  virtual void refuse(Octets text) = 0;

  /// Absolute; TimePoint::max() for none. May be set at any time, also while something waits.
  virtual void set_deadline(TimePoint deadline) = 0;
  /// Ends a present or the next wait for input with StreamError::interrupted, once. Writing goes on.
  virtual void interrupt() = 0;

  [[nodiscard]] virtual bool is_tls() const = 0;
  [[nodiscard]] virtual std::optional<TlsInfo> tls_info() const = 0;
  [[nodiscard]] virtual std::optional<OctetString> channel_binding(ChannelBinding kind) const = 0;
  /// The chain as the peer sent it, DER, its own certificate first (for DANE). Empty without TLS.
  [[nodiscard]] virtual std::vector<OctetString> peer_chain() const = 0;

  /// 0.0.0.0:0 for local sockets.
  [[nodiscard]] virtual const Endpoint& peer() const = 0;
  [[nodiscard]] virtual const Endpoint& local() const = 0;
};

}  // namespace posthorn::net
