#include "standards/imap/capabilities.h"

namespace posthorn::imap {
namespace {

// Named before login too: what a client must know to log in or to send its first literal.
constexpr std::string_view always = "IMAP4rev2 IMAP4rev1 LITERAL+ SASL-IR ID ENABLE";
// RFC 9051 Appendix E names those that IMAP4rev2 includes; rev1 clients look for the words.
constexpr std::string_view after_login =
    " IDLE NAMESPACE UNSELECT UIDPLUS MOVE ESEARCH SEARCHRES WITHIN SORT SORT=DISPLAY THREAD=REFERENCES"
    " THREAD=ORDEREDSUBJECT CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE STATUS=SIZE"
    " OBJECTID SAVEDATE PREVIEW REPLACE MULTIAPPEND CATENATE BINARY UTF8=ACCEPT PARTIAL NOTIFY CHILDREN";

}  // namespace

std::string capability_words(const CapabilityFacts& facts) {
  std::string words(always);
  if (facts.append_octets_max != 0) words += " APPENDLIMIT=" + std::to_string(facts.append_octets_max);
  if (facts.is_authenticated) {
    words += after_login;
    // RFC 9208 3.1.1: the resources that are counted.
    if (facts.quota) words += " QUOTA QUOTA=RES-STORAGE";
    return words;
  }
  if (facts.offers_starttls) words += " STARTTLS";
  // RFC 9051 6.2.3: no passwords in clear.
  if (!facts.may_login) words += " LOGINDISABLED";
  for (const auto mechanism : facts.mechanisms) {
    words += " AUTH=";
    words += sasl::name(mechanism);
  }
  return words;
}

}  // namespace posthorn::imap
