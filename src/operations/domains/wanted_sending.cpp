// Who sends for the domain: SPF, merged into what is there, and DKIM keys.
#include <algorithm>

#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "operations/domains/provider.h"
#include "operations/domains/wanting.h"
#include "standards/spf/record.h"

namespace posthorn::domains {
namespace {

/// Also those that a word processor has put quotation marks into: their owner meant SPF.
bool means_spf(std::string_view text) {
  return spf::is_spf_record(text) || spf::is_spf_record(text::without_quotes(text));
}

bool has_term(const std::vector<std::string>& terms, std::string_view wanted) {
  return std::ranges::any_of(terms, [wanted](std::string_view term) {
    if (term.starts_with('+')) term.remove_prefix(1);
    return text::iequals(term, wanted);
  });
}

bool is_last(std::string_view term) {
  const std::string lower = text::lower(term);
  const std::string_view bare =
      lower.find_first_of("+-~?") == 0 ? std::string_view(lower).substr(1) : std::string_view(lower);
  return bare == "all" || bare.starts_with("redirect=");
}

/// Left for somebody to fill in, or broken otherwise: kept out of a record that is to be evaluated.
bool is_readable(const std::string& term) {
  return spf::parse_record(fmt::format("v=spf1 {}", term)).has_value();
}

/// The terms of all records in their order, each once; the last one (all, redirect) of the first record that has one.
struct SpfTerms {
  std::vector<std::string> terms;
  std::string last;

  void take(std::string_view record) {
    bool first = true;
    const std::string clean = text::without_quotes(record);
    for (const std::string_view term : text::words(clean)) {
      if (std::exchange(first, false)) continue;
      const std::string word(term);
      if (is_last(word)) {
        if (last.empty()) last = word;
      } else if (!has_term(terms, word) && is_readable(word)) {
        terms.push_back(word);
      }
    }
  }
  [[nodiscard]] std::string text() const {
    std::string out = "v=spf1";
    for (const std::string& term : terms) out += " " + term;
    // RFC 7208 5.1: without `all` hosts that are not listed are neutral. ~all is safe beside DMARC; -all is its owner's
    // to choose.
    return out + " " + (last.empty() ? "~all" : last);
  }
};

}  // namespace

std::vector<DkimReference> references_of(const Model& model, const Stream& stream) {
  std::vector<DkimReference> out = stream.dkim;
  const Provider* provider = find_provider(stream.provider);
  if (provider == nullptr) return out;
  for (const DkimReference& reference : provider_for(*provider, model.domain).dkim) {
    const auto same = [&](const DkimReference& own) { return own.selector == reference.selector; };
    // What its owner gave counts; of a provider with one key under a name that may be chosen, any given one will do.
    const bool replaced = std::ranges::any_of(out, same) || (!stream.dkim.empty() && reference.waited_for());
    if (!replaced) out.push_back(reference);
  }
  return out;
}

std::vector<std::string> Wanting::spf_terms() const {
  std::vector<std::string> terms;
  const auto hosts = mx_hosts();
  for (const Stream& stream : model_.all_streams()) {
    if (const Provider* provider = find_provider(stream.provider)) {
      const Provider filled = provider_for(*provider, model_.domain);
      terms.insert(terms.end(), filled.spf.begin(), filled.spf.end());
    } else if (!around_.host_name.empty()) {
      const bool is_mx = std::ranges::any_of(hosts, [&](const MxHost& mx) { return mx.host == around_.host_name; });
      terms.push_back(is_mx && hosts.size() == 1 ? "mx" : "a:" + around_.host_name);
    }
    terms.insert(terms.end(), stream.spf.begin(), stream.spf.end());
  }
  return terms;
}

void Wanting::spf() {
  SpfTerms merged;
  std::vector<std::string> present;
  for (const std::string& text : texts_at(domain_))
    if (means_spf(text)) present.push_back(text);
  for (const std::string& text : present) merged.take(text);
  const bool host_is_covered = has_term(merged.terms, "mx") || has_term(merged.terms, "a:" + around_.host_name);
  for (const std::string& term : spf_terms()) {
    const bool is_host = term == "mx" || term == "a:" + around_.host_name;
    if (has_term(merged.terms, term) || (is_host && host_is_covered)) continue;
    merged.terms.push_back(term);
  }
  // What is there and says the same stays as it is, whatever its spaces.
  const bool one = present.size() == 1 && spf::is_spf_record(present.front());
  SpfTerms as_it_is;
  if (one) as_it_is.take(present.front());
  const bool is_same =
      one && as_it_is.terms == merged.terms && !as_it_is.last.empty() && spf::parse_record(present.front()).has_value();
  const std::string text = is_same ? present.front() : merged.text();
  WantedRecord& record = add_txt(Purpose::spf, domain_, text, ttl_seconds_policy,
                                 "the hosts that send for the domain; whoever is not listed is suspect");
  record.replaces = others(domain_, record.data, means_spf);
  if (present.size() > 1)
    finding("spf-multiple", FindingLevel::error,
            fmt::format("{} SPF records stand at {}: receivers answer permerror; the plan merges them", present.size(),
                        model_.domain),
            text);
  for (const std::string& was : present)
    for (Finding& fault : spf::review_record(was).findings)
      if (fault.level == FindingLevel::error) out_.findings.push_back(std::move(fault));
}

void Wanting::host_spf() {
  if (!host_is_in_zone() || !host_is_used() || around_.host_name == model_.domain) return;
  const auto host = dns::Name::parse(around_.host_name);
  // RFC 7208 2.3: bounces have no MAIL FROM, so receivers check the HELO name.
  for (const std::string& text : texts_at(*host)) {
    if (!spf::is_spf_record(text)) continue;
    add_txt(Purpose::spf, *host, text, ttl_seconds_policy, "delivery reports are checked by this host's EHLO name");
    return;
  }
  add_txt(Purpose::spf, *host, "v=spf1 a -all", ttl_seconds_policy,
          "delivery reports are checked by the name this host gives in EHLO");
}

// ---------------------------------------------------------------- DKIM

void Wanting::dkim_own_keys() {
  for (const OwnKey& key : around_.keys) {
    const dns::Name name = at(key.selector + "._domainkey");
    WantedRecord& record =
        add_txt(Purpose::dkim, name, key.record, ttl_seconds_mail,
                key.revoked   ? "the key is revoked; an empty p= says so to whoever finds an old signature"
                : key.signing ? "the key that this server signs with"
                              : "a key of this server's that is to sign, or whose signatures are still under way");
    record.replaces = others(name, record.data, [](std::string_view) { return true; });
  }
}

void Wanting::dkim_reference(const Stream& stream, const DkimReference& reference, const std::string& hint) {
  const dns::Name name = at(reference.selector + "._domainkey");
  const bool alias = reference.kind == DkimKind::cname;
  const auto type = alias ? dns::RecordType::cname : dns::RecordType::txt;
  const std::string reason = fmt::format("the key of stream {}, which {} holds", stream.name, stream.provider);
  const auto& published = published_.data(name, type);
  if (reference.waited_for()) {
    // Looked for again: whoever has published it meanwhile need not tell us.
    WantedRecord& record = add(Purpose::dkim, name, type, published.empty() ? "" : published.front(), ttl_seconds_mail,
                               hint.empty() ? reason : fmt::format("{}; {}", reason, hint));
    if (record.waited_for()) record.owner = Owner::provider;
    return;
  }
  const std::string data =
      alias ? reference.value + (reference.value.ends_with('.') ? "" : ".") : txt_data(reference.value);
  WantedRecord& record = add(Purpose::dkim, name, type, data, alias ? ttl_seconds_mail : ttl_seconds_policy, reason);
  for (const std::string& other : published)
    if (other != record.data) record.replaces.push_back(other);
}

/// Bounces come back through a name below the domain: SPF is checked there (RFC 7208 2.4), and its MX is the
/// provider's.
void Wanting::return_path(const Stream& stream, const Provider& provider) {
  const dns::Name name = at(stream.return_path_subdomain);
  std::string terms;
  for (const std::string& term : provider.spf) terms += " " + term;
  add_txt(Purpose::spf, name, fmt::format("v=spf1{} -all", terms), ttl_seconds_policy,
          fmt::format("bounces of stream {} come back through this name, so SPF is checked there", stream.name));
  const std::string reason = fmt::format("bounces of stream {} come back to its provider", stream.name);
  for (const MxHost& mx : provider.return_path_mx)
    add(Purpose::extra, name, dns::RecordType::mx, fmt::format("{} {}.", mx.preference, mx.host), ttl_seconds_mail,
        reason);
  if (!provider.return_path_mx.empty() || provider.return_path_hint.empty()) return;
  const bool given = std::ranges::any_of(model_.extra, [&](const ExtraRecord& record) {
    const auto parsed = dns::Name::parse(record.name);
    return record.type == "MX" && parsed && *parsed == name;
  });
  if (given) return;
  // Looked for again: whoever has published it meanwhile need not tell us.
  const auto& published = published_.data(name, dns::RecordType::mx);
  WantedRecord& record = add(Purpose::extra, name, dns::RecordType::mx, published.empty() ? "" : published.front(),
                             ttl_seconds_mail, fmt::format("{}; {}", reason, provider.return_path_hint));
  if (record.waited_for()) record.owner = Owner::provider;
}

void Wanting::dkim() {
  dkim_own_keys();
  for (const Stream& stream : model_.all_streams()) {
    const Provider* provider = find_provider(stream.provider);
    if (provider == nullptr) continue;
    const auto references = references_of(model_, stream);
    for (const DkimReference& reference : references) dkim_reference(stream, reference, provider->dkim_hint);
    if (references.empty() && provider->name != "generic") {
      // The selectors themselves are the provider's to give (SES: three tokens).
      add(Purpose::dkim, at("_domainkey"), dns::RecordType::cname, "", ttl_seconds_mail,
          fmt::format("stream {} has no DKIM key yet; {}", stream.name, provider->dkim_hint))
          .owner = Owner::provider;
    }
    if (!stream.return_path_subdomain.empty()) return_path(stream, provider_for(*provider, model_.domain));
  }
}

}  // namespace posthorn::domains
