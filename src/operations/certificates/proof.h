// Proofs: how an authority is shown that a name is ours (RFC 8555 8): a file at port 80 of the name (http-01), or a TXT
// record below it (dns-01, dns_prover.h). Used from one executor.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "operations/certificates/tokens.h"

namespace posthorn::certificates {

inline constexpr std::string_view challenge_http = "http-01";
inline constexpr std::string_view challenge_dns = "dns-01";

struct Proof {
  std::string name;   ///< that is proven
  std::string token;  ///< of the authority
  std::string key_authorization;
};

class Prover {
 public:
  virtual ~Prover() = default;
  /// The type of challenge by which this name is proven.
  [[nodiscard]] virtual std::string_view challenge(std::string_view name) const = 0;
  /// Returns when the authority can see the proof wherever it looks.
  [[nodiscard]] virtual Task<Result<void, Problem>> place(Proof proof) = 0;
  [[nodiscard]] virtual Task<> take_away(Proof proof) = 0;
};

/// Over the web listener that answers from these tokens, which outlive it.
class HttpProver final : public Prover {
 public:
  explicit HttpProver(Tokens& tokens) : tokens_(tokens) {}
  [[nodiscard]] std::string_view challenge(std::string_view /*name*/) const override { return challenge_http; }
  [[nodiscard]] Task<Result<void, Problem>> place(Proof proof) override {
    tokens_.put(std::move(proof.token), std::move(proof.key_authorization));
    co_return Result<void, Problem>{};
  }
  [[nodiscard]] Task<> take_away(Proof proof) override {
    tokens_.remove(proof.token);
    co_return;
  }

 private:
  Tokens& tokens_;
};

/// One of two provers, by name. They outlive it.
class ChosenProver final : public Prover {
 public:
  ChosenProver(Prover& one, Prover& other, std::function<bool(std::string_view name)> takes_other)
      : one_(one), other_(other), takes_other_(std::move(takes_other)) {}
  [[nodiscard]] std::string_view challenge(std::string_view name) const override { return by(name).challenge(name); }
  [[nodiscard]] Task<Result<void, Problem>> place(Proof proof) override {
    return by(proof.name).place(std::move(proof));
  }
  [[nodiscard]] Task<> take_away(Proof proof) override { return by(proof.name).take_away(std::move(proof)); }

 private:
  [[nodiscard]] Prover& by(std::string_view name) const { return takes_other_(name) ? other_ : one_; }
  Prover& one_;
  Prover& other_;
  std::function<bool(std::string_view)> takes_other_;
};

}  // namespace posthorn::certificates
