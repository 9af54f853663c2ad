// What the store remembers of a key from a file (file_keys.h), for those who look before the server does. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "operations/certificates/file_keys.h"

namespace posthorn::certificates {

/// What a row remembers of a key in use; without its secret. nullopt: it cannot be read.
[[nodiscard]] std::optional<FileKey> remembered_file_key(const storage::KeyRow& row);

/// Whether a key in the files has to wait for its record, after what is known of the one in use.
[[nodiscard]] bool waits_for_record(const FileKey& known, std::string_view digest, TimePoint now);
/// What is kept and until when, in a sentence; "" where the key may be used.
[[nodiscard]] std::string wait_note(const FileKey& known, const std::string& chain_pem, const std::string& host,
                                    TimePoint now);

}  // namespace posthorn::certificates
