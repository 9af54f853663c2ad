#include "flow/access/imap_context.h"

namespace posthorn::access {

namespace code = imap::code;
using imap::server::Condition;

Ending ok(std::string_view text) {
  return {Condition::ok, {}, std::string(text)};
}

Ending ok(imap::ResponseCode code, std::string_view text) {
  return {Condition::ok, std::move(code), std::string(text)};
}

Ending no(imap::ResponseCode code, std::string_view text) {
  return {Condition::no, std::move(code), std::string(text)};
}

Ending bad(std::string_view text) {
  return {Condition::bad, {}, std::string(text)};
}

namespace {

imap::ResponseCode code_of(mailbox::OperationError error, MissingMailbox missing) {
  using mailbox::OperationError;
  switch (error) {
    case OperationError::no_such_mailbox:
      return missing == MissingMailbox::try_create ? code::try_create() : code::nonexistent();
    case OperationError::already_exists:
      return code::already_exists();
    case OperationError::bad_name:
    case OperationError::not_allowed:
      return code::cannot();
    case OperationError::over_quota:
      return code::over_quota();
    case OperationError::limit:
      return code::limit();
    case OperationError::expunged:
      return code::expunge_issued();
    case OperationError::no_space:
    case OperationError::shutting_down:
      return code::unavailable();
    case OperationError::damaged:
      return code::corruption();
  }
  return code::server_bug();
}

}  // namespace

Ending failed(const mailbox::OperationFailure& failure, MissingMailbox missing) {
  return no(code_of(failure.error, missing), failure.why);
}

Task<bool> ImapContext::flush() {
  const std::string output = machine.take_output();
  if (output.empty()) co_return true;
  stream.set_deadline(loop.clock().now() + settings.time_outs.write);
  const auto written = co_await stream.write(output);
  if (!written) machine.on_disconnect();
  co_return written.has_value();
}

}  // namespace posthorn::access
