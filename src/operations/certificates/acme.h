// ACME, the client (RFC 8555): an account, an order, its proofs (proof.h), the certificate. The road to the authority
// is a Transport, so that tests play the authority.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "foundation/crypto/ec_key.h"
#include "operations/certificates/proof.h"
#include "platform/https/client.h"
#include "platform/runtime/clock.h"

namespace posthorn::certificates {

inline constexpr std::size_t names_per_certificate_max = 100;  // what the large authorities take
inline constexpr std::size_t acme_octets_max = 256 * KiB;      // of one answer; a chain is a few KB
inline constexpr int acme_polls_max = 60;                      // ours: how often a state is asked for
inline constexpr Duration acme_poll_wait_max = std::chrono::seconds(30);

struct AcmeReply {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  OctetString body;
};

class AcmeTransport {
 public:
  virtual ~AcmeTransport() = default;
  /// `body` empty: `method` is GET or HEAD. An error is words for a person.
  [[nodiscard]] virtual Task<Result<AcmeReply, std::string>> send(std::string method, std::string url,
                                                                  std::string body) = 0;
};
/// Over HTTPS; the client outlives it.
[[nodiscard]] std::unique_ptr<AcmeTransport> https_transport(https::Client& client);

struct AcmeAccount {
  crypto::EcKey key;
  std::vector<std::string> contact;  ///< "mailto:…"
};

class AcmeClient {
 public:
  /// Everything outlives its tasks.
  AcmeClient(AcmeTransport& transport, runtime::Clock& clock, Prover& prover, std::string directory,
             AcmeAccount account)
      : transport_(transport),
        clock_(clock),
        prover_(prover),
        directory_url_(std::move(directory)),
        account_(std::move(account)) {}

  /// The chain (PEM, leaf first) for these names and this key. A Problem says which step failed and what the authority
  /// said; `unavailable` where trying again later can help.
  [[nodiscard]] Task<Result<std::string, Problem>> issue(std::vector<std::string> names, crypto::EcKey key);

 private:
  using Object = boost::json::object;
  struct Answer {
    AcmeReply reply;
    Object body;
  };
  [[nodiscard]] Task<Result<void, Problem>> open_account();
  [[nodiscard]] Task<Result<void, Problem>> prove(std::string authorization, std::vector<std::string> names);
  [[nodiscard]] Task<Result<void, Problem>> await_proof(std::string authorization, std::string_view type);
  [[nodiscard]] Task<Result<std::string, Problem>> finish(std::string order, std::string finalize,
                                                          std::vector<std::string> names, crypto::EcKey key);
  /// A signed request; asked again with a fresh nonce where the authority wants one (RFC 8555 6.5).
  [[nodiscard]] Task<Result<Answer, Problem>> post(std::string url, std::string payload);
  [[nodiscard]] Task<Result<std::string, Problem>> take_nonce();
  [[nodiscard]] Task<> wait(const AcmeReply& reply);

  AcmeTransport& transport_;
  runtime::Clock& clock_;
  Prover& prover_;
  const std::string directory_url_;
  const AcmeAccount account_;
  Object directory_;
  std::string account_url_;
  std::string nonce_;
};

}  // namespace posthorn::certificates
