#include "standards/imap/usual_fields.h"

#include <algorithm>

#include "standards/imap/section.h"

namespace posthorn::imap {
namespace {

// RFC 5322 3.6, what ENVELOPE, SORT and THREAD need, the fields of MIME (RFC 2045, RFC 2183), of lists (RFC 2369, RFC
// 2919, RFC 8058), of automatic mail (RFC 3834), and what Thunderbird, Apple Mail, Outlook, K-9, mutt and webmail ask
// for beside them. Received and the fields of DKIM and ARC are not among them: they are most of a header's octets.
// A store that was written with another list makes its rows again: a change here comes with a schema step.
constexpr std::array<std::string_view, 49> usual = {
    "Authentication-Results",
    "Auto-Submitted",
    "Bcc",
    "Cc",
    "Content-Description",
    "Content-Disposition",
    "Content-ID",
    "Content-Language",
    "Content-Transfer-Encoding",
    "Content-Type",
    "Date",
    "Delivered-To",
    "Disposition-Notification-To",
    "Errors-To",
    "Expires",
    "Followup-To",
    "From",
    "Importance",
    "In-Reply-To",
    "Keywords",
    "Lines",
    "List-Archive",
    "List-Help",
    "List-Id",
    "List-Owner",
    "List-Post",
    "List-Subscribe",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Mail-Followup-To",
    "Message-ID",
    "MIME-Version",
    "Newsgroups",
    "Organization",
    "Precedence",
    "Priority",
    "References",
    "Reply-To",
    "Return-Path",
    "Sender",
    "Subject",
    "To",
    "User-Agent",
    "X-Label",
    "X-Mailer",
    "X-Original-To",
    "X-Priority",
    "X-Spam-Flag",
    "X-Spam-Status",
};

}  // namespace

bool is_usual_field(std::string_view name) {
  return std::ranges::any_of(usual, [&](std::string_view each) { return message::same_field_name(each, name); });
}

std::string write_usual_fields(const message::Header& header) {
  if (header.overflowed()) return {};
  std::string section;
  for (const message::Field& field : header.fields()) {
    if (!is_usual_field(field.name)) continue;
    section += field.raw;
    if (!section.ends_with('\n')) section += "\r\n";
    if (section.size() > usual_fields_octets_max) return {};
  }
  return section + "\r\n";
}

bool needs_only_usual_fields(const FetchSection& section) {
  return section.kind == FetchSection::Kind::body && needs(section) == SectionNeed::header_only &&
         section.section.text == SectionSpec::Text::header_fields &&
         std::ranges::all_of(section.section.fields, is_usual_field);
}

}  // namespace posthorn::imap
