#include "standards/test_support/run_task.h"

#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace posthorn::test_support {

void run_to_end(Task<void> task) {
  boost::asio::io_context loop{1};
  boost::asio::co_spawn(loop, std::move(task), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
  loop.run();
}

}  // namespace posthorn::test_support
