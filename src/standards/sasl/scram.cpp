#include "standards/sasl/scram.h"

#include <algorithm>

#include "foundation/text/ascii.h"

namespace posthorn::sasl::scram {

std::string encode_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',') {
      out += "=2C";
    } else if (c == '=') {
      out += "=3D";
    } else {
      out += c;
    }
  }
  return out;
}

std::optional<std::string> decode_name(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const bool is_comma = text.starts_with("=2C");
    if (!is_comma && text.front() == '=' && !text.starts_with("=3D")) return std::nullopt;
    const bool is_escape = text.front() == '=';
    const char plain = is_comma ? ',' : text.front();
    if (plain == '\0') return std::nullopt;
    out += plain;
    text.remove_prefix(is_escape ? 3 : 1);
  }
  if (out.empty() || !text::is_utf8(out)) return std::nullopt;
  return out;
}

bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= nonce_octets_max &&
         std::ranges::all_of(text, [](char c) { return text::is_visible(c) && c != ','; });
}

std::optional<std::string_view> take_attribute(std::string_view& message, char name) {
  if (message.size() < 2 || message[0] != name || message[1] != '=') return std::nullopt;
  return text::take_until(message, ',').substr(2);
}

std::optional<Gs2Header> take_gs2_header(std::string_view& message) {
  Gs2Header header;
  const auto comma = message.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const auto flag = text::take_until(message, ',');
  if (flag == "y") {
    header.flag = BindingFlag::not_offered;
  } else if (flag.starts_with("p=") && flag.size() > 2) {
    header.flag = BindingFlag::used;
    header.binding_name = flag.substr(2);
  } else if (flag != "n") {
    return std::nullopt;
  }
  if (message.find(',') == std::string_view::npos) return std::nullopt;
  const auto authzid = text::take_until(message, ',');
  if (authzid.empty()) return header;
  if (!authzid.starts_with("a=")) return std::nullopt;
  const auto name = decode_name(authzid.substr(2));
  if (!name) return std::nullopt;
  header.authzid = *name;
  return header;
}

std::string gs2_header_text(const Gs2Header& header) {
  std::string out = header.flag == BindingFlag::used          ? "p=" + header.binding_name
                    : header.flag == BindingFlag::not_offered ? "y"
                                                              : "n";
  out += ',';
  if (!header.authzid.empty()) out += "a=" + encode_name(header.authzid);
  return out += ',';
}

const std::string* binding_data(const ChannelBindings& bindings, std::string_view name) {
  const std::string* data = nullptr;
  if (name == "tls-exporter") data = &bindings.tls_exporter;
  if (name == "tls-server-end-point") data = &bindings.tls_server_end_point;
  return data != nullptr && !data->empty() ? data : nullptr;
}

std::string xor_octets(std::string_view a, std::string_view b) {
  std::string out(a);
  for (std::size_t i = 0; i < out.size() && i < b.size(); ++i) out[i] = static_cast<char>(out[i] ^ b[i]);
  return out;
}

}  // namespace posthorn::sasl::scram
