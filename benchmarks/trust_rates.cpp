// CPU a message for DKIM (verify and sign), SPF and DMARC with every DNS answer at hand, beside the bare OpenSSL
// operations on the same octets. One row a line: name, microseconds, ratio to the bare work where there is one.
//
//   bench_trust_rates                      the figures
//   bench_trust_rates write FOLDER         message.eml and zone.txt, for the peers that benchmarks/run.py measures
//   bench_trust_rates dns ADDRESS:PORT MESSAGE   SPF and everything, the records asked of a server
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "flow/verification/tell.h"
#include "flow/verification/verification.h"
#include "foundation/codec/base64.h"
#include "platform/resolver/resolver.h"
#include "platform/runtime/loops.h"
#include "standards/arc/arc.h"
#include "standards/dkim/sign.h"
#include "standards/dkim/verify.h"
#include "standards/dmarc/evaluate.h"
#include "standards/dns/zone.h"
#include "standards/spf/check_host.h"
#include "standards/test_support/run_task.h"

namespace {

using namespace posthorn;

constexpr std::size_t kBodyOctets = 4096;
constexpr int kRounds = 2000;
constexpr std::int64_t kNow = 1'760'000'000;  // past: peers judge by the machine's clock

std::string make_message() {
  std::string out =
      "From: Ann <ann@alpha.example>\r\nTo: bob@beta.example\r\nSubject: Figures\r\n"
      "Date: Thu, 24 Dec 2026 08:00:00 +0000\r\nMessage-ID: <1@alpha.example>\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain\r\n\r\n";
  while (out.size() < kBodyOctets) out += "The quick brown fox jumps over the lazy dog, and then it rests a while.\r\n";
  return out;
}

/// CPU time of this process, so that other work on the machine does not count; the best of several batches.
template <class Work>
double micros(int rounds, Work work) {
  constexpr int kBatches = 5;
  double best = 0;
  for (int batch = 0; batch < kBatches; ++batch) {
    const std::clock_t begin = std::clock();
    for (int i = 0; i < rounds; ++i) work();
    const double spent = 1e6 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / rounds;
    best = batch == 0 ? spent : std::min(best, spent);
  }
  return best;
}

void row(const char* name, double ours, double bare) {
  if (bare > 0)
    std::printf("%-28s %8.1f us  bare %8.1f us  ratio %.2f\n", name, ours, bare, ours / bare);
  else
    std::printf("%-28s %8.1f us\n", name, ours);
}

dkim::MessageScan scan_of(const std::string& message, bool sign) {
  std::vector<dkim::BodyHashKind> wanted;
  if (sign) wanted.push_back(dkim::signing_body_hash(dkim::Canonicalization::relaxed));
  dkim::MessageScan scan{wanted};
  scan.feed(message);
  scan.finish();
  return scan;
}

/// What no verifier can do without: hash the octets, check the signature.
double bare_verify(const crypto::PublicKey& key, const std::string& message, const std::string& signature) {
  return micros(kRounds, [&] {
    crypto::SignatureDigest digest{crypto::SignatureHash::sha256};
    digest.update(message);
    (void)key.verify(crypto::SignatureHash::sha256, digest.finish(), signature);
  });
}

Task<int> verify_often(const std::string& message, dns::Resolver& resolver, int rounds) {
  int passed = 0;
  for (int i = 0; i < rounds; ++i) {
    const dkim::MessageScan scan = scan_of(message, false);
    const auto results = co_await dkim::verify(scan, resolver, from_unix_seconds(kNow));
    passed += results.at(0).result == dkim::Result::pass ? 1 : 0;
  }
  co_return passed;
}

Task<int> check_spf_often(dns::Resolver& resolver, int rounds) {
  spf::Query query;
  query.ip = IpAddress::parse("192.0.2.77").value();
  query.mail_from = "ann@alpha.example";
  query.helo = "mx.alpha.example";
  int passed = 0;
  for (int i = 0; i < rounds; ++i) {
    const spf::Outcome outcome = co_await spf::check_mail_from(resolver, query);
    passed += outcome.result == spf::Result::pass ? 1 : 0;
  }
  co_return passed;
}

/// As reception does it: each sender with an inquiry of its own.
Task<int> ask_and_check_spf_often(dns::Resolver& resolver, int rounds) {
  runtime::SystemClock clock;
  runtime::TaskGroup tasks("bench", {});
  const verification::Surroundings around{&resolver, &clock, &tasks};
  const runtime::Executor executor = co_await runtime::current_executor();
  int passed = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto inquiry = verification::Inquiry::make(around, executor);
    passed += co_await check_spf_often(*inquiry, 1);
  }
  co_await tasks.join();
  co_return passed;
}

Task<int> verify_all_often(const std::string& message, dns::Resolver& resolver, int rounds) {
  spf::Query query;
  query.ip = IpAddress::parse("192.0.2.77").value();
  query.mail_from = "ann@alpha.example";
  int passed = 0;
  for (int i = 0; i < rounds; ++i) {
    const dkim::MessageScan scan = scan_of(message, false);
    const spf::Outcome mail_from = co_await spf::check_mail_from(resolver, query);
    const auto signatures = co_await dkim::verify(scan, resolver, from_unix_seconds(kNow));
    const auto chain = co_await arc::verify(scan, resolver, from_unix_seconds(kNow));
    const auto verdict = co_await dmarc::evaluate(resolver, scan.header(), mail_from, signatures);
    passed += verdict.result == dmarc::Result::pass && chain.sets == 0 ? 1 : 0;
  }
  co_return passed;
}

template <class Run>
double task_micros(Run run) {
  int passed = 0;
  const double spent = micros(1, [&] { passed = test_support::run_task(run()); });
  if (passed != kRounds) std::printf("(only %d of %d passed)\n", passed, kRounds);
  return spent / kRounds;
}

/// As reception does it: each message with its questions, its results field and its story.
Task<> verify_in_flow(std::string message, dns::Resolver& resolver, std::clock_t& spent) {
  runtime::SystemClock clock;
  runtime::TaskGroup tasks("bench", {});
  const verification::Surroundings around{&resolver, &clock, &tasks};
  const runtime::Executor executor = co_await runtime::current_executor();
  const verification::Session session{IpAddress::parse("192.0.2.77").value(), "ann@alpha.example", "mx.alpha.example",
                                      "mx.beta.example"};
  const std::clock_t begin = std::clock();
  for (int i = 0; i < kRounds; ++i) {
    verification::Verification verification(around, executor);
    verification.begin(session);
    verification.feed(message);
    const verification::Verdicts verdicts = co_await verification.finish(std::chrono::seconds(10));
    if (verdicts.dmarc.result != dmarc::Result::pass) std::printf("(not passed)\n");
    journal::Story story;
    verification::tell_verdicts(story, from_unix_seconds(kNow), verdicts);
    (void)authentication_results::write(verification::describe(verdicts, "mx.beta.example"));
  }
  spent = std::clock() - begin;
  co_await tasks.join();
}

struct Sample {
  crypto::PrivateKey key;
  dkim::Signer signer;
  std::string plain, message, zone;
};

Sample make_sample() {
  const auto key = crypto::PrivateKey::generate_rsa(2048).value();
  Sample sample{
      key, {dns::Name::parse("alpha.example").value(), dns::Name::parse("s1").value(), key}, make_message(), {}, {}};
  dkim::SigningOptions options;
  options.now = from_unix_seconds(kNow);
  sample.message = dkim::sign(scan_of(sample.plain, true), sample.signer, options) + sample.plain;
  sample.zone =
      "alpha.example. TXT \"v=spf1 include:a.example include:b.example -all\"\n"
      "a.example. TXT \"v=spf1 include:c.example ip4:203.0.113.0/24 -all\"\n"
      "b.example. TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
      "c.example. TXT \"v=spf1 ip4:198.51.100.0/24 a:h.c.example -all\"\n"
      "h.c.example. A 198.51.100.9\n_dmarc.alpha.example. TXT \"v=DMARC1; p=reject\"\n"
      "s1._domainkey.alpha.example. TXT ";
  for (const std::string& piece : dkim::txt_strings(dkim::key_record_text(key.public_key())))
    sample.zone += "\"" + piece + "\" ";
  sample.zone += "\n";
  return sample;
}

int show_figures() {
  const Sample sample = make_sample();
  dns::ZoneFileResolver resolver{dns::Zone::parse(sample.zone).value()};
  dkim::SigningOptions options;
  options.now = from_unix_seconds(kNow);
  const std::string digest(32, 'd');
  const std::string signature = sample.key.sign_sha256(digest);
  const double bare_check = bare_verify(sample.key.public_key(), sample.message, signature);
  const double bare_sign = micros(kRounds / 10, [&] { (void)sample.key.sign_sha256(digest); });
  row("dkim_verify_rsa2048_4k", task_micros([&] { return verify_often(sample.message, resolver, kRounds); }),
      bare_check);
  row("dkim_sign_rsa2048_4k",
      micros(kRounds / 10, [&] { (void)dkim::sign(scan_of(sample.plain, true), sample.signer, options); }), bare_sign);
  row("spf_nested_cached", task_micros([&] { return check_spf_often(resolver, kRounds); }), 0);
  std::clock_t spent = 0;
  runtime::run_to_end([&] { return verify_in_flow(sample.message, resolver, spent); });
  row("as_reception_does_it_4k", 1e6 * static_cast<double>(spent) / CLOCKS_PER_SEC / kRounds, 0);
  row("spf_dkim_arc_dmarc_4k", task_micros([&] { return verify_all_often(sample.message, resolver, kRounds); }), 0);
  return 0;
}

int write_sample(const std::filesystem::path& folder) {
  const Sample sample = make_sample();
  std::ofstream(folder / "message.eml", std::ios::binary) << sample.message;
  std::ofstream(folder / "zone.txt") << sample.zone;
  return 0;
}

/// Both figures of a server: every question asked anew, and with what was learned kept.
Task<> measure_dns(std::string server, std::string message) {
  const runtime::Executor executor = co_await runtime::current_executor();
  runtime::SystemClock clock;
  for (const bool keeps : {false, true}) {
    resolver::Options options;
    options.source = resolver::parse_source(server).value();
    options.cached_answers_max = keeps ? options.cached_answers_max : 0;
    const auto resolver = resolver::make_resolver(options, clock, executor).value();
    (void)co_await check_spf_often(*resolver, 10);
    const std::clock_t begin = std::clock();
    int passed = co_await ask_and_check_spf_often(*resolver, kRounds);
    const std::clock_t between = std::clock();
    passed += co_await verify_all_often(message, *resolver, kRounds);
    const std::clock_t end = std::clock();
    if (passed != 2 * kRounds) std::printf("(only %d of %d passed)\n", passed, 2 * kRounds);
    const auto each = [](std::clock_t from, std::clock_t to) {
      return 1e6 * static_cast<double>(to - from) / CLOCKS_PER_SEC / kRounds;
    };
    row(keeps ? "spf_nested_cached" : "spf_nested_uncached", each(begin, between), 0);
    row(keeps ? "all_cached" : "all_uncached", each(between, end), 0);
  }
}

int show_dns(const std::string& server, const char* file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string message{std::istreambuf_iterator<char>(stream), {}};
  runtime::run_to_end([&] { return measure_dns(server, message); });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) return show_figures();
  if (words.size() == 2 && words[0] == "write") return write_sample(words[1]);
  if (words.size() == 3 && words[0] == "dns") return show_dns(words[1], argv[3]);
  std::fputs("usage: bench_trust_rates [write FOLDER | dns ADDRESS:PORT MESSAGE]\n", stderr);
  return 2;
}
