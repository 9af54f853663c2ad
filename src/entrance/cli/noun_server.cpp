// quickstart, serve, reload, demo.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/tables.h"
#include "entrance/demo/demo.h"
#include "entrance/server/quickstart.h"
#include "entrance/server/serve.h"
#include "foundation/base/ip_address.h"
#include "platform/runtime/process.h"

namespace posthorn::cli {
namespace server_noun {
namespace {

namespace json = boost::json;

json::object listeners_json(const config::Listen& listen) {
  json::object out;
  const auto add = [&](const char* service, const std::vector<config::Endpoint>& endpoints) {
    if (endpoints.empty()) return;
    json::array list;
    for (const config::Endpoint& endpoint : endpoints) list.emplace_back(endpoint.text());
    out[service] = std::move(list);
  };
  add("smtp", listen.smtp);
  add("submission", listen.submission);
  add("submissions", listen.submissions);
  add("imap", listen.imap);
  add("imaps", listen.imaps);
  add("pop3", listen.pop3);
  add("pop3s", listen.pop3s);
  add("http", listen.http);
  add("https", listen.https);
  add("metrics", listen.metrics);
  return out;
}

json::object quickstart_json(const server::QuickstartResult& made) {
  json::array records;
  for (const domains::WantedRecord& record : made.records) {
    records.emplace_back(json::object{{"name", record.name.text()},
                                      {"type", dns::text(record.type)},
                                      {"ttl", record.ttl_seconds},
                                      {"data", record.data},
                                      {"reason", record.reason},
                                      {"owner", domains::text(record.owner)}});
  }
  json::object out{{"config", made.config.string()},
                   {"listeners", listeners_json(made.listeners)},
                   {"account", made.account},
                   {"records", std::move(records)}};
  if (!made.generated_password.empty()) out["password"] = made.generated_password;
  return out;
}

/// What the address record must say where the listeners do not tell the address that the world sees.
std::string_view address_advice(const server::QuickstartResult& made) {
  bool has_address = false;
  for (const domains::WantedRecord& record : made.records) {
    if (record.purpose != domains::Purpose::host_address) continue;
    has_address = true;
    const auto at = IpAddress::parse(record.data);
    if (at && at->is_loopback()) return ", but with this host's public address for the one below";
  }
  return has_address ? "" : ", and this host's public address as its A or AAAA record";
}

/// What stands in the zone of whoever runs the addresses.
std::string reverse_names(const server::QuickstartResult& made) {
  std::string out;
  for (const domains::WantedRecord& record : made.records)
    if (record.owner == domains::Owner::network)
      out += fmt::format("{}. IN {} {}\n", record.name.text(), dns::text(record.type), record.data);
  return out.empty() ? out : "\nAsk whoever gave you the addresses for:\n\n" + out;
}

std::string quickstart_text(const server::QuickstartResult& made) {
  std::string out =
      fmt::format("Everything is in {}.\n\nAccount     {}\n", made.config.parent_path().string(), made.account);
  if (!made.generated_password.empty()) {
    out += fmt::format("Password    {}   (shown this once)\n", made.generated_password);
  }
  for (const auto& [service, endpoints] : listeners_json(made.listeners)) {
    for (const json::value& at : endpoints.as_array()) {
      out += fmt::format("{:<11} {}\n", std::string_view(service), std::string_view(at.as_string()));
    }
  }
  out += fmt::format("\nPublish these DNS records{}:\n\n{}", address_advice(made), made.records_text);
  out += reverse_names(made);
  out += fmt::format("\nThen start it:\n\n  {} serve --config {}\n", runtime::command_name(), made.config.string());
  return out;
}

Exit quickstart(const Invocation& v) {
  server::QuickstartOptions options{.domain = v.get("DOMAIN"),
                                    .dir = v.get("--dir"),
                                    .host_name = v.get("--host-name"),
                                    .listen = v.get("--listen"),
                                    .dns_source = v.get("--dns"),
                                    .account = v.get("--account"),
                                    .password = {}};
  if (v.has("--password-file")) {
    auto secret = read_secret(v.get("--password-file"));
    if (!secret) return report(secret.error());
    options.password = std::move(*secret);
  }
  const auto made = server::quickstart(options);
  if (!made) return report(made.error());
  print(v.json() ? json::serialize(quickstart_json(*made)) + "\n" : quickstart_text(*made));
  return Exit::done;
}

Exit serve(const Invocation& v) {
  // What it prints is the line "ready" and no document.
  if (v.json()) return report({ProblemKind::usage, "serve --json", "serve answers nothing", "leave --json out"});
  const std::string file = config_file(v);
  if (file.empty()) {
    return report(no_config());
  }
  const auto served = server::serve(file);
  if (served) return Exit::done;
  for (const Problem& problem : served.error()) print_problem(problem);
  // A fault of the configuration is wrong use; a port in use or a locked store is not.
  const Exit status = exit_for(served.error().front());
  return status == Exit::no ? Exit::usage : status;
}

void put_reloaded(std::string& out, const json::object& r) {
  out += "The server has read its configuration again.\n";
  if (const std::string waiting = member(r, "restart_needed"); !waiting.empty())
    out += fmt::format("These take effect at its next start: {}.\n", waiting);
}

Exit reload(const Invocation& v) {
  if (const auto config = load_config(v); !config) return config.error();
  return ask(v, {}, {.value = put_reloaded});
}

Exit demo(const Invocation& v) {
  const auto ran =
      demo::run({.once = v.has("--once"), .forge = v.has("--forge"), .json = v.json(), .dir = v.get("--dir")});
  return ran ? Exit::done : report(ran.error());
}

}  // namespace
}  // namespace server_noun

const std::vector<Verb>& server_verbs() {
  using namespace server_noun;
  static const std::vector<Verb> verbs{
      {"demo",
       "two sites on this machine exchange mail and tell how",
       "alpha.example and beta.example run on loopback, offline and as any user, each with its own store, "
       "certificates\n"
       "and DNS zone. A message is submitted at one, signed, travels to the other, is checked there (SPF, DKIM, "
       "DMARC), and\n"
       "its story is told as it happens. The sites stay up until Ctrl-C, so that a mail client can be pointed at "
       "them.\nWith --forge somebody at a third address then writes in the first one's name, and is refused.\n\n"
       "  posthorn demo\n"
       "  posthorn demo --forge\n"
       "  posthorn demo --once --json",
       {},
       {{"--once", "", "end when the message has arrived"},
        {"--forge", "", "show a forged message refused, too"},
        {"--dir", "DIR", "keep the sites there; else a temporary folder that is removed"}},
       demo},
      {"quickstart",
       "everything a domain needs to start, in one folder",
       "Makes configuration, store, self-signed certificates, the domain, postmaster and an account, and says which "
       "DNS\n"
       "records to publish. Needs no root: ports that this user may not open get 2000 added.\n\n"
       "  posthorn quickstart example.org --dir /var/lib/posthorn --account ann --password-file ann.password\n"
       "  posthorn serve --config /var/lib/posthorn/posthorn.toml",
       {{"DOMAIN", "the first domain"}},
       {{"--dir", "DIR", "where everything goes", true},
        {"--host-name", "NAME", "this host's full name; mail.DOMAIN where it is not given"},
        {"--listen", "LIST", "smtp=ADDR:PORT,submission=ADDR:PORT,submissions=…,metrics=…"},
        {"--dns", "SOURCE", "system, recursive, ADDRESS[:PORT] or zone:FILE"},
        {"--account", "NAME", "the first account: ann or ann@example.org"},
        {"--password-file", "FILE", "its first line is the account's password; else one is made and shown"}},
       quickstart},
      {"serve",
       "run the server",
       "Prints \"ready\" when every listener accepts. SIGTERM ends it in order, SIGHUP reads the configuration again.",
       {},
       {},
       serve},
      {"reload",
       "let the running server read its configuration again",
       "The same as SIGHUP, and says what is wrong.",
       {},
       {},
       reload},
  };
  return verbs;
}

}  // namespace posthorn::cli
