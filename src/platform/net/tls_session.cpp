#include "platform/net/tls_session.h"

#include <algorithm>

#include <openssl/err.h>
#include <openssl/x509.h>

namespace posthorn::net {
namespace {

OctetString der(X509* certificate) {
  const int length = i2d_X509(certificate, nullptr);
  if (length <= 0) return {};
  OctetString octets(static_cast<std::size_t>(length), '\0');
  auto* out = reinterpret_cast<unsigned char*>(octets.data());
  i2d_X509(certificate, &out);
  return octets;
}

/// RFC 5929 4.1: the hash of the certificate's signature, SHA-256 for MD5 and SHA-1; none where it has no one hash.
const EVP_MD* end_point_hash(X509* certificate) {
  int digest = NID_undef;
  if (OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, nullptr) != 1 || digest == NID_undef)
    return nullptr;
  if (digest == NID_md5 || digest == NID_sha1) return EVP_sha256();
  return EVP_get_digestbynid(digest);
}

std::optional<OctetString> server_end_point(SSL* ssl) {
  X509* const certificate = SSL_is_server(ssl) != 0 ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return std::nullopt;
  const EVP_MD* const hash = end_point_hash(certificate);
  if (hash == nullptr) return std::nullopt;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (X509_digest(certificate, hash, digest.data(), &length) != 1) return std::nullopt;
  return OctetString(reinterpret_cast<const char*>(digest.data()), length);
}

/// RFC 9266 2. Below TLS 1.3 it would need the extended master secret; SCRAM there uses tls-server-end-point.
std::optional<OctetString> exporter(SSL* ssl) {
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  if (SSL_version(ssl) < TLS1_3_VERSION) return std::nullopt;
  OctetString octets(32, '\0');
  const int done = SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(octets.data()), octets.size(),
                                              kLabel.data(), kLabel.size(), nullptr, 0, 0);
  if (done != 1) return std::nullopt;
  return octets;
}

std::string text_or_empty(const char* text) {
  return text != nullptr ? text : "";
}

}  // namespace

std::string openssl_reason(std::string_view otherwise) {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* const reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  return reason != nullptr ? std::string(reason) : std::string(otherwise);
}

namespace {

VerifyFailure failure_of(long code) {
  switch (code) {
    case X509_V_OK:
      return VerifyFailure::none;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return VerifyFailure::name;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return VerifyFailure::dates;
    default:
      return VerifyFailure::trust;
  }
}

}  // namespace

TlsInfo describe(SSL* ssl, bool names_were_checked) {
  TlsInfo info;
  info.version = text_or_empty(SSL_get_version(ssl));
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl);
  info.cipher = text_or_empty(SSL_CIPHER_standard_name(cipher));
  info.cipher_bits = static_cast<unsigned>(SSL_CIPHER_get_bits(cipher, nullptr));
  const auto group = SSL_get_negotiated_group(ssl);
  if (group != NID_undef) info.group = text_or_empty(SSL_group_to_name(ssl, static_cast<int>(group)));
  info.server_name = text_or_empty(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
  info.resumed = SSL_session_reused(ssl) != 0;
  if (!names_were_checked) return info;
  const long result = SSL_get_verify_result(ssl);
  info.verified = result == X509_V_OK && SSL_get0_peer_certificate(ssl) != nullptr;
  if (!info.verified) info.verify_problem = X509_verify_cert_error_string(result);
  info.verify_failure = info.verified ? VerifyFailure::none : failure_of(result);
  return info;
}

std::optional<OctetString> channel_binding_of(SSL* ssl, ChannelBinding kind) {
  return kind == ChannelBinding::tls_exporter ? exporter(ssl) : server_end_point(ssl);
}

std::vector<OctetString> chain_of_peer(SSL* ssl) {
  std::vector<OctetString> chain;
  STACK_OF(X509)* const sent = SSL_get_peer_cert_chain(ssl);
  const int count = std::max(sk_X509_num(sent), 0);  // -1: there is no chain
  chain.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) chain.push_back(der(sk_X509_value(sent, i)));
  return chain;
}

}  // namespace posthorn::net
