// What streams and TLS contexts share. Private to net.
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "platform/net/stream.h"
#include "platform/net/tls.h"

namespace posthorn::net {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, FreeSsl>;

/// The oldest entry of OpenSSL's error queue in words, which is then empty; `otherwise` where there is none.
[[nodiscard]] std::string openssl_reason(std::string_view otherwise);

/// A server session; `keep` must live as long as the handshake lasts.
[[nodiscard]] Ssl new_server_session(const ServerTls& tls, std::shared_ptr<const void>& keep);
/// A client session set up as `handshake` says; null when it cannot be (a name OpenSSL refuses).
[[nodiscard]] Ssl new_client_session(const ClientTls& tls, const ClientHandshake& handshake);

[[nodiscard]] TlsInfo describe(SSL* ssl, bool names_were_checked);
[[nodiscard]] std::optional<OctetString> channel_binding_of(SSL* ssl, ChannelBinding kind);
[[nodiscard]] std::vector<OctetString> chain_of_peer(SSL* ssl);

}  // namespace posthorn::net
