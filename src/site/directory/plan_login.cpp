// Application logins: a name, a label and a generated secret of which only a SCRAM verifier is kept.
#include <algorithm>
#include <array>

#include "foundation/crypto/hash.h"
#include "foundation/crypto/random.h"
#include "foundation/text/ascii.h"
#include "site/directory/plan.h"
#include "standards/sasl/mechanism.h"

namespace posthorn::directory {
namespace {

constexpr std::size_t salt_octets = 16;
constexpr std::size_t label_octets_max = 64;
/// Names tried when labels differ only in what a name cannot hold.
constexpr int name_tries_max = 1000;

/// The first characters of a login's secrets follow from its salt: they tell which login a secret belongs to, so that
/// PLAIN with an account's address needs one derivation, however many logins the account has.
std::string tag_of(std::string_view salt) {
  constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(alphabet.size() == 32);
  const std::string digest = crypto::sha256(salt);
  std::string tag;
  for (std::size_t i = 0; i < secret_tag_length; ++i) tag += alphabet[static_cast<unsigned char>(digest[i]) % 32];
  return tag;
}

/// The label as part of a local part: letters, digits and "-".
std::string name_part(std::string_view label) {
  std::string out;
  for (const char c : text::lower(label)) {
    if (text::is_alnum(c)) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "login" : out;
}

/// "ann+phone@alpha.example", with a number where that is taken.
std::optional<std::string> free_name(const Snapshot& directory, std::string_view account, std::string_view label) {
  const auto at = account.rfind('@');
  for (int n = 1; n <= name_tries_max; ++n) {
    const std::string number = n == 1 ? "" : fmt::format("-{}", n);
    std::string name = fmt::format("{}+{}{}{}", account.substr(0, at), name_part(label), number, account.substr(at));
    if (directory.login(name) == nullptr && directory.account_of(name) == nullptr) return name;
  }
  return std::nullopt;
}

/// "imap,smtp" in the order of Scope, each once; nullopt where a word is none.
std::optional<std::string> read_scope(std::string_view text) {
  std::string out;
  std::vector<Scope> scopes;
  for (const std::string_view word : text::split(text, ',')) {
    const auto scope = parse_scope(text::trim(word));
    if (!scope) return std::nullopt;
    scopes.push_back(*scope);
  }
  std::ranges::sort(scopes);
  scopes.erase(std::ranges::unique(scopes).begin(), scopes.end());
  for (const Scope scope : scopes) out += (out.empty() ? "" : ",") + std::string(name(scope));
  return out;
}

}  // namespace

bool tag_matches(const storage::LoginRow& login, std::string_view secret) {
  return secret.substr(0, secret_tag_length) == tag_of(login.salt);
}

Result<NewLogin, Problem> add_login(const Snapshot& directory, std::string_view account_address, std::string_view label,
                                    std::string_view scope, TimePoint now) {
  auto key = read_address(account_address);
  if (!key) return fail(std::move(key.error()));
  const std::string what = fmt::format("cannot add a login to {}", *key);
  const Account* account = directory.account(*key);
  if (account == nullptr) {
    return fail(Problem{ProblemKind::no, what, "there is no such account", "posthorn account list shows them all"});
  }
  label = text::trim_lines(label);
  if (label.empty() || label.size() > label_octets_max || !text::is_utf8(label)) {
    return fail(Problem{ProblemKind::usage, what, "the label is empty or too long",
                        "name the device or application, such as \"phone\""});
  }
  const auto scopes = read_scope(scope);
  if (!scopes) {
    return fail(Problem{ProblemKind::usage, what, fmt::format("'{}' is no scope", text::printable(scope)),
                        "write some of smtp,imap,pop3"});
  }
  if (account->logins.size() >= logins_per_account_max) {
    return fail(Problem{ProblemKind::no, what, fmt::format("it has {} logins already", logins_per_account_max),
                        "revoke those that are not used: posthorn login list"});
  }
  auto login_name = free_name(directory, account->row.address, label);
  if (!login_name) {
    return fail(Problem{ProblemKind::no, what, "all names for that label are taken", "choose another label"});
  }

  std::string salt = crypto::random_octets(salt_octets);
  std::string secret = tag_of(salt) + crypto::random_secret(secret_random_length);
  sasl::ScramVerifier verifier = sasl::make_scram_verifier(secret, std::move(salt));
  storage::LoginRow row{.id = {},
                        .account = account->row.id,
                        .name = *login_name,
                        .label = std::string(label),
                        .scope = *scopes,
                        .iterations = verifier.iterations,
                        .salt = std::move(verifier.salt),
                        .stored_key = std::move(verifier.stored_key),
                        .server_key = std::move(verifier.server_key),
                        .created = now,
                        .last_used = std::nullopt,
                        .last_used_from = {}};
  NewLogin login{.unit = {}, .name = std::move(*login_name), .secret = std::move(secret)};
  login.unit.preconditions.emplace_back(storage::NameFree{"login", login.name});
  login.unit.preconditions.emplace_back(storage::NameTaken{"account", account->row.address});
  login.unit.mutations.emplace_back(storage::PutLogin{std::move(row)});
  return login;
}

Plan revoke_login(const Snapshot& directory, std::string_view login_name) {
  const storage::LoginRow* login = directory.login(text::lower(login_name));
  if (login == nullptr) {
    return fail(Problem{ProblemKind::no, fmt::format("cannot revoke {}", text::printable(login_name)),
                        "there is no such login", "posthorn login list shows them all"});
  }
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::NameTaken{"login", login->name});
  unit.mutations.emplace_back(storage::RemoveLogin{login->id});
  return unit;
}

}  // namespace posthorn::directory
