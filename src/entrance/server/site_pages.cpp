#include "entrance/server/site_pages.h"

namespace posthorn::server {

Task<admin::HttpAnswer> SitePages::get(admin::HttpRequest request, bool secure) {
  // RFC 8555 8.3: plain HTTP, port 80; some authorities follow a redirect to HTTPS.
  if (auto proof = tokens_.find(request.path)) co_return admin::HttpAnswer{200, "application/octet-stream", *proof};
  // RFC 8461 3.3: policies over HTTPS alone.
  if (!secure) co_return admin::HttpAnswer{404, "text/plain; charset=utf-8", "not here\n"};
  auto answer = co_await policies_.answer(std::move(request.host), std::move(request.path));
  co_return admin::HttpAnswer{answer.status, std::move(answer.content_type), std::move(answer.body)};
}

}  // namespace posthorn::server
