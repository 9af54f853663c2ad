// LocalReader's questions about what verification remembers.
#include "platform/storage/local_reader.h"
#include "platform/storage/row_codec.h"

namespace posthorn::storage {

std::vector<DmarcRow> LocalReader::dmarc_rows(std::chrono::sys_days day, std::string_view policy_domain,
                                              std::string_view after, std::size_t max) {
  const std::int64_t number = day.time_since_epoch().count();
  return sql("SELECT policy_domain, digest, count, source_ip, record, disposition, dkim, spf, override_type, "
             "comment, header_from, envelope_from, envelope_to, dkim_results, spf_scope, spf_domain, "
             "spf_result FROM dmarc_rows WHERE day = ? AND policy_domain = ? AND digest > ? ORDER BY digest "
             "LIMIT ?")
      .with(number, policy_domain, Blob{after}, static_cast<std::uint64_t>(max))
      .rows([day](const Statement& s) {
        return DmarcRow{day,        s.text(0),  s.text(1),  s.natural(2), s.text(3),
                        s.text(4),  s.text(5),  s.text(6),  s.text(7),    s.text(8),
                        s.text(9),  s.text(10), s.text(11), s.text(12),   decode_dkim_results(s.octets(13)),
                        s.text(14), s.text(15), s.text(16)};
      });
}

std::vector<DmarcDayRow> LocalReader::dmarc_days(std::chrono::sys_days day, std::string_view after, std::size_t max) {
  const std::int64_t number = day.time_since_epoch().count();
  return sql("SELECT policy_domain, rows, forgotten FROM dmarc_days WHERE day = ? AND policy_domain > ? "
             "ORDER BY policy_domain LIMIT ?")
      .with(number, after, static_cast<std::uint64_t>(max))
      .rows([](const Statement& s) { return DmarcDayRow{s.text(0), s.natural(1), s.natural(2)}; });
}

DmarcDayRow LocalReader::dmarc_day(std::chrono::sys_days day) {
  const std::int64_t number = day.time_since_epoch().count();
  return sql("SELECT rows, forgotten FROM dmarc_days WHERE day = ? AND policy_domain = ''")
      .with(number)
      .row([](const Statement& s) { return DmarcDayRow{"", s.natural(0), s.natural(1)}; })
      .value_or(DmarcDayRow{});
}

std::vector<SelectorRow> LocalReader::selectors_seen(std::string_view domain) {
  return sql("SELECT domain, selector, algorithm, key_bits, first_seen, last_seen FROM selectors_seen WHERE "
             "domain = ? ORDER BY first_seen, selector")
      .with(domain)
      .rows([](const Statement& s) {
        return SelectorRow{s.text(0), s.text(1), s.text(2), s.small(3), s.time(4), s.time(5)};
      });
}

}  // namespace posthorn::storage
