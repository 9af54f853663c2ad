#include "standards/imap/address_list.h"

#include "foundation/text/ascii.h"
#include "standards/message/lexer.h"

namespace posthorn::imap {
namespace {

// addr-spec as it is gathered: quotes undone, white space left out, and where the last unquoted "@" stood.
struct Spec {
  std::string octets;
  std::optional<std::size_t> at;
};

class AddressReader {
 public:
  explicit AddressReader(std::string_view text) : in_(text) {}

  std::vector<ListedAddress> read() {
    while (list_.size() < listed_addresses_max) {
      skip();
      if (in_.done()) break;
      element();
    }
    if (in_group_) list_.emplace_back();
    return std::move(list_);
  }

 private:
  // What stands between commas, or one of the signs between elements.
  void element() {
    const char c = in_.peek();
    if (c == ',') {
      in_.skip();
      comment_.clear();
      return;
    }
    if (c == ';') {
      in_.skip();
      end_group();
      return;
    }
    Spec spec;
    std::string phrase;
    words(spec, phrase, "<,;:");
    if (in_.accept('<')) return angle_address(phrase);
    if (in_.accept(':')) return begin_group(phrase);
    bare_address(spec);
  }

  // Words up to one of `ends`, read both as a phrase and as an addr-spec.
  void words(Spec& spec, std::string& phrase, std::string_view ends) {
    bool is_spaced = false;
    for (;;) {
      const auto before = in_.at();
      skip();
      is_spaced = is_spaced || in_.at() != before;
      if (in_.done() || ends.find(in_.peek()) != std::string_view::npos) return;
      const bool is_quoted = in_.peek() == '"';
      if (in_.peek() == '@') spec.at = spec.octets.size();
      const auto word = is_quoted ? in_.quoted_string() : one_word(ends);
      if (is_spaced && !phrase.empty()) phrase += ' ';
      is_spaced = false;
      phrase += word;
      spec.octets += word;
    }
  }

  // An atom, or one special alone, so that every round moves on.
  std::string one_word(std::string_view ends) {
    std::string specials = "\"(@ \t\r\n";
    specials += ends;
    const auto taken = in_.word(specials);
    if (!taken.empty()) return std::string(taken);
    const std::string one(1, in_.peek());
    in_.skip();
    return one;
  }

  void bare_address(const Spec& spec) {
    if (spec.octets.empty()) return;
    ListedAddress address;
    // RFC 5322 3.4: the name in a comment behind the address is older than the phrase in front.
    if (!comment_.empty()) address.name = comment_;
    add(std::move(address), spec);
  }

  void angle_address(const std::string& phrase) {
    ListedAddress address;
    if (!phrase.empty()) address.name = phrase;
    skip();
    if (in_.peek() == '@') address.route = route();
    Spec spec;
    std::string unused;
    words(spec, unused, ">,;");
    in_.accept('>');
    add(std::move(address), spec);
  }

  // obs-route = obs-domain-list ":"
  std::string route() {
    Spec spec;
    std::string unused;
    words(spec, unused, ":>");
    in_.accept(':');
    return spec.octets;
  }

  void add(ListedAddress address, const Spec& spec) {
    comment_.clear();
    address.mailbox = spec.octets.substr(0, spec.at.value_or(spec.octets.size()));
    // Never NIL, which would make it a group (RFC 9051 7.5.2).
    address.host = spec.at ? spec.octets.substr(*spec.at + 1) : "";
    list_.push_back(std::move(address));
  }

  void begin_group(const std::string& phrase) {
    end_group();
    in_group_ = true;
    ListedAddress group;
    group.mailbox = phrase;
    list_.push_back(std::move(group));
  }

  void end_group() {
    if (in_group_) list_.emplace_back();
    in_group_ = false;
    comment_.clear();
  }

  void skip() {
    std::string comment;
    in_.skip_cfws(&comment);
    if (!comment.empty()) comment_ = std::move(comment);
  }

  message::Lexer in_;
  std::string comment_;
  bool in_group_ = false;
  std::vector<ListedAddress> list_;
};

}  // namespace

std::vector<ListedAddress> read_addresses(std::string_view unfolded) {
  return AddressReader(unfolded).read();
}

std::vector<ListedAddress> addresses_of(const message::Header& header, std::string_view field) {
  const auto value = header.first(field);
  return value ? read_addresses(value->unfolded()) : std::vector<ListedAddress>{};
}

}  // namespace posthorn::imap
