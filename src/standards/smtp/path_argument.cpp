#include "standards/smtp/path_argument.h"

#include "foundation/text/ascii.h"

namespace posthorn::smtp::server {

bool take_keyword(std::string_view& text, std::string_view keyword) {
  if (!text::istarts_with(text, keyword)) return false;
  text.remove_prefix(keyword.size());
  while (!text.empty() && text::is_wsp(text.front())) text.remove_prefix(1);
  return true;
}

Reply bad_path(address::AddressError error, EnhancedStatus status) {
  if (error == address::AddressError::not_utf8)
    return Reply(553, {5, 6, 7}, "The address has octets that are not UTF-8");
  return Reply(501, status, "Bad address, it must look like <local-part@domain>: " + std::string(explain(error)));
}

Reply needs_smtputf8() {
  return Reply(553, {5, 6, 7}, "An address with characters outside ASCII needs the parameter SMTPUTF8 on MAIL");
}

}  // namespace posthorn::smtp::server
