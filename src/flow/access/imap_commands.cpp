#include "flow/access/imap_commands.h"

namespace posthorn::access {

Task<Ending> execute(ImapContext& context, const imap::CommandBody& command) {
  return std::visit([&context](const auto& what) { return run(context, what); }, command);
}

Task<Ending> run(ImapContext&, const imap::NoopCommand& command) {
  if (command.is_enable) co_return ok("ENABLE completed");
  co_return ok(command.is_check ? "CHECK completed" : "NOOP completed");
}

Task<Ending> run(ImapContext&, const imap::IdleCommand&) {
  co_return ok("IDLE completed");  // the session waits for its end by itself
}

Task<Ending> run(ImapContext& context, const imap::NamespaceCommand&) {
  context.out().name_space();
  co_return ok("NAMESPACE completed");
}

}  // namespace posthorn::access
