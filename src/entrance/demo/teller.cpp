#include "entrance/demo/teller.h"

#include <cstdio>

#include <fmt/format.h>

#include "site/journal/trace.h"

namespace posthorn::demo {
namespace {

// A line of the demo is for the eye; `message trace` has the rest.
constexpr std::size_t kEvidenceColumns = 125;

/// Evidence in the order it was given, without quotes: "sender ann@alpha.example, octets 412". Lists (DNS answers,
/// walks) and what goes beyond the line stay out.
std::string evidence_text(const journal::TraceStep& step) {
  std::string text;
  for (const auto& [key, value] : step.evidence) {
    std::string_view plain = value;
    if (plain.starts_with('[') || plain.starts_with('{')) continue;
    if (plain.size() >= 2 && plain.front() == '"') plain = plain.substr(1, plain.size() - 2);
    if (plain.empty()) continue;
    const std::string item = fmt::format("{} {}", key, plain);
    if (text.empty()) {
      text = item.substr(0, kEvidenceColumns);
    } else if (text.size() + item.size() + 2 <= kEvidenceColumns) {
      text += ", " + item;
    }
  }
  return text;
}

}  // namespace

void Teller::listen_to(storage::Store& store, std::string site) {
  store.observe(
      [this, name = std::move(site)](std::span<const storage::CommittedUnit> units) { committed(name, units); });
}

void Teller::committed(const std::string& site, std::span<const storage::CommittedUnit> units) {
  const std::lock_guard lock(mutex_);
  for (const storage::CommittedUnit& committed : units) {
    for (const storage::Mutation& mutation : committed.unit->mutations) {
      if (const auto* put = std::get_if<storage::PutStory>(&mutation)) tell(site, put->row.steps);
      if (const auto* more = std::get_if<storage::AppendStory>(&mutation)) tell(site, more->row.steps);
    }
    for (const storage::Mutation& mutation : committed.unit->mutations) note(mutation);
  }
}

void Teller::note(const storage::Mutation& mutation) {
  if (const auto* queued = std::get_if<storage::PutQueued>(&mutation); queued && sent_id_.is_null())
    sent_id_ = queued->row.id;
  if (const auto* email = std::get_if<storage::AddEmail>(&mutation); email && received_id_.is_null())
    received_id_ = email->row.octets.content;
  if (const auto* done = std::get_if<storage::RemoveRecipient>(&mutation)) relayed_ |= done->mail == sent_id_;
  if (relayed_ && !received_id_.is_null()) arrived_.set();
}

void Teller::tell(const std::string& site, const std::string& steps) {
  if (quiet_) return;
  storage::StoryRow row;
  row.steps = steps;
  const journal::Trace trace = journal::assemble(row, {});
  for (const journal::TraceStep& step : trace.steps) {
    const double seconds = static_cast<double>((step.at - began_).count()) / 1e6;
    std::fputs(fmt::format("  {:7.3f} s  {:<14} {:<15} {}\n", seconds, site, step.stage, step.what).c_str(), stdout);
    const std::string evidence = evidence_text(step);
    if (!evidence.empty()) std::fputs(fmt::format("{:44}{}\n", "", evidence).c_str(), stdout);
  }
  std::fflush(stdout);
}

}  // namespace posthorn::demo
