#include "operations/certificates/acme.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "foundation/text/json_text.h"
#include "operations/certificates/jws.h"

namespace posthorn::certificates {
namespace {

namespace json = boost::json;

constexpr int kNonceTriesMax = 12;  // an authority may refuse good nonces at random, as Pebble does
constexpr Duration kPollWait = std::chrono::seconds(2);  // where the authority names no Retry-After

Problem order_fails(std::string what, std::string why, bool temporary) {
  return {temporary ? ProblemKind::unavailable : ProblemKind::no, std::move(what), std::move(why),
          temporary ? "it is tried again later" : ""};
}

std::vector<std::string> list_of(const json::object& object, std::string_view name) {
  std::vector<std::string> out;
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) return out;
  for (const json::value& each : value->get_array())
    if (each.is_string()) out.emplace_back(each.get_string());
  return out;
}

json::object object_of(const OctetString& text) {
  boost::system::error_code error;
  json::value parsed = json::parse(text, error);
  return !error && parsed.is_object() ? std::move(parsed.get_object()) : json::object{};
}

std::string header_of(const AcmeReply& reply, const std::string& name) {
  const auto at = reply.headers.find(name);
  return at == reply.headers.end() ? std::string() : at->second;
}

/// RFC 8555 6.7: problem documents. What the authority says is told on one line.
std::string words_of(int status, const json::object& problem) {
  std::string words = fmt::format("the authority answered {}", status);
  const std::string detail = text::json_text(problem, "detail");
  if (!detail.empty()) words += ": " + text::printable(detail.substr(0, 500));
  return words;
}

/// The first challenge of this type in an authorization; nullptr: it offers none.
const json::object* challenge_in(const json::object& authorization, std::string_view type) {
  const auto* challenges = authorization.if_contains("challenges");
  if (challenges == nullptr || !challenges->is_array()) return nullptr;
  for (const json::value& each : challenges->get_array())
    if (each.is_object() && text::json_text(each.get_object(), "type") == type) return &each.get_object();
  return nullptr;
}

/// Why an authorization failed: the error of the challenge that was tried.
std::string failure_of(const json::object& authorization, std::string_view type) {
  const json::object* challenge = challenge_in(authorization, type);
  const auto* error = challenge != nullptr ? challenge->if_contains("error") : nullptr;
  if (error == nullptr || !error->is_object()) return "the authority did not say why";
  return text::printable(text::json_text(error->get_object(), "detail").substr(0, 500));
}

/// RFC 8555 8: base64url characters, and no path of ours but the token's.
bool is_token(std::string_view token) {
  return !token.empty() && token.size() <= 256 && std::ranges::all_of(token, [](char c) {
    return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '_';
  });
}

}  // namespace

Task<> AcmeClient::wait(const AcmeReply& reply) {
  const auto seconds = text::parse_number(header_of(reply, "retry-after"));
  const Duration asked = seconds ? Duration(std::chrono::seconds(std::min<std::uint64_t>(*seconds, 3600))) : kPollWait;
  co_await clock_.wait_for(std::min(asked, acme_poll_wait_max));
}

Task<Result<std::string, Problem>> AcmeClient::take_nonce() {
  if (!nonce_.empty()) co_return std::exchange(nonce_, {});
  const auto reply = co_await transport_.send("HEAD", text::json_text(directory_, "newNonce"), "");
  if (!reply) co_return fail(order_fails("a nonce of the authority", reply.error(), true));
  std::string nonce = header_of(*reply, "replay-nonce");
  if (nonce.empty()) co_return fail(order_fails("a nonce of the authority", "there is none in its answer", true));
  co_return nonce;
}

Task<Result<AcmeClient::Answer, Problem>> AcmeClient::post(std::string url, std::string payload) {
  for (int attempt = 1;; ++attempt) {
    auto nonce = co_await take_nonce();
    if (!nonce) co_return fail(std::move(nonce.error()));
    const JwsHeader header{url, std::move(*nonce), account_url_};
    auto reply = co_await transport_.send("POST", url, sign_jws(account_.key, header, payload));
    if (!reply) co_return fail(order_fails(url, reply.error(), true));
    nonce_ = header_of(*reply, "replay-nonce");
    Answer answer{std::move(*reply), {}};
    answer.body = object_of(answer.reply.body);
    if (answer.reply.status < 400) co_return answer;
    const std::string type = text::json_text(answer.body, "type");
    if (type.ends_with(":badNonce") && attempt < kNonceTriesMax) continue;
    // RFC 8555 6.6, 6.7: rate limits and what is wrong on their side pass; a refusal stays one.
    const bool temporary = type.ends_with(":rateLimited") || answer.reply.status >= 500;
    co_return fail(order_fails(url, words_of(answer.reply.status, answer.body), temporary));
  }
}

Task<Result<void, Problem>> AcmeClient::open_account() {
  const auto reply = co_await transport_.send("GET", directory_url_, "");
  if (!reply) co_return fail(order_fails(directory_url_, reply.error(), true));
  directory_ = object_of(reply->body);
  if (text::json_text(directory_, "newNonce").empty() || text::json_text(directory_, "newOrder").empty())
    co_return fail(order_fails(directory_url_, "this is no ACME directory", reply->status >= 500));
  account_url_.clear();
  json::array contact;
  for (const std::string& each : account_.contact) contact.emplace_back(each);
  json::object wanted{{"termsOfServiceAgreed", true}};
  if (!contact.empty()) wanted["contact"] = std::move(contact);
  auto account = co_await post(text::json_text(directory_, "newAccount"), json::serialize(wanted));
  if (!account) co_return fail(std::move(account.error()));
  // RFC 8555 7.3: the same key finds the account that is there.
  account_url_ = header_of(account->reply, "location");
  if (account_url_.empty()) co_return fail(order_fails("the account", "the authority named no URL for it", true));
  co_return Result<void, Problem>{};
}

Task<Result<void, Problem>> AcmeClient::await_proof(std::string authorization, std::string_view type) {
  for (int polls = 0; polls < acme_polls_max; ++polls) {
    auto answer = co_await post(authorization, "");
    if (!answer) co_return fail(std::move(answer.error()));
    const std::string status = text::json_text(answer->body, "status");
    if (status == "valid") co_return Result<void, Problem>{};
    if (status != "pending" && status != "processing")
      co_return fail(order_fails("the proof for an ACME order", failure_of(answer->body, type), true));
    co_await wait(answer->reply);
  }
  co_return fail(order_fails("the proof for an ACME order", "the authority did not look at it in time", true));
}

Task<Result<void, Problem>> AcmeClient::prove(std::string authorization, std::vector<std::string> names) {
  auto answer = co_await post(authorization, "");
  if (!answer) co_return fail(std::move(answer.error()));
  if (text::json_text(answer->body, "status") == "valid") co_return Result<void, Problem>{};
  const auto* identifier = answer->body.if_contains("identifier");
  const std::string name = identifier != nullptr && identifier->is_object()
                               ? text::json_text(identifier->get_object(), "value")
                               : std::string();
  // Proofs are placed for what was ordered, whatever the authority names.
  if (std::ranges::find(names, name) == names.end())
    co_return fail(order_fails("the proof for an ACME order", "the authority names no name of the order", false));
  const std::string_view type = prover_.challenge(name);
  const json::object* challenge = challenge_in(answer->body, type);
  const std::string token = challenge != nullptr ? text::json_text(*challenge, "token") : std::string();
  if (!is_token(token))
    co_return fail(
        order_fails("the proof for " + name, fmt::format("the authority offers no {} challenge", type), false));
  const Proof proof{name, token, key_authorization(token, account_.key)};
  if (auto placed = co_await prover_.place(proof); !placed) co_return fail(std::move(placed.error()));
  auto begun = co_await post(text::json_text(*challenge, "url"), "{}");
  Result<void, Problem> proved;
  if (begun) {
    proved = co_await await_proof(std::move(authorization), type);
  } else {
    proved = fail(std::move(begun.error()));
  }
  co_await prover_.take_away(proof);
  co_return proved;
}

Task<Result<std::string, Problem>> AcmeClient::finish(std::string order, std::string finalize,
                                                      std::vector<std::string> names, crypto::EcKey key) {
  const json::object csr{{"csr", base64url(key.certificate_request(names))}};
  auto answer = co_await post(std::move(finalize), json::serialize(csr));
  for (int polls = 0; answer && polls < acme_polls_max; ++polls) {
    const std::string status = text::json_text(answer->body, "status");
    if (status == "valid") {
      auto chain = co_await post(text::json_text(answer->body, "certificate"), "");
      if (!chain) co_return fail(std::move(chain.error()));
      co_return std::move(chain->reply.body);
    }
    if (status == "invalid")
      co_return fail(order_fails("an ACME order", words_of(answer->reply.status, answer->body), true));
    co_await wait(answer->reply);
    answer = co_await post(order, "");
  }
  if (!answer) co_return fail(std::move(answer.error()));
  co_return fail(order_fails("an ACME order", "the authority did not finish it in time", true));
}

Task<Result<std::string, Problem>> AcmeClient::issue(std::vector<std::string> names, crypto::EcKey key) {
  if (names.empty() || names.size() > names_per_certificate_max)
    co_return fail(order_fails("a certificate", "it has no name, or too many", false));
  if (auto opened = co_await open_account(); !opened) co_return fail(std::move(opened.error()));
  json::array identifiers;
  for (const std::string& name : names) identifiers.emplace_back(json::object{{"type", "dns"}, {"value", name}});
  const json::object wanted{{"identifiers", std::move(identifiers)}};
  auto order = co_await post(text::json_text(directory_, "newOrder"), json::serialize(wanted));
  if (!order) co_return fail(std::move(order.error()));
  for (const std::string& authorization : list_of(order->body, "authorizations"))
    if (auto proved = co_await prove(authorization, names); !proved) co_return fail(std::move(proved.error()));
  co_return co_await finish(header_of(order->reply, "location"), text::json_text(order->body, "finalize"),
                            std::move(names), std::move(key));
}

}  // namespace posthorn::certificates
