// Ask: sends an administrative verb to the server that holds the store, or runs it here when none does; prints the
// answer as JSON or through the verb's words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "entrance/admin/handler.h"
#include "entrance/cli/verb.h"
#include "site/config/config.h"

namespace posthorn::cli {

/// How an answer looks to a person. Functions append to `out`; null: nothing is printed.
struct Words {
  std::string_view head = {};  ///< above the first item; also says that the answer is a list
  void (*item)(std::string& out, const boost::json::object& item) = nullptr;
  void (*value)(std::string& out, const boost::json::object& value) = nullptr;
  std::string_view nothing = {};  ///< instead of an empty list
};

/// What was answered, for verbs that print it themselves.
class Gathered final : public admin::Answer {
 public:
  [[nodiscard]] Task<Result<void, Problem>> item(std::string json) override;
  [[nodiscard]] Task<Result<void, Problem>> octets(Octets octets) override;
  [[nodiscard]] Task<Result<void, Problem>> value(std::string json) override;
  std::vector<std::string> items;
  std::string whole;
};

/// --config, $POSTHORN_CONFIG, posthorn.toml here, /etc/posthorn/posthorn.toml. Prints what is wrong with it.
[[nodiscard]] Result<config::Config, Exit> load_config(const Invocation& invocation);

/// For verbs that the server answers. A file with faults need not keep an administrator from the server that runs: it
/// goes by what it read before. Where one runs on the store that the file names, the first fault is told and a Config
/// given that has this folder alone, good for ask_into(); else as load_config().
[[nodiscard]] Result<config::Config, Exit> config_to_ask(const Invocation& invocation);

/// What is said where no configuration is found.
[[nodiscard]] Problem no_config();

/// By --config or $POSTHORN_CONFIG. Questions about the outside world go by a configuration only where one is named:
/// whoever asks may not be allowed to read the server's.
[[nodiscard]] bool names_config(const Invocation& invocation);

[[nodiscard]] std::string config_file(const Invocation& invocation);

/// The verb's own name is what is asked; `words` print it.
[[nodiscard]] Exit ask(const Invocation& invocation, boost::json::object arguments, const Words& words,
                       OctetString input = {});
/// The same into an Answer of one's own.
[[nodiscard]] admin::Done ask_into(const config::Config& config, const admin::Request& request, admin::Answer& answer);

/// Over the control socket alone; nullopt: no server listens.
[[nodiscard]] std::optional<admin::Done> ask_server(const config::Config& config, const admin::Request& request,
                                                    admin::Answer& answer);

/// Text of a member; "" where it is null or absent; numbers and lists as a person writes them.
[[nodiscard]] std::string member(const boost::json::object& object, std::string_view key);
/// "4.2 KB".
[[nodiscard]] std::string octets_text(std::uint64_t octets);

}  // namespace posthorn::cli
