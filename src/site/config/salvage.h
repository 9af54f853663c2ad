// Salvage: what can be had from a configuration file with faults.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace posthorn::config {

/// The store's folder that the file names, whatever else is wrong with it: with bad TOML by the lines above the first
/// bad one. For finding the server that runs, never for starting one.
[[nodiscard]] std::optional<std::filesystem::path> named_store_dir(const std::filesystem::path& file);

/// "posthorn.toml:12: tls.certificate", as faults are named, for what turns out wrong only after the file was read;
/// read again, so the line is left out where it cannot be found any more.
[[nodiscard]] std::string place_of(const std::filesystem::path& file, std::string_view key);

}  // namespace posthorn::config
