#include "operations/domains/provider.h"

#include <algorithm>

#include <boost/json.hpp>

#include "foundation/text/ascii.h"
#include "operations/domains/json_fields.h"

namespace posthorn::domains {
namespace {

namespace json = boost::json;

/// "10 mx.example.com".
MxHost read_mx(std::string_view text) {
  const auto space = text.find(' ');
  const auto preference = text::parse_number(text.substr(0, space)).value_or(10);
  return {static_cast<std::uint16_t>(preference), std::string(text.substr(space + 1))};
}

Provider read_provider(const ProviderFile& file) {
  const json::object object = parse_object(file.json);
  Provider provider;
  provider.name = file.name;
  provider.title = text_at(object, "title");
  for (const std::string& mx : texts_at(object, "mx")) provider.mx.push_back(read_mx(mx));
  provider.spf = texts_at(object, "spf");
  provider.note = text_at(object, "note");
  if (const json::object* path = object_at(object, "return_path"); path != nullptr) {
    for (const std::string& mx : texts_at(*path, "mx")) provider.return_path_mx.push_back(read_mx(mx));
    provider.return_path_hint = text_at(*path, "hint");
  }
  const json::object* dkim = object_at(object, "dkim");
  if (dkim == nullptr) return provider;
  provider.dkim_kind = text_at(*dkim, "kind") == "cname" ? DkimKind::cname : DkimKind::txt;
  provider.rotation = text_at(*dkim, "rotation") == "owner" ? KeyRotation::owner : KeyRotation::provider;
  provider.dkim_hint = text_at(*dkim, "hint");
  for (const json::object* reference : objects_at(*dkim, "references"))
    provider.dkim.push_back({text_at(*reference, "selector"), provider.dkim_kind, text_at(*reference, "value")});
  return provider;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

}  // namespace

const std::vector<Provider>& all_providers() {
  static const std::vector<Provider> providers = [] {
    std::vector<Provider> out;
    for (const ProviderFile& file : provider_files()) out.push_back(read_provider(file));
    return out;
  }();
  return providers;
}

const Provider* find_provider(std::string_view name) {
  const auto& providers = all_providers();
  const auto at = std::ranges::find(providers, name, &Provider::name);
  return at == providers.end() ? nullptr : &*at;
}

Provider provider_for(const Provider& provider, std::string_view domain) {
  Provider out = provider;
  std::string dashed(domain);
  std::ranges::replace(dashed, '.', '-');
  const auto fill = [&](std::string& text) {
    replace_all(text, "{domain-dashed}", dashed);
    replace_all(text, "{domain}", domain);
  };
  for (MxHost& mx : out.mx) fill(mx.host);
  for (std::string& term : out.spf) fill(term);
  for (DkimReference& reference : out.dkim) fill(reference.value);
  return out;
}

}  // namespace posthorn::domains
