// Server exchanges against any client: lines of the input are its responses. Nobody who knows no password gets in.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "standards/sasl/server.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn::sasl;
  if (size == 0) return 0;
  const auto mechanism = static_cast<Mechanism>(data[0] % 4);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  ServerExchange exchange(mechanism, {{"exporter", "end-point"}, "nonce", "secret", (data[0] & 8) != 0});
  const ScramVerifier verifier{"salt", 4096, std::string(32, 'k'), std::string(32, 's')};
  const auto next_line = [&rest] {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
  };
  Step step = (data[0] & 16) != 0 ? exchange.begin(std::nullopt) : exchange.begin(next_line());
  for (int round = 0; round < 8; ++round) {
    if (std::holds_alternative<Challenge>(step)) {
      step = exchange.respond(next_line());
    } else if (std::holds_alternative<NeedPassword>(step)) {
      step = exchange.password_checked(false);
    } else if (std::holds_alternative<NeedScramVerifier>(step)) {
      step = exchange.scram_verifier(verifier);
    } else {
      break;
    }
  }
  if (std::holds_alternative<Success>(step)) std::abort();
  return 0;
}
