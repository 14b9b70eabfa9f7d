# One folder = one library target: certd_library(NAME SOURCES … LINK … [LIGHT]). Headers are found from the source root.
# LIGHT files use the precompiled header (unless -DCERTD_PCH=OFF).

function(certd_library name)
  cmake_parse_arguments(arg "LIGHT" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC certd_options ${arg_LINK})
  if(arg_LIGHT AND CERTD_PCH)
    certd_light_header(${name})
  endif()
endfunction()

# certd_test(unit_base SOURCES … LINK …): a Catch2 program; every TEST_CASE becomes a ctest entry named like it.
function(certd_test name)
  cmake_parse_arguments(arg "" "TIMEOUT;LABEL" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE certd_test_main ${arg_LINK})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  catch_discover_tests(${name} TEST_PREFIX "${name}: " PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABEL}")
endfunction()

# The headers nearly every file includes; kept free of Beast and OpenSSL.
function(certd_light_header name)
  target_precompile_headers(${name} PRIVATE
    <algorithm> <chrono> <filesystem> <functional> <map> <memory> <optional> <string> <string_view> <variant> <vector>
    <fmt/format.h> <tl/expected.hpp>)
endfunction()
