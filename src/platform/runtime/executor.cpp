#include "platform/runtime/executor.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace posthorn::runtime {

Task<Executor> current_executor() {
  co_return co_await boost::asio::this_coro::executor;
}

Task<> yield_to_others() {
  const Executor executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, boost::asio::use_awaitable);
}

Task<> run_on(Executor executor, Task<> task) {
  co_await boost::asio::co_spawn(executor, std::move(task), boost::asio::use_awaitable);
}

}  // namespace posthorn::runtime
