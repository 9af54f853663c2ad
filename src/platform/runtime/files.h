// Small files read and written whole: keys, certificates, zone files, configuration, password files. (Message octets
// belong to storage.) Errors are Problems that name the path and what to do.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"

namespace posthorn::runtime {

/// At most `octets_max`; a longer file is a Problem of kind usage. "-" is not special here.
[[nodiscard]] Result<OctetString, Problem> read_file(const std::filesystem::path& path, std::size_t octets_max);
/// Standard input to its end, with the same bound.
[[nodiscard]] Result<OctetString, Problem> read_standard_input(std::size_t octets_max);

enum class FileAccess : unsigned char {
  owner_only,  ///< 0600: keys, secrets
  readable,    ///< 0644
};
/// All or nothing, also across a power cut: a temporary file beside it, fsync, rename, fsync of the folder.
[[nodiscard]] Result<void, Problem> write_file_atomically(const std::filesystem::path& path, Octets octets,
                                                          FileAccess access);

}  // namespace posthorn::runtime
