// Where things stand in the store's folder.
//
//   lock                   flock: one process; the holder's pid
//   posthorn.db (-wal)     the truth; the index of the log is in memory
//   segments/0000000001.segment   records of messages between the inline and the segment bound
//   messages/ID.message    one message each, above the segment bound or streamed early
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/id.h"

namespace posthorn::disk {

struct Layout {
  std::filesystem::path dir;

  [[nodiscard]] std::filesystem::path lock() const { return dir / "lock"; }
  [[nodiscard]] std::filesystem::path database() const { return dir / "posthorn.db"; }
  [[nodiscard]] std::filesystem::path write_ahead_log() const { return dir / "posthorn.db-wal"; }
  [[nodiscard]] std::filesystem::path segments() const { return dir / "segments"; }
  [[nodiscard]] std::filesystem::path messages() const { return dir / "messages"; }
  [[nodiscard]] std::filesystem::path segment(std::uint64_t id) const {
    return segments() / fmt::format("{:010}.segment", id);
  }
  [[nodiscard]] std::filesystem::path message(MailId id) const { return messages() / (id.text() + ".message"); }

  /// The id in a file's name; nullopt for a name that is not one of ours.
  [[nodiscard]] static std::optional<std::uint64_t> segment_id(std::string_view name);
  [[nodiscard]] static std::optional<MailId> message_id(std::string_view name);
};

}  // namespace posthorn::disk
