// Verification, the checksums of the database's pages.
#include "platform/storage/schema.h"
#include "platform/storage/verification.h"

namespace posthorn::storage {
namespace {

/// `projection` of one of the range is this value.
template <class Range, class Value, class Projection = std::identity>
bool contains(const Range& range, const Value& value, Projection projection = {}) {
  return std::ranges::find(range, value, projection) != std::ranges::end(range);
}

}  // namespace

/// After everything else: where another check has named the row that stands on a damaged page, it has said more.
void Verification::check_pages() {
  try {
    if (!disk::has_page_sums(database_.handle())) {
      if (stored_schema_version(database_) < checked_version) return;  // made before there were checksums
      add(DamageKind::database,
          "page 1 of posthorn.db does not say that its pages have checksums: it is damaged, or "
          "`posthorn store migrate` was interrupted");
      return;
    }
    read_free_pages();
    if (notes_.pages().empty()) return;
    for (const PageDamage& page : place_damage(database_, notes_)) tell_page(page);
  } catch (const DatabaseError& error) {
    add(DamageKind::database,
        fmt::format("{} pages of posthorn.db do not have their checksum; which rows stand on them "
                    "cannot be read: {}",
                    notes_.pages().size(), error.what()));
  }
  if (notes_.more()) report_.more = true;
}

/// Pages that nothing leads to. Beside a log they cannot be told from those of which the log has a later state.
void Verification::read_free_pages() {
  const auto log = segments_.files().open(segments_.layout().write_ahead_log(), disk::OpenMode::read);
  const auto logged = log ? (*log)->size() : Result<std::uint64_t, disk::FileError>(std::uint64_t{0});
  if (!logged || *logged != 0) return;
  const auto pages = static_cast<std::uint32_t>(database_.integer("PRAGMA page_count"));
  std::array<char, disk::page_octets> page{};
  for (std::uint32_t number = 1; number <= pages; ++number) {
    if (!notes_.was_read(number)) static_cast<void>(disk::read_page(database_.handle(), number, page));
  }
}

void Verification::tell_page(const PageDamage& page) {
  Damage damage = touched_by(page);
  const bool touches = !damage.emails.empty() || !damage.queued.empty();
  leave_out_the_named(damage);
  if (touches && damage.emails.empty() && damage.queued.empty()) return;
  if (page.table == "contents") {
    const bool told = std::ranges::any_of(page.rows, [this](const disk::PageCell& row) {
      const auto id = static_cast<std::uint64_t>(row.rowid.value_or(0));
      return contains(report_.damages, MailId{id}, &Damage::content);
    });
    if (told) return;
    damage.what += "; the messages there have their own checksums and are whole";
  }
  add(DamageKind::database, {}) = std::move(damage);
}

Damage Verification::touched_by(const PageDamage& page) const {
  Damage damage{DamageKind::database, page.what, {}, {}, {}};
  const auto integer = [](const disk::PageCell& row, std::size_t column) -> std::int64_t {
    const auto* value = column < row.columns.size() ? std::get_if<std::int64_t>(&row.columns[column]) : nullptr;
    return value != nullptr ? *value : 0;
  };
  constexpr std::array<std::string_view, 3> by_email_id{"email_data", "email_facts", "email_fields"};
  Statement place = database_.prepare("SELECT account, mailbox, uid FROM email_data WHERE email_id = ?");
  for (const disk::PageCell& row : page.rows) {
    const std::int64_t id = row.rowid.value_or(0);
    if (page.table == "emails") {
      damage.emails.push_back(touched(integer(row, 0), integer(row, 1), static_cast<Uid>(integer(row, 2)),
                                      EmailId{static_cast<std::uint64_t>(integer(row, 4))}));
    } else if (contains(by_email_id, page.table) && place.with(id).step()) {
      damage.emails.push_back(
          touched(place.integer(0), place.integer(1), place.small(2), EmailId{static_cast<std::uint64_t>(id)}));
    } else if (page.table == "queue") {
      damage.queued.push_back(MailId{static_cast<std::uint64_t>(id)});
    } else if (page.table == "recipients") {
      damage.queued.push_back(MailId{static_cast<std::uint64_t>(integer(row, 0))});
    }
    place.reset();
  }
  damage.queued.erase(std::ranges::unique(damage.queued).begin(), damage.queued.end());
  return damage;
}

/// Messages that a damage told before has named.
void Verification::leave_out_the_named(Damage& damage) const {
  for (const Damage& before : report_.damages) {
    std::erase_if(damage.emails, [&](const TouchedEmail& email) {
      return contains(before.emails, email.email_id, &TouchedEmail::email_id);
    });
    std::erase_if(damage.queued, [&](MailId id) { return contains(before.queued, id); });
  }
}

}  // namespace posthorn::storage
