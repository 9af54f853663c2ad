// Every response and every response code, as it stands on the wire.
#include "standards/imap/response.h"

#include <gtest/gtest.h>

namespace posthorn::imap {
namespace {

using namespace std::string_literals;

TEST(ImapResponse, Codes) {
  using namespace code;
  const std::pair<ResponseCode, std::string_view> codes[] = {
      {alert(), "ALERT"},
      {already_exists(), "ALREADYEXISTS"},
      {authentication_failed(), "AUTHENTICATIONFAILED"},
      {authorization_failed(), "AUTHORIZATIONFAILED"},
      {bad_charset(), "BADCHARSET (US-ASCII UTF-8)"},
      {cannot(), "CANNOT"},
      {client_bug(), "CLIENTBUG"},
      {closed(), "CLOSED"},
      {contact_admin(), "CONTACTADMIN"},
      {corruption(), "CORRUPTION"},
      {expired(), "EXPIRED"},
      {expunge_issued(), "EXPUNGEISSUED"},
      {has_children(), "HASCHILDREN"},
      {in_use(), "INUSE"},
      {limit(), "LIMIT"},
      {nonexistent(), "NONEXISTENT"},
      {no_permission(), "NOPERM"},
      {over_quota(), "OVERQUOTA"},
      {parse(), "PARSE"},
      {privacy_required(), "PRIVACYREQUIRED"},
      {read_only(), "READ-ONLY"},
      {read_write(), "READ-WRITE"},
      {server_bug(), "SERVERBUG"},
      {try_create(), "TRYCREATE"},
      {unavailable(), "UNAVAILABLE"},
      {uid_next(4392), "UIDNEXT 4392"},
      {uid_validity(3857529045), "UIDVALIDITY 3857529045"},
      {uid_not_sticky(), "UIDNOTSTICKY"},
      {unseen(12), "UNSEEN 12"},
      {permanent_flags(1 | 8, std::vector<std::string>{"$Junk"}, true), "PERMANENTFLAGS (\\Deleted \\Seen $Junk \\*)"},
      {permanent_flags(0, {}, true), "PERMANENTFLAGS (\\*)"},
      {permanent_flags(0, {}, false), "PERMANENTFLAGS ()"},
      {append_uid(38505, std::vector<Uid>{3955, 3956, 3958}), "APPENDUID 38505 3955:3956,3958"},
      {copy_uid(38505, std::vector<Uid>{304, 319, 320}, std::vector<Uid>{3956, 3957, 3958}),
       "COPYUID 38505 304,319:320 3956:3958"},
      {highest_mod_seq(715194045007), "HIGHESTMODSEQ 715194045007"},
      {no_mod_seq(), "NOMODSEQ"},
      {modified(*NumberSet::parse("7,9")), "MODIFIED 7,9"},
      {unknown_cte(), "UNKNOWN-CTE"},
      {not_saved(), "NOTSAVED"},
      {use_attribute(), "USEATTR"},
      {too_big(), "TOOBIG"},
      {mailbox_id("F2212ea87"), "MAILBOXID (F2212ea87)"},
  };
  for (const auto& [code, text] : codes) EXPECT_EQ(code.text, text);
}

TEST(ImapResponse, Status) {
  ResponseWriter writer;
  writer.ok(code::uid_next(5), "Predicted\r\n* BYE");
  writer.no({}, "Disk almost full");
  writer.bye(code::unavailable(), "Gone");
  writer.tagged("a1", "OK", {}, "done");
  writer.continuation("idling");
  EXPECT_EQ(writer.take(),
            "* OK [UIDNEXT 5] Predicted  * BYE\r\n* NO Disk almost full\r\n* BYE [UNAVAILABLE] Gone\r\na1 OK done\r\n"
            "+ idling\r\n");
}

TEST(ImapResponse, Mailbox) {
  ResponseWriter writer;
  writer.exists(23);
  writer.recent(5);
  writer.expunge(44);
  writer.vanished(*NumberSet::parse("41,43:116"), true);
  writer.vanished(*NumberSet::parse("405"), false);
  writer.vanished({}, false);
  writer.flags(31, std::vector<std::string>{"$Forwarded"});
  EXPECT_EQ(writer.take(),
            "* 23 EXISTS\r\n* 5 RECENT\r\n* 44 EXPUNGE\r\n* VANISHED (EARLIER) 41,43:116\r\n* VANISHED 405\r\n"
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded)\r\n");
  writer.set_encoding({.rev2 = true});
  writer.recent(5);
  EXPECT_EQ(writer.take(), "");
}

TEST(ImapResponse, ListInBothEncodings) {
  const ListEntry entry{.name = "Entwürfe & so",
                        .attributes = {"\\Subscribed", "\\HasChildren"},
                        .special_use = "Drafts",
                        .child_info = {"SUBSCRIBED"}};
  ResponseWriter writer;
  writer.list(entry);
  EXPECT_EQ(
      writer.take(),
      "* LIST (\\Subscribed \\HasChildren \\Drafts) \"/\" \"Entw&APw-rfe &- so\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n");
  writer.set_encoding({.utf8_accept = true});
  writer.lsub(entry);
  EXPECT_EQ(writer.take(), "* LSUB (\\Subscribed \\HasChildren \\Drafts) \"/\" \"Entwürfe & so\"\r\n");
  writer.list_separator();
  writer.name_space();
  EXPECT_EQ(writer.take(), "* LIST (\\Noselect) \"/\" \"\"\r\n* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
}

TEST(ImapResponse, NamesThatNeedQuotes) {
  ResponseWriter writer;
  writer.mailbox("NIL");
  writer.append(" ");
  writer.mailbox("a \"b\\");
  writer.append(" ");
  writer.mailbox("");
  writer.append(" ");
  writer.string(std::string_view("x\ry"));
  writer.append(" ");
  writer.string(std::string_view("x\0y", 3));
  EXPECT_EQ(writer.take(), "\"NIL\" \"a \\\"b\\\\\" \"\" {3}\r\nx\ry ~{3}\r\nx\0y"s);
}

TEST(ImapResponse, StatusAndQuota) {
  ResponseWriter writer;
  StatusResponse status;
  status.mailbox = "blurdybloop";
  status.messages = 231;
  status.uid_next = 44292;
  status.mailbox_id = "F1";
  writer.status(status);
  writer.status({.mailbox = "x"});
  const std::vector<QuotaResource> resources{{"STORAGE", 10, 512}, {"MESSAGE", 1, 5}};
  writer.quota("", resources);
  writer.quota_root("INBOX", std::vector<std::string>{"", "#user/ann"});
  writer.enabled("QRESYNC");
  writer.id({});
  EXPECT_EQ(writer.take(),
            "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 MAILBOXID (F1))\r\n* STATUS x ()\r\n"
            "* QUOTA \"\" (STORAGE 10 512 MESSAGE 1 5)\r\n* QUOTAROOT INBOX \"\" #user/ann\r\n* ENABLED QRESYNC\r\n* "
            "ID NIL\r\n");
}

// RFC 9051 6.4.4, RFC 4731 3.1, RFC 7162 3.1.5 and 3.1.10.
TEST(ImapResponse, Search) {
  ResponseWriter writer;
  const SearchResponse found{.is_uid = true, .numbers = *NumberSet::parse("2,10:12"), .mod_seq = 99};
  writer.search("a1", {}, found);
  EXPECT_EQ(writer.take(), "* SEARCH 2 10 11 12 (MODSEQ 99)\r\n");
  writer.search("a1", {}, {});
  EXPECT_EQ(writer.take(), "* SEARCH\r\n");
  const SearchReturn all{.is_extended = true, .min = true, .max = true, .all = true, .count = true};
  writer.search("a1", all, found);
  EXPECT_EQ(writer.take(), "* ESEARCH (TAG \"a1\") UID MIN 2 MAX 12 COUNT 4 ALL 2,10:12 MODSEQ 99\r\n");
  writer.search("a1", all, {});
  EXPECT_EQ(writer.take(), "* ESEARCH (TAG \"a1\") COUNT 0\r\n");
  const SearchReturn partial{.is_extended = true, .partial = PartialRange{3, 9, false}};
  writer.search("a1", partial, found);
  writer.search("a1", partial, {});
  EXPECT_EQ(writer.take(),
            "* ESEARCH (TAG \"a1\") UID PARTIAL (3:9 11:12) MODSEQ 99\r\n* ESEARCH (TAG \"a1\") PARTIAL (3:9 NIL)\r\n");
  writer.search("a1", {.is_extended = true, .save = true}, found);
  EXPECT_EQ(writer.take(), "");
  writer.set_encoding({.rev2 = true});
  writer.search("a1", {}, {.numbers = *NumberSet::parse("1:3")});
  EXPECT_EQ(writer.take(), "* ESEARCH (TAG \"a1\") ALL 1:3\r\n");
}

TEST(ImapResponse, SortAndThread) {
  ResponseWriter writer;
  writer.sort(std::vector<std::uint32_t>{5, 3, 4}, 17);
  writer.sort({});
  // RFC 5256 4: (2)(3 6 (4 23)(44 7 96)) and ((3)(5)), whose parent is missing
  ThreadTree tree;
  tree.nodes = {{2, {}},  {3, {2}}, {6, {3, 5}},  {4, {4}}, {23, {}}, {44, {6}},
                {7, {7}}, {96, {}}, {0, {9, 10}}, {30, {}}, {50, {}}};
  tree.roots = {0, 1, 8};
  writer.thread(tree);
  writer.thread({});
  EXPECT_EQ(writer.take(),
            "* SORT 5 3 4 (MODSEQ 17)\r\n* SORT\r\n* THREAD (2)(3 6 (4 23)(44 7 96))((30)(50))\r\n* THREAD\r\n");
}

TEST(ImapResponse, Fetch) {
  ResponseWriter writer;
  writer.fetch_begin(12);
  writer.fetch_uid(100);
  writer.fetch_flags(1 | 32, std::vector<std::string>{"$Junk"});
  writer.fetch_mod_seq(624140003);
  writer.fetch_size(44827);
  writer.fetch_internal_date(from_unix_seconds(837596665));
  writer.fetch_save_date(std::nullopt);
  writer.fetch_email_id("M6d99ac3275bb4e");
  writer.fetch_thread_id("");
  writer.fetch_preview("Zwölf");
  writer.fetch_end();
  EXPECT_EQ(
      writer.take(),
      "* 12 FETCH (UID 100 FLAGS (\\Seen \\Recent $Junk) MODSEQ (624140003) RFC822.SIZE 44827 INTERNALDATE "
      "\"17-Jul-1996 09:44:25 +0000\" SAVEDATE NIL EMAILID (M6d99ac3275bb4e) THREADID NIL PREVIEW {6}\r\nZwölf)\r\n");
}

TEST(ImapResponse, FetchSections) {
  ResponseWriter writer;
  FetchSection section;
  section.section.part = {1, 2};
  section.section.text = SectionSpec::Text::header_fields;
  section.section.fields = {"From", "DATE"};
  section.partial = Partial{0, 50};
  writer.fetch_begin(1);
  writer.fetch_section(section, "abc");
  FetchSection binary;
  binary.kind = FetchSection::Kind::binary;
  binary.section.part = {3};
  writer.fetch_section(binary, std::string_view("a\0b", 3));
  binary.kind = FetchSection::Kind::binary_size;
  writer.fetch_binary_size(binary, 7);
  writer.fetch_section({}, std::nullopt);
  writer.fetch_section_begin({.kind = FetchSection::Kind::rfc822}, 2);
  writer.append("xy");
  writer.fetch_end();
  EXPECT_EQ(writer.take(),
            "* 1 FETCH (BODY[1.2.HEADER.FIELDS (From DATE)]<0> {3}\r\nabc BINARY[3] ~{3}\r\na\0b "
            "BINARY.SIZE[3] 7 BODY[] NIL RFC822 {2}\r\nxy)\r\n"s);
}

}  // namespace
}  // namespace posthorn::imap
