#include "standards/dkim/signature.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "standards/address/domain.h"
#include "standards/dkim/tag_list.h"

namespace posthorn::dkim {
namespace {

enum class Kind : unsigned char { dkim, arc };
using Fault = std::optional<std::string>;

/// Letters, digits, "-", "_" and "." (the world's names have underscores); octets above 127 for U-labels.
bool is_domain_text(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return text::is_alnum(c) || c == '-' || c == '_' || c == '.' || text::is_non_ascii(c);
  });
}

Fault missing(std::string_view tag) {
  return fmt::format("{}= is missing", tag);
}

/// Reads the tags of one signature into a Signature; each step names the tag of RFC 6376 3.5 it is for.
class Reader {
 public:
  Reader(const TagList& tags, Kind kind) : tags_(tags), kind_(kind) {}

  Fault read(Signature& out) {
    for (const auto step : {&Reader::version, &Reader::algorithm, &Reader::canonicalization, &Reader::domain,
                            &Reader::selector, &Reader::headers, &Reader::body_hash, &Reader::signature,
                            &Reader::identity, &Reader::body_length, &Reader::times, &Reader::query})
      if (auto fault = (this->*step)(out)) return fault;
    return std::nullopt;
  }

 private:
  Fault version(Signature&) {
    if (kind_ == Kind::arc) return std::nullopt;
    const auto v = tags_.value("v");
    if (!v) return missing("v");
    return *v == "1" ? Fault{} : fmt::format("v={} is not version 1", text::printable(*v, 20));
  }

  Fault algorithm(Signature& out) {
    const auto a = tags_.value("a");
    if (!a) return missing("a");
    const auto algorithm = parse_algorithm(*a);
    if (!algorithm) return fmt::format("a={} is not an algorithm we know", text::printable(*a, 40));
    out.algorithm = *algorithm;
    return std::nullopt;
  }

  Fault canonicalization(Signature& out) {
    const auto c = tags_.value("c");
    constexpr auto relaxed = Canonicalization::relaxed;
    // RFC 6376 3.5: simple/simple; ARC's signers mean relaxed/relaxed where they leave it out.
    if (kind_ == Kind::arc) out.canonicalizations = {relaxed, relaxed};
    if (!c) return std::nullopt;
    const auto both = parse_canonicalizations(*c);
    if (!both) return fmt::format("c={} is not a canonical form", text::printable(*c, 40));
    out.canonicalizations = *both;
    return std::nullopt;
  }

  Fault domain(Signature& out) {
    const auto d = tags_.value("d");
    if (!d) return missing("d");
    const auto name = parse_domain(*d);
    if (!name || name->label_count() < 2) return fmt::format("d={} is not a domain", text::printable(*d, 80));
    out.domain = *name;
    return std::nullopt;
  }

  Fault selector(Signature& out) {
    const auto s = tags_.value("s");
    if (!s) return missing("s");
    const auto name = parse_domain(*s);
    if (!name) return fmt::format("s={} is not a selector", text::printable(*s, 80));
    out.selector = *name;
    return out.key_name() ? Fault{} : Fault{"selector and domain are too long together"};
  }

  Fault headers(Signature& out) {
    const auto h = tags_.value("h");
    if (!h) return missing("h");
    if (static_cast<std::size_t>(std::ranges::count(*h, ':')) >= signed_headers_max) return "h= is too long";
    bool has_from = false;
    for (std::string& name : colon_list(*h)) {
      has_from |= text::iequals(name, "from");
      if (!name.empty()) out.signed_headers.push_back(std::move(name));
    }
    // RFC 6376 5.4: From must be signed.
    return has_from || kind_ == Kind::arc ? Fault{} : Fault{"h= does not name From"};
  }

  Fault octets(std::string_view tag, std::string& out) {
    const auto text = tags_.squeezed(tag);
    if (!text) return missing(tag);
    auto decoded = codec::base64_decode(*text);
    if (!decoded || decoded->empty()) return fmt::format("{}= is not base64", tag);
    out = std::move(*decoded);
    return std::nullopt;
  }
  Fault body_hash(Signature& out) { return octets("bh", out.body_hash); }
  Fault signature(Signature& out) {
    if (auto fault = octets("b", out.signature)) return fault;
    out.b_begin = tags_.find("b")->value_offset;
    out.b_end = tags_.find("b")->value_end;
    return std::nullopt;
  }

  Fault identity(Signature& out) {
    out.identity = "@" + out.domain.text();
    const auto i = tags_.value("i");
    if (!i || kind_ == Kind::arc) return std::nullopt;
    out.identity = without_fws(*i);
    const auto at = out.identity.rfind('@');
    const auto name = at == std::string::npos ? std::nullopt : parse_domain(out.identity.substr(at + 1));
    if (!name) return fmt::format("i={} is not an identity", text::printable(*i, 80));
    if (!name->is_at_or_below(out.domain)) return fmt::format("i={} is outside d=", text::printable(*i, 80));
    return std::nullopt;
  }

  template <class T>
  Fault number(std::string_view tag, std::optional<T>& out) {
    const auto text = tags_.value(tag);
    if (!text) return std::nullopt;
    const auto value = text::parse_number(*text);
    if (!value || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return fmt::format("{}={} is not a number", tag, text::printable(*text, 20));
    out = static_cast<T>(*value);
    return std::nullopt;
  }
  Fault body_length(Signature& out) { return number("l", out.body_length); }
  Fault times(Signature& out) {
    if (auto fault = number("t", out.timestamp)) return fault;
    if (auto fault = number("x", out.expiration)) return fault;
    if (out.timestamp && out.expiration && *out.expiration <= *out.timestamp) return "x= is not after t=";
    return std::nullopt;
  }

  Fault query(Signature&) {
    const auto q = tags_.value("q");
    if (!q) return std::nullopt;
    const auto methods = colon_list(*q);
    const bool has_txt = std::ranges::find(methods, "dns/txt") != methods.end();
    return has_txt ? Fault{} : fmt::format("q={} names no method we know", text::printable(*q, 40));
  }

  const TagList& tags_;
  Kind kind_;
};

posthorn::Result<Signature, SignatureError> parse(Octets value, Kind kind) {
  SignatureError error;
  if (value.size() > signature_octets_max) {
    error.reason = "the field is too long";
    return fail(std::move(error));
  }
  const auto tags = TagList::parse(value);
  if (!tags) {
    error.reason = tags.error().reason;
    return fail(std::move(error));
  }
  Signature out;
  if (auto fault = Reader{*tags, kind}.read(out)) {
    error.reason = std::move(*fault);
    error.domain = text::printable(tags->value("d").value_or(""));
    error.selector = text::printable(tags->value("s").value_or(""));
    error.algorithm = text::printable(tags->value("a").value_or(""));
    return fail(std::move(error));
  }
  return out;
}

}  // namespace

std::optional<dns::Name> parse_domain(std::string_view text) {
  if (!is_domain_text(text) || text.ends_with('.')) return std::nullopt;
  std::string lower = text::lower(text);
  if (!text::is_ascii(text)) {
    const auto domain = address::Domain::parse(text);
    if (!domain) return std::nullopt;
    lower = domain->a_label();
  }
  auto name = dns::Name::parse(lower);
  if (!name) return std::nullopt;
  return std::move(*name);
}

std::optional<dns::Name> Signature::key_name() const {
  const auto parent = domain.child("_domainkey");
  if (!parent) return std::nullopt;
  auto name = selector.under(*parent);
  if (!name) return std::nullopt;
  return std::move(*name);
}

posthorn::Result<Signature, SignatureError> parse_signature(Octets value) {
  return parse(value, Kind::dkim);
}

posthorn::Result<Signature, SignatureError> parse_arc_message_signature(Octets value) {
  return parse(value, Kind::arc);
}

}  // namespace posthorn::dkim
