#include "standards/imap/response.h"

#include "foundation/base/number.h"
#include "foundation/text/ascii.h"
#include "standards/imap/flags.h"
#include "standards/imap/mailbox_name.h"
#include "standards/imap/quoting.h"

namespace posthorn::imap {

// ---- words -----------------------------------------------------------------------------------------------------

void ResponseWriter::number(std::uint64_t value) {
  append_number(output_, value);
}

void ResponseWriter::string(std::string_view octets) {
  append_string(output_, octets, encoding_.utf8_names());
}

void ResponseWriter::nstring(const std::optional<std::string>& octets) {
  if (!octets) {
    output_ += "NIL";
    return;
  }
  string(*octets);
}

void ResponseWriter::mailbox(std::string_view utf8) {
  append_astring(output_, wire_mailbox_name(utf8, encoding_.utf8_names()), encoding_.utf8_names());
}

// ---- status ----------------------------------------------------------------------------------------------------

namespace {

// resp-text = ["[" resp-text-code "]" SP] text; text must not be empty
void append_resp_text(std::string& output, const ResponseCode& code, std::string_view text) {
  if (!code.empty()) {
    output += '[';
    output += code.text;
    output += "] ";
  }
  const auto begin = output.size();
  output += text;
  for (std::size_t i = begin; i < output.size(); ++i) {
    if (output[i] == '\r' || output[i] == '\n' || output[i] == '\0') output[i] = ' ';
  }
  output += "\r\n";
}

}  // namespace

void ResponseWriter::ok(const ResponseCode& code, std::string_view text) {
  tagged("*", "OK", code, text);
}
void ResponseWriter::no(const ResponseCode& code, std::string_view text) {
  tagged("*", "NO", code, text);
}
void ResponseWriter::bye(const ResponseCode& code, std::string_view text) {
  tagged("*", "BYE", code, text);
}

void ResponseWriter::tagged(std::string_view tag, std::string_view condition, const ResponseCode& code,
                            std::string_view text) {
  output_ += tag;
  output_ += ' ';
  output_ += condition;
  output_ += ' ';
  append_resp_text(output_, code, text);
}

void ResponseWriter::continuation(std::string_view text) {
  output_ += "+ ";
  append_resp_text(output_, {}, text);
}

// ---- the mailbox -----------------------------------------------------------------------------------------------

void ResponseWriter::exists(std::uint32_t count) {
  output_ += "* ";
  number(count);
  output_ += " EXISTS\r\n";
}

void ResponseWriter::recent(std::uint32_t count) {
  if (encoding_.rev2) return;  // RFC 9051 Appendix E: RECENT is gone
  output_ += "* ";
  number(count);
  output_ += " RECENT\r\n";
}

void ResponseWriter::expunge(SequenceNumber sequence_number) {
  output_ += "* ";
  number(sequence_number);
  output_ += " EXPUNGE\r\n";
}

void ResponseWriter::vanished(const NumberSet& uids, bool earlier) {
  if (uids.empty()) return;
  output_ += earlier ? "* VANISHED (EARLIER) " : "* VANISHED ";
  uids.append_to(output_);
  output_ += "\r\n";
}

void ResponseWriter::flags(std::uint8_t system, std::span<const std::string> keywords) {
  output_ += "* FLAGS (";
  append_flags(output_, system, keywords);
  output_ += ")\r\n";
}

// ---- data ------------------------------------------------------------------------------------------------------

void ResponseWriter::capability(std::string_view words) {
  output_ += "* CAPABILITY ";
  output_ += words;
  output_ += "\r\n";
}

void ResponseWriter::enabled(std::string_view words) {
  output_ += "* ENABLED";
  if (!words.empty()) output_ += ' ';
  output_ += words;
  output_ += "\r\n";
}

void ResponseWriter::id(std::span<const std::pair<std::string, std::string>> fields) {
  output_ += "* ID ";
  if (fields.empty()) output_ += "NIL";
  for (std::size_t i = 0; i < fields.size(); ++i) {
    output_ += i == 0 ? '(' : ' ';
    string(fields[i].first);
    output_ += ' ';
    string(fields[i].second);
  }
  output_ += fields.empty() ? "\r\n" : ")\r\n";
}

// mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]
void ResponseWriter::list_line(std::string_view verb, const ListEntry& entry) {
  output_ += verb;
  const auto begin = output_.size();
  for (const auto attribute : entry.attributes) {
    if (output_.size() != begin) output_ += ' ';
    output_ += attribute;
  }
  if (!entry.special_use.empty()) {
    output_ += output_.size() != begin ? " \\" : "\\";
    output_ += entry.special_use;
  }
  output_ += ") \"/\" ";
  mailbox(entry.name);
}

void ResponseWriter::list(const ListEntry& entry) {
  list_line("* LIST (", entry);
  // childinfo-extended-item = "CHILDINFO" SP "(" list-select-base-opt-quoted *(SP …) ")" (RFC 5258 6)
  if (!entry.child_info.empty()) {
    output_ += " (\"CHILDINFO\" (";
    for (const auto info : entry.child_info) {
      if (output_.back() != '(') output_ += ' ';
      append_quoted(output_, info);
    }
    output_ += "))";
  }
  // oldname-extended-item = "OLDNAME" SP "(" mailbox ")" (RFC 5465 8)
  if (!entry.old_name.empty()) {
    output_ += " (\"OLDNAME\" (";
    mailbox(entry.old_name);
    output_ += "))";
  }
  output_ += "\r\n";
}

void ResponseWriter::lsub(const ListEntry& entry) {
  list_line("* LSUB (", entry);
  output_ += "\r\n";
}

void ResponseWriter::list_separator() {
  output_ += "* LIST (\\Noselect) \"/\" \"\"\r\n";
}

void ResponseWriter::name_space() {
  output_ += "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n";
}

void ResponseWriter::status(const StatusResponse& status) {
  output_ += "* STATUS ";
  mailbox(status.mailbox);
  output_ += " (";
  const auto item = [&](std::string_view name, const std::optional<std::uint64_t>& value) {
    if (!value) return;
    if (output_.back() != '(') output_ += ' ';
    output_ += name;
    output_ += ' ';
    number(*value);
  };
  item("MESSAGES", status.messages);
  item("RECENT", status.recent);
  item("UIDNEXT", status.uid_next);
  item("UIDVALIDITY", status.uid_validity);
  item("UNSEEN", status.unseen);
  item("DELETED", status.deleted);
  item("SIZE", status.size);
  item("HIGHESTMODSEQ", status.highest_mod_seq);
  item("APPENDLIMIT", status.append_limit);
  item("DELETED-STORAGE", status.deleted_storage);
  if (status.mailbox_id) {
    if (output_.back() != '(') output_ += ' ';
    output_ += "MAILBOXID (" + *status.mailbox_id + ')';
  }
  output_ += ")\r\n";
}

// quota-response = "QUOTA" SP quota-root-name SP quota-list (RFC 9208 5.1, 6)
void ResponseWriter::quota(std::string_view root, std::span<const QuotaResource> resources) {
  output_ += "* QUOTA ";
  append_astring(output_, root, encoding_.utf8_names());
  output_ += " (";
  for (const auto& resource : resources) {
    if (output_.back() != '(') output_ += ' ';
    output_ += resource.name;
    output_ += ' ';
    number(resource.usage);
    output_ += ' ';
    number(resource.limit);
  }
  output_ += ")\r\n";
}

void ResponseWriter::quota_root(std::string_view mailbox_name, std::span<const std::string> roots) {
  output_ += "* QUOTAROOT ";
  mailbox(mailbox_name);
  for (const auto& root : roots) {
    output_ += ' ';
    append_astring(output_, root, encoding_.utf8_names());
  }
  output_ += "\r\n";
}

// ---- search results --------------------------------------------------------------------------------------------

namespace {

void append_numbers(ResponseWriter& writer, const NumberSet& numbers) {
  for (const auto range : numbers.ranges()) {
    for (std::uint64_t n = range.first; n <= range.last; ++n) {
      writer.append(" ");
      writer.number(n);
    }
  }
}

void append_esearch_items(ResponseWriter& writer, const SearchReturn& returns, const NumberSet& numbers) {
  const auto item = [&](std::string_view name, std::uint64_t value) {
    writer.append(name);
    writer.number(value);
  };
  // RFC 4731 3.1: MIN, MAX and ALL are left out where nothing matched; COUNT is always there.
  if (returns.min && !numbers.empty()) item(" MIN ", numbers.min());
  if (returns.max && !numbers.empty()) item(" MAX ", numbers.max());
  if (returns.count) item(" COUNT ", numbers.size());
  if (returns.all && !numbers.empty()) {
    writer.append(" ALL ");
    numbers.append_to(writer.output());
  }
  if (returns.partial) {
    const auto window = returns.partial->of(numbers);
    writer.append(" PARTIAL (" + returns.partial->text() + ' ');
    if (window.empty()) writer.append("NIL");
    window.append_to(writer.output());
    writer.append(")");
  }
}

}  // namespace

void ResponseWriter::search(std::string_view tag, const SearchReturn& returns, const SearchResponse& response) {
  const bool is_extended = returns.is_extended || encoding_.rev2;
  if (!is_extended) {
    output_ += "* SEARCH";
    append_numbers(*this, response.numbers);
    // RFC 7162 3.1.5: only with a result
    if (response.mod_seq && !response.numbers.empty()) {
      output_ += " (MODSEQ ";
      number(*response.mod_seq);
      output_ += ')';
    }
    output_ += "\r\n";
    return;
  }
  // RFC 5182 2.1: SAVE alone has no ESEARCH response.
  const bool asks_nothing = !returns.min && !returns.max && !returns.all && !returns.count && !returns.partial;
  if (returns.is_extended && asks_nothing) return;
  output_ += "* ESEARCH (TAG ";
  append_quoted(output_, tag);
  output_ += ')';
  if (response.is_uid) output_ += " UID";
  SearchReturn wanted = returns;
  if (asks_nothing) wanted.all = true;  // RFC 9051 6.4.4: a plain SEARCH of a rev2 session
  append_esearch_items(*this, wanted, response.numbers);
  if (response.mod_seq && !response.numbers.empty()) {
    output_ += " MODSEQ ";
    number(*response.mod_seq);
  }
  output_ += "\r\n";
}

void ResponseWriter::sort(std::span<const std::uint32_t> numbers, std::optional<ModSeq> mod_seq) {
  output_ += "* SORT";
  for (const auto n : numbers) {
    output_ += ' ';
    number(n);
  }
  if (mod_seq && !numbers.empty()) {
    output_ += " (MODSEQ ";
    number(*mod_seq);
    output_ += ')';
  }
  output_ += "\r\n";
}

}  // namespace posthorn::imap
