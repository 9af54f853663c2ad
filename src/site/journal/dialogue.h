// Dialogue: the last lines of an SMTP dialogue, kept while an attempt runs and put into the story when it fails.
// Secrets are masked here, where the lines are read, never later.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "site/journal/story.h"

namespace posthorn::journal {

/// The line without what must not be kept: the initial response of AUTH, and whole lines while `in_auth`.
[[nodiscard]] std::string mask(std::string_view line, bool in_auth = false);

/// The text with "***" for each of the secrets that stands in it: a peer may say back what it was told. Secrets below
/// four octets are not looked for.
[[nodiscard]] std::string without(std::string text, std::span<const std::string> secrets);

class Dialogue {
 public:
  /// A command line we sent, without CRLF. Message data is never given to it.
  void sent(std::string_view line);
  /// A reply line we got, without CRLF.
  void received(std::string_view line);
  /// "C: EHLO …", "S: 250-…": at most 100 lines of 300 octets, the oldest go first.
  void put_into(Story& story, std::string_view key = "dialogue") const;
  [[nodiscard]] const std::deque<std::string>& lines() const { return lines_; }

 private:
  void keep(char side, std::string_view line);

  std::deque<std::string> lines_;
  bool in_auth_ = false;  // from AUTH until the reply that is not 334
};

}  // namespace posthorn::journal
