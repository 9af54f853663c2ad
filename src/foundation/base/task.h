// Task: the one coroutine type of Posthorn. A Task starts when it is awaited or spawned (runtime/spawn.h),
// runs on one executor, and returns a value or a Result.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace posthorn {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace posthorn
