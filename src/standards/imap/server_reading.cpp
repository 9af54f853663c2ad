// How octets become commands: lines, literals, the messages of APPEND.
#include <algorithm>

#include "foundation/text/ascii.h"
#include "standards/imap/server_core.h"

namespace posthorn::imap::server {
namespace {

/// "~{" 20 digits "+}" CRLF
constexpr std::size_t literal_mark_octets_max = 32;

}  // namespace

bool Core::step() {
  switch (reading) {
    case Reading::line:
    case Reading::auth_response:
    case Reading::idle:
      return step_line();
    case Reading::literal:
    case Reading::append:
    case Reading::dropped:
      return step_octets();
    case Reading::parts:
      next_part();
      return true;
  }
  return false;
}

// ---- lines -----------------------------------------------------------------------------------------------------

// Keeps what fits; the rest of a line that is too long is dropped, and a line without an end ends the session.
void Core::keep_line(std::string_view octets) {
  const auto limit = state == State::not_authenticated ? command_octets_unauthenticated_max : command_octets_max;
  if (text.size() + octets.size() <= limit) {
    text += octets;
    return;
  }
  if (!refusal) {
    Scanner in(text, false);
    if (!appending) static_cast<void>(read_start(*this, in));
    abort_append();
    refusal = Fault{.is_bad = true, .code = code::limit(), .text = "The command is too long"};
  }
  // Its end is kept, since a literal mark may stand there.
  dropped_octets += text.size() - line_begin + octets.size();
  text.resize(line_begin);
  text += octets.substr(octets.size() - std::min<std::size_t>(octets.size(), literal_mark_octets_max));
  if (dropped_octets <= discarded_octets_max) return;
  respond(Condition::bad, code::limit(), "The command is too long");
  bye({}, "A line has no end", CloseReason::protocol);
}

bool Core::take_line() {
  const auto end = input.find('\n');
  const auto part = input.substr(0, end == std::string_view::npos ? input.size() : end + 1);
  input.remove_prefix(part.size());
  keep_line(part);
  return end != std::string_view::npos;
}

bool Core::step_line() {
  if (input.empty()) return false;
  if (!take_line() || closed) return true;
  // RFC 9051 2.2: all interactions are lines that end with CRLF. A CR before `line_begin` is a literal's.
  const auto line = std::string_view(text).substr(line_begin);
  const bool is_whole = line.ends_with("\r\n") && line.find('\0') == std::string_view::npos;
  if (!is_whole && !refusal) refusal = bad("A line must end with CRLF and hold no NUL");
  text.resize(text.size() - (line.ends_with("\r\n") ? 2 : 1));
  on_line();
  return true;
}

void Core::on_line() {
  const auto line = std::string_view(text).substr(line_begin);
  if (reading == Reading::idle) return on_idle_line(line);
  if (reading == Reading::auth_response) {
    const std::string response(line);
    text.clear();
    if (refusal) return authentication_failed(*std::exchange(refusal, {}), "a response that is no line");
    return auth_response(*this, response);
  }
  if (refusal) return on_refused_line(line);
  if (!appending) return on_command_line();
  appending->mark = literal_mark(line);
  if (!appending->is_in_parts) return on_appended_line(line);
  reading = Reading::parts;
}

// idle = "IDLE" CRLF "DONE" (RFC 9051 9)
void Core::on_idle_line(std::string_view line) {
  is_idle_broken = !text::iequals(line, "DONE");
  refusal.reset();
  text = {};
  is_idling = false;
  reading = Reading::line;
  push(IdleEnds{});
}

void Core::on_command_line() {
  const auto mark = literal_mark(std::string_view(text).substr(line_begin));
  if (mark) return on_literal_mark(*mark);
  dispatch();
}

// What follows a refused command: more literals of it, or its end.
void Core::on_refused_line(std::string_view line) {
  abort_append();
  const auto mark = literal_mark(line);
  if (tag == "*" && command_name.empty()) {
    Scanner in(text, false);
    static_cast<void>(read_start(*this, in));
  }
  if (mark && !mark->is_synchronizing) return drop_octets(mark->size_octets);
  refuse(*refusal);
}

// ---- literals --------------------------------------------------------------------------------------------------

void Core::on_literal_mark(const LiteralMark& mark) {
  Scanner in(text, writer.encoding().utf8_names());
  const auto start = read_start(*this, in);
  if (!in.ok()) return refuse_at_literal(*in.fault(), mark.is_synchronizing, mark.size_octets);
  if (start.row->is_append && begin_append_at(mark)) return;
  begin_literal(mark);
}

void Core::begin_literal(const LiteralMark& mark) {
  const auto limit = state == State::not_authenticated ? command_octets_unauthenticated_max : command_octets_max;
  if (text.size() > limit || mark.size_octets > limit - text.size()) {
    return refuse_at_literal({.is_bad = true, .code = code::limit(), .text = "The literal is too long"},
                             mark.is_synchronizing, mark.size_octets);
  }
  text += "\r\n";
  octets_left = mark.size_octets;
  reading = Reading::literal;
  if (mark.is_synchronizing) writer.continuation("Ready for the literal");
}

void Core::refuse_at_literal(Fault fault, bool is_synchronizing, std::uint64_t octets) {
  abort_append();
  // RFC 9051 4.3: the answer takes the place of the continuation; the client sends no octets.
  if (is_synchronizing) return refuse(fault);
  refusal = std::move(fault);
  drop_octets(octets);
}

void Core::drop_octets(std::uint64_t octets) {
  text.clear();
  line_begin = 0;
  if (octets > discarded_octets_max - std::min(dropped_octets, discarded_octets_max)) {
    // RFC 7888 4: a server that cannot take so much may end the connection.
    refuse(*refusal);
    return bye({}, "A literal is too long to be read and dropped", CloseReason::protocol);
  }
  dropped_octets += octets;
  octets_left = octets;
  reading = Reading::dropped;
}

bool Core::step_octets() {
  if (octets_left == 0) {
    if (reading == Reading::append && !appending->is_in_parts) push(AppendMessageEnds{});
    if (reading == Reading::append) text.clear();
    reading = Reading::line;
    line_begin = text.size();
    return true;
  }
  if (input.empty()) return false;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(octets_left, input.size()));
  const auto piece = input.substr(0, count);
  input.remove_prefix(count);
  octets_left -= count;
  if (reading == Reading::literal) text += piece;
  if (reading == Reading::append) push(AppendOctets{piece});
  return true;
}

// ---- APPEND ----------------------------------------------------------------------------------------------------

namespace {

// Whether nothing but the mark is left: it is the mailbox's literal then, not a message's.
bool is_mailbox_literal(Scanner in, bool is_replace, const LiteralMark& mark) {
  if (is_replace) {
    if (!in.accept('*')) static_cast<void>(in.nz_number());
    in.space();
  }
  return in.ok() && in.rest().size() == mark.length;
}

}  // namespace

bool Core::begin_append_at(const LiteralMark& mark) {
  Scanner in(text, writer.encoding().utf8_names());
  const auto start = read_start(*this, in);
  const bool is_replace = start.row->name == "REPLACE";
  if (is_mailbox_literal(in, is_replace, mark)) return false;
  begin_append(in, is_replace, start.is_uid, mark);
  return true;
}

void Core::begin_append(Scanner& in, bool is_replace, bool is_uid, std::optional<LiteralMark> mark) {
  appending = std::make_unique<Appending>();
  appending->mark = mark;
  appending->target = parse_append_target(in, is_replace, is_uid);
  next_append_message(in);
}

// append-message up to its literal, or to its first part
void Core::next_append_message(Scanner& in) {
  appending->message = parse_append_message(in, parse_context());
  appending->message.index = appending->messages;
  if (!in.ok()) return refuse_append_line(*in.fault());
  offer_append(in);
}

void Core::refuse_append_line(Fault fault) {
  const auto mark = appending->mark;
  if (mark) return refuse_at_literal(std::move(fault), mark->is_synchronizing, mark->size_octets);
  abort_append();
  refuse(fault);
}

void Core::offer_append(const Scanner& in) {
  const auto& message = appending->message;
  const auto& limits = settings->limits;
  std::optional<Fault> fault;
  // RFC 3502: a message of no octets is how a client gives the APPEND up.
  if (message.size_octets == 0 && !message.is_catenated)
    fault = Fault{.is_bad = false, .code = {}, .text = "A message has at least one octet"};
  // RFC 7889 4
  if (limits.append_octets_max != 0 && message.size_octets > limits.append_octets_max)
    fault = Fault{.is_bad = false, .code = code::too_big(), .text = "The message is too big"};
  if (appending->messages == limits.appended_messages_max)
    fault = Fault{.is_bad = false, .code = code::limit(), .text = "Too many messages at once"};
  if (fault) return refuse_append_line(std::move(*fault));
  ++appending->messages;
  appending->is_in_parts = message.is_catenated;
  appending->parts = 0;
  appending->text_octets = 0;
  appending->is_utf8_part = false;
  text = message.is_catenated ? std::string(in.rest()) : std::string();
  line_begin = 0;
  push(AppendBegins{tag, appending->target, message});
}

// Behind a message: the end of the command, or SP and the next message (RFC 3502).
void Core::on_appended_line(std::string_view line) {
  Scanner in(line, writer.encoding().utf8_names());
  if (appending->message.is_utf8) in.expect(')');
  if (in.ok() && in.at_end()) {
    text = {};
    line_begin = 0;
    return push(AppendEnds{});
  }
  if (in.ok() && appending->target.is_replace) in.fail("Too many arguments");
  if (!in.ok()) return refuse_append_line(*in.fault());
  const std::string rest(in.rest());
  Scanner next(rest, in.is_utf8());
  next_append_message(next);
}

// ---- the parts of CATENATE (RFC 4469) ----------------------------------------------------------------------------

// *(SP cat-part) ")"; `text` begins behind the part before.
void Core::next_part() {
  Scanner in(text, writer.encoding().utf8_names());
  if (appending->is_utf8_part) in.expect(')');
  if (appending->parts > 0 && in.accept(')')) return end_parts(in);
  if (appending->parts > 0) in.space();
  auto part = parse_cat_part(in, parse_context());
  if (in.ok() && appending->parts == settings->limits.catenated_parts_max)
    in.fail({.is_bad = false, .code = code::limit(), .text = "Too many parts in one message"});
  if (!in.ok()) return refuse_append_line(*in.fault());
  const auto mark = appending->mark;
  if (part.kind == CatPart::Kind::unread_url) return begin_literal(*mark);
  offer_part(in, std::move(part));
}

void Core::offer_part(const Scanner& in, CatPart part) {
  const auto limit = settings->limits.append_octets_max;
  appending->text_octets += std::min(part.size_octets, mod_sequence_max - appending->text_octets);
  if (limit != 0 && appending->text_octets > limit)
    return refuse_append_line({.is_bad = false, .code = code::too_big(), .text = "The message is too big"});
  ++appending->parts;
  appending->is_text = part.kind == CatPart::Kind::text;
  appending->is_utf8_part = part.is_utf8;
  const auto taken = text.size() - in.rest().size();
  AppendPart event;
  if (!appending->is_text) event.url = std::move(part.url);
  event.size_octets = part.size_octets;
  text.erase(0, taken);
  line_begin -= std::min(line_begin, taken);
  push(std::move(event));
}

void Core::end_parts(const Scanner& in) {
  appending->is_in_parts = false;
  push(AppendMessageEnds{});
  reading = Reading::line;
  on_appended_line(std::string(in.rest()));
}

void Core::abort_append() {
  if (!appending) return;
  if (appending->is_told) push(AppendAborted{});
  appending.reset();
}

}  // namespace posthorn::imap::server
