#include "standards/dkim/canonical.h"

#include <array>

#include "foundation/text/ascii.h"

namespace posthorn::dkim {
namespace {

constexpr std::string_view kCrlf = "\r\n";

/// A block of CRLFs, for bodies with many empty lines in the middle.
constexpr std::size_t kBlockLines = 512;
constexpr auto kManyCrlf = [] {
  std::array<char, 2 * kBlockLines> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = i % 2 == 0 ? '\r' : '\n';
  return out;
}();

/// White space and CR: what the relaxed form looks at; all else passes as it is.
constexpr auto kIsSpecial = [] {
  std::array<bool, 256> out{};
  out[' '] = out['\t'] = out['\r'] = true;
  return out;
}();

bool is_special(char c) {
  return kIsSpecial[static_cast<unsigned char>(c)];
}

}  // namespace

void BodyCanonicalizer::feed(Octets octets) {
  if (octets.empty()) return;
  if (std::exchange(held_cr_, false)) {
    if (octets.front() == '\n') {
      end_line();
      octets.remove_prefix(1);
    } else {
      release();
      take("\r");
    }
  }
  form_ == Canonicalization::simple ? feed_simple(octets) : feed_relaxed(octets);
}

/// RFC 6376 3.4.3: nothing changes but the number of CRLFs at the end. All is passed on in one piece but those.
void BodyCanonicalizer::feed_simple(Octets octets) {
  while (octets.starts_with(kCrlf)) {
    end_line();
    octets.remove_prefix(kCrlf.size());
  }
  if (octets.empty()) return;
  if (octets == "\r") {
    held_cr_ = true;
    return;
  }
  release();
  if (octets.ends_with('\r')) {
    held_cr_ = true;
    octets.remove_suffix(1);
  }
  std::uint64_t lines = 0;
  while (octets.ends_with(kCrlf)) {
    octets.remove_suffix(kCrlf.size());
    ++lines;
  }
  take(octets);
  held_lines_ = lines;
}

/// RFC 6376 3.4.4: runs of white space become one space, none stays at the end of a line. A piece that needs no
/// change, be it many lines long, is passed on as it is.
void BodyCanonicalizer::feed_relaxed(Octets octets) {
  const std::size_t size = octets.size();
  std::size_t begin = 0;  // of the piece not yet passed on
  std::size_t i = 0;
  const auto is_plain_at = [&](std::size_t at) { return at < size && !is_special(octets[at]); };
  while (i < size) {
    const char c = octets[i];
    const bool nothing_held = held_lines_ == 0 && !held_space_;
    if (!is_special(c)) {
      if (!nothing_held) release();
      ++i;
      while (i < size && !is_special(octets[i])) ++i;
      continue;
    }
    const bool is_crlf = c == '\r' && i + 1 < size && octets[i + 1] == '\n';
    if (nothing_held && c == ' ' && is_plain_at(i + 1)) {
      i += 1;
      continue;
    }
    if (nothing_held && is_crlf && is_plain_at(i + 2)) {
      i += kCrlf.size();
      continue;
    }
    take(octets.substr(begin, i - begin));
    if (is_crlf) {
      end_line();
      i += kCrlf.size();
    } else if (c != '\r') {
      held_space_ = true;
      ++i;
    } else if (i + 1 == size) {
      held_cr_ = true;
      ++i;
    } else {  // a CR that ends no line is an ordinary octet
      release();
      take("\r");
      ++i;
    }
    begin = i;
  }
  take(octets.substr(begin));
}

void BodyCanonicalizer::finish() {
  if (std::exchange(held_cr_, false)) {
    release();
    take("\r");
  }
  held_space_ = false;
  held_lines_ = 0;
  // simple: an empty body is one CRLF; relaxed: it is nothing at all.
  if (any_ || form_ == Canonicalization::simple) take(kCrlf);
}

void BodyCanonicalizer::take(Octets octets) {
  if (octets.empty()) return;
  any_ = true;
  sink_.take(octets);
}

/// A CRLF has come: what white space stood before it is gone (relaxed), and it waits to see whether text follows.
void BodyCanonicalizer::end_line() {
  held_space_ = false;
  ++held_lines_;
}

/// Text follows: what was held belongs to the body.
void BodyCanonicalizer::release() {
  for (; held_lines_ >= kBlockLines; held_lines_ -= kBlockLines) take({kManyCrlf.data(), kManyCrlf.size()});
  if (held_lines_ > 0) take({kManyCrlf.data(), 2 * static_cast<std::size_t>(held_lines_)});
  held_lines_ = 0;
  if (std::exchange(held_space_, false)) take(" ");
}

// --- header fields

namespace {

bool is_folding(char c) {
  return is_special(c) || c == '\n';
}

/// RFC 6376 3.4.2: folds undone, runs of white space one space, none at the ends.
void append_relaxed_text(std::string& out, Octets value) {
  const std::size_t start = out.size();
  bool space = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (is_folding(value[i])) {
      space = true;
      continue;
    }
    if (space && out.size() > start) out += ' ';
    space = false;
    out += value[i];
  }
}

void append_relaxed_field(std::string& out, Octets raw) {
  const std::size_t colon = std::min(raw.find(':'), raw.size());
  Octets name = raw.substr(0, colon);
  while (!name.empty() && is_folding(name.back())) name.remove_suffix(1);
  for (const char c : name) out += text::to_lower(c);
  out += ':';
  append_relaxed_text(out, raw.substr(std::min(colon + 1, raw.size())));
}

}  // namespace

void append_canonical_field(std::string& out, Canonicalization form, Octets raw) {
  if (form == Canonicalization::relaxed) {
    append_relaxed_field(out, raw);
    out += kCrlf;
    return;
  }
  out += raw;
  if (!raw.ends_with('\n')) out += kCrlf;  // the message ended inside its header
}

void append_own_field(std::string& out, Canonicalization form, const OwnField& own) {
  std::string field{own.raw.substr(0, own.b_begin)};
  field += own.raw.substr(own.b_end);
  append_canonical_field(out, form, field);
  out.resize(out.size() - kCrlf.size());
}

namespace {

/// FNV-1a over the lower-case name: picks candidates, which are then compared.
std::uint64_t name_hash(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(text::to_lower(c))) * 0x100000001b3ULL;
  return hash;
}

}  // namespace

void append_signed_fields(std::string& out, const message::Header& header, const std::vector<std::string>& names,
                          Canonicalization form) {
  const std::vector<message::Field>& fields = header.fields();
  std::vector<std::uint64_t> hashes;
  hashes.reserve(fields.size());
  for (const message::Field& field : fields) hashes.push_back(name_hash(field.name));
  std::vector<bool> used(fields.size());
  for (const std::string& name : names) {
    const std::uint64_t hash = name_hash(name);
    // RFC 6376 5.4.2: from the bottom up; a name without a field left signs its absence.
    for (std::size_t i = fields.size(); i-- > 0;) {
      if (hashes[i] != hash || used[i] || !fields[i].is(name)) continue;
      used[i] = true;
      append_canonical_field(out, form, fields[i].raw);
      break;
    }
  }
}

std::string canonical_headers(const message::Header& header, const std::vector<std::string>& names,
                              Canonicalization form, const OwnField& own) {
  std::string out;
  out.reserve(1024);
  append_signed_fields(out, header, names, form);
  append_own_field(out, form, own);
  return out;
}

}  // namespace posthorn::dkim
