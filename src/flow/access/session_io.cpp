#include "flow/access/session_io.h"

namespace posthorn::access {

Task<bool> shake_hands(Connection& connection, const Settings& settings) {
  net::Stream& stream = *connection.stream;
  stream.set_deadline(connection.loop->clock().now() + settings.time_outs.tls);
  const auto shaken = co_await stream.start_tls(*settings.tls);
  if (!shaken)
    connection.log.info("TLS handshake failed", {{"peer", stream.peer().text()}, {"reason", shaken.error().reason}});
  co_return shaken.has_value();
}

sasl::ChannelBindings channel_bindings(const net::Stream& stream) {
  return {.tls_exporter = stream.channel_binding(net::ChannelBinding::tls_exporter).value_or(""),
          .tls_server_end_point = stream.channel_binding(net::ChannelBinding::tls_server_end_point).value_or("")};
}

}  // namespace posthorn::access
