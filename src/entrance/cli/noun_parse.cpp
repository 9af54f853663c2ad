// parse address|message|dsn: pure tools.
#include <boost/json.hpp>

#include "entrance/cli/message_json.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "foundation/text/ascii.h"
#include "standards/address/smtp_parse.h"
#include "standards/dsn/dsn.h"
#include "standards/message/view.h"

namespace posthorn::cli {

namespace json = boost::json;

namespace parse_noun {
namespace {

json::value or_null(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  return json::string(*text);
}
json::value or_null(std::optional<TimePoint> at) {
  if (!at) return nullptr;
  return json::string(rfc3339(*at));
}

// ---------------------------------------------------------------- address

using Mailboxes = std::optional<std::vector<message::MailboxView>>;

/// A path of MAIL or RCPT, or a bare mailbox; "<>" is the null sender: valid, without mailboxes.
Mailboxes smtp_mailboxes(std::string_view text) {
  text = text::trim_lines(text);
  std::optional<address::Mailbox> mailbox;
  if (text.starts_with('<')) {
    auto path = address::parse_reverse_path(text, address::Utf8::allowed);
    if (!path || !path->rest.empty()) return std::nullopt;
    if (path->path.is_null()) return std::vector<message::MailboxView>{};
    mailbox = path->path.mailbox();
  } else if (auto bare = address::Mailbox::parse(text)) {
    mailbox = std::move(*bare);
  }
  if (!mailbox) return std::nullopt;
  return std::vector{message::MailboxView{"", mailbox->local_part.value(), mailbox->host_text(), std::nullopt}};
}

Exit parse_address(const Invocation& v) {
  const auto given = read_text(v);
  if (!given) return report(given.error());
  const std::string& text = *given;
  const std::string context = v.get("--context");
  if (context != "smtp" && context != "header") {
    return report({ProblemKind::usage, "--context " + context, "there is no such context", "write smtp or header"});
  }
  const Mailboxes mailboxes = context == "smtp" ? smtp_mailboxes(text) : message::view_address_list(text);
  if (!mailboxes) {
    const Problem problem{ProblemKind::no, in_quotes(text::trim_lines(text)),
                          fmt::format("this is no address in {} context", context),
                          context == "smtp" ? "write local-part@example.org, bare or between < and >"
                                            : "write local-part@example.org or Name <local-part@example.org>, several "
                                              "with commas between them; special characters of a name need \"quotes\""};
    if (v.json()) print_json(json::object{{"mailboxes", json::array{}}, {"problem", problem.why}});
    return report(problem);
  }
  json::array list;
  std::string lines;
  for (const message::MailboxView& m : *mailboxes) {
    list.emplace_back(json::object{
        {"display", m.display}, {"local_part", m.local_part}, {"domain", m.domain}, {"group", or_null(m.group)}});
    lines += fmt::format("{} at {}{}{}\n", m.local_part, m.domain, m.display.empty() ? "" : ", called " + m.display,
                         m.group ? ", in the group " + *m.group : "");
  }
  if (v.json()) {
    print_json(json::object{{"mailboxes", std::move(list)}});
  } else {
    print(lines);
  }
  return Exit::done;
}

// ---------------------------------------------------------------- message

json::array fields_json(const std::vector<message::FieldView>& fields) {
  json::array out;
  for (const message::FieldView& field : fields) {
    out.emplace_back(json::object{{"name", field.name}, {"raw", field.raw}, {"decoded", field.decoded}});
  }
  return out;
}

/// Depth is bounded by mime.h.
json::array parts_json(const std::vector<message::PartView>& parts) {
  json::array out;
  for (const message::PartView& part : parts) {
    out.emplace_back(json::object{{"path", part.path},
                                  {"type", part.type},
                                  {"disposition", or_null(part.disposition)},
                                  {"file_name", or_null(part.file_name)},
                                  {"charset", or_null(part.charset)},
                                  {"encoding", part.encoding},
                                  {"header", fields_json(part.header)},
                                  {"offset", part.offset},
                                  {"length", part.length},
                                  {"decoded_length", part.decoded_length},
                                  {"text", or_null(part.text)},
                                  {"parts", parts_json(part.parts)}});
  }
  return out;
}

void append_parts(std::string& out, const std::vector<message::PartView>& parts) {
  for (const message::PartView& part : parts) {
    out += fmt::format("  {:<8} {} {} octets{}\n", part.path, part.type, part.decoded_length,
                       part.file_name ? ", " + text::printable(*part.file_name) : "");
    append_parts(out, part.parts);
  }
}

Exit parse_message(const Invocation& v) {
  const auto octets = read_message(v);
  if (!octets) return report(octets.error());
  if (v.json()) {
    print_json(message_json(*octets));
    return Exit::done;
  }
  const message::MessageView view = message::view_message(*octets);
  std::string out;
  for (const message::FieldView& field : view.header) {
    out += fmt::format("{}: {}\n", text::printable(field.name), text::printable(field.decoded, 2000));
  }
  out += "\nParts:\n";
  append_parts(out, view.parts);
  print(out);
  return Exit::done;
}

// ---------------------------------------------------------------- dsn

json::object report_json(const dsn::ParsedReport& parsed) {
  json::array recipients;
  for (const dsn::ParsedRecipient& r : parsed.recipients) {
    recipients.emplace_back(json::object{{"original_recipient", r.original_recipient},
                                         {"final_recipient", r.final_recipient},
                                         {"action", r.action},
                                         {"status", r.status},
                                         {"remote_mta", r.remote_mta},
                                         {"diagnostic_code", r.diagnostic_code},
                                         {"last_attempt", or_null(r.last_attempt)},
                                         {"will_retry_until", or_null(r.will_retry_until)}});
  }
  json::value returned = nullptr;
  if (const auto& m = parsed.returned) {
    returned = json::object{{"message_id", m->message_id}, {"from", m->from}, {"to", m->to}, {"subject", m->subject}};
  }
  return {{"reporting_mta", parsed.reporting_mta},
          {"arrival_date", or_null(parsed.arrival_date)},
          {"envelope_id", parsed.envelope_id},
          {"recipients", std::move(recipients)},
          {"returned", std::move(returned)}};
}

Exit parse_dsn(const Invocation& v) {
  const auto octets = read_message(v);
  if (!octets) return report(octets.error());
  const auto parsed = dsn::parse_report(*octets);
  if (!parsed) {
    const Problem problem{ProblemKind::no, in_quotes(v.get("FILE")),
                          fmt::format("this is no delivery status report: {}", dsn::text(parsed.error())),
                          "give the bounce as it came, with header and all parts (Content-Type: multipart/report)"};
    if (v.json()) {
      json::object none = report_json({});
      none["problem"] = problem.why;
      print_json(none);
    }
    return report(problem);
  }
  if (v.json()) {
    print_json(report_json(*parsed));
    return Exit::done;
  }
  std::string out = fmt::format("A report of {}\n", text::printable(parsed->reporting_mta));
  for (const dsn::ParsedRecipient& r : parsed->recipients) {
    out += fmt::format("  {}: {} {}\n      {}\n", text::printable(r.final_recipient), r.action, r.status,
                       text::printable(r.diagnostic_code, 600));
  }
  print(out);
  return Exit::done;
}

}  // namespace
}  // namespace parse_noun

json::object message_json(Octets octets) {
  const message::MessageView view = message::view_message(octets);
  return {{"header", parse_noun::fields_json(view.header)},
          {"parts", parse_noun::parts_json(view.parts)},
          {"truncated", view.truncated}};
}

const std::vector<Verb>& parse_verbs() {
  using namespace parse_noun;
  static const std::vector<Verb> verbs{
      {"parse address",
       "what an address or address list says",
       "  posthorn parse address --context smtp '<\"ann b\"@example.org>'\n"
       "  posthorn parse address --context header 'Ann <ann@example.org>, team: bob@example.org;'",
       {{"TEXT", "the text; - is standard input"}},
       {{"--context", "CONTEXT", "smtp (as in MAIL and RCPT) or header (as in From and To)", true}},
       parse_address},
      {"parse message",
       "a message's header and MIME structure",
       "Offsets are those of the form with CRLF line ends.\n\n  posthorn parse message letter.eml --json",
       {message_file},
       {},
       parse_message},
      {"parse dsn",
       "what a bounce says about whom",
       "Exit status 1 where it is no delivery status report.",
       {message_file},
       {},
       parse_dsn},
  };
  return verbs;
}

}  // namespace posthorn::cli
