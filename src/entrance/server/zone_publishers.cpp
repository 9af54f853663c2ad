#include "entrance/server/zone_publishers.h"

#include <fmt/format.h>

namespace posthorn::server {
namespace {

/// The closest domain at or above the name that has an update server.
std::optional<domains::Model> closest(const directory::Snapshot& snapshot, const dns::Name& name) {
  std::optional<domains::Model> best;
  for (const directory::Domain* domain : snapshot.domains()) {
    const auto zone = dns::Name::parse(domain->row.name);
    if (!zone || !name.is_at_or_below(*zone)) continue;
    if (best && best->domain.size() >= domain->row.name.size()) continue;
    domains::Model model = domains::read_model(domain->row);
    if (!model.update.address.empty()) best = std::move(model);
  }
  return best;
}

}  // namespace

Result<std::unique_ptr<transition::ZonePublisher>, Problem> ZonePublishers::publisher(const dns::Name& name) {
  const auto model = closest(*directory_.snapshot(), name);
  if (!model)
    return fail(Problem{ProblemKind::usage, name.text(), "no domain of this server that it is in takes updates",
                        "posthorn domain set DOMAIN --update-server ADDRESS --update-key NAME --update-key-file FILE"});
  auto target = transition::update_target(model->update, model->domain);
  if (!target) return fail(std::move(target.error()));
  return std::make_unique<transition::UpdatePublisher>(loop_, dialer_, random_, std::move(*target));
}

}  // namespace posthorn::server
