#include "operations/test_support/certificates_bed.h"

namespace posthorn::certificates {

/// The proof stands where the authority looks, before it is asked to look.
void Authority::look_at_proof() {
  if (texts_at) {
    const auto texts = texts_at("_acme-challenge." + last_names.front());
    EXPECT_EQ(texts.size(), 1u) << "the authority was called before the proof stood there";
    for (const std::string& text : texts) EXPECT_THAT(text, testing::MatchesRegex("[-_A-Za-z0-9]{43}"));
    return;
  }
  const auto proof = tokens_.find("/.well-known/acme-challenge/to-ken_1");
  EXPECT_TRUE(proof) << "the authority was called before the proof stood there";
  EXPECT_THAT(proof.value_or(""), testing::MatchesRegex("to-ken_1\\..{43}"));
}

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
  if (bad_nonces > 0) {
    --bad_nonces;
    return problem(400, "badNonce", "another, please");
  }
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
    json::object challenge{{"type", texts_at ? "dns-01" : "http-01"},
                           {"token", "to-ken_1"},
                           {"url", "https://authority.example/challenge"}};
    if (refuse_proofs) challenge["error"] = json::object{{"detail", "no such page"}};
    return answer(200, {{"status", state},
                        {"identifier", json::object{{"type", "dns"}, {"value", last_names.front()}}},
                        {"challenges", json::array{json::object{{"type", "tls-alpn-01"}}, challenge}}});
  }
  if (url.ends_with("/challenge")) {
    EXPECT_EQ(payload, "{}");
    look_at_proof();
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

}  // namespace posthorn::certificates
