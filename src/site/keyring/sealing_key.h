// The sealing key: what the store's private keys are sealed with. It lives outside the store, so that a copy of the
// store (a backup, a disk thrown away) gives no key away: in a file of mode 0600, or handed over by systemd as a
// credential. docs/operator/keys.md says what that protects and what not.
//
// The file is one line of 64 hexadecimal digits.
#pragma once

#include <filesystem>
#include <optional>

#include "foundation/base/result.h"
#include "foundation/crypto/seal.h"

namespace posthorn::keyring {

/// The name systemd must give it: LoadCredential=posthorn-sealing-key:/some/file.
inline constexpr const char* credential_name = "posthorn-sealing-key";

/// Where the key is read from: `configured` (keys.sealing_key_file); where that is empty the credential, if systemd
/// handed one over; else "sealing.key" in `folder`, the configuration's.
[[nodiscard]] std::filesystem::path sealing_key_path(const std::filesystem::path& configured,
                                                     const std::filesystem::path& folder);

/// nullopt: there is no such file. A Problem for one that cannot be read, is no key, or that others may read.
[[nodiscard]] Result<std::optional<crypto::SealingKey>, Problem> read_sealing_key(const std::filesystem::path& path);
/// Makes the file (0600, synced) with a new key. Refused where a file stands there already.
[[nodiscard]] Result<crypto::SealingKey, Problem> make_sealing_key(const std::filesystem::path& path);

}  // namespace posthorn::keyring
