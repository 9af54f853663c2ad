// Response codes (RFC 9051 7.1, RFC 5530 and the extensions).
#include "standards/imap/flags.h"
#include "standards/imap/response.h"
#include "standards/imap/url.h"

namespace posthorn::imap::code {

ResponseCode alert() {
  return {"ALERT"};
}
ResponseCode already_exists() {
  return {"ALREADYEXISTS"};
}
ResponseCode authentication_failed() {
  return {"AUTHENTICATIONFAILED"};
}
ResponseCode authorization_failed() {
  return {"AUTHORIZATIONFAILED"};
}
ResponseCode bad_charset() {
  return {"BADCHARSET (US-ASCII UTF-8)"};
}
ResponseCode cannot() {
  return {"CANNOT"};
}
ResponseCode client_bug() {
  return {"CLIENTBUG"};
}
ResponseCode closed() {
  return {"CLOSED"};
}
ResponseCode contact_admin() {
  return {"CONTACTADMIN"};
}
ResponseCode corruption() {
  return {"CORRUPTION"};
}
ResponseCode expired() {
  return {"EXPIRED"};
}
ResponseCode expunge_issued() {
  return {"EXPUNGEISSUED"};
}
ResponseCode has_children() {
  return {"HASCHILDREN"};
}
ResponseCode in_use() {
  return {"INUSE"};
}
ResponseCode limit() {
  return {"LIMIT"};
}
ResponseCode nonexistent() {
  return {"NONEXISTENT"};
}
ResponseCode no_permission() {
  return {"NOPERM"};
}
ResponseCode over_quota() {
  return {"OVERQUOTA"};
}
ResponseCode parse() {
  return {"PARSE"};
}
ResponseCode privacy_required() {
  return {"PRIVACYREQUIRED"};
}
ResponseCode read_only() {
  return {"READ-ONLY"};
}
ResponseCode read_write() {
  return {"READ-WRITE"};
}
ResponseCode server_bug() {
  return {"SERVERBUG"};
}
ResponseCode try_create() {
  return {"TRYCREATE"};
}
ResponseCode unavailable() {
  return {"UNAVAILABLE"};
}
ResponseCode uid_next(Uid uid) {
  return {"UIDNEXT " + std::to_string(uid)};
}
ResponseCode uid_validity(std::uint32_t value) {
  return {"UIDVALIDITY " + std::to_string(value)};
}
ResponseCode uid_not_sticky() {
  return {"UIDNOTSTICKY"};
}
ResponseCode unseen(SequenceNumber first) {
  return {"UNSEEN " + std::to_string(first)};
}

ResponseCode permanent_flags(std::uint8_t system, std::span<const std::string> keywords, bool may_create) {
  ResponseCode code{"PERMANENTFLAGS ("};
  append_flags(code.text, system, keywords);
  if (may_create) code.text += code.text.ends_with('(') ? "\\*" : " \\*";
  code.text += ')';
  return code;
}

ResponseCode append_uid(std::uint32_t uid_validity, std::span<const Uid> uids) {
  ResponseCode code{"APPENDUID " + std::to_string(uid_validity) + ' '};
  append_ordered_set(code.text, uids);
  return code;
}

ResponseCode copy_uid(std::uint32_t uid_validity, std::span<const Uid> from, std::span<const Uid> to) {
  ResponseCode code{"COPYUID " + std::to_string(uid_validity) + ' '};
  append_ordered_set(code.text, from);
  code.text += ' ';
  append_ordered_set(code.text, to);
  return code;
}

ResponseCode highest_mod_seq(ModSeq value) {
  return {"HIGHESTMODSEQ " + std::to_string(value)};
}
ResponseCode no_mod_seq() {
  return {"NOMODSEQ"};
}
ResponseCode modified(const NumberSet& numbers) {
  return {"MODIFIED " + numbers.text()};
}
ResponseCode bad_url(std::string_view url) {
  return {"BADURL " + url_response_text(url)};
}
ResponseCode bad_event() {
  return {"BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)"};
}
ResponseCode notification_overflow() {
  return {"NOTIFICATIONOVERFLOW"};
}
ResponseCode unknown_cte() {
  return {"UNKNOWN-CTE"};
}
ResponseCode not_saved() {
  return {"NOTSAVED"};
}
ResponseCode use_attribute() {
  return {"USEATTR"};
}
ResponseCode too_big() {
  return {"TOOBIG"};
}
ResponseCode mailbox_id(std::string_view id) {
  return {"MAILBOXID (" + std::string(id) + ")"};
}

}  // namespace posthorn::imap::code
