# One folder = one library target: certd_library(NAME SOURCES … LINK … [LIGHT]). Headers are found from the source root.
# All use a precompiled header, LIGHT libraries one without Asio, unless -DCERTD_PCH=OFF, as the release build does: a
# file that includes too little does not pass there.

function(certd_library name)
  cmake_parse_arguments(arg "LIGHT" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC certd_options ${arg_LINK})
  if(arg_LIGHT)
    certd_use_header(${name} certd_light_header)
  else()
    certd_use_header(${name} certd_header)
  endif()
endfunction()

# certd_test(unit_base SOURCES … LINK … [LIGHT]): a Catch2 program; every TEST_CASE becomes a ctest entry named like it.
function(certd_test name)
  cmake_parse_arguments(arg "LIGHT" "TIMEOUT;LABEL" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE certd_test_main ${arg_LINK})
  if(arg_LIGHT)
    certd_use_header(${name} certd_light_test_header)
  else()
    certd_use_header(${name} certd_test_header)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  # A name that cannot be handed on, e.g. one with a semicolon, must not pass for want of tests.
  catch_discover_tests(${name} TEST_PREFIX "${name}: " EXTRA_ARGS --warn NoTests
    PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABEL}")
endfunction()

# certd_header(NAME HEADERS…): a target that only precompiles these headers, for certd_use_header.
function(certd_header name)
  if(CERTD_PCH)
    file(WRITE "${CMAKE_BINARY_DIR}/${name}.cpp" "")
    add_library(${name} OBJECT "${CMAKE_BINARY_DIR}/${name}.cpp")
    target_link_libraries(${name} PRIVATE certd_options fmt::fmt)
    target_precompile_headers(${name} PRIVATE ${ARGN})
  endif()
endfunction()

function(certd_use_header name header)
  if(CERTD_PCH)
    target_precompile_headers(${name} REUSE_FROM ${header})
  endif()
endfunction()

# What nearly every file includes, and the expensive part of what the others do; kept free of Beast and OpenSSL.
set(certd_light_headers
  <algorithm> <array> <chrono> <filesystem> <functional> <map> <memory> <optional> <string> <string_view> <variant> <vector>
  <fmt/format.h> <tl/expected.hpp>)
set(certd_headers ${certd_light_headers}
  <boost/asio/co_spawn.hpp> <boost/asio/experimental/parallel_group.hpp> <boost/asio/steady_timer.hpp>
  "${CMAKE_SOURCE_DIR}/libacme/async/task.hpp")
certd_header(certd_light_header ${certd_light_headers})
certd_header(certd_header ${certd_headers})
if(CERTD_TESTS)
  certd_header(certd_light_test_header ${certd_light_headers} <catch2/catch.hpp>)
  certd_header(certd_test_header ${certd_headers} <catch2/catch.hpp>)
endif()
