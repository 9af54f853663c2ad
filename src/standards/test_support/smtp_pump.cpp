#include "standards/test_support/smtp_pump.h"

#include <type_traits>

namespace posthorn::smtp::server {

std::string TestPump::feed(std::string_view octets) {
  std::string written;
  if (!octets.empty()) session.receive(octets);
  for (;;) {
    Event event = session.next();
    const bool goes_on = act(event);
    written += session.take_output();
    if (!goes_on) return written;
  }
}

// The policy: "unknown…@" does not exist, "full…@" is over quota, senders "bad…@" are refused; all else is taken.
bool TestPump::act(Event& event) {
  return std::visit(
      [this]<class E>(E& e) {
        if constexpr (std::is_same_v<E, NeedInput>) {
          return false;
        } else if constexpr (std::is_same_v<E, Close>) {
          closed = e.reason;
          return false;
        } else if constexpr (std::is_same_v<E, Connected>) {
          refuse_greeting ? session.reply(*refuse_greeting) : session.accept();
        } else if constexpr (std::is_same_v<E, Hello>) {
          note("hello " + e.name);
          session.accept();
        } else if constexpr (std::is_same_v<E, Mail>) {
          note("mail " + e.path.wire());
          open_ = {e.path.wire(), {}, {}};
          e.path.text().starts_with("bad") ? session.reply(Reply(550, {5, 7, 1}, "Sender refused")) : session.accept();
        } else if constexpr (std::is_same_v<E, Recipient>) {
          note("rcpt " + e.path.wire());
          if (e.path.text().starts_with("unknown")) {
            session.reply(Reply(550, {5, 1, 1}, "No such mailbox"));
          } else if (e.path.text().starts_with("full")) {
            session.reply(Reply(452, {4, 2, 2}, "Mailbox full"));
          } else {
            open_.forward_paths.push_back(e.path.wire());
            session.accept();
          }
        } else if constexpr (std::is_same_v<E, MessageBegins>) {
          octets_.clear();
          session.accept();
        } else if constexpr (std::is_same_v<E, MessageOctets>) {
          octets_ += e.octets;
        } else if constexpr (std::is_same_v<E, MessageEnds>) {
          note("message " + octets_);
          open_.octets = octets_;
          if (refuse_message) {
            session.reply(*refuse_message);
          } else {
            messages.push_back(std::move(open_));
            session.accept();
          }
        } else if constexpr (std::is_same_v<E, MessageAborted>) {
          note("aborted " + std::to_string(e.reply.code.value));
          octets_.clear();
        } else if constexpr (std::is_same_v<E, Reset>) {
          note("reset");
        } else if constexpr (std::is_same_v<E, StartTls>) {
          session.on_tls_established(TlsFacts{
              .version = "TLSv1.3", .cipher = "x", .cipher_bits = 256, .server_name = "", .bindings = bindings});
          return false;
        } else if constexpr (std::is_same_v<E, CheckPassword>) {
          session.answer_password(e.password == password);
        } else if constexpr (std::is_same_v<E, FindScramVerifier>) {
          session.answer_scram_verifier(verifier);
        } else if constexpr (std::is_same_v<E, Authenticated>) {
          note("login " + e.authcid);
        } else if constexpr (std::is_same_v<E, AuthenticationFailed>) {
          note("login failed " + e.reason);
        } else if constexpr (std::is_same_v<E, Refused>) {
          note("refused " + e.command + " " + std::to_string(e.reply.code.value));
        }
        return true;
      },
      event);
}

}  // namespace posthorn::smtp::server
