// HTTP requests as octets: whole, in pieces, pipelined, too large, malformed; and the listeners over real sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entrance/admin/http_message.h"

namespace posthorn::admin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// "GET /path host keep" for each request, "fault 400" at the end where there is one.
std::vector<std::string> read_all(HttpReader& reader, std::string_view octets) {
  std::vector<std::string> seen;
  for (auto request = reader.feed(octets);; request = reader.feed({})) {
    if (!request) {
      seen.push_back("fault " + std::to_string(request.error().status));
      return seen;
    }
    if (!*request) return seen;
    const HttpRequest& r = **request;
    seen.push_back(r.method + " " + r.path + " " + r.host + (r.keep_alive ? " keep" : " close") + r.body);
  }
}
std::vector<std::string> read_all(std::string_view octets) {
  HttpReader reader;
  return read_all(reader, octets);
}

TEST(HttpReaderTest, ReadsARequest) {
  EXPECT_THAT(read_all("GET /.well-known/mta-sts.txt?x=1 HTTP/1.1\r\nHost: mta-sts.alpha.example\r\n\r\n"),
              testing::ElementsAre("GET /.well-known/mta-sts.txt mta-sts.alpha.example keep"));
  EXPECT_THAT(read_all("GET / HTTP/1.0\r\n\r\n"), testing::ElementsAre("GET /  close"));
  EXPECT_THAT(read_all("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              testing::ElementsAre("HEAD / a close"));
}

TEST(HttpReaderTest, PiecesAndPipelines) {
  const std::string two =
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  const std::vector<std::string> wanted{"GET /1 a keep", "POST /2 a keepabc"};
  EXPECT_EQ(read_all(two), wanted);
  for (std::size_t size = 1; size < 7; ++size) {
    HttpReader reader;
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < two.size(); at += size)
      for (auto& request : read_all(reader, std::string_view(two).substr(at, size))) seen.push_back(request);
    EXPECT_EQ(seen, wanted) << "in pieces of " << size;
  }
}

TEST(HttpReaderTest, FaultsEndIt) {
  EXPECT_THAT(read_all("hello\r\n\r\n"), testing::ElementsAre("fault 400"));
  EXPECT_THAT(read_all("GET / HTTP/1.1\r\n\r\n"), testing::ElementsAre("fault 400")) << "no Host";
  EXPECT_THAT(read_all("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), testing::ElementsAre("fault 400"));
  EXPECT_THAT(read_all("GET /" + std::string(http_header_octets_max, 'x')), testing::ElementsAre("fault 431"));
  EXPECT_THAT(read_all("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"),
              testing::ElementsAre("fault 413"));
  EXPECT_THAT(read_all("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
              testing::ElementsAre("fault 400"));
  EXPECT_THAT(read_all("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              testing::ElementsAre("fault 411"));
  EXPECT_THAT(read_all("GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'x')), testing::ElementsAre("fault 431"));
}

TEST(HttpResponseTest, SaysWhatItIs) {
  const HttpAnswer answer{200, "text/plain", "version: STSv1\r\n"};
  EXPECT_THAT(http_response(answer, true, true),
              testing::AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 16\r\n"),
                             HasSubstr("Connection: keep-alive\r\n"), testing::EndsWith("\r\n\r\nversion: STSv1\r\n")));
  EXPECT_THAT(http_response(answer, false, false),
              testing::AllOf(HasSubstr("Content-Length: 16\r\n"), HasSubstr("Connection: close\r\n"),
                             testing::EndsWith("\r\n\r\n")));
}

}  // namespace
}  // namespace posthorn::admin
