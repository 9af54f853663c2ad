// What the parsers make of commands, through the machine.
#include <gtest/gtest.h>

#include "standards/test_support/imap_bench.h"

namespace posthorn::imap::server {
namespace {

class ImapCommand : public testing::Test {
 protected:
  ImapCommand() : bench(settings) { bench.log_in(); }

  template <class Command>
  Command parse(std::string_view text) {
    const auto answer = bench.line("t " + std::string(text));
    EXPECT_TRUE(answer.starts_with("t OK") || answer.find("\r\nt OK") != std::string::npos) << text << "\n" << answer;
    if (bench.commands.empty() || !std::holds_alternative<Command>(bench.commands.back().command)) {
      ADD_FAILURE() << text << " gave no such command";
      return Command{};
    }
    return std::get<Command>(bench.commands.back().command);
  }
  void select() { static_cast<void>(parse<SelectCommand>("SELECT INBOX")); }
  std::string bad(std::string_view text) {
    const auto answer = bench.line("t " + std::string(text));
    EXPECT_TRUE(answer.starts_with("t BAD") || answer.starts_with("t NO")) << text << "\n" << answer;
    static_cast<void>(bench.line("n NOOP"));
    return answer;
  }

  Settings settings = test_settings();
  ImapBench bench;
};

TEST_F(ImapCommand, Select) {
  const auto plain = parse<SelectCommand>("SELECT inbox");
  EXPECT_EQ(plain.mailbox, "INBOX");
  EXPECT_FALSE(plain.read_only);
  const auto condstore = parse<SelectCommand>("EXAMINE \"&AOk-\" (CONDSTORE)");
  EXPECT_EQ(condstore.mailbox, "é");
  EXPECT_TRUE(condstore.read_only && condstore.condstore);
  EXPECT_TRUE(bench.session.encoding().condstore);
  EXPECT_TRUE(bench.commands.back().enabled_condstore);
}

// RFC 7162 3.2.5's own example.
TEST_F(ImapCommand, SelectQresync) {
  EXPECT_NE(bad("SELECT INBOX (QRESYNC (67890007 20050715194045000))").find("not enabled"), std::string::npos);
  EXPECT_EQ(bench.line("e ENABLE QRESYNC"), "* ENABLED QRESYNC\r\ne OK ENABLE completed\r\n");
  const auto command =
      parse<SelectCommand>("SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541 (1,3:5 10,12:14)))");
  ASSERT_TRUE(command.qresync);
  EXPECT_EQ(command.qresync->uid_validity, 67890007u);
  EXPECT_EQ(command.qresync->mod_seq, 20050715194045000u);
  EXPECT_EQ(command.qresync->known_uids->text(), "41,43:211,214:541");
  EXPECT_EQ(command.qresync->match->second.text(), "10,12:14");
  const auto without_uids = parse<SelectCommand>("SELECT INBOX (QRESYNC (1 2 (1 10)))");
  EXPECT_FALSE(without_uids.qresync->known_uids);
  EXPECT_TRUE(without_uids.qresync->match);
  bad("SELECT INBOX (QRESYNC (1 2 1:5 (1:2 10)))");
  bad("SELECT INBOX (QRESYNC (0 2))");
  bad("SELECT INBOX (CONDSTORE");
  bad("SELECT INBOX (ANNOTATE)");
}

TEST_F(ImapCommand, MailboxCommands) {
  const auto create = parse<CreateCommand>("CREATE Archive/ (USE (\\Archive \\Important))");
  EXPECT_EQ(create.mailbox, "Archive");
  EXPECT_EQ(create.special_uses, (std::vector<std::string>{"Archive", "Important"}));
  EXPECT_EQ(parse<DeleteCommand>("DELETE {3+}\r\na b").mailbox, "a b");
  const auto rename = parse<RenameCommand>("RENAME \"a \\\"q\\\"\" b");
  EXPECT_EQ(rename.from, "a \"q\"");
  EXPECT_EQ(parse<SubscribeCommand>("SUBSCRIBE x]y").mailbox, "x]y");
  EXPECT_EQ(parse<UnsubscribeCommand>("UNSUBSCRIBE x").mailbox, "x");
  EXPECT_EQ(parse<GetQuotaCommand>("GETQUOTA \"\"").root, "");
  EXPECT_EQ(parse<GetQuotaRootCommand>("GETQUOTAROOT INBOX").mailbox, "INBOX");
  static_cast<void>(parse<NamespaceCommand>("namespace"));
  // What is no modified UTF-7 is well-formed, names no mailbox, and can be written back.
  const auto strange = parse<SubscribeCommand>("SUBSCRIBE {2+}\r\n&\xff").mailbox;
  EXPECT_EQ(strange, "\x01&ÿ");
  bad("CREATE");
  bad("CREATE a b");
  bad("DELETE (a)");
  bad("RENAME a");
  bad("NAMESPACE x");
}

TEST_F(ImapCommand, Status) {
  const auto status = parse<StatusCommand>(
      "STATUS blurdybloop (MESSAGES UIDNEXT uidvalidity UNSEEN DELETED SIZE RECENT HIGHESTMODSEQ MAILBOXID APPENDLIMIT "
      "DELETED-STORAGE)");
  EXPECT_TRUE(status.items.messages && status.items.uid_validity && status.items.deleted_storage);
  EXPECT_TRUE(bench.session.encoding().condstore);
  bad("STATUS x ()");
  bad("STATUS x (MESSAGE)");
}

TEST_F(ImapCommand, List) {
  const auto plain = parse<ListCommand>("LIST \"\" %");
  EXPECT_FALSE(plain.is_extended);
  EXPECT_TRUE(parse<ListCommand>("LIST \"\" \"\"").asks_for_separator());
  const auto extended = parse<ListCommand>(
      "LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (a* \"b %\") RETURN (CHILDREN SPECIAL-USE STATUS (MESSAGES UNSEEN))");
  EXPECT_TRUE(extended.select_subscribed && extended.select_recursive_match && extended.return_children);
  EXPECT_EQ(extended.patterns, (std::vector<std::string>{"a*", "b %"}));
  EXPECT_TRUE(extended.return_status->unseen);
  EXPECT_EQ(parse<LsubCommand>("LSUB ref *").reference, "ref");
  bad("LIST (RECURSIVEMATCH) \"\" *");
  bad("LIST (RECURSIVEMATCH REMOTE) \"\" *");
  bad("LIST \"\" * RETURN (STATUS)");
  bad("LIST \"\" ()");
}

TEST_F(ImapCommand, FetchItems) {
  select();
  const auto all = parse<FetchCommand>("FETCH 1:* ALL");
  EXPECT_TRUE(all.items.flags && all.items.internal_date && all.items.size && all.items.envelope && !all.items.body);
  EXPECT_TRUE(parse<FetchCommand>("FETCH 1 full").items.body);
  const auto list = parse<FetchCommand>(
      "UID FETCH 1,5:* (FLAGS EMAILID THREADID SAVEDATE PREVIEW (LAZY) BODY BODYSTRUCTURE MODSEQ RFC822.SIZE)");
  EXPECT_TRUE(list.is_uid && list.items.uid && list.items.preview_lazy && list.items.body_structure);
  EXPECT_TRUE(bench.session.encoding().condstore);
}

TEST_F(ImapCommand, FetchSections) {
  select();
  const auto command = parse<FetchCommand>(
      "FETCH 1 (BODY[] BODY.PEEK[1.2.HEADER.FIELDS (From \"X Y\")]<10.20> BINARY[1] BINARY.SIZE[2.3] RFC822.HEADER "
      "BODY[TEXT] BODY[4.MIME])");
  const auto& sections = command.items.sections;
  ASSERT_EQ(sections.size(), 7u);
  EXPECT_EQ(sections[1].section.wire(), "1.2.HEADER.FIELDS (From \"X Y\")");
  EXPECT_EQ(sections[1].partial, (Partial{10, 20}));
  EXPECT_TRUE(sections[1].peek);
  EXPECT_EQ(sections[3].section.path(), "2.3");
  EXPECT_EQ(sections[4].kind, FetchSection::Kind::rfc822_header);
  EXPECT_TRUE(command.items.sets_seen());
  EXPECT_FALSE(parse<FetchCommand>("FETCH 1 (BODY.PEEK[] BINARY.SIZE[])").items.sets_seen());
  for (const auto* wrong : {"BODY[0]", "BODY[1.]", "BODY[.1]", "BODY[MIME]", "BODY[1.HEADER.FIELDS ()]", "BODY[",
                            "BODY[]<1>", "BODY[]<1.0>", "BINARY[TEXT]", "FLAGS)", "()", "(FLAGS", "NONSENSE"}) {
    bad("FETCH 1 " + std::string(wrong));
  }
}

TEST_F(ImapCommand, FetchModifiers) {
  select();
  bad("UID FETCH 1:* FLAGS (CHANGEDSINCE 5 VANISHED)");
  static_cast<void>(bench.line("e ENABLE QRESYNC"));
  const auto command = parse<FetchCommand>("UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)");
  EXPECT_EQ(command.changed_since, 12345u);
  EXPECT_TRUE(command.vanished && command.items.mod_seq);
  EXPECT_EQ(parse<FetchCommand>("UID FETCH 1:* UID (PARTIAL -1:-100)").partial->from_end, true);
  bad("FETCH 1:* FLAGS (CHANGEDSINCE 5 VANISHED)");
  bad("UID FETCH 1:* FLAGS (VANISHED)");
  bad("FETCH 1:* FLAGS (PARTIAL 1:5)");
}

TEST_F(ImapCommand, StoreAndCopy) {
  select();
  const auto store = parse<StoreCommand>("STORE 2:4 (UNCHANGEDSINCE 12) +FLAGS.SILENT (\\Deleted $Forwarded)");
  EXPECT_EQ(store.mode, StoreCommand::Mode::add);
  EXPECT_TRUE(store.silent && store.flags.has(SystemFlag::deleted) && store.flags.has_keyword("$forwarded"));
  EXPECT_EQ(store.unchanged_since, 12u);
  EXPECT_EQ(parse<StoreCommand>("UID STORE 1 FLAGS ()").mode, StoreCommand::Mode::replace);
  EXPECT_EQ(parse<StoreCommand>("STORE 1 -FLAGS \\Seen NIL").flags.keywords.front(), "NIL");
  EXPECT_TRUE(parse<CopyCommand>("UID MOVE $ b").set.is_saved());
  EXPECT_FALSE(parse<CopyCommand>("COPY 1 b").is_move);
  bad("STORE 1 +FLAGS (\\Recent)");
  bad("STORE 1 +FLAGS (\\Unheard)");
  bad("STORE 1 FLAGS");
  bad("COPY 1");
  EXPECT_FALSE(parse<ExpungeCommand>("EXPUNGE").uids);
  EXPECT_EQ(parse<ExpungeCommand>("UID EXPUNGE 3:9").uids->resolve(99).text(), "3:9");
  bad("EXPUNGE 3");
  bad("UID EXPUNGE");
  bad("UID CLOSE");
}

TEST_F(ImapCommand, Search) {
  select();
  using Kind = SearchKey::Kind;
  const auto plain = parse<SearchCommand>("SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"");
  ASSERT_EQ(plain.key.children.size(), 3u);
  EXPECT_EQ(plain.key.children[2].kind, Kind::negation);
  EXPECT_EQ(plain.key.children[2].children.front().field, "FROM");
  EXPECT_FALSE(plain.returns.is_extended);
  const auto extended = parse<SearchCommand>("UID SEARCH RETURN (MIN MAX COUNT SAVE) CHARSET ISO-8859-1 TEXT \"\xe9\"");
  EXPECT_EQ(extended.key.text, "é");
  EXPECT_TRUE(extended.returns.min && extended.returns.save && !extended.returns.all);
  EXPECT_TRUE(parse<SearchCommand>("SEARCH RETURN () ALL").returns.all);
  EXPECT_FALSE(parse<SearchCommand>("SEARCH RETURN (SAVE) ALL").returns.all);
  const auto nested = parse<SearchCommand>("SEARCH OR (1:3 UID 7) (OLDER 100 UNKEYWORD $Junk)");
  EXPECT_EQ(nested.key.kind, Kind::either);
  EXPECT_EQ(nested.key.children[1].children[0].number, 100u);
  const auto mod_seq =
      parse<SearchCommand>("SEARCH MODSEQ \"/flags/\\\\draft\" all 620162338 EMAILID M1 SAVEDON 1-Jan-2026");
  EXPECT_EQ(mod_seq.key.children[0].number, 620162338u);
  EXPECT_EQ(parse<SearchCommand>("SEARCH RETURN (PARTIAL -1:-10) ALL").returns.partial->from_end, true);
  EXPECT_NE(bad("SEARCH CHARSET KLINGON ALL").find("NO [BADCHARSET (US-ASCII UTF-8)]"), std::string::npos);
  for (const auto* wrong :
       {"SEARCH", "SEARCH ()", "SEARCH OR ALL", "SEARCH NOT", "SEARCH SINCE 31-Feb-2026", "SEARCH FOO",
        "SEARCH OLDER 0", "SEARCH RETURN (ALL PARTIAL 1:2) ALL", "SEARCH RETURN (PARTIAL 1:*) ALL", "SEARCH (ALL",
        "SEARCH ALL)", "SEARCH LARGER x", "SEARCH KEYWORD"}) {
    bad(wrong);
  }
}

TEST_F(ImapCommand, SearchesAreBounded) {
  select();
  const std::string deep(200, '(');
  EXPECT_NE(bad("SEARCH " + deep + "ALL" + std::string(200, ')')).find("[LIMIT]"), std::string::npos);
  std::string wide = "SEARCH ALL";
  for (std::size_t i = 0; i < search_keys_max; ++i) wide += " ALL";
  EXPECT_NE(bad(wide).find("[LIMIT]"), std::string::npos);
}

TEST_F(ImapCommand, SortAndThread) {
  select();
  const auto sort = parse<SortCommand>("UID SORT (REVERSE DATE SUBJECT DISPLAYFROM) UTF-8 SINCE 1-Feb-1994");
  ASSERT_EQ(sort.criteria.size(), 3u);
  EXPECT_TRUE(sort.criteria[0].reverse && sort.is_uid);
  EXPECT_EQ(parse<ThreadCommand>("THREAD ORDEREDSUBJECT US-ASCII ALL").algorithm, ThreadAlgorithm::ordered_subject);
  bad("SORT () UTF-8 ALL");
  bad("SORT (DATE) ALL");
  bad("SORT RETURN (ALL) (DATE) UTF-8 ALL");
  bad("THREAD REFS UTF-8 ALL");
}

// RFC 9755 3: no CHARSET once UTF8=ACCEPT is enabled, and UTF-8 in quoted strings.
TEST_F(ImapCommand, Utf8Accept) {
  static_cast<void>(bench.line("e ENABLE UTF8=ACCEPT"));
  EXPECT_EQ(parse<SelectCommand>("SELECT \"é&\"").mailbox, "é&");
  bad("SEARCH CHARSET US-ASCII ALL");
  EXPECT_EQ(parse<SearchCommand>("SEARCH SUBJECT \"é\"").key.text, "é");
  bad("SELECT \"\xe9\"");
}

}  // namespace
}  // namespace posthorn::imap::server
