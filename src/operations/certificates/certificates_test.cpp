// ACME against an authority that the test plays: every signature it gets is verified, every nonce is used once, and
// what goes wrong on its side is said, waited for and tried again.
#include "operations/certificates/certificates.h"

#include <set>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "foundation/codec/base64.h"
#include "operations/certificates/jws.h"
#include "platform/net/certificate.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"
#include "platform/test_support/store_support.h"

namespace posthorn::certificates {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using namespace std::chrono_literals;

const TimePoint kStart = from_unix_seconds(1'800'000'000);
constexpr const char* kDirectory = "https://authority.example/directory";

std::string from_base64url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return codec::base64_decode(text).value_or("?");
}
json::object parsed(const std::string& text) {
  return json::parse(text).as_object();
}
std::string member(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// Verifies ES256 with OpenSSL alone, from the point in a JWK.
bool verifies(const json::object& jwk, const std::string& message, const std::string& signature) {
  const std::string point = "\x04" + from_base64url(member(jwk, "x")) + from_base64url(member(jwk, "y"));
  OSSL_PARAM params[3] = {OSSL_PARAM_construct_utf8_string("group", const_cast<char*>("prime256v1"), 0),
                          OSSL_PARAM_construct_octet_string("pub", const_cast<char*>(point.data()), point.size()),
                          OSSL_PARAM_construct_end()};
  EVP_PKEY_CTX* maker = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(maker);
  EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, params);
  EVP_PKEY_CTX_free(maker);
  if (key == nullptr || signature.size() != 64) return false;
  ECDSA_SIG* parts = ECDSA_SIG_new();
  const auto* octets = as_unsigned(signature).data();
  ECDSA_SIG_set0(parts, BN_bin2bn(octets, 32, nullptr), BN_bin2bn(octets + 32, 32, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parts, &der);
  ECDSA_SIG_free(parts);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key);
  const bool good =
      EVP_DigestVerify(context, der, static_cast<std::size_t>(size), as_unsigned(message).data(), message.size()) == 1;
  EVP_MD_CTX_free(context);
  OPENSSL_free(der);
  EVP_PKEY_free(key);
  return good;
}

/// The names in a certificate request, its own signature verified.
std::vector<std::string> names_of(const std::string& der) {
  const unsigned char* at = as_unsigned(der).data();
  X509_REQ* request = d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size()));
  if (request == nullptr) return {};
  EXPECT_EQ(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
  std::vector<std::string> names;
  STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request);
  auto* list = static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const auto* name = sk_GENERAL_NAME_value(list, i)->d.dNSName;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)),
                       static_cast<std::size_t>(ASN1_STRING_length(name)));
  }
  GENERAL_NAMES_free(list);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  X509_REQ_free(request);
  return names;
}

/// The authority.
class Authority final : public AcmeTransport {
 public:
  Authority(Tokens& tokens, const runtime::Clock& clock) : tokens_(tokens), clock_(clock) {}

  Task<Result<AcmeReply, std::string>> send(std::string method, std::string url, std::string body) override {
    ++requests;
    if (down) co_return fail(std::string("connection refused"));
    if (url == kDirectory)
      co_return answer(200, {{"newNonce", "https://authority.example/nonce"},
                             {"newAccount", "https://authority.example/account"},
                             {"newOrder", "https://authority.example/orders"}});
    if (method == "HEAD") co_return answer(200, {});
    co_return post(url, body);
  }

  bool down = false;
  bool refuse_proofs = false;
  int bad_nonces = 0;  ///< how often a good nonce is called bad
  int processing = 1;  ///< how often states are "processing" before they are valid
  Duration life = std::chrono::days(90);
  int requests = 0, accounts = 0, issued = 0;
  std::vector<std::string> last_names;
  std::string last_public_key;

 private:
  AcmeReply answer(int status, json::object body, std::string location = "") {
    AcmeReply reply{status, {}, json::serialize(body)};
    reply.headers["replay-nonce"] = fmt::format("nonce-{}", ++nonces_);
    open_nonces_.insert(reply.headers["replay-nonce"]);
    reply.headers["retry-after"] = "1";
    if (!location.empty()) reply.headers["location"] = std::move(location);
    return reply;
  }
  AcmeReply problem(int status, const char* type, const char* detail) {
    return answer(status, {{"type", std::string("urn:ietf:params:acme:error:") + type}, {"detail", detail}});
  }
  AcmeReply post(const std::string& url, const std::string& body);
  AcmeReply finalize(const json::object& payload);

  Tokens& tokens_;
  const runtime::Clock& clock_;
  int nonces_ = 0;
  std::set<std::string> open_nonces_;
  json::object account_key_;
  std::string thumbprint_;
  bool proved_ = false;
  std::string certificate_;
};

AcmeReply Authority::post(const std::string& url, const std::string& body) {
  const json::object jws = parsed(body);
  const json::object header = parsed(from_base64url(member(jws, "protected")));
  EXPECT_EQ(member(header, "alg"), "ES256");
  EXPECT_EQ(member(header, "url"), url) << "a request signed for another URL";
  EXPECT_EQ(open_nonces_.erase(member(header, "nonce")), 1u) << "a nonce that was not given, or was used";
  const bool has_jwk = header.contains("jwk");
  EXPECT_NE(has_jwk, header.contains("kid"));
  const json::object jwk = has_jwk ? header.at("jwk").as_object() : account_key_;
  EXPECT_TRUE(
      verifies(jwk, member(jws, "protected") + "." + member(jws, "payload"), from_base64url(member(jws, "signature"))));
  if (bad_nonces > 0 && bad_nonces-- > 0) return problem(400, "badNonce", "another, please");
  const std::string payload = from_base64url(member(jws, "payload"));
  if (url.ends_with("/account")) {
    if (account_key_ != jwk) ++accounts;
    account_key_ = jwk;
    EXPECT_TRUE(parsed(payload).at("termsOfServiceAgreed").as_bool());
    return answer(201, {{"status", "valid"}}, "https://authority.example/account/1");
  }
  if (url.ends_with("/orders")) {
    last_names.clear();
    for (const json::value& each : parsed(payload).at("identifiers").as_array())
      last_names.push_back(member(each.as_object(), "value"));
    proved_ = false;
    return answer(201,
                  {{"status", "pending"},
                   {"authorizations", json::array{"https://authority.example/authorization/1"}},
                   {"finalize", "https://authority.example/finalize"}},
                  "https://authority.example/order/1");
  }
  if (url.ends_with("/authorization/1")) {
    const char* const state = proved_ ? (processing-- > 0 ? "pending"
                                         : refuse_proofs  ? "invalid"
                                                          : "valid")
                                      : "pending";
    json::object challenge{{"type", "http-01"}, {"token", "to-ken_1"}, {"url", "https://authority.example/challenge"}};
    if (refuse_proofs) challenge["error"] = json::object{{"detail", "no such page"}};
    return answer(200, {{"status", state}, {"challenges", json::array{json::object{{"type", "dns-01"}}, challenge}}});
  }
  if (url.ends_with("/challenge")) {
    EXPECT_EQ(payload, "{}");
    const auto proof = tokens_.find("/.well-known/acme-challenge/to-ken_1");
    EXPECT_TRUE(proof) << "the authority was called before the proof stood there";
    EXPECT_THAT(proof.value_or(""), testing::MatchesRegex("to-ken_1\\..{43}"));
    proved_ = true;
    return answer(200, {{"status", "processing"}});
  }
  if (url.ends_with("/finalize")) return finalize(parsed(payload));
  if (url.ends_with("/order/1"))
    return answer(200, {{"status", "valid"}, {"certificate", "https://authority.example/certificate"}});
  EXPECT_THAT(url, testing::EndsWith("/certificate"));
  AcmeReply reply = answer(200, {});
  reply.body = certificate_;
  return reply;
}

/// A certificate of the wanted life; its key is not the request's, which nobody here compares.
AcmeReply Authority::finalize(const json::object& payload) {
  const std::string der = from_base64url(member(payload, "csr"));
  EXPECT_EQ(names_of(der), last_names);
  const unsigned char* at = as_unsigned(der).data();
  X509_REQ* request = d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size()));
  unsigned char* key = nullptr;
  const int size = i2d_PUBKEY(X509_REQ_get0_pubkey(request), &key);
  last_public_key.assign(reinterpret_cast<const char*>(key), static_cast<std::size_t>(size));
  OPENSSL_free(key);
  X509_REQ_free(request);
  net::NewCertificate wanted;
  wanted.names = last_names;
  wanted.not_before = clock_.now() - 1h;
  wanted.not_after = clock_.now() + life;
  certificate_ = net::make_self_signed(wanted)->chain_pem;
  ++issued;
  return answer(200, {{"status", "processing"}}, "https://authority.example/order/1");
}

class CertificatesTest : public testing::Test {
 protected:
  CertificatesTest() : clock(kStart), loop(clock), authority(tokens, clock) {
    loop.set_busy([this] { return store && store->pending() > 0; });
    open();
  }
  ~CertificatesTest() override { store->close(); }

  void open() {
    storage::StoreOptions options;
    options.dir = folder.path() / "store";
    options.create = true;
    options.reserve_octets = 0;
    options.clock = &clock;
    store = std::move(*storage::Store::open(options));
    ring = keyring::Keyring::make(*store);
    run(ring->start(folder.path() / "sealing.key"));
    certificates = std::make_unique<Certificates>(
        Surroundings{store.get(), ring.get(), &clock, &tokens, &authority, {}},
        Options{kDirectory, {"mailto:postmaster@alpha.example"}}, [this] { return wanted; }, [this] { ++changes; });
    run_void(certificates->load());
  }
  void reopen() {
    store->close();
    certificates.reset();
    ring.reset();
    store.reset();
    open();
  }
  template <class T>
  static Task<> into(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    runtime::spawn(group, loop.executor(), "test", into(std::move(task), result));
    EXPECT_TRUE(loop.run_until([&result] { return result.has_value(); }, clock.now() + 24h));
    return std::move(*result);
  }
  void run_void(Task<> task) {
    runtime::spawn(group, loop.executor(), "test", std::move(task));
    loop.run_for(1s);
  }
  std::size_t look() { return run(certificates->look()); }

  storage::testing::TemporaryFolder folder;
  runtime::VirtualClock clock;
  runtime::VirtualLoop loop;
  runtime::TaskGroup group{"test", runtime::Logger{}};
  Tokens tokens;
  Authority authority;
  std::unique_ptr<storage::Store> store;
  std::shared_ptr<keyring::Keyring> ring;
  std::unique_ptr<Certificates> certificates;
  std::vector<std::vector<std::string>> wanted{{"mx.alpha.example", "imap.alpha.example"}};
  int changes = 0;
};

TEST_F(CertificatesTest, IssuesWhatIsMissingAndLeavesNoTokenBehind) {
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(changes, 1);
  ASSERT_EQ(certificates->issued().size(), 1u);
  EXPECT_EQ(certificates->issued()[0].names, wanted[0]);
  EXPECT_FALSE(tokens.find("/.well-known/acme-challenge/to-ken_1"));
  const int before = authority.requests;
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(authority.requests, before) << "an authority is not asked for what is there";
}

TEST_F(CertificatesTest, SurvivesARestartWithItsAccount) {
  look();
  reopen();
  EXPECT_EQ(certificates->issued().size(), 1u);
  EXPECT_EQ(look(), 0u);
  wanted.push_back({"mta-sts.alpha.example"});
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(authority.accounts, 1) << "a new account where there was one";
}

TEST_F(CertificatesTest, RenewsInTheLastThirdWithTheSameKey) {
  look();
  const std::string key = authority.last_public_key;
  clock.advance(std::chrono::days(59));
  EXPECT_EQ(look(), 0u);
  clock.advance(std::chrono::days(2));
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(authority.last_public_key, key) << "a TLSA record of the key would be false from now on";
  EXPECT_EQ(certificates->issued().size(), 1u);
}

TEST_F(CertificatesTest, ANewNameAsksForANewCertificate) {
  look();
  wanted[0].push_back("pop.alpha.example");
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(authority.last_names.size(), 3u);
}

TEST_F(CertificatesTest, FailuresWaitLongerEachTime) {
  authority.down = true;
  EXPECT_EQ(look(), 0u);
  int before = authority.requests;
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(authority.requests, before);
  clock.advance(retry_first);
  look();
  EXPECT_GT(authority.requests, before);
  before = authority.requests;
  clock.advance(retry_first);
  look();
  EXPECT_EQ(authority.requests, before);
  clock.advance(retry_first);
  authority.down = false;
  EXPECT_EQ(look(), 1u);
}

TEST_F(CertificatesTest, OneNameThatFailsDoesNotHoldBackTheOthers) {
  wanted.insert(wanted.begin(), std::vector<std::string>{"mta-sts.beta.example"});
  authority.refuse_proofs = true;
  EXPECT_EQ(look(), 0u);
  authority.refuse_proofs = false;
  wanted.erase(wanted.begin());
  clock.advance(retry_first);
  EXPECT_EQ(look(), 1u);
}

TEST_F(CertificatesTest, RefusedProofsAreToldInTheAuthoritysWords) {
  authority.refuse_proofs = true;
  AcmeClient client(authority, clock, tokens, kDirectory, {crypto::EcKey::generate(), {}});
  const auto refused = run(client.issue({"mx.alpha.example"}, crypto::EcKey::generate()));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), HasSubstr("no such page"));
  EXPECT_FALSE(tokens.find("/.well-known/acme-challenge/to-ken_1"));
}

TEST_F(CertificatesTest, NoncesThatTheAuthorityDoesNotLikeAreReplaced) {
  authority.bad_nonces = 3;
  EXPECT_EQ(look(), 1u);
  AcmeClient client(authority, clock, tokens, kDirectory, {crypto::EcKey::generate(), {}});
  authority.bad_nonces = 100;
  EXPECT_FALSE(run(client.issue({"mx.alpha.example"}, crypto::EcKey::generate()))) << "it asks for ever";
}

TEST_F(CertificatesTest, KeysAreSealed) {
  look();
  const auto rows = storage::testing::ask(*store, [](storage::Reader& reader) {
    auto all = reader.keys("tls");
    for (auto& row : reader.keys("acme")) all.push_back(row);
    return all;
  });
  ASSERT_EQ(rows.size(), 2u);
  for (const storage::KeyRow& row : rows) {
    EXPECT_THAT(row.sealed, testing::Not(HasSubstr("PRIVATE KEY")));
    EXPECT_THAT(row.facts, testing::Not(HasSubstr("PRIVATE KEY")));
  }
}

TEST(Jws, ThumbprintAndBase64UrlAsTheStandardsWriteThem) {
  EXPECT_EQ(base64url(std::string("\x03\xec\xff\xe0\xc1", 5)), "A-z_4ME");  // RFC 7515 A.1
  EXPECT_EQ(base64url(""), "");
  const auto key = crypto::EcKey::generate();
  EXPECT_EQ(thumbprint(key).size(), 43u);
  EXPECT_EQ(thumbprint(*crypto::EcKey::from_pem(key.pem())), thumbprint(key));
  EXPECT_EQ(key_authorization("abc", key), "abc." + thumbprint(key));
}

TEST(Renewal, WithAThirdOfItsLifeLeft) {
  EXPECT_EQ(renewal_time(kStart, kStart + 90 * 24h), kStart + 60 * 24h);
  EXPECT_EQ(renewal_time(kStart, kStart + 6 * 24h), kStart + 4 * 24h);
}

}  // namespace
}  // namespace posthorn::certificates
