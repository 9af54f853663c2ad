#include "standards/arc/chain.h"

#include <array>

#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "standards/dkim/tag_list.h"

namespace posthorn::arc {
namespace {

using Fault = std::optional<std::string>;

/// instance = 1*2DIGIT, 1 to 50; nullopt for anything else.
std::optional<unsigned> parse_instance(std::string_view text) {
  const auto value = text::parse_number(text);
  if (!value || *value == 0 || *value > sets_max || text.size() > 2) return std::nullopt;
  return static_cast<unsigned>(*value);
}

std::optional<unsigned> instance_of_tags(Octets value) {
  const auto tags = dkim::TagList::parse(value);
  const auto i = tags ? tags->value("i") : std::nullopt;
  return i ? parse_instance(*i) : std::nullopt;
}

/// arc-authres-hdr: "i=N;" stands first (RFC 8617 4.1.1).
struct Results {
  unsigned instance;
  std::string_view text;
};
std::optional<Results> split_results(Octets value) {
  const auto semicolon = value.find(';');
  const std::string_view first = text::trim_lines(value.substr(0, semicolon));
  const auto equals = first.find('=');
  if (semicolon == Octets::npos || equals == std::string_view::npos) return std::nullopt;
  if (text::trim_lines(first.substr(0, equals)) != "i") return std::nullopt;
  const auto instance = parse_instance(text::trim_lines(first.substr(equals + 1)));
  if (!instance) return std::nullopt;
  return Results{*instance, value.substr(semicolon + 1)};
}

/// What is collected of one set before it is known to be whole.
struct Parts {
  std::optional<message::Field> seal, signature, results;
};

Fault place(std::optional<message::Field>& slot, const message::Field& field, unsigned instance) {
  if (slot) return fmt::format("set {} has two {} fields", instance, field.name);
  slot = field;
  return std::nullopt;
}

/// Sorts one field into its set.
Fault collect(const message::Field& field, std::array<Parts, sets_max + 1>& parts, unsigned& newest) {
  const bool is_seal = field.is(seal_name);
  const bool is_signature = field.is(signature_name);
  const bool is_results = field.is(results_name);
  if (!is_seal && !is_signature && !is_results) return std::nullopt;
  std::optional<unsigned> instance;
  if (is_results) {
    if (const auto results = split_results(field.value)) instance = results->instance;
  } else {
    instance = instance_of_tags(field.value);
  }
  newest = std::max(newest, instance.value_or(1));
  if (!instance) return fmt::format("a field {} names no instance of 1 to {}", field.name, sets_max);
  Parts& set = parts[*instance];
  return place(is_seal ? set.seal : is_signature ? set.signature : set.results, field, *instance);
}

Fault read_seal(Octets value, Seal& out) {
  const auto tags = dkim::TagList::parse(value);
  if (!tags) return tags.error().reason;
  // RFC 8617 4.1.3: what a seal covers is fixed; h= is a sign of something else.
  if (tags->find("h")) return "h= must not stand in an ARC-Seal";
  const auto algorithm = dkim::parse_algorithm(tags->value("a").value_or(""));
  if (!algorithm) return "a= is missing or unknown";
  out.algorithm = *algorithm;
  out.cv = tags->value("cv").value_or("");
  if (out.cv != "none" && out.cv != "pass" && out.cv != "fail") return "cv= is neither none, pass nor fail";
  const auto domain = dkim::parse_domain(tags->value("d").value_or(""));
  const auto selector = dkim::parse_domain(tags->value("s").value_or(""));
  if (!domain || domain->label_count() < 2 || !selector) return "d= or s= is missing or no name";
  out.domain = *domain;
  out.selector = *selector;
  if (const auto t = tags->value("t"); t && !text::parse_number(*t)) return "t= is not a number";
  const auto b = codec::base64_decode(tags->squeezed("b").value_or("-"));
  if (!b || b->empty()) return "b= is missing or not base64";
  out.signature = *b;
  out.b_begin = tags->find("b")->value_offset;
  out.b_end = tags->find("b")->value_end;
  return std::nullopt;
}

Fault read_set(const Parts& parts, Set& out) {
  if (!parts.seal || !parts.signature || !parts.results) return "a field is missing";
  out.seal_field = *parts.seal;
  out.signature_field = *parts.signature;
  out.results_field = *parts.results;
  if (auto fault = read_seal(parts.seal->value, out.seal)) return fmt::format("{}: {}", seal_name, *fault);
  auto signature = dkim::parse_arc_message_signature(parts.signature->value);
  if (!signature) return fmt::format("{}: {}", signature_name, signature.error().reason);
  out.signature = std::move(*signature);
  // RFC 8617 4.1.2: it must not sign seals, which are added after it.
  for (const std::string& name : out.signature.signed_headers)
    if (text::iequals(name, seal_name)) return fmt::format("{} signs {}", signature_name, seal_name);
  out.results_text = split_results(parts.results->value)->text;
  return std::nullopt;
}

}  // namespace

std::optional<dns::Name> Seal::key_name() const {
  dkim::Signature names;
  names.domain = domain;
  names.selector = selector;
  return names.key_name();
}

dkim::OwnField own_field(const message::Field& field, std::size_t b_begin, std::size_t b_end) {
  const auto value_offset = static_cast<std::size_t>(field.value.data() - field.raw.data());
  return {field.raw, value_offset + b_begin, value_offset + b_end};
}

Chain read_chain(const message::Header& header) {
  Chain chain;
  std::array<Parts, sets_max + 1> parts;
  for (const message::Field& field : header.fields())
    if (auto fault = collect(field, parts, chain.newest); fault && chain.fault.empty()) chain.fault = std::move(*fault);
  for (unsigned i = 1; i <= chain.newest && chain.fault.empty(); ++i) {
    Set set;
    if (auto fault = read_set(parts[i], set)) chain.fault = fmt::format("set {}: {}", i, *fault);
    chain.sets.push_back(std::move(set));
  }
  if (!chain.fault.empty()) chain.sets.clear();
  return chain;
}

}  // namespace posthorn::arc
