#include "platform/runtime/deadline.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace posthorn::runtime {

Task<> run_until(Clock& clock, TimePoint deadline, Task<> task) {
  namespace asio = boost::asio;
  const Executor executor = co_await asio::this_coro::executor;
  auto both =
      asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(task), asio::deferred),
                                              asio::co_spawn(executor, clock.wait_until(deadline), asio::deferred));
  const auto [order, task_exception, clock_exception] =
      co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  const bool task_was_first = order[0] == 0;
  if (task_was_first && task_exception) std::rethrow_exception(task_exception);
}

}  // namespace posthorn::runtime
