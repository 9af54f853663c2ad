# Flags of the four flavours (CMakePresets.json), warnings, and the precompiled header.

set(POSTHORN_FLAVOUR release CACHE STRING "release, asan, tsan or debug")

add_library(posthorn_flags INTERFACE)
target_include_directories(posthorn_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(posthorn_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-designated-field-initializers
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  "SHELL:-Xclang -fno-pch-timestamp" -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
target_link_options(posthorn_flags INTERFACE -fuse-ld=lld-19)
target_compile_definitions(posthorn_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_HAS_STD_COROUTINE)

if(POSTHORN_FLAVOUR STREQUAL "release")
  target_compile_options(posthorn_flags INTERFACE -O2 -g1 -fstack-protector-strong -fPIE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_options(posthorn_flags INTERFACE -pie -Wl,-z,relro,-z,now)
elseif(POSTHORN_FLAVOUR STREQUAL "asan")
  # vptr checks need RTTI of every library; the rest of UBSan stays on and is fatal.
  set(sanitizers -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize=vptr
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(posthorn_flags INTERFACE -O1 -g1 ${sanitizers})
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

# One precompiled header for every target: the standard library, awaitable and fmt. It is never taken from the compiler
# cache: it names the folder it was made in, and one made in a clone that is gone cannot be read. What is compiled with
# it may be: the cache goes by the checksum beside the header, which is that of the text it was made from.
set(pch_header CMakeFiles/posthorn_pch.dir/cmake_pch.hxx)
set(CMAKE_CXX_COMPILE_OPTIONS_CREATE_PCH -Xclang -emit-pch -Xclang -include -Xclang ${pch_header})
set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang ${pch_header}.pch)
file(STRINGS ${PROJECT_SOURCE_DIR}/cmake/pch.h pch_includes REGEX "^#include <")
list(TRANSFORM pch_includes REPLACE "^#include " "")
file(WRITE ${CMAKE_BINARY_DIR}/pch_anchor.cpp "// The precompiled header is built with this unit.\n")
add_library(posthorn_pch STATIC ${CMAKE_BINARY_DIR}/pch_anchor.cpp)
target_link_libraries(posthorn_pch PUBLIC posthorn_flags)
target_precompile_headers(posthorn_pch PRIVATE ${pch_includes})
set_target_properties(posthorn_pch PROPERTIES CXX_COMPILER_LAUNCHER "")
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -std=c++23 -w -E -P -x c++ ${PROJECT_SOURCE_DIR}/cmake/pch.h
  OUTPUT_VARIABLE pch_text COMMAND_ERROR_IS_FATAL ANY)
string(SHA256 pch_sum "${CMAKE_CXX_COMPILER_VERSION} ${POSTHORN_FLAVOUR} ${pch_text}")
file(WRITE ${CMAKE_BINARY_DIR}/${pch_header}.pch.sum ${pch_sum})
