#include "site/keyring/sealing_key.h"

#include <cstdlib>

#include <fmt/format.h>
#include <sys/stat.h>

#include "foundation/codec/hex.h"
#include "platform/runtime/files.h"

namespace posthorn::keyring {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileOctetsMax = 256;  // a line of 64 digits, and what an editor may put behind it

Problem cannot_use(const fs::path& path, std::string why, std::string remedy) {
  return {ProblemKind::usage, "the sealing key " + path.string(), std::move(why), std::move(remedy)};
}

/// Whoever can read it can open every private key of the store. systemd's credentials are 0400 and their owner's.
bool is_private(const fs::path& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0 && (facts.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

std::string_view without_line_end(std::string_view text) {
  const auto end = text.find_last_not_of("\r\n \t");
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

}  // namespace

fs::path sealing_key_path(const fs::path& configured, const fs::path& folder) {
  if (!configured.empty()) return configured;
  if (const char* handed = std::getenv("CREDENTIALS_DIRECTORY"); handed != nullptr) {
    const fs::path credential = fs::path(handed) / credential_name;
    std::error_code ignored;
    if (fs::exists(credential, ignored)) return credential;
  }
  return folder / "sealing.key";
}

Result<std::optional<crypto::SealingKey>, Problem> read_sealing_key(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error) && (!error || error == std::errc::no_such_file_or_directory))
    return std::optional<crypto::SealingKey>{};
  auto text = runtime::read_file(path, kFileOctetsMax);
  if (!text) return fail(std::move(text.error()));
  if (!is_private(path))
    return fail(cannot_use(path, "others than its owner may read it", "chmod 600 " + path.string()));
  const auto octets = codec::hex_decode(without_line_end(*text));
  auto key = crypto::SealingKey::from_octets(octets.value_or(""));
  if (!key)
    return fail(cannot_use(path, "it is not a line of 64 hexadecimal digits",
                           "bring the right file back; without it every key in the store must be made anew"));
  return std::optional<crypto::SealingKey>(std::move(*key));
}

Result<crypto::SealingKey, Problem> make_sealing_key(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path, error)) return fail(cannot_use(path, "it is there already", "move it away first"));
  crypto::SealingKey key = crypto::SealingKey::generate();
  auto written =
      runtime::write_file_atomically(path, codec::hex_encode(key.octets()) + "\n", runtime::FileAccess::owner_only);
  if (!written) return fail(std::move(written.error()));
  return key;
}

}  // namespace posthorn::keyring
