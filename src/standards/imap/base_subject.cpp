// Base subjects (RFC 5256 2.1), step by step.
#include "foundation/text/ascii.h"
#include "standards/imap/sort.h"
#include "standards/imap/text_match.h"

namespace posthorn::imap {
namespace {

// Step 1: tabs and folds are spaces, and several are one.
std::string with_single_spaces(std::string_view subject) {
  std::string output;
  for (const char c : subject) {
    const bool is_space = text::is_wsp(c) || c == '\r' || c == '\n';
    if (!is_space) {
      output += c;
    } else if (!output.ends_with(' ')) {
      output += ' ';
    }
  }
  return output;
}

void skip_space(std::string_view& subject) {
  while (subject.starts_with(' ')) subject.remove_prefix(1);
}

// subj-blob = "[" *BLOBCHAR "]" *WSP
bool take_blob(std::string_view& subject) {
  if (!subject.starts_with('[')) return false;
  const auto end = subject.find_first_of("[]", 1);
  if (end == std::string_view::npos || subject[end] == '[') return false;
  subject.remove_prefix(end + 1);
  skip_space(subject);
  return true;
}

// subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
bool take_refwd(std::string_view& subject) {
  auto rest = subject;
  if (text::istarts_with(rest, "fwd")) {
    rest.remove_prefix(3);
  } else if (text::istarts_with(rest, "re") || text::istarts_with(rest, "fw")) {
    rest.remove_prefix(2);
  } else {
    return false;
  }
  skip_space(rest);
  take_blob(rest);
  if (!rest.starts_with(':')) return false;
  rest.remove_prefix(1);
  subject = rest;
  return true;
}

// subj-leader = (*subj-blob subj-refwd) / WSP
bool take_leader(std::string_view& subject, bool& is_reply_or_forward) {
  if (subject.starts_with(' ')) {
    subject.remove_prefix(1);
    return true;
  }
  auto rest = subject;
  while (take_blob(rest)) {
  }
  if (!take_refwd(rest)) return false;
  subject = rest;
  is_reply_or_forward = true;
  return true;
}

// Step 2: subj-trailer = "(fwd)" / WSP
void take_trailers(std::string_view& subject, bool& is_reply_or_forward) {
  for (;;) {
    if (subject.ends_with(' ')) {
      subject.remove_suffix(1);
    } else if (subject.size() >= 5 && text::iequals(subject.substr(subject.size() - 5), "(fwd)")) {
      subject.remove_suffix(5);
      is_reply_or_forward = true;
    } else {
      return;
    }
  }
}

// Steps 3 to 5.
void take_prefixes(std::string_view& subject, bool& is_reply_or_forward) {
  for (;;) {
    if (take_leader(subject, is_reply_or_forward)) continue;
    auto rest = subject;
    if (!take_blob(rest) || rest.empty()) return;
    subject = rest;
  }
}

// Step 6: "[fwd:" … "]"
bool take_forward_frame(std::string_view& subject, bool& is_reply_or_forward) {
  if (!text::istarts_with(subject, "[fwd:") || !subject.ends_with(']')) return false;
  subject.remove_prefix(5);
  subject.remove_suffix(1);
  is_reply_or_forward = true;
  return true;
}

}  // namespace

BaseSubject base_subject(std::string_view decoded_subject) {
  const auto spaced = with_single_spaces(decoded_subject);
  std::string_view subject = spaced;
  BaseSubject result;
  do {
    take_trailers(subject, result.is_reply_or_forward);
    take_prefixes(subject, result.is_reply_or_forward);
  } while (take_forward_frame(subject, result.is_reply_or_forward));
  result.text = collated(subject);
  return result;
}

}  // namespace posthorn::imap
