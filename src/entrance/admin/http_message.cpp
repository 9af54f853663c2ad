#include "entrance/admin/http_message.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

namespace posthorn::admin {
namespace {

namespace http = boost::beast::http;

using Parser = http::request_parser<http::string_body>;

std::unique_ptr<Parser> new_parser() {
  auto parser = std::make_unique<Parser>();
  parser->eager(false);  // the header first: it decides whether a body is read at all
  parser->header_limit(http_header_octets_max);
  parser->body_limit(http_body_octets_max);
  return parser;
}

unsigned status_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  return 400;
}

/// RFC 9112 3.2: a request of HTTP/1.1 has exactly one Host field.
bool has_fit_host(const http::request<http::string_body>& message) {
  const auto hosts = message.count(http::field::host);
  return message.version() < 11 ? hosts <= 1 : hosts == 1;
}

HttpRequest request_of(http::request<http::string_body> message) {
  HttpRequest request;
  request.method = std::string(message.method_string());
  const std::string target(message.target());
  request.path = target.substr(0, target.find('?'));
  request.host = std::string(message[http::field::host]);
  request.keep_alive = message.keep_alive();
  request.body = std::move(message.body());
  return request;
}

}  // namespace

struct HttpReader::State {
  std::unique_ptr<Parser> parser = new_parser();
  std::string waiting;  // octets that the parser has not taken
};

HttpReader::HttpReader() : state_(std::make_unique<State>()) {}
HttpReader::~HttpReader() = default;

Result<std::optional<HttpRequest>, HttpFault> HttpReader::feed(Octets octets) {
  State& s = *state_;
  s.waiting += octets;
  if (s.waiting.empty()) return std::optional<HttpRequest>{};
  for (std::size_t taken = 1; taken > 0 && !s.waiting.empty() && !s.parser->is_done();) {
    boost::system::error_code error;
    taken = s.parser->put(boost::asio::buffer(s.waiting), error);
    s.waiting.erase(0, taken);
    if (error && error != http::error::need_more) return fail(HttpFault{status_of(error)});
    // RFC 9112 6.3: a server may ask for a length. Nothing that is served here takes a body of unknown length.
    if (s.parser->is_header_done() && s.parser->chunked()) return fail(HttpFault{411});
  }
  // What the parser leaves until more comes is part of a line: as bounded as the header section.
  if (s.waiting.size() > http_header_octets_max && !s.parser->is_done()) return fail(HttpFault{431});
  if (!s.parser->is_done()) return std::optional<HttpRequest>{};
  auto message = s.parser->release();
  s.parser = new_parser();
  if (!has_fit_host(message)) return fail(HttpFault{400});
  return std::optional<HttpRequest>(request_of(std::move(message)));
}

std::string http_response(const HttpAnswer& answer, bool keep_alive, bool with_body) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(answer.status));
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nConnection: {}\r\n\r\n{}",
      answer.status, std::string_view(reason.data(), reason.size()), answer.content_type, answer.body.size(),
      keep_alive ? "keep-alive" : "close", with_body ? std::string_view(answer.body) : std::string_view());
}

}  // namespace posthorn::admin
