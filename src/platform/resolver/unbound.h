// UnboundContext: one libunbound context in thread mode, its descriptor read on one loop. Private to resolver.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "platform/net/endpoint.h"
#include "platform/resolver/resolver.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/executor.h"

namespace posthorn::resolver {

struct ContextSettings {
  Source source;
  std::vector<std::string> trust_anchors;  ///< empty: nothing is validated
};

class UnboundContext {
 public:
  [[nodiscard]] static Result<std::unique_ptr<UnboundContext>, Problem> make(const ContextSettings& settings,
                                                                             runtime::Executor executor);
  virtual ~UnboundContext() = default;

  /// Resumes on the caller's executor; `timeout` when nothing came until `deadline`.
  [[nodiscard]] virtual Task<dns::Answer> ask(dns::Name name, dns::RecordType type, runtime::Clock& clock,
                                              TimePoint deadline) = 0;
};

}  // namespace posthorn::resolver
