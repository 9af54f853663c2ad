// The words of the command line against a verb's row.
#include <algorithm>
#include <array>

#include "entrance/cli/verb.h"
#include "foundation/text/ascii.h"
#include "site/config/values.h"

namespace posthorn::cli {
namespace {

constexpr std::array common{Option{"--json", "", "print one JSON document"},
                            Option{"--config", "FILE",
                                   "the configuration (else $POSTHORN_CONFIG, posthorn.toml here, "
                                   "/etc/posthorn/posthorn.toml)"},
                            Option{"--help", "", "this text"}};

Problem usage(const Verb& verb, std::string what, std::string why, std::string remedy = {}) {
  if (remedy.empty()) remedy = fmt::format("usage: {}", usage_line(verb));
  return {ProblemKind::usage, std::move(what), std::move(why), std::move(remedy)};
}

const Option* find_option(const Verb& verb, std::string_view name) {
  for (const std::span<const Option> options : {std::span<const Option>(verb.options), Invocation::common_options()}) {
    const auto at = std::ranges::find(options, name, &Option::name);
    if (at != options.end()) return &*at;
  }
  return nullptr;
}

Problem unknown_option(const Verb& verb, std::string_view name) {
  std::vector<std::string_view> names;
  names.reserve(verb.options.size() + std::size(common));
  for (const Option& option : verb.options) names.push_back(option.name);
  for (const Option& option : common) names.push_back(option.name);
  const std::string_view best = config::nearest(name, names);
  return usage(verb, text::printable(name), fmt::format("{} has no such option", verb.name),
               best.empty() ? "" : fmt::format("did you mean {}?", best));
}

/// A word that can only be an option: "--x"; a lone "-" is standard input.
bool is_option(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && !text::is_digit(word[1]);
}

}  // namespace

std::span<const Option> Invocation::common_options() {
  return common;
}

Result<Invocation, Problem> Invocation::parse(const Verb& verb, std::span<const std::string> words) {
  Invocation out;
  out.verb_ = &verb;
  std::size_t positional = 0;
  bool options_over = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (!options_over && word == "--") {
      options_over = true;
    } else if (!options_over && is_option(word)) {
      const auto equals = word.find('=');
      const std::string_view name = word.substr(0, equals);
      const Option* option = find_option(verb, name == "-h" ? "--help" : name);
      if (option == nullptr) return fail(unknown_option(verb, name));
      auto& values = out.values_[std::string(option->name)];
      if (!values.empty() && !option->repeated) {
        return fail(usage(verb, std::string(name), "it stands there twice"));
      }
      if (option->value.empty()) {
        if (equals != std::string_view::npos) return fail(usage(verb, std::string(name), "it takes no value"));
        values.emplace_back("true");
      } else if (equals != std::string_view::npos) {
        values.emplace_back(word.substr(equals + 1));
      } else if (i + 1 < words.size()) {
        values.push_back(words[++i]);
      } else {
        return fail(usage(verb, std::string(name), fmt::format("its {} is missing", option->value)));
      }
    } else if (positional < verb.arguments.size()) {
      const Argument& argument = verb.arguments[positional];
      out.values_[std::string(argument.name)].emplace_back(word);
      if (!argument.repeated) ++positional;
    } else {
      return fail(usage(verb, text::printable(word), fmt::format("{} takes no more arguments", verb.name)));
    }
  }
  if (out.wants_help()) return out;
  for (const Argument& argument : verb.arguments) {
    if (argument.required && !out.has(argument.name)) {
      return fail(usage(verb, std::string(verb.name), fmt::format("{} is missing", argument.name)));
    }
  }
  for (const Option& option : verb.options) {
    if (option.required && !out.has(option.name)) {
      return fail(usage(verb, std::string(verb.name), fmt::format("{} {} is missing", option.name, option.value)));
    }
  }
  return out;
}

std::string Invocation::get(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::string{} : at->second.front();
}

const std::vector<std::string>& Invocation::all(std::string_view name) const {
  static const std::vector<std::string> none;
  const auto at = values_.find(name);
  return at == values_.end() ? none : at->second;
}

}  // namespace posthorn::cli
