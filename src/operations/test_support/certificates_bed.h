// The authority as the tests play it: every signature it gets is verified, every nonce is used once; and certificates
// over a store, on virtual time.
#pragma once

#include <map>
#include <set>
#include <thread>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "foundation/codec/base64.h"
#include "operations/certificates/certificates.h"
#include "operations/certificates/jws.h"
#include "platform/net/certificate.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"
#include "platform/test_support/store_support.h"

namespace posthorn::certificates {
namespace json = boost::json;
using namespace std::chrono_literals;

inline const TimePoint kStart = from_unix_seconds(1'800'000'000);
inline constexpr const char* kDirectory = "https://authority.example/directory";

inline std::string from_base64url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return codec::base64_decode(text).value_or("?");
}
inline json::object parsed(const std::string& text) {
  return json::parse(text).as_object();
}
inline std::string member(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// Verifies ES256 with OpenSSL alone, from the point in a JWK.
inline bool verifies(const json::object& jwk, const std::string& message, const std::string& signature) {
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
inline std::vector<std::string> names_of(const std::string& der) {
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

/// A crash at the n-th moment at which somebody outside is spoken to: what waits there never goes on.
struct CrashPoint {
  runtime::Clock& clock;
  int at = 0;  ///< 0: never
  int passed = 0;
  bool reached = false;
  Task<> pass() {
    if (at == 0 || ++passed != at) co_return;
    reached = true;
    co_await clock.wait_for(std::chrono::hours(24 * 365));
  }
};

/// The authority.
class Authority final : public AcmeTransport {
 public:
  Authority(Tokens& tokens, const runtime::Clock& clock) : tokens_(tokens), clock_(clock) {}

  /// Asked, in the place of a DNS, for the TXT records at a name.
  std::function<std::vector<std::string>(const std::string& name)> texts_at;

  Task<Result<AcmeReply, std::string>> send(std::string method, std::string url, std::string body) override {
    ++requests;
    if (crash != nullptr) co_await crash->pass();
    if (down) co_return fail(std::string("connection refused"));
    if (url == kDirectory)
      co_return answer(200, {{"newNonce", "https://authority.example/nonce"},
                             {"newAccount", "https://authority.example/account"},
                             {"newOrder", "https://authority.example/orders"}});
    if (method == "HEAD") co_return answer(200, {});
    AcmeReply reply = post(url, body);
    if (crash != nullptr) co_await crash->pass();
    co_return reply;
  }

  CrashPoint* crash = nullptr;
  bool down = false;
  bool refuse_proofs = false;
  int bad_nonces = 0;  ///< how often a good nonce is called bad
  int processing = 1;  ///< how often states are "processing" before they are valid
  Duration life = std::chrono::days(90);
  int requests = 0, accounts = 0, issued = 0;
  std::vector<std::string> last_names;
  std::string last_public_key;

 private:
  AcmeReply answer(int status, const json::object& body, std::string location = "") {
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

  void look_at_proof();

  Tokens& tokens_;
  const runtime::Clock& clock_;
  int nonces_ = 0;
  std::set<std::string> open_nonces_;
  json::object account_key_;
  std::string thumbprint_;
  bool proved_ = false;
  std::string certificate_;
};

class CertificatesTest : public testing::Test {
 protected:
  CertificatesTest() : clock(kStart), loop(clock), authority(tokens, clock) {
    loop.set_busy([this] { return store && store->pending() > 0; });
    open();
  }
  ~CertificatesTest() override { store->close(); }

  void open() {
    store = storage::testing::open_store(folder, &clock);
    ring = keyring::Keyring::make(*store);
    run(ring->start(folder.path() / "sealing.key"));
    certificates = std::make_unique<Certificates>(
        surroundings(), Options{kDirectory, {"mailto:postmaster@alpha.example"}, key_age}, [this] { return wanted; },
        [this] { ++changes; });
    run_void(certificates->load());
  }
  virtual Surroundings surroundings() {
    return {store.get(), ring.get(), &clock, &prover, &authority, {}, nullptr, nullptr, nullptr};
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
  /// What the store's threads have done may reach the loop a moment after they are idle again.
  bool reaches(const std::function<bool()>& done, Duration time) {
    for (int tries = 0; tries < 1000; ++tries) {
      if (loop.run_until(done, clock.now() + time)) return true;
      std::this_thread::yield();
    }
    return false;
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    runtime::spawn(group, loop.executor(), "test", into(std::move(task), result));
    EXPECT_TRUE(reaches([&result] { return result.has_value(); }, 24h));
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
  HttpProver prover{tokens};
  Authority authority;
  Duration key_age{};
  std::unique_ptr<storage::Store> store;
  std::shared_ptr<keyring::Keyring> ring;
  std::unique_ptr<Certificates> certificates;
  std::vector<Want> wanted{{{"mx.alpha.example", "imap.alpha.example"}, true}};
  int changes = 0;
};

}  // namespace posthorn::certificates
