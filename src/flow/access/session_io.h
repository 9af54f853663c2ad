// What the IMAP and POP3 sessions do alike with their streams: the handshake, waiting for input, and telling the
// machine of the end. On the session's loop; everything is awaited at once by the session that owns what is passed.
#pragma once

#include "flow/access/session.h"
#include "flow/access/settings.h"
#include "platform/net/loop.h"
#include "standards/sasl/mechanism.h"

namespace posthorn::access {

/// The server's handshake within its deadline; why it failed is logged.
[[nodiscard]] Task<bool> shake_hands(Connection& connection, const Settings& settings);
[[nodiscard]] sasl::ChannelBindings channel_bindings(const net::Stream& stream);

/// Input of one session: the buffer that the machine borrows, held only while there is something in it.
struct Input {
  net::BorrowedBuffer buffer;
  bool waits = false;  ///< for the client: a wake-up may interrupt it
};

/// An interruption is no loss: something is to be told, and NeedInput looks what.
template <class Machine>
void tell_lost(Machine& machine, net::StreamError error) {
  if (error == net::StreamError::interrupted) return;
  if (error == net::StreamError::timed_out) {
    machine.on_timeout();
  } else {
    machine.on_disconnect();
  }
}

/// Gives up the buffer (a session may wait for half an hour) until the client has said something; then take_input().
/// No coroutine of its own: every frame counts with ten thousand sessions that wait.
inline void begin_wait(Connection& connection, Input& input, TimePoint deadline) {
  input.buffer.give_back();
  connection.stream->set_deadline(deadline);
  input.waits = true;
}

/// What came, for the machine.
template <class Machine, class Ready>
void take_input(Connection& connection, Input& input, const Ready& ready, Machine& machine) {
  input.waits = false;
  if (!ready) return tell_lost(machine, ready.error());
  input.buffer = connection.loop->borrow_buffer();
  const auto got = connection.stream->read_now(input.buffer.span());
  if (!got) return tell_lost(machine, got.error());
  if (*got > 0) machine.receive({input.buffer.span().data(), *got});
}

}  // namespace posthorn::access
