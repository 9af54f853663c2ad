// Help, drawn from the tables.
#include <algorithm>
#include <array>

#include "entrance/cli/verb.h"

namespace posthorn::cli {
namespace {

std::string_view noun_of(std::string_view name) {
  return name.substr(0, name.find(' '));
}

std::string one_line(const Verb& verb) {
  return fmt::format("  {:<28}  {}\n", verb.name, verb.summary);
}

/// Verbs that read no configuration, by name or noun; help does not offer them --config.
constexpr std::array<std::string_view, 3> without_config{"demo", "quickstart", "parse"};
/// Verbs that answer nothing, or octets that programs take as they are.
constexpr std::array<std::string_view, 3> without_json{"serve", "sign dkim", "sign arc"};

bool says_something_to(const Verb& verb, const Option& option) {
  if (option.name == "--config") return std::ranges::find(without_config, noun_of(verb.name)) == without_config.end();
  if (option.name == "--json") return std::ranges::find(without_json, verb.name) == without_json.end();
  return true;
}

void append_options(std::string& out, std::span<const Option> options) {
  for (const Option& option : options) {
    const std::string form =
        option.value.empty() ? std::string(option.name) : fmt::format("{} {}", option.name, option.value);
    out += fmt::format("  {:<26} {}{}\n", form, option.help, option.repeated ? " (may be repeated)" : "");
  }
}

std::string help_for_verb(const Verb& verb) {
  std::string out = fmt::format("{}: {}\n\nUsage: {}\n", verb.name, verb.summary, usage_line(verb));
  if (!verb.help.empty()) out += fmt::format("\n{}\n", verb.help);
  if (!verb.arguments.empty()) out += "\nArguments:\n";
  for (const Argument& argument : verb.arguments) out += fmt::format("  {:<26} {}\n", argument.name, argument.help);
  out += "\nOptions:\n";
  append_options(out, verb.options);
  for (const Option& option : Invocation::common_options()) {
    if (says_something_to(verb, option)) append_options(out, {&option, 1});
  }
  return out;
}

}  // namespace

std::string usage_line(const Verb& verb) {
  std::string out = fmt::format("posthorn {}", verb.name);
  for (const Argument& argument : verb.arguments) {
    const std::string form = fmt::format("{}{}", argument.name, argument.repeated ? "…" : "");
    out += argument.required ? " " + form : fmt::format(" [{}]", form);
  }
  for (const Option& option : verb.options) {
    const std::string form =
        option.value.empty() ? std::string(option.name) : fmt::format("{} {}", option.name, option.value);
    out += option.required ? fmt::format(" {}", form) : fmt::format(" [{}]", form);
    if (option.repeated) out += "…";
  }
  return out;
}

std::string help_overview() {
  std::string out =
      "Posthorn is the whole e-mail system of a domain in one program.\n\n"
      "  posthorn demo                        two sites on this machine exchange mail and tell how\n"
      "  posthorn quickstart DOMAIN --dir DIR makes a server for a domain; then: posthorn serve --config …\n"
      "  posthorn message trace ID            what became of a message, step by step\n";
  std::string group = "none";
  for (const Verb* verb : all_verbs()) {
    // A noun's verbs stand together, and so do the verbs without one.
    const bool has_noun = verb->name.find(' ') != std::string_view::npos;
    const std::string its_group = has_noun ? std::string(noun_of(verb->name)) : std::string();
    if (its_group != group) out += '\n';
    group = its_group;
    out += one_line(*verb);
  }
  out +=
      "\nposthorn help VERB tells more, with examples. Reading verbs take --json.\n"
      "Exit status: 0 done, 1 the answer is no, 2 wrong use, 3 not possible now.\n";
  return out;
}

std::string help_for(std::string_view name) {
  if (const Verb* verb = find_verb(name)) return help_for_verb(*verb);
  std::string out;
  for (const Verb* verb : all_verbs()) {
    if (noun_of(verb->name) == name) out += one_line(*verb);
  }
  if (!out.empty()) out += fmt::format("\nposthorn help {} VERB tells more about each.\n", name);
  return out;
}

}  // namespace posthorn::cli
