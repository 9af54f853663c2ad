// A key from a file is used at once where senders are bound to no key, and else only when its TLSA record has been
// everywhere for two TTLs; over restarts, and while the DNS does not answer.
#include "foundation/codec/hex.h"
#include "foundation/crypto/hash.h"
#include "operations/certificates/file_key_notes.h"
#include "operations/test_support/certificates_bed.h"

namespace posthorn::certificates {
namespace {

using testing::HasSubstr;

constexpr std::uint32_t kTlsaTtl = 3600;

class TlsaZone final : public RecordWitness {
 public:
  Task<Sighting> look(dns::Name name, dns::RecordType type) override {
    EXPECT_EQ(name.text(), "_25._tcp.mx.alpha.example");
    EXPECT_EQ(type, dns::RecordType::tlsa);
    Sighting sighting;
    ServerRecords said{"ns1.example", !silent, {}, {}, silent ? "ns1.example: timeout" : ""};
    for (const std::string& digest : digests)
      said.records.push_back({name, type, kTlsaTtl, dns::Tlsa{3, 1, 1, *codec::hex_decode(digest)}});
    sighting.servers.push_back(std::move(said));
    co_return sighting;
  }
  std::vector<std::string> digests;
  bool silent = false;
};

class FileKeysTest : public CertificatesTest {
 protected:
  FileKeysTest() { open_keys(); }

  void open_keys() {
    keys = std::make_unique<FileKeys>(FileKeys::Surroundings{store.get(), ring.get(), &clock, &zone, {}},
                                      "mx.alpha.example", [this] { show(); });
    run_void(keys->load());
  }
  void restart() {
    keys.reset();
    reopen();
    open_keys();
  }
  net::CertificateAndKey made(std::vector<std::string> names = {"mx.alpha.example"}) {
    net::NewCertificate wanted;
    wanted.names = std::move(names);
    wanted.not_before = clock.now() - 1h;
    wanted.not_after = clock.now() + std::chrono::days(90);
    auto pair = net::make_self_signed(wanted);
    EXPECT_TRUE(pair);
    return *pair;
  }
  static std::string digest_of(const net::CertificateAndKey& pair) {
    return codec::hex_encode(
        crypto::sha256(crypto::Certificate::from_pem(pair.chain_pem).value().front().public_key_der()));
  }
  void show() { shown = keys->choose(files); }
  void look() { run_void(keys->look()); }
  [[nodiscard]] bool shows(const net::CertificateAndKey& pair) const {
    return shown.size() == 1 && shown[0].chain_pem == pair.chain_pem && shown[0].key_pem == pair.key_pem;
  }

  TlsaZone zone;
  std::unique_ptr<FileKeys> keys;
  std::vector<net::CertificateAndKey> files, shown;
};

TEST_F(FileKeysTest, WhereNothingBindsSendersANewKeyIsUsedAtOnce) {
  const auto first = made(), second = made();
  files = {first};
  show();
  EXPECT_TRUE(shows(first));
  look();
  files = {second};
  show();
  EXPECT_TRUE(shows(second));
  EXPECT_EQ(keys->standings().front().next, "");
}

TEST_F(FileKeysTest, ABoundHostKeepsItsKeyUntilTheNextHasBeenListedForTwoTtls) {
  const auto first = made(), second = made();
  files = {first};
  zone.digests = {digest_of(first)};
  show();
  look();
  files = {second};
  show();
  EXPECT_TRUE(shows(first));
  look();
  EXPECT_TRUE(shows(first));
  EXPECT_THAT(keys->standings().front().words, HasSubstr("3 1 1 " + digest_of(second)));
  EXPECT_EQ(keys->standings().front().key_pem, "");
  zone.digests.push_back(digest_of(second));
  look();
  EXPECT_TRUE(shows(first));
  clock.advance(2 * std::chrono::seconds(kTlsaTtl) - 10s);
  look();
  EXPECT_TRUE(shows(first)) << "a cache may hold the set without it";
  clock.advance(1min);
  look();
  EXPECT_TRUE(shows(second));
  EXPECT_EQ(keys->standings().front().words, "");
}

TEST_F(FileKeysTest, ARestartKeepsTheKeyInUseAndTheWait) {
  const auto first = made(), second = made();
  files = {first};
  zone.digests = {digest_of(first)};
  show();
  look();
  files = {second};
  restart();
  show();
  EXPECT_TRUE(shows(first)) << "the files hold another one; the store has the one that senders know";
  zone.digests = {digest_of(first), digest_of(second)};
  look();
  clock.advance(1h);
  zone.silent = true;
  look();
  restart();
  show();
  look();
  EXPECT_TRUE(shows(first)) << "nobody answers: nothing is known";
  clock.advance(1h + 1min);
  zone.silent = false;
  look();
  EXPECT_TRUE(shows(second)) << "the wait went on";
}

/// What `config check` says before the server reads the files: from the store's rows, without the key itself.
TEST_F(FileKeysTest, TheStoreTellsBeforehandWhatANewKeyWaitsFor) {
  const auto first = made(), second = made();
  const auto note = [&](const net::CertificateAndKey& pair, const std::string& host = "mx.alpha.example") {
    auto question = [](storage::Reader& reader) { return reader.keys(file_key_kind); };
    const auto rows = run(store->read(std::move(question)));
    const auto known = rows.empty() ? std::nullopt : remembered_file_key(rows.front());
    if (known) EXPECT_EQ(known->key_pem, "");
    return known ? wait_note(*known, pair.chain_pem, host, clock.now()) : std::string("nothing is remembered");
  };
  files = {first};
  show();
  look();
  EXPECT_EQ(note(second), "") << "nothing binds senders";
  zone.digests = {digest_of(first)};
  look();
  EXPECT_EQ(note(first), "") << "it is in use";
  EXPECT_THAT(note(second), HasSubstr("_25._tcp.mx.alpha.example. TLSA 3 1 1 " + digest_of(second) + " for two TTLs"));
  EXPECT_EQ(note(second, "other.example"), "");
  EXPECT_EQ(note(made({"imap.alpha.example"})), "") << "senders do not look there";
  files = {second};
  zone.digests.push_back(digest_of(second));
  show();
  look();
  EXPECT_THAT(note(second), HasSubstr("two TTLs after its TLSA record was first seen at every name server"));
  clock.advance(std::chrono::days(91));
  EXPECT_EQ(note(second), "") << "what has run out serves nobody";
}

TEST_F(FileKeysTest, WhatIsTakenOutOfTheDnsBindsForItsTtl) {
  const auto first = made(), second = made();
  files = {first};
  zone.digests = {digest_of(first)};
  show();
  look();
  zone.digests.clear();
  files = {second};
  show();
  look();
  EXPECT_TRUE(shows(first));
  clock.advance(2 * std::chrono::seconds(kTlsaTtl));
  look();
  EXPECT_TRUE(shows(second));
}

TEST_F(FileKeysTest, RenewalsOtherNamesAndExpiredOnesDoNotWait) {
  const auto first = made(), other = made({"imap.alpha.example"});
  files = {first};
  zone.digests = {digest_of(first)};
  show();
  look();
  files = {other};
  show();
  EXPECT_TRUE(shows(other)) << "senders do not look there";
  clock.advance(std::chrono::days(91));
  look();
  const auto second = made();
  files = {second};
  show();
  EXPECT_TRUE(shows(second)) << "what has run out serves nobody";
}

}  // namespace
}  // namespace posthorn::certificates
