// SEARCH, SORT and THREAD (RFC 9051 6.4.4, RFC 4731, 5032, 5182, 5256, 5957, 7162, 8474, 8514, 9394).
#include <array>

#include "foundation/text/ascii.h"
#include "standards/imap/parse.h"
#include "standards/message/transfer_encoding.h"

namespace posthorn::imap {
namespace {

using Kind = SearchKey::Kind;

// The charsets a search may be written in. Others get BADCHARSET with the names of the first two (RFC 9051 6.4.4).
constexpr std::array<std::string_view, 16> charsets{"US-ASCII",    "UTF-8",        "ASCII",        "ISO-8859-1",
                                                    "ISO-8859-2",  "ISO-8859-5",   "ISO-8859-7",   "ISO-8859-9",
                                                    "ISO-8859-15", "WINDOWS-1251", "WINDOWS-1252", "ISO-2022-JP",
                                                    "SHIFT_JIS",   "EUC-JP",       "GB2312",       "BIG5"};

/// What stands while a program is read.
struct Program {
  std::string charset;  ///< empty: none was named
  std::size_t keys = 0;
};

SearchKey search_key(Scanner& in, Program& program, std::size_t depth);

// ---- arguments -------------------------------------------------------------------------------------------------

std::string text_argument(Scanner& in, const Program& program) {
  in.space();
  return message::to_utf8(in.astring(), program.charset.empty() ? "UTF-8" : program.charset);
}

Day date_argument(Scanner& in) {
  in.space();
  const auto date = parse_date(in.astring());
  if (in.ok() && !date) in.fail("Not a date");
  return date.value_or(Day{});
}

std::string object_id_argument(Scanner& in) {
  in.space();
  return std::string(in.astring());
}

// "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer (RFC 7162 7)
void mod_seq_argument(Scanner& in, SearchKey& key) {
  in.space();
  if (in.at_string()) {
    static_cast<void>(in.string());
    in.space();
    const bool is_type = in.accept_word("priv") || in.accept_word("shared") || in.accept_word("all");
    if (!is_type) in.fail("Unknown entry type of MODSEQ");
    in.space();
  }
  key.number = in.number64();
}

// ---- the table of keys -----------------------------------------------------------------------------------------

enum class Argument : unsigned char {
  none,
  flag,      // none; `flag` of the row
  not_flag,  // none; the row's flag is not set
  keyword,
  not_keyword,
  address_or_subject,  // text; the key's name is the field's
  header,              // field and text
  text,
  date,
  number,
  seconds,
  mod_seq,
  object_id,
  uid,
  one_key,
  two_keys
};

struct SearchRow {
  std::string_view name;
  Argument argument;
  Kind kind;
  SystemFlag flag = SystemFlag::seen;
};

constexpr std::array<SearchRow, 44> search_rows{{
    {"ALL", Argument::none, Kind::all},
    {"ANSWERED", Argument::flag, Kind::flag, SystemFlag::answered},
    {"BCC", Argument::address_or_subject, Kind::header},
    {"BEFORE", Argument::date, Kind::before},
    {"BODY", Argument::text, Kind::body},
    {"CC", Argument::address_or_subject, Kind::header},
    {"DELETED", Argument::flag, Kind::flag, SystemFlag::deleted},
    {"DRAFT", Argument::flag, Kind::flag, SystemFlag::draft},
    {"FLAGGED", Argument::flag, Kind::flag, SystemFlag::flagged},
    {"FROM", Argument::address_or_subject, Kind::header},
    {"HEADER", Argument::header, Kind::header},
    {"KEYWORD", Argument::keyword, Kind::keyword},
    {"LARGER", Argument::number, Kind::larger},
    {"NEW", Argument::none, Kind::is_new},
    {"NOT", Argument::one_key, Kind::negation},
    {"OLD", Argument::not_flag, Kind::flag, SystemFlag::recent},
    {"ON", Argument::date, Kind::on},
    {"OR", Argument::two_keys, Kind::either},
    {"RECENT", Argument::flag, Kind::flag, SystemFlag::recent},
    {"SEEN", Argument::flag, Kind::flag, SystemFlag::seen},
    {"SENTBEFORE", Argument::date, Kind::sent_before},
    {"SENTON", Argument::date, Kind::sent_on},
    {"SENTSINCE", Argument::date, Kind::sent_since},
    {"SINCE", Argument::date, Kind::since},
    {"SMALLER", Argument::number, Kind::smaller},
    {"SUBJECT", Argument::address_or_subject, Kind::header},
    {"TEXT", Argument::text, Kind::text},
    {"TO", Argument::address_or_subject, Kind::header},
    {"UID", Argument::uid, Kind::uid},
    {"UNANSWERED", Argument::not_flag, Kind::flag, SystemFlag::answered},
    {"UNDELETED", Argument::not_flag, Kind::flag, SystemFlag::deleted},
    {"UNDRAFT", Argument::not_flag, Kind::flag, SystemFlag::draft},
    {"UNFLAGGED", Argument::not_flag, Kind::flag, SystemFlag::flagged},
    {"UNKEYWORD", Argument::not_keyword, Kind::keyword},
    {"UNSEEN", Argument::not_flag, Kind::flag, SystemFlag::seen},
    {"OLDER", Argument::seconds, Kind::older},  // RFC 5032
    {"YOUNGER", Argument::seconds, Kind::younger},
    {"MODSEQ", Argument::mod_seq, Kind::mod_seq},      // RFC 7162
    {"EMAILID", Argument::object_id, Kind::email_id},  // RFC 8474
    {"THREADID", Argument::object_id, Kind::thread_id},
    {"SAVEDBEFORE", Argument::date, Kind::saved_before},  // RFC 8514
    {"SAVEDON", Argument::date, Kind::saved_on},
    {"SAVEDSINCE", Argument::date, Kind::saved_since},
    {"SAVEDATESUPPORTED", Argument::none, Kind::save_date_supported},
}};

SearchKey negated(SearchKey key) {
  SearchKey outer;
  outer.kind = Kind::negation;
  outer.children.push_back(std::move(key));
  return outer;
}

void keyword_argument(Scanner& in, SearchKey& key) {
  in.space();
  key.text = in.atom();
}

void header_argument(Scanner& in, SearchKey& key, const Program& program) {
  in.space();
  key.field = in.astring();
  key.text = text_argument(in, program);
}

void seconds_argument(Scanner& in, SearchKey& key) {
  in.space();
  key.number = in.nz_number();
}

void child_keys(Scanner& in, SearchKey& key, Program& program, std::size_t depth, std::size_t count) {
  for (; count > 0 && in.ok(); --count) {
    in.space();
    key.children.push_back(search_key(in, program, depth + 1));
  }
}

SearchKey key_of(const SearchRow& row, Scanner& in, Program& program, std::size_t depth) {
  SearchKey key;
  key.kind = row.kind;
  key.flag = row.flag;
  switch (row.argument) {
    case Argument::none:
    case Argument::flag:
      break;
    case Argument::not_flag:
      return negated(std::move(key));
    case Argument::keyword:
      keyword_argument(in, key);
      break;
    case Argument::not_keyword:
      keyword_argument(in, key);
      return negated(std::move(key));
    case Argument::address_or_subject:
      key.field = row.name;
      key.text = text_argument(in, program);
      break;
    case Argument::header:
      header_argument(in, key, program);
      break;
    case Argument::text:
      key.text = text_argument(in, program);
      break;
    case Argument::date:
      key.day = date_argument(in);
      break;
    case Argument::number:
      in.space();
      key.number = in.number64();
      break;
    case Argument::seconds:
      seconds_argument(in, key);
      break;
    case Argument::mod_seq:
      mod_seq_argument(in, key);
      break;
    case Argument::object_id:
      key.text = object_id_argument(in);
      break;
    case Argument::uid:
      in.space();
      key.set = in.sequence_set();
      break;
    case Argument::one_key:
      child_keys(in, key, program, depth, 1);
      break;
    case Argument::two_keys:
      child_keys(in, key, program, depth, 2);
      break;
  }
  return key;
}

// ---- keys ------------------------------------------------------------------------------------------------------

// "(" search-key *(SP search-key) ")", or the same without parentheses up to the end
SearchKey key_list(Scanner& in, Program& program, std::size_t depth) {
  SearchKey list;
  list.kind = Kind::both;
  do list.children.push_back(search_key(in, program, depth + 1));
  while (in.ok() && in.accept(' '));
  if (list.children.size() > 1) return list;
  auto only = std::move(list.children.front());
  return only;
}

SearchKey search_key(Scanner& in, Program& program, std::size_t depth) {
  if (depth > search_depth_max || ++program.keys > search_keys_max) {
    in.fail({.is_bad = false, .code = code::limit(), .text = "The search is too complex"});
    return {};
  }
  if (in.accept('(')) {
    auto list = key_list(in, program, depth);
    in.expect(')');
    return list;
  }
  if (text::is_digit(in.peek()) || in.peek() == '*' || in.peek() == '$') {
    SearchKey key;
    key.kind = Kind::sequence;
    key.set = in.sequence_set();
    return key;
  }
  const auto name = in.name();
  for (const auto& row : search_rows) {
    if (text::iequals(row.name, name)) return key_of(row, in, program, depth);
  }
  in.fail("Unknown search key");
  return {};
}

void read_charset(Scanner& in, Program& program, const ParseContext& context) {
  program.charset = text::upper(in.astring());
  if (!in.ok()) return;
  // RFC 9755 3: no CHARSET after ENABLE UTF8=ACCEPT.
  if (context.utf8_accept && program.charset != "UTF-8")
    return in.fail("UTF8=ACCEPT is enabled: no charset is allowed");
  for (const auto known : charsets) {
    if (known == program.charset) return;
  }
  in.fail({.is_bad = false, .code = code::bad_charset(), .text = "Unknown charset"});
}

// ---- RETURN ----------------------------------------------------------------------------------------------------

// search-return-opt (RFC 4731 4, RFC 5182 4, RFC 9394 4)
void return_option(Scanner& in, SearchReturn& returns) {
  if (in.accept_word("MIN")) {
    returns.min = true;
  } else if (in.accept_word("MAX")) {
    returns.max = true;
  } else if (in.accept_word("ALL")) {
    returns.all = true;
  } else if (in.accept_word("COUNT")) {
    returns.count = true;
  } else if (in.accept_word("SAVE")) {
    returns.save = true;
  } else if (in.accept_word("PARTIAL")) {
    in.space();
    if (returns.partial) return in.fail("PARTIAL may be asked once");
    returns.partial = PartialRange::parse(in.name());
    if (in.ok() && !returns.partial) in.fail("Not a partial range");
  } else {
    in.fail("Unknown return option");
  }
}

// search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
void return_options(Scanner& in, SearchReturn& returns) {
  returns.is_extended = true;
  in.space();
  in.expect('(');
  if (!in.accept(')')) {
    do return_option(in, returns);
    while (in.ok() && in.accept(' '));
    in.expect(')');
  }
  // RFC 9394 3.1: ALL and PARTIAL exclude each other.
  if (in.ok() && returns.all && returns.partial) in.fail("PARTIAL and ALL exclude each other");
  // RFC 4731 3.1: nothing named means ALL. SAVE alone names no result (RFC 5182 2.1).
  if (!returns.min && !returns.max && !returns.count && !returns.save && !returns.partial) returns.all = true;
  in.space();
}

// sort-criteria = "(" sort-criterion *(SP sort-criterion) ")" (RFC 5256 5, RFC 5957 3)
constexpr std::array<std::pair<std::string_view, SortCriterion::Key>, 9> sort_keys{{
    {"ARRIVAL", SortCriterion::Key::arrival},
    {"CC", SortCriterion::Key::cc},
    {"DATE", SortCriterion::Key::date},
    {"DISPLAYFROM", SortCriterion::Key::display_from},
    {"DISPLAYTO", SortCriterion::Key::display_to},
    {"FROM", SortCriterion::Key::from},
    {"SIZE", SortCriterion::Key::size},
    {"SUBJECT", SortCriterion::Key::subject},
    {"TO", SortCriterion::Key::to},
}};

SortCriterion sort_criterion(Scanner& in) {
  SortCriterion criterion;
  if (in.accept_word("REVERSE")) {
    criterion.reverse = true;
    in.space();
  }
  const auto name = in.name();
  for (const auto& [word, key] : sort_keys) {
    if (!text::iequals(word, name)) continue;
    criterion.key = key;
    return criterion;
  }
  in.fail("Unknown sort key");
  return criterion;
}

// search-criteria of SORT and THREAD = charset 1*(SP search-key)
SearchKey charset_and_keys(Scanner& in, const ParseContext& context) {
  Program program;
  read_charset(in, program, context);
  in.space();
  auto key = key_list(in, program, 0);
  in.end();
  return key;
}

}  // namespace

SearchCommand parse_search(Scanner& in, bool is_uid, const ParseContext& context) {
  SearchCommand command;
  command.is_uid = is_uid;
  if (in.accept_word("RETURN")) return_options(in, command.returns);
  Program program;
  if (in.accept_word("CHARSET")) {
    in.space();
    read_charset(in, program, context);
    in.space();
  }
  command.key = key_list(in, program, 0);
  in.end();
  return command;
}

SortCommand parse_sort(Scanner& in, bool is_uid, const ParseContext& context) {
  SortCommand command;
  command.is_uid = is_uid;
  in.expect('(');
  do {
    if (command.criteria.size() == sort_criteria_max) in.fail("Too many sort keys");
    command.criteria.push_back(sort_criterion(in));
  } while (in.ok() && in.accept(' '));
  in.expect(')');
  in.space();
  command.key = charset_and_keys(in, context);
  return command;
}

ThreadCommand parse_thread(Scanner& in, bool is_uid, const ParseContext& context) {
  ThreadCommand command;
  command.is_uid = is_uid;
  if (in.accept_word("ORDEREDSUBJECT")) {
    command.algorithm = ThreadAlgorithm::ordered_subject;
  } else if (!in.accept_word("REFERENCES")) {
    in.fail("Unknown thread algorithm");
  }
  in.space();
  command.key = charset_and_keys(in, context);
  return command;
}

}  // namespace posthorn::imap
