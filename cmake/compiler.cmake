# Flags of the four flavours (CMakePresets.json), warnings, and the precompiled header.

set(POSTHORN_FLAVOUR release CACHE STRING "release, asan, tsan or debug")

# A room's files compile by so many in one unit: half the work for a build from nothing, more for a change. Names of a
# room's files must then be unique, those without linkage too. A local name may be that of another file's function: what
# it shadows is judged where each file is its own unit.
set(POSTHORN_TOGETHER 0 CACHE STRING "how many files of a room make one unit; 0: each its own")

add_library(posthorn_flags INTERFACE)
target_include_directories(posthorn_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(posthorn_flags INTERFACE
  -Wall -Wextra -Wpedantic $<$<NOT:$<BOOL:${POSTHORN_TOGETHER}>>:-Wshadow> -Wconversion -Wno-sign-conversion -Wno-missing-designated-field-initializers
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  "SHELL:-Xclang -fno-pch-timestamp" -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
target_link_options(posthorn_flags INTERFACE -fuse-ld=lld-19)
# How many frames of ended coroutines a loop keeps for the next ones: a message goes through some twenty.
target_compile_definitions(posthorn_flags INTERFACE BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=8
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_HAS_STD_COROUTINE)

if(POSTHORN_FLAVOUR STREQUAL "release")
  target_compile_options(posthorn_flags INTERFACE -O2 -g1 -fstack-protector-strong -fPIE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_options(posthorn_flags INTERFACE -pie -Wl,-z,relro,-z,now)
elseif(POSTHORN_FLAVOUR STREQUAL "asan")
  # -O0: what is built here runs once a build, so compiling fast is worth more than running fast (a third of the time).
  # vptr checks need RTTI of every library; what null and object-size find ASan finds too, and they take a fifth of the
  # compile time. The rest of UBSan stays on and is fatal.
  set(sanitizers -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize=vptr,null,object-size
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(posthorn_flags INTERFACE -O0 -g1 ${sanitizers})
  target_link_options(posthorn_flags INTERFACE ${sanitizers})
elseif(POSTHORN_FLAVOUR STREQUAL "tsan")
  target_compile_options(posthorn_flags INTERFACE -O1 -g1 -fsanitize=thread)
  target_link_options(posthorn_flags INTERFACE -fsanitize=thread)
elseif(POSTHORN_FLAVOUR STREQUAL "debug")
  target_compile_options(posthorn_flags INTERFACE -O0 -g)
else()
  message(FATAL_ERROR "POSTHORN_FLAVOUR is '${POSTHORN_FLAVOUR}': use release, asan, tsan or debug")
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
set(Boost_NO_WARN_NEW_VERSIONS ON)
find_package(Boost 1.81 EXACT REQUIRED COMPONENTS json)
find_package(GTest REQUIRED)
pkg_check_modules(FMT REQUIRED IMPORTED_TARGET fmt)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
# libunbound.pc of Debian 12 asks for a libevent.pc that libunbound-dev does not bring.
find_library(UNBOUND_LIBRARY unbound REQUIRED)
find_path(UNBOUND_INCLUDE unbound.h REQUIRED)
add_library(unbound::unbound INTERFACE IMPORTED)
target_link_libraries(unbound::unbound INTERFACE ${UNBOUND_LIBRARY})
target_include_directories(unbound::unbound INTERFACE ${UNBOUND_INCLUDE})
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(ARGON2 REQUIRED IMPORTED_TARGET libargon2)
pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)

target_link_libraries(posthorn_flags INTERFACE PkgConfig::FMT Threads::Threads)

# Two precompiled headers: the standard library, awaitable and fmt for every target, and the same with gmock for tests.
# They are never taken from the compiler cache: each names the folder it was made in, and one made in a clone that is gone
# cannot be read. What is compiled with them may be: the cache goes by the checksum beside the header, which is that of
# the text it was made from.
# The name of the header itself is left out of the command: the cache makes the other paths relative, not this one.
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/pch.h)
set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE>)
function(posthorn_precompile target)  # target: a library made for the header; further arguments: more headers
  set(header ${CMAKE_BINARY_DIR}/${target}.h)
  file(STRINGS ${PROJECT_SOURCE_DIR}/cmake/pch.h includes REGEX "^#include <")
  list(TRANSFORM includes REPLACE "^#include " "")
  list(APPEND includes ${ARGN})
  list(TRANSFORM includes PREPEND "#include " OUTPUT_VARIABLE lines)
  list(JOIN lines "\n" lines)
  file(WRITE ${header} "${lines}\n")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -std=c++23 -w -E -P -x c++ ${header}
    OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(SHA256 sum "${CMAKE_CXX_COMPILER_VERSION} ${POSTHORN_FLAVOUR} ${text}")
  file(WRITE ${CMAKE_BINARY_DIR}/CMakeFiles/${target}.dir/cmake_pch.hxx.pch.sum ${sum})
  file(WRITE ${CMAKE_BINARY_DIR}/${target}.cpp "// The precompiled header is built with this unit.\n")
  add_library(${target} STATIC ${CMAKE_BINARY_DIR}/${target}.cpp)
  target_link_libraries(${target} PUBLIC posthorn_flags)
  target_precompile_headers(${target} PRIVATE ${includes})
  set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER "")
endfunction()

posthorn_precompile(posthorn_pch)

# A binary of tests, or a library for some.
function(posthorn_test_target target)
  target_link_libraries(${target} PUBLIC posthorn_flags GTest::gmock)
  target_precompile_headers(${target} REUSE_FROM posthorn_test_pch)
endfunction()

posthorn_precompile(posthorn_test_pch <gmock/gmock.h> <gtest/gtest.h>)
target_link_libraries(posthorn_test_pch PUBLIC GTest::gmock)
