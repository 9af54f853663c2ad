#include "standards/dsn/explain.h"

#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/dsn/recipient_address.h"

namespace posthorn::dsn {
namespace {

constexpr std::size_t text_columns = 76;
constexpr std::size_t quoted_reply_octets_max = 1000;
constexpr std::size_t word_octets_max = 800;  // RFC 5321 4.5.3.1.6 allows lines of 1000, and there is an indent

struct Row {
  std::string_view code;  ///< "subject.detail" or "subject"
  Explanation words;
};
// RFC 3463 3 and the IANA registry (RFC 5248), in the words of somebody who writes mail and not servers.
constexpr std::array rows{
    Row{"1.1", {"There is no mailbox of that name.", "Check the spelling of the address and send it again."}},
    Row{"1.2", {"The domain after the @ does not exist or takes no mail.", "Check the spelling of the address."}},
    Row{"1.3", {"The address is not written as an address is.", "Check the spelling of the address."}},
    Row{"1.6", {"The mailbox has moved and left no new address.", "Ask the recipient for the new address."}},
    Row{"1.8", {"The other side did not accept your address as a sender.", "Ask your administrator."}},
    Row{"1.10", {"The domain after the @ says that it takes no mail at all.", "Find another way to the recipient."}},
    Row{"2.1", {"The mailbox is switched off.", "Reach the recipient in another way."}},
    Row{"2.2", {"The mailbox is full.", "Tell the recipient in another way, and send it again later."}},
    Row{"2.3", {"The message is too large for the mailbox.", "Send it without large attachments."}},
    Row{"3.4", {"The message is too large for the other side.", "Send it without large attachments."}},
    Row{"4.1", {"The other side's servers did not answer.", "Try again later, or reach the recipient in another way."}},
    Row{"4.4", {"We could not find out where to deliver mail for this domain.", "Check the spelling of the address."}},
    Row{"4.6", {"The message went round in a circle between servers.", "Forward this report to your administrator."}},
    Row{"4.7", {"We tried for days and had to give up.", "Reach the recipient in another way, or send it again."}},
    Row{"6.3", {"The other side's server is too old for the message's format.", "Send it as plain text."}},
    Row{"6.7",
        {"The other side's server knows no international addresses.", "Ask the recipient for an ASCII address."}},
    Row{"7.1", {"The other side refuses this message by its rules.", "Its words above may say which rule."}},
    Row{"7.10", {"The message could not be passed on over an encrypted connection.", "Ask your administrator."}},
    Row{"7.30", {"The message asked for encryption that the other side does not offer.", "Ask your administrator."}},
    Row{"1", {"The address was not accepted.", "Check the spelling of the address."}},
    Row{"2", {"The mailbox does not take messages now.", "Send it again later."}},
    Row{"3", {"The other side's mail system could not take the message.", "Send it again later."}},
    Row{"4", {"The message could not be brought to the other side.", "Try again later."}},
    Row{"5", {"The two mail servers did not understand each other.", "Forward this report to your administrator."}},
    Row{"6", {"The other side could not handle the message's content.", "Send it in a simpler form."}},
    Row{"7", {"The other side refuses this message by its rules.", "Its words above may say which rule."}},
};

const Explanation* find_row(std::string_view code) {
  for (const Row& row : rows)
    if (row.code == code) return &row.words;
  return nullptr;
}

/// Appends words wrapped, every line after `indent` spaces.
void put(std::string& out, std::string_view words, std::size_t indent = 0) {
  std::size_t column = 0;
  for (const std::string_view word : words_that_fit(words)) {
    if (column > 0 && column + 1 + word.size() > text_columns) {
      out += "\r\n";
      column = 0;
    }
    if (column == 0) {
      out.append(indent, ' ');
      column = indent;
    } else {
      out.push_back(' ');
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += "\r\n";
}

/// What a peer said, as one line without control octets.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, quoted_reply_octets_max))
    out.push_back((c >= 0 && c < ' ') || c == 0x7f ? ' ' : c);
  if (!text::is_utf8(out))
    for (char& c : out)
      if (text::is_non_ascii(c)) c = '?';
  return out;
}

std::string_view heading(Action action) {
  switch (action) {
    case Action::failed:
      return "Your message could NOT be delivered to:";
    case Action::delayed:
      return "Your message has not been delivered yet. We keep trying, and you need not send it again. It waits for:";
    case Action::delivered:
      return "Your message was delivered to:";
    case Action::relayed:
      return "Your message was handed over for the following recipients to a mail system that sends no reports of "
             "delivery. You will hear from it only if something goes wrong:";
    case Action::expanded:
      return "Your message was delivered to the following address and sent on to its members:";
  }
  return "";
}

void put_recipient(std::string& out, const RecipientReport& recipient) {
  out += fmt::format("    {}\r\n", one_line(recipient.final_recipient));
  if (recipient.original_recipient) {
    const auto original = parse_orcpt(*recipient.original_recipient);
    if (!original.address.empty() && !text::iequals(original.address, recipient.final_recipient))
      put(out, fmt::format("(you wrote to {})", one_line(original.address)), 8);
  }
  if (!recipient.diagnostic.empty() && recipient.action != Action::delivered) {
    const bool theirs = recipient.diagnostic_is_smtp && !recipient.remote_mta.empty();
    const std::string who = theirs ? fmt::format("The mail server {} said:", one_line(recipient.remote_mta)) : "Why:";
    put(out, fmt::format("{} {}", who, one_line(recipient.diagnostic)), 8);
  }
  if (recipient.action == Action::failed) {
    const Explanation words = explain_failure(recipient.status);
    put(out, fmt::format("{} {}", words.meaning, words.advice), 8);
  }
  if (recipient.action == Action::relayed && !recipient.remote_mta.empty())
    put(out, fmt::format("(handed to {})", one_line(recipient.remote_mta)), 8);
  if (recipient.action == Action::delayed && recipient.will_retry_until)
    put(out, fmt::format("We try until {}, then you get another report.", rfc5322_date(*recipient.will_retry_until)),
        8);
  out += "\r\n";
}

}  // namespace

std::vector<std::string_view> words_that_fit(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::string_view word : text::words(text)) {
    while (word.size() > word_octets_max) {
      std::size_t end = word_octets_max;
      while (end > word_octets_max - 4 && (static_cast<unsigned char>(word[end]) & 0xc0) == 0x80) --end;
      out.push_back(word.substr(0, end));
      word.remove_prefix(end);
    }
    out.push_back(word);
  }
  return out;
}

Explanation explain_failure(std::string_view status) {
  const auto first = status.find('.');
  const std::string_view code = first == std::string_view::npos ? "" : status.substr(first + 1);
  if (const Explanation* words = find_row(code)) return *words;
  if (const Explanation* words = find_row(code.substr(0, code.find('.')))) return *words;
  return {"The message was not accepted.", "The words above may say why."};
}

std::string human_text(const Report& report, bool returns_whole_message) {
  std::string out;
  put(out, fmt::format("This is the mail system of {}.", report.reporting_mta));
  for (const Action action : {Action::failed, Action::delayed, Action::delivered, Action::relayed, Action::expanded}) {
    bool first = true;
    for (const RecipientReport& recipient : report.recipients) {
      if (recipient.action != action) continue;
      if (std::exchange(first, false)) {
        out += "\r\n";
        put(out, heading(action));
        out += "\r\n";
      }
      put_recipient(out, recipient);
    }
  }
  put(out, returns_whole_message ? "Your message comes back with this report."
                                 : "The header of your message comes back with this report.");
  const std::string help = report.postmaster.empty() ? "postmaster@" + report.reporting_mta : report.postmaster;
  put(out, fmt::format("If you need help, write to {} and send this report along.", help));
  return out;
}

std::string_view subject_for(const Report& report) {
  const auto any = [&report](Action action) {
    return std::ranges::any_of(report.recipients, [action](const RecipientReport& r) { return r.action == action; });
  };
  if (any(Action::failed)) return "Could not be delivered";
  if (any(Action::delayed)) return "Not delivered yet, still trying";
  if (any(Action::delivered)) return "Delivered";
  return any(Action::relayed) ? "Handed over" : "Sent on";
}

}  // namespace posthorn::dsn
