#include "flow/signing/signing.h"

#include <fmt/format.h>

#include "standards/address/header_parse.h"
#include "standards/dkim/sign.h"

namespace posthorn::signing {
namespace {

using Signers = std::shared_ptr<const keyring::Signers>;

/// The domain of the first author, A-labels; empty where From cannot be read.
std::string from_domain(const message::Header& header) {
  const auto from = header.first("From");
  if (!from) return {};
  const auto list = address::parse_address_list(from->unfolded());
  if (!list || list->mailboxes.empty()) return {};
  return list->mailboxes.front().mailbox.host_text();
}

std::string_view parent_of(std::string_view domain) {
  const auto dot = domain.find('.');
  return dot == std::string_view::npos ? std::string_view() : domain.substr(dot + 1);
}

struct Choice {
  std::string domain;
  Signers signers;
  std::string reason;  ///< why there are none
};

/// Who signs for a From of this domain.
Choice choose(const keyring::Keyring& keyring, const std::string& domain, Origin origin) {
  for (std::string_view candidate = domain; !candidate.empty(); candidate = parent_of(candidate)) {
    auto signers = keyring.signers(candidate);
    if (!signers) return {std::string(candidate), nullptr, signers.error().text()};
    if (!(*signers)->empty()) return {std::string(candidate), std::move(*signers), {}};
    if (origin == Origin::author) break;
  }
  if (domain.empty()) return {{}, nullptr, "its From field cannot be read"};
  return {domain, nullptr,
          origin == Origin::author
              ? fmt::format("{} has no DKIM key that signs; see: posthorn domain keys {}", domain, domain)
              : fmt::format("{} lies in no domain here that has a DKIM key", domain)};
}

std::string signature_names(const keyring::Signers& signers) {
  std::string names;
  for (const dkim::Signer& signer : signers) {
    if (!names.empty()) names += ' ';
    names += fmt::format("{}:{}", signer.selector.text(), signer.domain.text());
  }
  return names;
}

}  // namespace

BodyHash::BodyHash() : scan_({dkim::signing_body_hash(dkim::Canonicalization::relaxed)}) {}

std::string BodyHash::finish() {
  scan_.finish();
  const auto* hash = scan_.body_hash(dkim::signing_body_hash(dkim::Canonicalization::relaxed));
  return hash != nullptr ? hash->digest : std::string();
}

Task<Signed> Signing::sign(const message::HeaderEdit& edit, const message::Header& header, Origin origin,
                           std::string body_hash, TimePoint now) const {
  Choice choice = choose(keyring_, from_domain(header), origin);
  if (choice.signers && body_hash.empty())
    choice = {std::move(choice.domain), nullptr, "its first DKIM key came while the message was arriving"};
  if (!choice.signers) co_return Signed{{}, {}, std::move(choice.domain), std::move(choice.reason)};
  auto work = [leaving = message::Header::parse(edit.apply(std::string(header.octets()) + "\r\n")),
               digest = std::move(body_hash), signers = choice.signers, now] {
    dkim::SigningOptions options;
    options.now = now;
    return dkim::sign_all(leaving, digest, *signers, options);
  };
  // A pool that is full must not make mail leave unsigned: half a millisecond on this loop then.
  std::optional<std::string> fields = co_await workers_.run(work);
  if (!fields) fields = work();
  co_return Signed{std::move(*fields), signature_names(*choice.signers), std::move(choice.domain), {}};
}

void Signing::apply(const Signed& outcome, TimePoint at, message::HeaderEdit& edit, journal::Story& story) {
  if (!outcome.reason.empty()) {
    story.step(at, journal::Stage::signing, "not signed").with("reason", outcome.reason);
    return;
  }
  edit.put_on_top(outcome.fields);
  story.step(at, journal::Stage::signing, "signed with DKIM")
      .with("domain", outcome.domain)
      .with("signatures", outcome.signed_with);
}

}  // namespace posthorn::signing
