#include "flow/test_support/scripted_peer.h"

#include <array>

#include "foundation/text/ascii.h"

namespace posthorn::flow_test {

namespace {

std::string default_reply(const std::string& stage) {
  static const std::map<std::string, std::string> replies{{"greeting", "220 peer.example ESMTP"},
                                                          {"MAIL", "250 2.1.0 ok"},
                                                          {"RCPT", "250 2.1.5 ok"},
                                                          {"DATA", "354 go ahead"},
                                                          {"message", "250 2.0.0 queued as 1"},
                                                          {"QUIT", "221 2.0.0 bye"},
                                                          {"RSET", "250 2.0.0 ok"},
                                                          {"STARTTLS", "220 2.0.0 go ahead"},
                                                          {"AUTH", "235 2.7.0 welcome"}};
  const auto found = replies.find(stage);
  return found == replies.end() ? "500 5.5.1 what?" : found->second;
}

std::string wire(std::string_view reply) {
  std::string out;
  for (const std::string_view line : text::split(reply, '\n')) out += std::string(line) + "\r\n";
  return out;
}

}  // namespace

std::string ScriptedPeer::reply_to(const std::string& stage, const std::string& command) const {
  if (stage == "RCPT" && script.rcpt) return script.rcpt(command);
  if (const auto found = script.replies.find(stage); found != script.replies.end()) return found->second;
  if (stage != "EHLO") return default_reply(stage);
  std::string reply = "250-peer.example";
  const auto words = text::words(script.extensions);
  for (std::size_t i = 0; i < words.size(); ++i)
    reply += (i + 1 == words.size() ? "\n250 " : "\n250-") + std::string(words[i]);
  if (words.empty()) reply = "250 peer.example";
  return reply;
}

/// One connection: lines in, replies out.
struct ScriptedPeer::Session {
  ScriptedPeer& peer;
  net::Stream& stream;
  std::string input;
  bool over = false;
  bool in_message = false;

  Task<> say(std::string stage, std::string command) {
    const auto fault = peer.script.faults.find(stage);
    const Fault what = fault == peer.script.faults.end() ? Fault::none : fault->second;
    if (what != Fault::none && peer.script.faults_happen_once) peer.script.faults.erase(fault);
    if (what == Fault::cut) {
      over = true;
      co_return;
    }
    if (what == Fault::stall) {
      std::array<char, 4096> dropped;
      while (co_await stream.read_some(dropped)) {
      }
      over = true;
      co_return;
    }
    std::string reply = what == Fault::garbage ? "?!? \x01 no reply at all\r\n" : wire(peer.reply_to(stage, command));
    if (const auto once = peer.script.replies_once.extract(stage)) reply = wire(once.mapped());
    if (!co_await stream.write(reply)) over = true;
    if (reply.starts_with("421") || stage == "QUIT") over = true;
  }

  Task<> shake_hands() {
    if (peer.script.tls == nullptr) {
      (void)co_await stream.write("this is not TLS at all, whatever it may look like");
      over = true;
      co_return;
    }
    const auto made = co_await stream.start_tls(*peer.script.tls);
    if (!made) over = true;
  }

  Task<bool> more() {
    std::array<char, 4096> buffer;
    const auto got = co_await stream.read_some(buffer);
    if (!got) co_return false;
    input.append(buffer.data(), *got);
    if (in_message) ++peer.log.message_reads;
    co_return true;
  }

  Task<bool> read_until(std::string mark, std::string& into) {
    while (true) {
      const auto end = input.find(mark);
      if (end != std::string::npos) {
        into = input.substr(0, end);
        input.erase(0, end + mark.size());
        co_return true;
      }
      const bool alive = co_await more();
      if (!alive) co_return false;
    }
  }
};

Task<> ScriptedPeer::serve(net::Loop& loop, std::unique_ptr<net::Stream> stream) {
  ++log.connections;
  Session session{*this, *stream, {}};
  if (script.greeting_delay > Duration{}) co_await loop.clock().wait_for(script.greeting_delay);
  co_await session.say("greeting", "");
  std::string line;
  while (!session.over && co_await session.read_until("\r\n", line)) {
    log.commands.push_back(line);
    const std::string verb = line.starts_with("STARTTLS") ? line : text::upper(line.substr(0, 4));
    const bool accepted = verb != "DATA" || reply_to("DATA", line).starts_with("354");
    co_await session.say(verb, line);
    if (verb == "STARTTLS" && !session.over) co_await session.shake_hands();
    if (verb != "DATA" || session.over || !accepted) continue;
    std::string message;
    session.input.insert(0, "\r\n");  // an empty message ends at once
    session.in_message = true;
    if (!co_await session.read_until("\r\n.\r\n", message)) break;
    session.in_message = false;
    log.messages.push_back(message.size() > 2 ? message.substr(2) : "");
    const bool says_yes = !script.faults.contains("message") && reply_to("message", "").starts_with('2');
    if (says_yes) log.accepted.push_back(log.messages.back());
    co_await session.say("message", "");
  }
  co_await stream->close();
}

ScriptedPeer& PeerNetwork::peer(const std::string& address) {
  std::unique_ptr<ScriptedPeer>& slot = peers_[address];
  if (!slot) slot = std::make_unique<ScriptedPeer>();
  return *slot;
}

Task<Result<std::unique_ptr<net::Stream>, net::ConnectFailure>> PeerNetwork::dial(net::Loop& loop, net::Endpoint to,
                                                                                  net::ConnectOptions) {
  dialled.push_back(to.text());
  const auto found = peers_.find(to.address.text());
  if (found == peers_.end() || found->second->script.refuses)
    co_return fail(net::ConnectFailure{net::StreamError::reset, "connection refused"});
  const net::MemoryPairOptions options{.client = {}, .server = to, .to_server = {}, .to_client = {}};
  net::MemoryPair pair = net::make_memory_pair(loop, options);
  runtime::spawn(group_, loop.executor(), "scripted peer", found->second->serve(loop, std::move(pair.server)));
  co_return std::move(pair.client);
}

}  // namespace posthorn::flow_test
