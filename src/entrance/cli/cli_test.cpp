// The command line from words to exit status: the tables, and the verbs over a store that no server holds.
#include <fstream>
#include <set>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entrance/cli/verb.h"
#include "entrance/test_support/run_verb.h"
#include "platform/storage/store.h"

namespace posthorn::cli {
namespace {

using entrance_test::Ran;
using entrance_test::run_words;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Tables, EveryVerbIsNamedOnceAndTeaches) {
  std::set<std::string_view> names;
  const std::string overview = help_overview();
  for (const Verb* verb : all_verbs()) {
    EXPECT_TRUE(names.insert(verb->name).second) << verb->name;
    EXPECT_FALSE(verb->summary.empty()) << verb->name;
    EXPECT_FALSE(verb->summary.ends_with('.')) << verb->name;
    EXPECT_NE(verb->run, nullptr) << verb->name;
    EXPECT_THAT(overview, HasSubstr(std::string(verb->summary)));
    EXPECT_THAT(help_for(verb->name), HasSubstr(usage_line(*verb)));
  }
}

TEST(CommandLine, WrongUseIsTwoAndSaysWhatToDo) {
  EXPECT_EQ(run_words({}).status, Exit::usage);
  const Ran misspelt = run_words({"acount", "add", "x"});
  EXPECT_EQ(misspelt.status, Exit::usage);
  EXPECT_EQ(misspelt.err, "posthorn: acount add: there is no such verb; did you mean posthorn account add?\n");
  const Ran option = run_words({"account", "add", "a@b.example", "--pasword-file", "x"});
  EXPECT_EQ(option.status, Exit::usage);
  EXPECT_EQ(option.err, "posthorn: --pasword-file: account add has no such option; did you mean --password-file?\n");
  EXPECT_THAT(run_words({"account", "add"}).err, HasSubstr("ADDRESS is missing; usage: posthorn account add ADDRESS"));
  EXPECT_THAT(run_words({"account", "add", "--quota"}).err, HasSubstr("its SIZE is missing"));
  EXPECT_THAT(run_words({"domain", "list", "x"}).err, HasSubstr("takes no more arguments"));
  EXPECT_THAT(run_words({"account"}).out, HasSubstr("account remove"));
  EXPECT_EQ(run_words({"--version"}).status, Exit::done);
  EXPECT_EQ(run_words({"help", "account", "add"}).status, Exit::done);
  EXPECT_EQ(run_words({"account", "add", "--help"}).status, Exit::done);
  EXPECT_EQ(run_words({"domain", "list", "--config", "/nonexistent/posthorn.toml"}).status, Exit::usage);
}

// INTERFACES, commands in general: --json prints exactly one document, whatever the answer is.
TEST(CommandLine, AFailureHasItsDocumentToo) {
  const auto document = [](const std::vector<std::string>& words) {
    const Ran ran = run_words(words);
    EXPECT_NE(ran.status, Exit::done);
    EXPECT_THAT(ran.err, StartsWith("posthorn: ")) << "people are told as well";
    return boost::json::parse(ran.out).at("error");
  };
  const auto nowhere = document({"domain", "list", "--json", "--config", "/nonexistent/posthorn.toml"});
  EXPECT_EQ(nowhere.at("kind").as_string(), "usage");
  EXPECT_THAT(std::string(nowhere.at("what").as_string()), HasSubstr("/nonexistent/posthorn.toml"));
  EXPECT_NE(nowhere.at("remedy").as_string(), "");
  const auto sparse = document({"check", "iprev", "192.0.2.1", "--dns", "zone:/nonexistent", "--json"});
  EXPECT_NE(sparse.at("remedy").as_string(), "");
  EXPECT_EQ(document({"account", "add", "--json"}).at("why").as_string(), "ADDRESS is missing");
  EXPECT_EQ(document({"acount", "--json"}).at("what").as_string(), "acount");
  const std::vector<std::string> latin1{"parse", "address", "--context", "smtp", "\xe4@b.example", "--json"};
  EXPECT_TRUE(boost::json::parse(run_words(latin1).out).is_object());
  EXPECT_EQ(run_words({"parse", "address", "--context", "paper", "--", "--json"}).out, "") << "a word, no option";
}

TEST(CommandLine, EmptyValuesAndDashesArePassedOn) {
  const Verb verb{"x",    "", "", {{"FILE", ""}}, {{"--from", "ADDRESS", "", true}, {"--to", "A", "", false, true}},
                  nullptr};
  const std::vector<std::string> words{"--from", "", "-", "--to=a", "--to", "b"};
  const auto parsed = Invocation::parse(verb, words);
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_TRUE(parsed->has("--from"));
  EXPECT_EQ(parsed->get("--from"), "");
  EXPECT_EQ(parsed->get("FILE"), "-");
  EXPECT_EQ(parsed->all("--to"), (std::vector<std::string>{"a", "b"}));
  const std::vector<std::string> after{"--from", "x", "--", "--to"};
  EXPECT_EQ(Invocation::parse(verb, after)->get("FILE"), "--to");
}

TEST(Tools, ParseAddress) {
  const Ran smtp = run_words({"parse", "address", "--context", "smtp", "<\"a b\"@Example.org>", "--json"});
  EXPECT_EQ(smtp.status, Exit::done);
  EXPECT_EQ(smtp.out,
            "{\"mailboxes\":[{\"display\":\"\",\"local_part\":\"a b\",\"domain\":\"example.org\",\"group\":null}]}\n");
  EXPECT_EQ(run_words({"parse", "address", "--context", "smtp", "<a@b.example> x"}).status, Exit::no);
  EXPECT_EQ(run_words({"parse", "address", "--context", "smtp", "<>", "--json"}).out, "{\"mailboxes\":[]}\n");
  EXPECT_EQ(run_words({"parse", "address", "--context", "header", "Ann <a@b.example>, team: c@d.example;"}).status,
            Exit::done);
  EXPECT_EQ(run_words({"parse", "address", "--context", "paper", "x"}).status, Exit::usage);
}

TEST(Quickstart, PrintsTheDocumentOfTheInterface) {
  std::string pattern = (std::filesystem::temp_directory_path() / "posthorn-cli-XXXXXX").string();
  const std::filesystem::path dir = ::mkdtemp(pattern.data());
  std::ofstream(dir / "password") << "correct horse\n";
  const std::vector<std::string> words{"quickstart",      "alpha.example",
                                       "--dir",           (dir / "site").string(),
                                       "--listen",        "smtp=127.0.0.1:2525,submission=[::1]:2587",
                                       "--account",       "ann",
                                       "--password-file", (dir / "password").string(),
                                       "--json"};
  const Ran ran = run_words(words);
  EXPECT_EQ(ran.status, Exit::done) << ran.err;
  const auto document = boost::json::parse(ran.out).as_object();
  std::set<std::string> keys;
  for (const auto& member : document) keys.insert(std::string(member.key()));
  EXPECT_EQ(keys, (std::set<std::string>{"config", "listeners", "account", "records"}));
  EXPECT_EQ(document.at("config").as_string(), (dir / "site" / "posthorn.toml").string());
  EXPECT_EQ(document.at("account").as_string(), "ann@alpha.example");
  EXPECT_EQ(document.at("listeners").at("smtp").at(0).as_string(), "127.0.0.1:2525");
  EXPECT_EQ(document.at("listeners").at("submission").at(0).as_string(), "[::1]:2587");
  EXPECT_FALSE(document.at("records").as_array().empty());
  const Ran again = run_words(words);
  EXPECT_EQ(again.status, Exit::usage);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
  std::filesystem::remove_all(dir);
}

// ---------------------------------------------------------------- with a store

class Offline : public testing::Test {
 protected:
  Offline() {
    std::string pattern = (std::filesystem::temp_directory_path() / "posthorn-cli-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
    write("posthorn.toml", "host_name = \"mail.alpha.example\"\nstore.dir = \"store\"\n");
    write("password", "correct horse\n");
    make_store();
  }
  ~Offline() override { std::filesystem::remove_all(dir_); }

  void write(const std::string& name, std::string_view text) const { std::ofstream(dir_ / name) << text; }
  void make_store() const {
    storage::StoreOptions options;
    options.dir = dir_ / "store";
    options.create = true;
    auto store = storage::Store::open(options);
    ASSERT_TRUE(store) << store.error().text();
    (*store)->close();
  }
  Ran verb(std::vector<std::string> words) const {
    words.insert(words.end(), {"--config", (dir_ / "posthorn.toml").string()});
    return run_words(words);
  }
  boost::json::value json(std::vector<std::string> words) const {
    words.emplace_back("--json");
    const Ran ran = verb(std::move(words));
    EXPECT_EQ(ran.status, Exit::done) << ran.err;
    boost::json::error_code error;
    auto value = boost::json::parse(ran.out, error);
    EXPECT_FALSE(error) << ran.out;
    return value;
  }
  std::filesystem::path dir_;
};

TEST_F(Offline, ASiteIsBuiltVerbByVerb) {
  EXPECT_EQ(verb({"domain", "add", "alpha.example"}).status, Exit::done);
  EXPECT_EQ(verb({"account", "add", "ann@alpha.example", "--password-file", (dir_ / "password").string()}).status,
            Exit::done);
  EXPECT_EQ(verb({"account", "add", "bob@alpha.example", "--quota", "2GB"}).status, Exit::done);
  EXPECT_EQ(verb({"address", "add", "sales@alpha.example", "--to", "bob@alpha.example"}).status, Exit::done);
  EXPECT_EQ(verb({"group", "add", "team@alpha.example", "--member", "ann@alpha.example", "sales@alpha.example"}).status,
            Exit::done);
  const auto login = json({"login", "add", "ann@alpha.example", "phone", "--scope", "smtp,imap"});
  EXPECT_EQ(login.at("login").as_string(), "ann+phone@alpha.example");
  EXPECT_GE(login.at("secret").as_string().size(), 20u);

  const auto accounts = json({"account", "list"});
  ASSERT_EQ(accounts.as_array().size(), 2u);
  EXPECT_EQ(accounts.at(0).at("account").as_string(), "ann@alpha.example");
  EXPECT_EQ(accounts.at(1).at("quota").as_int64(), 2LL * 1024 * 1024 * 1024);
  EXPECT_EQ(json({"account", "show", "sales@alpha.example"}).at("account").as_string(), "bob@alpha.example");
  EXPECT_EQ(json({"domain", "show", "alpha.example"}).at("groups").at(0).as_string(), "team@alpha.example");
  EXPECT_EQ(json({"mailbox", "list", "ann@alpha.example"}).at(0).at("mailbox").as_string(), "INBOX");
  EXPECT_EQ(json({"queue", "list"}).as_array().size(), 0u);
  EXPECT_EQ(json({"store", "verify"}).at("clean").as_bool(), true);

  EXPECT_EQ(verb({"login", "revoke", "ann+phone@alpha.example"}).status, Exit::done);
  EXPECT_EQ(json({"login", "list"}).as_array().size(), 0u);
  EXPECT_EQ(verb({"login", "revoke", "ann+phone@alpha.example"}).status, Exit::no);
  json({"login", "add", "ann@alpha.example", "tablet"});
  const auto revoked = json({"login", "revoke", "Ann@alpha.example", "tablet"});
  EXPECT_EQ(revoked.at("revoked").as_string(), "ann+tablet@alpha.example");
  EXPECT_EQ(verb({"login", "revoke", "ann@alpha.example", "tablet"}).status, Exit::no);
  json({"login", "add", "ann@alpha.example", "car"});
  json({"login", "add", "ann@alpha.example", "car"});
  EXPECT_THAT(verb({"login", "revoke", "ann@alpha.example", "car"}).err, HasSubstr("ann+car-2@alpha.example"));

  const auto rest = json({"address", "add", "*@alpha.example", "--to", "bob@alpha.example"});
  EXPECT_EQ(rest.at("address").as_string(), "@alpha.example") << "a catch-all, as other programs write it";
  EXPECT_EQ(json({"account", "show", "bob@alpha.example"}).at("addresses").at(0).as_string(), "@alpha.example");
  EXPECT_EQ(json({"address", "remove", "*@alpha.example"}).at("removed").as_string(), "@alpha.example");

  EXPECT_EQ(verb({"account", "show", "nobody@alpha.example"}).status, Exit::no);
  EXPECT_EQ(verb({"account", "remove", "ann@alpha.example"}).status, Exit::no);  // a member of a group
  EXPECT_EQ(verb({"reload"}).status, Exit::unavailable);
}

TEST_F(Offline, AMessageIsSentListedShownAndExplained) {
  verb({"domain", "add", "alpha.example"});
  verb({"account", "add", "ann@alpha.example"});
  verb({"account", "add", "bob@alpha.example"});
  write("letter.eml",
        "From: Ann <ann@alpha.example>\nTo: bob@alpha.example\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nHello.\n");
  const std::string letter = (dir_ / "letter.eml").string();
  const auto sent = json({"message", "send", "--from", "ann@alpha.example", "--to", "bob@alpha.example", "--to",
                          "far@beta.example", letter});
  const std::string id(sent.at("id").as_string());

  const auto list = json({"message", "list", "bob@alpha.example"});
  ASSERT_EQ(list.as_array().size(), 1u);
  EXPECT_EQ(list.at(0).at("subject").as_string(),
            "Gr\xc3\xbc\xc3\x9f"
            "e");
  const Ran shown = verb({"message", "show", std::string(list.at(0).at("id").as_string())});
  EXPECT_THAT(shown.out,
              testing::AllOf(StartsWith("Return-Path: <ann@alpha.example>\r\n"), HasSubstr("\r\n\r\nHello.\r\n")));

  const auto told = json({"message", "show", std::string(list.at(0).at("id").as_string())});
  EXPECT_EQ(told.at("size").to_number<std::size_t>(), shown.out.size());
  EXPECT_EQ(told.at("parts").at(0).at("type").as_string(), "text/plain");
  EXPECT_EQ(list.at(0).at("message_id").as_string(), id + "@mail.alpha.example");

  const auto trace = json({"message", "trace", id});
  EXPECT_EQ(trace.at("id").as_string(), id);
  EXPECT_EQ(trace.at("message_id").as_string(), id + "@mail.alpha.example");
  EXPECT_EQ(trace.at("recipients").at(0).at("state").as_string(), "mailbox");
  EXPECT_EQ(trace.at("recipients").at(1).at("state").as_string(), "queued");
  EXPECT_FALSE(trace.at("hops").as_array().empty());
  EXPECT_EQ(json({"message", "trace", "BOB@alpha.example"}).at("id").as_string(), id);
  EXPECT_THAT(verb({"message", "trace", id}).out, HasSubstr("bob@alpha.example: is in the mailbox"));
  EXPECT_EQ(verb({"message", "trace", "nobody@nowhere.example"}).status, Exit::no);

  const auto queue = json({"queue", "list"});
  ASSERT_EQ(queue.as_array().size(), 1u);
  EXPECT_EQ(queue.at(0).at("id").as_string(), id);
  EXPECT_EQ(queue.at(0).at("recipients").at(0).at("address").as_string(), "far@beta.example");
  const auto state = [this](std::vector<std::string> words) {
    const auto mails = json(std::move(words));
    return std::string(mails.at(0).at("recipients").at(0).at("state").as_string());
  };
  EXPECT_EQ(state({"queue", "hold", "beta.example"}), "held");
  EXPECT_EQ(state({"queue", "show", id}), "held");
  EXPECT_EQ(verb({"queue", "hold", "beta.example"}).status, Exit::no) << "it is held already";
  EXPECT_EQ(verb({"queue", "release"}).out, "1 recipient\n");
  EXPECT_EQ(state({"queue", "retry"}), "queued");
  EXPECT_EQ(verb({"queue", "drop"}).status, Exit::usage);
  for (const char* const operation : {"list", "hold", "drop"}) {
    EXPECT_EQ(verb({"queue", operation, ""}).status, Exit::usage) << "an unset variable is not everything";
  }
  EXPECT_EQ(state({"queue", "drop", id}), "discarded");
  EXPECT_EQ(verb({"queue", "show", id}).status, Exit::no);
  EXPECT_TRUE(json({"queue", "retry"}).as_array().empty());
  EXPECT_EQ(json({"message", "trace", id}).at("recipients").at(1).at("state").as_string(), "discarded");
}

TEST_F(Offline, ABackupRestores) {
  verb({"domain", "add", "alpha.example"});
  verb({"account", "add", "ann@alpha.example"});
  EXPECT_EQ(verb({"backup", (dir_ / "backup").string()}).status, Exit::done);
  std::filesystem::remove_all(dir_ / "store");
  const Ran restored = verb({"restore", (dir_ / "backup").string()});
  EXPECT_EQ(restored.status, Exit::done) << restored.err;
  EXPECT_EQ(json({"account", "list"}).as_array().size(), 1u);
}

// INTERFACES, commands in general: 2 where the input cannot be read.
TEST_F(Offline, WhatIsNoBackupIsWrongUse) {
  EXPECT_EQ(verb({"backup", (dir_ / "backup").string()}).status, Exit::done);
  std::filesystem::remove_all(dir_ / "store");
  const std::filesystem::path database = dir_ / "backup" / "posthorn.db";
  std::filesystem::resize_file(database, std::filesystem::file_size(database) / 3);
  const Ran cut = verb({"restore", (dir_ / "backup").string()});
  EXPECT_EQ(cut.status, Exit::usage);
  EXPECT_THAT(cut.err, HasSubstr("its posthorn.db cannot be read"));
  std::filesystem::resize_file(database, 0);
  EXPECT_THAT(verb({"restore", (dir_ / "backup").string()}).err, HasSubstr("is not one of Posthorn's"));
  write("backup/posthorn.db", std::string(8192, 'x'));
  EXPECT_EQ(verb({"restore", (dir_ / "backup").string()}).status, Exit::usage);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "store" / "posthorn.db"));
}

TEST_F(Offline, TheConfigurationIsCheckedAndExplained) {
  EXPECT_EQ(verb({"config", "check"}).status, Exit::done);
  write("bad.toml", "host_nam = 1\n");
  const Ran bad = run_words({"config", "check", (dir_ / "bad.toml").string()});
  EXPECT_EQ(bad.status, Exit::no);
  EXPECT_THAT(bad.err, HasSubstr("bad.toml:1: host_nam: there is no such key; did you mean host_name?"));
  EXPECT_THAT(run_words({"config", "check", (dir_ / "nowhere.toml").string()}).err, HasSubstr("nowhere.toml"));
  EXPECT_EQ(run_words({"config", "check", (dir_ / "nowhere.toml").string()}).status, Exit::usage);
  EXPECT_THAT(run_words({"config", "explain", "relay"}).out, HasSubstr("relay.mx_port = 25"));
  EXPECT_EQ(run_words({"config", "explain", "relay.mx_prt"}).status, Exit::no);
  EXPECT_THAT(verb({"config", "export"}).out, HasSubstr("host_name = \"mail.alpha.example\""));
}

TEST_F(Offline, WhatAConfigurationNamesIsLookedAt) {
  const auto problems = [this](std::string_view more) {
    write("named.toml", fmt::format("host_name = \"mail.alpha.example\"\nstore.dir = \"store\"\n{}", more));
    const Ran ran = run_words({"config", "check", (dir_ / "named.toml").string(), "--json"});
    const auto document = boost::json::parse(ran.out).as_object();
    EXPECT_EQ(ran.status, document.at("valid").as_bool() ? Exit::done : Exit::no);
    return boost::json::serialize(document.at("problems"));
  };
  EXPECT_EQ(problems(""), "[]");
  EXPECT_THAT(problems("tls = { certificate = \"a.pem\", key = \"a.key\" }"), HasSubstr("a.pem"));
  write("a.pem", "no certificate");
  write("a.key", "no key");
  EXPECT_THAT(problems("tls = { certificate = \"a.pem\", key = \"a.key\" }"), HasSubstr("cannot use tls.certificate"));
  EXPECT_THAT(problems("tls.ca_file = \"none.pem\""), HasSubstr("none.pem"));
  EXPECT_THAT(problems("dns.source = \"zone:none.zone\""), HasSubstr("none.zone"));
  EXPECT_THAT(problems("dns.trust_anchor_file = \"none.anchor\""), HasSubstr("none.anchor"));
  EXPECT_THAT(problems("listen.submission = \"127.0.0.1:0\""), HasSubstr("no certificate is configured"));
  EXPECT_EQ(problems("listen.smtp = \"127.0.0.1:0\""), "[]") << "mail may come in without TLS";

  std::filesystem::remove(dir_ / "store" / "posthorn.db");
  write("store/segments/0000000001.segment", "somebody's mail");
  EXPECT_THAT(problems(""), HasSubstr("is gone"));
  std::filesystem::remove_all(dir_ / "store");
  EXPECT_EQ(problems(""), "[]") << "serve begins one";
  EXPECT_THAT(run_words({"config", "check", (dir_ / "named.toml").string()}).out, HasSubstr("There is no store"));
}

}  // namespace
}  // namespace posthorn::cli
