// LocalPart, Mailbox and the paths of the SMTP envelope. Values, made only by parsing (smtp_parse.h,
// header_parse.h, or parse() here); no I/O.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "foundation/base/result.h"
#include "standards/address/domain.h"

namespace posthorn::address {

/// The part before "@". Its octets are preserved as they came (RFC 5321 2.4: case is not ours to change);
/// only the quoting is taken off: "a.b" and a.b are the same local part.
class LocalPart {
 public:
  /// Wire form: Dot-string or Quoted-string.
  [[nodiscard]] static Result<LocalPart, AddressError> parse(std::string_view wire);
  /// Any octets but CR, LF and NUL, at most 64 (RFC 5321 4.5.3.1.1).
  [[nodiscard]] static Result<LocalPart, AddressError> from_value(std::string_view value);

  /// Without quotes and backslashes. May be empty (<""@example.com> is legal to receive).
  [[nodiscard]] const std::string& value() const { return value_; }
  /// As it stands in an address: bare where it is a Dot-string, else quoted.
  [[nodiscard]] std::string wire() const;
  [[nodiscard]] bool is_ascii() const;
  /// How our own mailboxes compare: ASCII letters without case.
  [[nodiscard]] bool equals_ignoring_case(const LocalPart& other) const;

  friend auto operator<=>(const LocalPart&, const LocalPart&) = default;

 private:
  explicit LocalPart(std::string value) : value_(std::move(value)) {}
  std::string value_;
};

/// local-part@domain. Equality is exact in the local part and canonical in the domain.
struct Mailbox {
  LocalPart local_part;
  std::variant<Domain, AddressLiteral> host;

  /// "local@domain" without angle brackets, SMTP grammar, SMTPUTF8 permitted.
  [[nodiscard]] static Result<Mailbox, AddressError> parse(std::string_view text);

  /// nullptr where the host is an address literal.
  [[nodiscard]] const Domain* domain() const { return std::get_if<Domain>(&host); }
  /// The right side: A-labels, or the literal with brackets.
  [[nodiscard]] std::string host_text() const;
  /// "local@domain" with A-labels: for the envelope, logs and the store. Parses back to the same value.
  [[nodiscard]] std::string text() const;
  /// "local@domain" with U-labels where the local part is internationalized too (RFC 6531), else text().
  [[nodiscard]] std::string utf8_text() const;
  /// Whether a peer without SMTPUTF8 could not be given it: only the local part decides, the domain has A-labels.
  [[nodiscard]] bool needs_smtputf8() const { return !local_part.is_ascii(); }

  friend auto operator<=>(const Mailbox&, const Mailbox&) = default;
};

/// Where bounces go: a mailbox, or null ("<>").
class ReversePath {
 public:
  ReversePath() = default;  ///< the null reverse-path
  explicit ReversePath(Mailbox mailbox) : mailbox_(std::move(mailbox)) {}
  /// "", "<>", "local@domain" or "<local@domain>".
  [[nodiscard]] static Result<ReversePath, AddressError> parse(std::string_view text);

  [[nodiscard]] bool is_null() const { return !mailbox_; }
  /// Precondition: not null.
  [[nodiscard]] const Mailbox& mailbox() const { return *mailbox_; }
  [[nodiscard]] const Mailbox* mailbox_or_null() const { return mailbox_ ? &*mailbox_ : nullptr; }
  /// "<local@domain>" or "<>".
  [[nodiscard]] std::string wire() const;
  /// Without the brackets; empty for null.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool needs_smtputf8() const { return mailbox_ && mailbox_->needs_smtputf8(); }

  friend auto operator<=>(const ReversePath&, const ReversePath&) = default;

 private:
  std::optional<Mailbox> mailbox_;
};

/// Where a copy goes: a mailbox, or the bare "<Postmaster>" of RFC 5321 4.1.1.3 that every host has.
class ForwardPath {
 public:
  explicit ForwardPath(Mailbox mailbox) : mailbox_(std::move(mailbox)) {}
  [[nodiscard]] static ForwardPath postmaster() { return ForwardPath(); }
  /// "local@domain", "<local@domain>", "postmaster", "<postmaster>" (any case).
  [[nodiscard]] static Result<ForwardPath, AddressError> parse(std::string_view text);

  [[nodiscard]] bool is_bare_postmaster() const { return !mailbox_; }
  /// Precondition: not the bare postmaster.
  [[nodiscard]] const Mailbox& mailbox() const { return *mailbox_; }
  [[nodiscard]] const Mailbox* mailbox_or_null() const { return mailbox_ ? &*mailbox_ : nullptr; }
  [[nodiscard]] std::string wire() const;  ///< "<local@domain>" or "<Postmaster>"
  [[nodiscard]] std::string text() const;  ///< without the brackets
  [[nodiscard]] bool needs_smtputf8() const { return mailbox_ && mailbox_->needs_smtputf8(); }

  friend auto operator<=>(const ForwardPath&, const ForwardPath&) = default;

 private:
  ForwardPath() = default;
  std::optional<Mailbox> mailbox_;
};

}  // namespace posthorn::address

template <>
struct std::hash<posthorn::address::Mailbox> {
  std::size_t operator()(const posthorn::address::Mailbox& mailbox) const noexcept {
    return std::hash<std::string>{}(mailbox.text());
  }
};
