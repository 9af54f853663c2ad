// SiteWatch: the eye of the server's watcher (operations/domains/watcher.h): the domains as the directory has them, and
// the same check that `domain check` makes.
#pragma once

#include <functional>
#include <memory>

#include "operations/inspection/watcher.h"
#include "site/config/config.h"
#include "site/directory/directory.h"
#include "site/keyring/keyring.h"

namespace posthorn::server {

class SiteWatch final : public inspection::WatchEye {
 public:
  /// Everything outlives it; `config` answers with the present configuration.
  SiteWatch(storage::Store& store, directory::Directory& directory, keyring::Keyring& keyring, runtime::Clock& clock,
            runtime::Executor executor, std::function<config::Config()> config)
      : store_(store),
        directory_(directory),
        keyring_(keyring),
        clock_(clock),
        executor_(std::move(executor)),
        config_(std::move(config)) {}

  [[nodiscard]] std::vector<Watched> domains() override;
  [[nodiscard]] Task<Result<Look, Problem>> look(std::string domain) override;

 private:
  storage::Store& store_;
  directory::Directory& directory_;
  keyring::Keyring& keyring_;
  runtime::Clock& clock_;
  runtime::Executor executor_;
  std::function<config::Config()> config_;
};

[[nodiscard]] inspection::WatchOptions watch_options(const config::Config& config);

}  // namespace posthorn::server
