// config check|explain|export.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/server/named_files.h"
#include "entrance/server/settings.h"
#include "operations/certificates/file_key_notes.h"
#include "platform/runtime/files.h"
#include "site/config/values.h"

namespace posthorn::cli {
namespace config_noun {
namespace {

namespace json = boost::json;

constexpr std::size_t certificate_octets_max = 1 * MiB;

/// FILE, else the configuration that every verb finds.
Result<config::Config, config::Problems> load(const Invocation& v) {
  if (v.has("FILE")) return config::load(v.get("FILE"));
  const std::string file = config_file(v);
  if (file.empty()) return fail(config::Problems{no_config()});
  return config::load(file);
}

Task<> ask_nothing(dns::Resolver&) {
  co_return;
}

/// What is wrong with the configuration and with the files that it names.
struct Checked {
  config::Problems problems;
  std::vector<std::string> notes;
};

/// What becomes of the keys in the files, after what the store remembers of TLSA records: the DNS is not asked. Where
/// the store cannot be asked now nothing is said about it.
void note_waiting_keys(const config::Config& config, std::vector<std::string>& notes) {
  std::error_code missing;
  if (config.tls.certificate.empty() || !std::filesystem::exists(config.store_dir / "posthorn.db", missing)) return;
  Gathered rows;
  if (const auto done = ask_into(config, {"certificate remembered", {}, {}, {}}, rows); !done) return;
  const runtime::SystemClock clock;
  for (const std::string& item : rows.items) {
    json::error_code error;
    const json::value row = json::parse(item, error);
    if (error || !row.is_object() || member(row.get_object(), "owner") != config.host_name) continue;
    const auto& object = row.get_object();
    const storage::KeyRow as_kept{certificates::file_key_kind,
                                  config.host_name,
                                  member(object, "kind"),
                                  "live",
                                  "",
                                  member(object, "facts"),
                                  {},
                                  {}};
    const auto known = certificates::remembered_file_key(as_kept);
    if (!known) continue;
    for (const auto& file : config.tls.certificate) {
      const auto pem = runtime::read_file(file, certificate_octets_max);
      if (!pem) continue;
      std::string note = certificates::wait_note(*known, *pem, config.host_name, clock.now());
      if (!note.empty()) notes.push_back(std::move(note));
    }
  }
}

Checked look_at(const Invocation& v) {
  auto config = load(v);
  if (!config) return {std::move(config.error()), {}};
  server::NamedFiles files = server::check_named_files(*config);
  Checked checked{std::move(files.problems), std::move(files.notes)};
  note_waiting_keys(*config, checked.notes);
  // A zone file is read when its resolver is made; the other sources need a network.
  if (config->dns_source.starts_with("zone:")) {
    if (auto problem = ask_source(config->dns_source, ask_nothing))
      checked.problems.push_back(server::at_key(config->file, "dns.source", std::move(*problem)));
  }
  return checked;
}

/// Problem by problem in words, or the document.
void print_checked(const Invocation& v, const Checked& checked) {
  json::array problems;
  for (const Problem& problem : checked.problems) {
    problems.emplace_back(json::object{{"what", problem.what}, {"why", problem.why}, {"remedy", problem.remedy}});
    if (!v.json()) print_problem(problem);
  }
  if (v.json()) {
    const json::object document{{"valid", checked.problems.empty()},
                                {"problems", std::move(problems)},
                                {"notes", json::value_from(checked.notes)}};
    return print(json::serialize(document) + "\n");
  }
  if (checked.problems.empty()) print("The configuration is valid.\n");
  for (const std::string& note : checked.notes) print(note + "\n");
}

Exit check(const Invocation& v) {
  const Checked checked = look_at(v);
  print_checked(v, checked);
  if (checked.problems.empty()) return Exit::done;
  // The configuration itself could be read: whatever is wrong with what it names makes the answer a "no".
  const bool was_read = checked.problems.front().kind != ProblemKind::usage || load(v).has_value();
  return was_read ? Exit::no : exit_for(checked.problems.front());
}

void put_key(std::string& out, const config::KeyInfo& info) {
  out += fmt::format("{} = {}\n", info.key, info.default_value.empty() ? "(absent)" : info.default_value);
  out += fmt::format("    {}\n    {}{}\n", info.explanation, info.type,
                     info.rule.empty() ? "" : fmt::format("; {}", info.rule));
}

Exit explain(const Invocation& v) {
  const std::string wanted = v.get("KEY");
  json::array all;
  std::string out;
  std::vector<std::string_view> keys;
  const auto reference = config::reference();
  for (const config::KeyInfo& info : reference) {
    keys.push_back(info.key);
    const bool in_section = info.key.starts_with(wanted + ".");
    if (!wanted.empty() && info.key != wanted && !in_section) continue;
    all.emplace_back(json::object{{"key", info.key},
                                  {"type", info.type},
                                  {"default", info.default_value},
                                  {"rule", info.rule},
                                  {"explanation", info.explanation}});
    put_key(out, info);
  }
  if (all.empty()) {
    const std::string_view best = config::nearest(wanted, keys);
    return report({ProblemKind::no, wanted, "there is no such key",
                   best.empty() ? "posthorn config explain lists all" : fmt::format("did you mean {}?", best)});
  }
  print(v.json() ? json::serialize(all) + "\n" : out);
  return Exit::done;
}

Exit export_config(const Invocation& v) {
  const auto config = load(v);
  if (!config) {
    for (const Problem& problem : config.error()) print_problem(problem);
    return exit_for(config.error().front());
  }
  const std::string toml = config::export_toml(*config, v.has("--all"));
  print(v.json() ? json::serialize(json::object{{"toml", toml}}) + "\n" : toml);
  return Exit::done;
}

const Argument file{"FILE", "the configuration; else the one every verb finds", false};

}  // namespace
}  // namespace config_noun

const std::vector<Verb>& config_verbs() {
  using namespace config_noun;
  static const std::vector<Verb> verbs{
      {"config check",
       "is the configuration valid?",
       "Says every fault with its line, its key and what would be right, and what is wrong with the files it names:\n"
       "certificates and their keys, zone and anchor files, the store's folder. Tells where a new key in tls.key has "
       "to "
       "wait\n"
       "for its TLSA record.",
       {file},
       {},
       check},
      {"config explain",
       "every key, its default and the rule behind it",
       "  posthorn config explain limits\n  posthorn config explain relay.retry",
       {{"KEY", "one key, or a section", false}},
       {},
       explain},
      {"config export",
       "the configuration as it was understood",
       "Paths are absolute, defaults left out unless --all.",
       {file},
       {{"--all", "", "defaults too"}},
       export_config},
  };
  return verbs;
}

}  // namespace posthorn::cli
