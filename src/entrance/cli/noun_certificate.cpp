// certificate list|renew|change-key.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "foundation/text/ascii.h"

namespace posthorn::cli {
namespace certificate_noun {
namespace {

namespace json = boost::json;

bool is_true(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

void put_line(std::string& out, std::string_view what, const std::string& value) {
  if (!value.empty()) out += fmt::format("  {:<10} {}\n", what, text::printable(value, 400));
}

void put_certificate(std::string& out, const json::object& row) {
  out += fmt::format("{} ({})\n", member(row, "name"), member(row, "source") == "file" ? "file" : member(row, "state"));
  if (const auto* names = row.if_contains("names"); names != nullptr && names->is_array()) {
    std::string all;
    for (const json::value& name : names->get_array()) all += (all.empty() ? "" : ", ") + std::string(name.as_string());
    put_line(out, "names", all);
    put_line(out, "issuer", member(row, "issuer"));
    put_line(out, "ends", member(row, "not_after") + (is_true(row, "ends_soon") ? " (soon)" : ""));
  }
  put_line(out, "renewed", member(row, "renewed_at"));
  put_line(out, "TLSA", member(row, "tlsa"));
  put_line(out, "listed", member(row, "tlsa_seen_since"));
  put_line(out, "waits", member(row, "waits"));
  put_line(out, "wanted to", member(row, "gone_at"));
  put_line(out, "problem", member(row, "problem"));
  put_line(out, "tried", member(row, "next_attempt"));
}

void put_change(std::string& out, const json::object& answer) {
  if (is_true(answer, "changed")) {
    out += fmt::format("The key of {} has changed; the old one's TLSA record is wanted for a while yet.\n",
                       member(answer, "name"));
  } else {
    out += fmt::format("The key of {} changes as soon as it may; it {}.\n", member(answer, "name"),
                       text::printable(member(answer, "waits"), 400));
  }
}

void put_renewal(std::string& out, const json::object& answer) {
  out += fmt::format("There is a new certificate for {}, and it is in use.\n", member(answer, "name"));
}

Exit list(const Invocation& v) {
  return ask(v, {},
             {.item = put_certificate, .nothing = "There are no certificates: see tls.certificate and acme.directory"});
}
Exit renew(const Invocation& v) {
  return ask(v, {{"name", v.get("NAME")}}, {.value = put_renewal});
}
Exit change_key(const Invocation& v) {
  json::object arguments{{"name", v.get("NAME")}};
  if (v.has("--force")) arguments["force"] = "true";
  return ask(v, std::move(arguments), {.value = put_change});
}

const Argument certificate_name{"NAME", "the first name of the certificate, as posthorn certificate list shows it"};

}  // namespace
}  // namespace certificate_noun

const std::vector<Verb>& certificate_verbs() {
  using namespace certificate_noun;
  static const std::vector<Verb> verbs{
      {"certificate list",
       "the certificates of this host, their keys and how long they hold",
       "Those of an authority (acme.directory) with the key in use, the next key and keys that caches may still know,\n"
       "and those of tls.certificate. The TLSA records of all of them are wanted in a signed zone: posthorn domain "
       "plan.\n\n"
       "  posthorn certificate list\n"
       "  posthorn certificate list --json",
       {},
       {},
       list},
      {"certificate renew",
       "ask the authority for a new certificate now",
       "The running server renews with a third of a certificate's life left; this is for afterwards, when what kept "
       "it\n"
       "from doing so is mended. The private key stays, and so does what its TLSA record says.\n\n"
       "  posthorn certificate renew mail.example.org",
       {certificate_name},
       {},
       renew},
      {"certificate change-key",
       "let a certificate's next private key take over",
       "At once where no TLSA record names the present key. Else as soon as every name server has shown the next "
       "key's\n"
       "record for two TTLs: publish it (posthorn domain apply), and the running server goes on by itself. With "
       "--force\nit changes now: senders with DANE then keep their mail until their caches know the new record.\n\n"
       "  posthorn certificate change-key mail.example.org",
       {certificate_name},
       {{"--force", "", "now, whatever the TLSA records say: for a key that may be known to others"}},
       change_key},
  };
  return verbs;
}

}  // namespace posthorn::cli
