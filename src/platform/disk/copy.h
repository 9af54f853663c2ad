// Copying and linking whole files through a FileLayer.
#pragma once

#include "platform/disk/file_layer.h"

namespace posthorn::disk {

/// Copies the first `octets` octets (all there are, by default) and syncs the copy; its name is the caller's to sync.
/// The number of octets copied.
[[nodiscard]] Result<std::uint64_t, FileError> copy_file(FileLayer& files, const std::filesystem::path& from,
                                                         const std::filesystem::path& to,
                                                         std::uint64_t octets = ~std::uint64_t{0});

}  // namespace posthorn::disk
