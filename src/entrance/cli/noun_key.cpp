// domain keys|rotate|advance|revoke.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"

namespace posthorn::cli {
namespace key_noun {
namespace {

namespace json = boost::json;

/// A line of a zone file, with the words above it.
void put_key(std::string& out, const json::object& key) {
  out += fmt::format("{:<12} {:<14} {:<10} since {}\n", member(key, "selector"), member(key, "algorithm"),
                     member(key, "state"), member(key, "since"));
  if (const std::string words = member(key, "words"); !words.empty()) out += fmt::format("  {}\n", words);
  const auto* record = key.if_contains("record");
  if (record == nullptr || !record->is_object()) return;
  const json::object& r = record->get_object();
  out += fmt::format("  {}. {} IN {} {}\n", member(r, "name"), member(r, "ttl"), member(r, "type"), member(r, "data"));
}

json::object arguments_of(const Invocation& v) {
  json::object arguments{{"domain", v.get("DOMAIN")}, {"dns", v.get("--dns")}, {"now", v.get("--now")}};
  if (v.has("--force")) arguments["force"] = "true";
  if (v.has("SELECTOR")) arguments["selector"] = v.get("SELECTOR");
  return arguments;
}

/// Checked here, so that a wrong time is a usage error whoever answers.
std::optional<Problem> time_fault(const Invocation& v) {
  const auto now = now_of(v);
  if (now) return std::nullopt;
  return now.error();
}

Exit keys(const Invocation& v) {
  return ask(v, arguments_of(v),
             {.item = put_key, .nothing = "The domain has no DKIM keys: posthorn domain rotate DOMAIN makes them"});
}
Exit rotate(const Invocation& v) {
  if (const auto fault = time_fault(v)) return report(*fault);
  return ask(
      v, arguments_of(v),
      {.head = "Publish these records; the keys sign when every name server answers with them:", .item = put_key});
}
Exit advance(const Invocation& v) {
  if (const auto fault = time_fault(v)) return report(*fault);
  return ask(v, arguments_of(v),
             {.item = put_key, .nothing = "The domain has no DKIM keys: posthorn domain rotate DOMAIN makes them"});
}
Exit revoke(const Invocation& v) {
  if (const auto fault = time_fault(v)) return report(*fault);
  return ask(v, arguments_of(v), {.value = put_key});
}

const Argument domain{"DOMAIN", "the domain, in either form"};

}  // namespace
}  // namespace key_noun

const std::vector<Verb>& key_verbs() {
  using namespace key_noun;
  static const std::vector<Verb> verbs{
      {"domain keys",
       "the DKIM keys of a domain, their states and the records to publish",
       "Each key is made, published, signing, retiring or revoked. The record below it is what the DNS should hold in "
       "that\nstate. Nothing is asked of the DNS: posthorn domain advance DOMAIN looks there.\n\n"
       "  posthorn domain keys example.org",
       {domain},
       {},
       keys},
      {"domain rotate",
       "make new DKIM keys for a domain",
       "Makes an RSA-2048 and an Ed25519 key with new selectors and prints their records. Publish them; the running\n"
       "server looks every few minutes, begins to sign with the new keys when every authoritative server has them and\n"
       "caches have forgotten their absence, and retires the old ones. Do it twice a year, and when a key may be "
       "known.\n\n"
       "  posthorn domain rotate example.org",
       {domain},
       {now_option},
       rotate},
      {"domain advance",
       "take a domain's DKIM keys as far as they can go now",
       "Asks every authoritative server whether the records of new keys are there, looks whether messages of old keys\n"
       "are still queued, and takes each step that is due; says of every key what it waits for. The running server "
       "does\nthe same every five minutes. With --force new keys sign without a look, for people who know that their "
       "records\nare published.\n\n"
       "  posthorn domain advance example.org\n"
       "  posthorn domain advance example.org --dns 192.0.2.53",
       {domain},
       {{"--force", "", "new keys sign at once, whatever the DNS says"},
        {"--dns", "SOURCE", "whom to ask; else dns.source of the configuration"},
        now_option},
       advance},
      {"domain revoke",
       "end a DKIM key at once, for one that may be known to others",
       "The key signs no more and its private half is forgotten. Publish its record with the empty p= that is "
       "printed:\n"
       "from then on no signature made with it is valid, also of mail that is still under way. Where it was the only\n"
       "one, mail leaves unsigned until new keys sign: posthorn domain rotate.\n\n"
       "  posthorn domain revoke example.org 20261122r",
       {domain, {"SELECTOR", "which key, as posthorn domain keys shows it"}},
       {now_option},
       revoke},
  };
  return verbs;
}

}  // namespace posthorn::cli
