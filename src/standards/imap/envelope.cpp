// ENVELOPE (RFC 9051 7.5.2).
#include "standards/imap/address_list.h"
#include "standards/imap/structure.h"
#include "standards/imap/structure_text.h"
#include "standards/message/header.h"

namespace posthorn::imap {
namespace {

// env-from … = "(" 1*address ")" / nil; the address is (name route mailbox host), groups begin with (NIL NIL name NIL)
// and end with (NIL NIL NIL NIL).
void append_addresses(std::string& output, const std::vector<ListedAddress>& addresses) {
  if (addresses.empty()) {
    output += "NIL";
    return;
  }
  output += '(';
  for (const auto& address : addresses) {
    output += '(';
    append_fact_nstring(output, address.name);
    output += ' ';
    append_fact_nstring(output, address.route);
    output += ' ';
    append_fact_nstring(output, address.mailbox);
    output += ' ';
    append_fact_nstring(output, address.host);
    output += ')';
  }
  output += ')';
}

void append_field(std::string& output, const message::Header& header, std::string_view name) {
  append_fact_nstring(output, header.value(name));
}

}  // namespace

std::string write_envelope(const message::Header& header) {
  const auto from = addresses_of(header, "From");
  // RFC 9051 7.5.2: absent or empty Sender and Reply-To are From.
  const auto sender = addresses_of(header, "Sender");
  const auto reply_to = addresses_of(header, "Reply-To");
  std::string output = "(";
  append_field(output, header, "Date");
  output += ' ';
  append_field(output, header, "Subject");
  const auto to = addresses_of(header, "To");
  const auto cc = addresses_of(header, "Cc");
  const auto bcc = addresses_of(header, "Bcc");
  for (const auto* list :
       {&from, sender.empty() ? &from : &sender, reply_to.empty() ? &from : &reply_to, &to, &cc, &bcc}) {
    output += ' ';
    append_addresses(output, *list);
  }
  output += ' ';
  append_field(output, header, "In-Reply-To");
  output += ' ';
  append_field(output, header, "Message-ID");
  output += ')';
  return output;
}

}  // namespace posthorn::imap
