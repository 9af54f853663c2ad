// A whole message with its envelope, judged as reception does: whatever it holds, our results are one field with the
// results we meant, and every recipient has a place. Input: sender NUL helo NUL message.
#include <cstdlib>

#include "flow/verification/decision.h"
#include "flow/verification/tell.h"
#include "standards/dns/zone.h"
#include "standards/test_support/run_task.h"

namespace {

using namespace posthorn;

dns::ZoneFileResolver& resolver() {
  static dns::ZoneFileResolver zone{
      dns::Zone::parse("*._domainkey.a.example. TXT \"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
                       "a.example. TXT \"v=spf1 exists:%{l}.%{h}.a.example include:b.example -all\"\n"
                       "b.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n"
                       "_dmarc.b.example. TXT \"v=DMARC1; p=quarantine; t=y\"\n")
          .value()};
  return zone;
}

Octets take_word(Octets& input) {
  const auto end = std::min(input.find('\0'), input.size());
  const Octets word = input.substr(0, end);
  input.remove_prefix(std::min(end + 1, input.size()));
  return word;
}

Task<verification::Verdicts> judge(const dkim::MessageScan& scan, verification::Session session) {
  const TimePoint now = from_unix_seconds(1'800'000'000);
  auto known = co_await verification::verify_session(resolver(), std::move(session), now);
  co_return co_await verification::verify_message(resolver(), scan, std::move(known), now);
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Octets input{reinterpret_cast<const char*>(data), size};
  const Octets mail_from = take_word(input), helo = take_word(input);
  dkim::MessageScan scan;
  scan.feed(input);
  scan.finish();
  const auto ip = IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(size)});
  const verification::Verdicts verdicts =
      test_support::run_task(judge(scan, {ip, std::string(mail_from), std::string(helo), "mx.b.example"}));

  const auto meant = verification::describe(verdicts, "mx.b.example");
  const std::string field = authentication_results::write(meant);
  const message::Header header = message::Header::parse(field);
  require(header.fields().size() == 1 && !header.missing_separator());
  const auto read = authentication_results::parse(header.fields()[0].value);
  require(read && read->results.size() == meant.results.size());
  for (std::size_t i = 0; i < meant.results.size(); ++i)
    require(read->results[i].method == meant.results[i].method && read->results[i].result == meant.results[i].result);

  config::Verification site;
  site.forwarders.emplace_back("b.example");
  const verification::RecipientPolicy recipients[] = {{config::DmarcHandling::lenient},
                                                      {config::DmarcHandling::strict}};
  const verification::Decision decision = verification::decide(verdicts, scan.header(), site, recipients);
  require(decision.placements.size() == 2);
  journal::Story story;
  verification::tell_verdicts(story, from_unix_seconds(1'800'000'000), verdicts);
  verification::tell_decision(story, from_unix_seconds(1'800'000'000), decision);
  return 0;
}
