// store verify|migrate, backup, restore.
#include <boost/json.hpp>

#include "entrance/admin/control.h"
#include "entrance/cli/ask.h"
#include "entrance/cli/tables.h"
#include "platform/storage/backup.h"
#include "platform/storage/migrate.h"
#include "platform/storage/repair.h"
#include "platform/storage/store.h"

namespace posthorn::cli {
namespace store_noun {
namespace {

namespace json = boost::json;

storage::StoreOptions options_for(const config::Config& config) {
  storage::StoreOptions options;
  options.dir = config.store_dir;
  return options;
}

void put_damage(std::string& out, const json::object& d) {
  out += fmt::format("  {}: {}\n", member(d, "kind"), member(d, "what"));
  for (const json::value& email : d.at("emails").as_array()) {
    const json::object& e = email.as_object();
    out += fmt::format("    touches {} {} uid {} ({})\n", member(e, "account"), member(e, "mailbox"), member(e, "uid"),
                       member(e, "id"));
  }
  for (const json::value& id : d.at("queued").as_array()) {
    out += fmt::format("    touches {} in the queue\n", std::string_view(id.as_string()));
  }
}

void put_report(std::string& out, const json::object& r) {
  if (const json::value* repaired = r.if_contains("repaired")) {
    for (const json::value& page : repaired->as_array())
      out += fmt::format("Repaired: {}\n", std::string_view(page.as_string()));
    if (repaired->as_array().empty()) out += "Nothing that can be repaired.\n";
  }
  out += fmt::format("{} contents ({}), {} emails, {} queued mails with {} recipients, {} segments, {} files\n",
                     member(r, "contents"), octets_text(r.at("octets").to_number<std::uint64_t>()), member(r, "emails"),
                     member(r, "queued"), member(r, "recipients"), member(r, "segments"), member(r, "files"));
  for (const json::value& damage : r.at("damages").as_array()) put_damage(out, damage.as_object());
  if (member(r, "clean") == "yes") out += "Everything is whole.\n";
}

void put_value(const Invocation& v, const json::object& value, void (*words)(std::string&, const json::object&)) {
  std::string out;
  if (v.json()) {
    out = json::serialize(value) + "\n";
  } else {
    words(out, value);
  }
  print(out);
}

/// The octets that were put back, in words.
Result<json::array, Problem> repair(const config::Config& config) {
  const auto repaired = storage::repair_folder(options_for(config));
  if (!repaired) return fail(repaired.error());
  json::array lines;
  for (const disk::RepairedPage& page : *repaired) {
    lines.emplace_back(fmt::format("page {} of posthorn.db: octet {} was 0x{:02x} and is 0x{:02x} again", page.number,
                                   page.at, static_cast<unsigned char>(page.damaged),
                                   static_cast<unsigned char>(page.was)));
  }
  return lines;
}

/// A store that nobody serves. What was repaired is told also where damage is left.
Exit verify_unserved(const Invocation& v, const config::Config& config) {
  json::object shown;
  if (v.has("--repair")) {
    auto repaired = repair(config);
    if (!repaired) return report(repaired.error());
    shown["repaired"] = std::move(*repaired);
  }
  const auto verified = storage::verify_folder(options_for(config));
  if (!verified) return report(verified.error());
  for (const auto& member : admin::verify_json(*verified)) shown[member.key()] = member.value();
  put_value(v, shown, put_report);
  return verified->clean() ? Exit::done : report(admin::verify_problem(*verified));
}

/// A running server verifies its own store; else the folder is read as it lies, without recovery.
Exit verify(const Invocation& v) {
  const auto config = config_to_ask(v);
  if (!config) return config.error();
  std::error_code error;
  if (!v.has("--repair") && std::filesystem::exists(admin::control_path(config->store_dir), error)) {
    admin::Request request{.verb = "store verify", .arguments = {}, .input = {}, .by = {}};
    Gathered answer;
    if (auto done = ask_server(*config, request, answer)) {
      if (!answer.whole.empty()) put_value(v, json::parse(answer.whole).as_object(), put_report);
      return *done ? Exit::done : report(done->error());
    }
  }
  return verify_unserved(v, *config);
}

void put_migration(std::string& out, const json::object& m) {
  const std::string from = member(m, "from"), to = member(m, "to");
  out += from == to ? fmt::format("The store has the present form ({}) already.\n", to)
                    : fmt::format("The store was brought from form {} to {}.\n", from, to);
}

Exit migrate(const Invocation& v) {
  const auto config = load_config(v);
  if (!config) return config.error();
  const admin::Request request{.verb = "store migrate", .arguments = {}, .input = {}, .by = {}};
  Gathered answer;
  if (const auto done = ask_server(*config, request, answer); done && *done) {
    put_value(v, json::parse(answer.whole).as_object(), put_migration);
    return Exit::done;
  }
  const auto migrated = storage::migrate(options_for(*config));
  if (!migrated) return report(migrated.error());
  put_value(v, {{"from", migrated->from}, {"to", migrated->to}}, put_migration);
  return Exit::done;
}

void put_backup(std::string& out, const json::object& b) {
  out += fmt::format(
      "{} contents, {} in all, in {}\nNot in it: the configuration, the certificates and keys that it names, and the "
      "sealing key, which opens "
      "the DKIM keys in the store. Keep copies of them elsewhere.\n",
      member(b, "contents"), octets_text(b.at("octets").to_number<std::uint64_t>()), member(b, "backup"));
  if (member(b, "damaged_pages") != "0")
    out += fmt::format("{} damaged, here as there: posthorn store verify names what is touched\n",
                       member(b, "damaged_pages") == "1" ? "1 page of the database is"
                                                         : member(b, "damaged_pages") + " pages of the database are");
}

/// A running server copies its own store; else it is copied as it lies, also one that cannot be served.
Exit backup(const Invocation& v) {
  const auto config = config_to_ask(v);
  if (!config) return config.error();
  std::error_code error;
  const std::filesystem::path to = std::filesystem::absolute(v.get("DIR"), error);
  const admin::Request request{.verb = "backup", .arguments = {{"to", to.string()}}, .input = {}, .by = {}};
  Gathered answer;
  if (const auto done = ask_server(*config, request, answer)) {
    if (!*done) return report(done->error());
    put_value(v, json::parse(answer.whole).as_object(), put_backup);
    return Exit::done;
  }
  const auto copied = storage::backup_folder(options_for(*config), to);
  if (!copied) return report(copied.error());
  put_value(v, admin::backup_json(to, *copied), put_backup);
  return Exit::done;
}

void put_restore(std::string& out, const json::object& r) {
  out += fmt::format("{} contents verified; {} mailboxes have a new UIDVALIDITY; {} recipients are on hold\n",
                     member(r, "contents"), member(r, "mailboxes"), member(r, "held_recipients"));
  if (member(r, "held_recipients") != "0")
    out += "Look at them (posthorn queue list) and release them: posthorn queue release\n";
  if (member(r, "clean") != "yes")
    out +=
        "Pages of the database in which one octet had changed are what they were again, others are taken as they are "
        "from now on. Messages that are damaged are so still: posthorn store verify names them.\n";
}

Exit restore(const Invocation& v) {
  const auto config = load_config(v);
  if (!config) return config.error();
  const auto restored = storage::restore(v.get("DIR"), options_for(*config), v.has("--accept-damage"));
  if (!restored) return report(restored.error());
  put_value(v,
            {{"contents", restored->verified.contents},
             {"mailboxes", restored->mailboxes},
             {"held_recipients", restored->held_recipients},
             {"repaired_pages", restored->repaired_pages},
             {"clean", restored->verified.clean()}},
            put_restore);
  return Exit::done;
}

}  // namespace
}  // namespace store_noun

const std::vector<Verb>& store_verbs() {
  using namespace store_noun;
  static const std::vector<Verb> verbs{
      {"store verify",
       "check every record and row against each other",
       "Works while the server runs and while it does not; changes nothing. Names each message that a damage touches.\n"
       "Where one octet of a page of the database changed, its checksum tells what it was: --repair puts it back, "
       "while\n"
       "no server runs, and then verifies.",
       {},
       {{"--repair", "", "put back what the checksums of the database's pages tell"}},
       verify},
      {"store migrate",
       "bring a store of an older version to the present one",
       "A backup first is wise. A server that runs has a store of the present form already, and says so.",
       {},
       {},
       migrate},
      {"backup",
       "a consistent copy of the store, while it runs",
       "Unchanged files are linked where the folder is on the same file system, so that it takes little room.\n\n"
       "  posthorn backup /backup/posthorn-$(date +%F)",
       {{"DIR", "a folder that does not exist or is empty"}},
       {},
       backup},
      {"restore",
       "make the store from a backup",
       "The store's folder must not exist or be empty. Clients see every mailbox anew; the queue comes back on hold,\n"
       "since what waited then may have been sent since.\n\n"
       "  posthorn restore /backup/posthorn-2026-12-24 && posthorn serve --config FILE",
       {{"DIR", "the backup"}},
       {{"--accept-damage", "", "take what is whole of a damaged backup"}},
       restore},
  };
  return verbs;
}

}  // namespace posthorn::cli
