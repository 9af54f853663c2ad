#include "entrance/cli/ask.h"

#include <cstdlib>
#include <iterator>

#include <boost/json.hpp>

#include "entrance/admin/control.h"
#include "entrance/cli/local_site.h"
#include "foundation/text/ascii.h"
#include "platform/net/loop.h"
#include "platform/runtime/loops.h"
#include "site/config/salvage.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;

/// Prints as the answer comes: JSON as one document, or in words.
class Printed final : public admin::Answer {
 public:
  Printed(const Words& words, bool as_json) : words_(words), as_json_(as_json) {}

  Task<Result<void, Problem>> item(std::string text) override {
    const bool first = items_++ == 0;
    if (as_json_) {
      print(first ? "[" : ",\n ");
      print(text);
      co_return admin::Done{};
    }
    if (first && !words_.head.empty()) print(fmt::format("{}\n", words_.head));
    if (words_.item != nullptr) put(words_.item, text);
    co_return admin::Done{};
  }
  Task<Result<void, Problem>> octets(Octets octets) override {
    print(octets);
    co_return admin::Done{};
  }
  Task<Result<void, Problem>> value(std::string text) override {
    if (as_json_) {
      print(text + "\n");
    } else if (words_.value != nullptr) {
      put(words_.value, text);
    }
    co_return admin::Done{};
  }

  /// Closes the list.
  void end(bool done) {
    if (words_.item == nullptr) return;
    if (as_json_ && (done || items_ > 0)) print(items_ == 0 ? "[]\n" : "]\n");
    if (!as_json_ && done && items_ == 0 && !words_.nothing.empty()) print(fmt::format("{}\n", words_.nothing));
  }

 private:
  static void put(void (*words)(std::string&, const json::object&), std::string_view text) {
    json::error_code error;
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()), error);
    std::string out;
    if (const auto* object = error ? nullptr : parsed.if_object()) words(out, *object);
    print(out);
  }

  const Words& words_;
  bool as_json_;
  std::size_t items_ = 0;
};

std::string named_config(const Invocation& invocation) {
  if (std::string given = invocation.get("--config"); !given.empty()) return given;
  const char* const variable = std::getenv("POSTHORN_CONFIG");
  return variable == nullptr ? "" : variable;
}

}  // namespace

std::optional<admin::Done> ask_server(const config::Config& config, const admin::Request& request,
                                      admin::Answer& answer) {
  std::optional<admin::Done> done;
  runtime::SystemClock clock;
  struct Asking {
    static Task<> run(runtime::Clock& clock, const config::Config& config, const admin::Request& request,
                      admin::Answer& answer, std::optional<admin::Done>& done) {
      net::Loop loop(co_await runtime::current_executor(), clock);
      done = co_await admin::ask(loop, config.store_dir, request, answer);
    }
  };
  runtime::run_to_end([&] { return Asking::run(clock, config, request, answer, done); });
  return done;
}

bool names_config(const Invocation& invocation) {
  return !named_config(invocation).empty();
}

Problem no_config() {
  return {ProblemKind::usage, "the configuration", "none was found",
          "name it: --config FILE; or make one: posthorn quickstart DOMAIN --dir DIR"};
}

std::string config_file(const Invocation& invocation) {
  if (std::string named = named_config(invocation); !named.empty()) return named;
  for (const char* const place : {"posthorn.toml", "/etc/posthorn/posthorn.toml"}) {
    std::error_code error;
    if (std::filesystem::exists(place, error)) return place;
  }
  return {};
}

Task<Result<void, Problem>> Gathered::item(std::string text) {
  items.push_back(std::move(text));
  co_return admin::Done{};
}
Task<Result<void, Problem>> Gathered::octets(Octets octets) {
  whole += octets;
  co_return admin::Done{};
}
Task<Result<void, Problem>> Gathered::value(std::string text) {
  whole = std::move(text);
  co_return admin::Done{};
}

Result<config::Config, Exit> load_config(const Invocation& invocation) {
  const std::string file = config_file(invocation);
  if (file.empty()) {
    return fail(report(no_config()));
  }
  auto config = config::load(file);
  if (config) return std::move(*config);
  for (const Problem& problem : config.error()) print_problem(problem);
  return fail(Exit::usage);
}

Result<config::Config, Exit> config_to_ask(const Invocation& invocation) {
  const std::string file = config_file(invocation);
  if (file.empty()) return fail(report(no_config()));
  auto config = config::load(file);
  if (config) return std::move(*config);
  config::Config folder_only;
  folder_only.store_dir = config::named_store_dir(file).value_or("");
  std::error_code error;
  const bool may_be_served =
      !folder_only.store_dir.empty() && std::filesystem::exists(admin::control_path(folder_only.store_dir), error);
  if (may_be_served) {
    Problem first = config.error().front();
    first.remedy += " (a server that runs goes by what it read before)";
    print_problem(first);
    return folder_only;
  }
  for (const Problem& problem : config.error()) print_problem(problem);
  return fail(Exit::usage);
}

admin::Done ask_into(const config::Config& config, const admin::Request& request, admin::Answer& answer) {
  if (auto done = ask_server(config, request, answer)) return std::move(*done);
  if (config.host_name.empty())  // config_to_ask(), and the server had crashed
    return fail(Problem{ProblemKind::usage, request.verb, "no server runs, and the configuration has faults",
                        "posthorn config check lists them"});
  return run_here(config, request, answer);
}

Exit ask(const Invocation& invocation, json::object arguments, const Words& words, OctetString input) {
  const auto config = config_to_ask(invocation);
  if (!config) return config.error();
  admin::Request request;
  request.verb = std::string(invocation.verb().name);
  request.arguments = std::move(arguments);
  request.input = std::move(input);
  Printed answer(words, invocation.json());
  const admin::Done done = ask_into(*config, request, answer);
  answer.end(done.has_value());
  return done ? Exit::done : report(done.error());
}

std::string member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  if (value == nullptr || value->is_null()) return {};
  if (const auto* text = value->if_string()) return {text->data(), text->size()};
  if (const auto* truth = value->if_bool()) return *truth ? "yes" : "no";
  const auto* const list = value->if_array();
  if (list == nullptr) return json::serialize(*value);
  std::string out;
  for (const json::value& element : *list) {
    if (!out.empty()) out += ", ";
    out += element.is_string() ? std::string(element.as_string()) : json::serialize(element);
  }
  return out;
}

std::string octets_text(std::uint64_t octets) {
  constexpr std::array<std::string_view, 4> units{"KB", "MB", "GB", "TB"};
  if (octets < KiB) return fmt::format("{} B", octets);
  double size = static_cast<double>(octets);
  std::size_t unit = 0;
  for (size /= 1024; size >= 1024 && unit + 1 < units.size(); ++unit) size /= 1024;
  return fmt::format("{:.1f} {}", size, units[unit]);
}

}  // namespace posthorn::cli
