#include "entrance/server/named_files.h"

#include <array>
#include <utility>

#include "entrance/server/settings.h"
#include "platform/net/tls.h"
#include "platform/runtime/files.h"
#include "site/keyring/sealing_key.h"

namespace posthorn::server {
namespace {

namespace fs = std::filesystem;

void check_certificates(const config::Config& config, NamedFiles& found) {
  auto certificates = read_certificates(config.tls, config.file);
  if (!certificates) return found.problems.push_back(std::move(certificates.error()));
  if (!certificates->empty()) return;
  const config::Listen& listen = config.listen;
  const std::array asks{std::pair{"submission", &listen.submission},
                        std::pair{"submissions", &listen.submissions},
                        std::pair{"imap", &listen.imap},
                        std::pair{"imaps", &listen.imaps},
                        std::pair{"pop3", &listen.pop3},
                        std::pair{"pop3s", &listen.pop3s}};
  for (const auto& [name, endpoints] : asks) {
    if (endpoints->empty()) continue;
    return found.problems.push_back({ProblemKind::usage, fmt::format("cannot open listen.{}", name),
                                     "passwords are taken under TLS only, and no certificate is configured",
                                     "set tls.certificate and tls.key"});
  }
}

void check_anchors(const config::Config& config, NamedFiles& found) {
  auto client = net::ClientTls::make({config.tls.ca_file, config.tls.ca_file.empty()});
  if (!client) found.problems.push_back(at_key(config.file, "tls.ca_file", std::move(client.error())));
  auto anchors = trust_anchors(config);
  if (!anchors) found.problems.push_back(std::move(anchors.error()));
}

void check_store(const config::Config& config, NamedFiles& found) {
  const fs::path& dir = config.store_dir;
  std::error_code error;
  if (fs::exists(dir / "posthorn.db", error)) return;
  const auto problem = [&](std::string why, std::string remedy) {
    found.problems.push_back({ProblemKind::no, "store.dir " + dir.string(), std::move(why), std::move(remedy)});
  };
  if (fs::exists(dir, error) && !fs::is_directory(dir, error)) return problem("this is no folder", "name a folder");
  for (const char* const folder : {"segments", "messages"}) {
    if (fs::is_directory(dir / folder, error) && !fs::is_empty(dir / folder, error))
      return problem("its database (posthorn.db) is gone, while messages are still there",
                     "posthorn restore brings back a backup; a new store begins in an empty folder");
  }
  if (!fs::exists(dir, error) && !fs::is_directory(dir.parent_path(), error))
    return problem(fmt::format("there is no folder {} to make it in", dir.parent_path().string()), "make that folder");
  found.notes.push_back(fmt::format("There is no store in {} yet: posthorn serve begins one.", dir.string()));
}

void check_sealing_key(const config::Config& config, NamedFiles& found) {
  const fs::path file = sealing_key_file(config);
  auto key = keyring::read_sealing_key(file);
  if (!key) return found.problems.push_back(std::move(key.error()));
  std::error_code error;
  if (!*key && fs::exists(config.store_dir / "posthorn.db", error))
    found.notes.push_back(
        fmt::format("There is no sealing key in {}: the keys in the store cannot be used.", file.string()));
}

/// Read when they are used: mail by such a route waits, and the server runs.
void check_password_files(const config::Config& config, NamedFiles& found) {
  constexpr std::size_t password_octets_max = 4 * KiB;
  for (const config::Route& route : config.relay.routes) {
    if (route.login_user.empty()) continue;
    const auto password = runtime::read_file(route.login_password_file, password_octets_max);
    if (password) continue;
    found.notes.push_back(fmt::format("The route of {}: its password_file cannot be used ({}: {}): its mail will wait.",
                                      route.name(), password.error().what, password.error().why));
  }
}

}  // namespace

NamedFiles check_named_files(const config::Config& config) {
  NamedFiles found;
  check_certificates(config, found);
  check_anchors(config, found);
  check_store(config, found);
  check_sealing_key(config, found);
  check_password_files(config, found);
  return found;
}

}  // namespace posthorn::server
