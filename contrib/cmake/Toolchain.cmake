# Refuses compilers that miscompile coroutines or reject RapidJSON, finds the dependencies, sets the common flags.

try_run(CERTD_COROUTINES_RUN CERTD_COROUTINES_COMPILE
  "${CMAKE_BINARY_DIR}/probes" "${CMAKE_SOURCE_DIR}/contrib/cmake/probe_coroutine.cpp"
  CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON
  COMPILE_OUTPUT_VARIABLE CERTD_COROUTINES_OUTPUT)
if(NOT CERTD_COROUTINES_COMPILE OR NOT CERTD_COROUTINES_RUN EQUAL 0)
  message(FATAL_ERROR
    "${CMAKE_CXX_COMPILER} destroys temporaries of co_await statements twice or cannot compile coroutines.\n"
    "On Debian 12 install clang-16 (apt-get install clang-16) and configure with -DCMAKE_CXX_COMPILER=clang++-16.\n"
    "${CERTD_COROUTINES_OUTPUT}")
endif()
try_compile(CERTD_RAPIDJSON_COMPILE
  "${CMAKE_BINARY_DIR}/probes" "${CMAKE_SOURCE_DIR}/contrib/cmake/probe_rapidjson.cpp"
  CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON
  OUTPUT_VARIABLE CERTD_RAPIDJSON_OUTPUT)
if(NOT CERTD_RAPIDJSON_COMPILE)
  message(FATAL_ERROR
    "${CMAKE_CXX_COMPILER} cannot compile RapidJSON (apt-get install rapidjson-dev; on Debian 12 use clang-16).\n"
    "${CERTD_RAPIDJSON_OUTPUT}")
endif()

find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Threads REQUIRED)
find_path(LIBPSL_INCLUDE libpsl.h REQUIRED)
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness is what ccache demands before it caches anything compiled with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${CCACHE_PROGRAM}")
endif()
find_program(LLD_PROGRAM NAMES ld.lld-16 ld.lld)

add_library(certd_options INTERFACE)
target_include_directories(certd_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(certd_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wno-missing-field-initializers)
if(CERTD_WERROR)
  target_compile_options(certd_options INTERFACE -Werror)
endif()
target_compile_definitions(certd_options INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  FMT_ENFORCE_COMPILE_STRING=0 SPDLOG_FMT_EXTERNAL CERTD_VERSION="${PROJECT_VERSION}")
if(CERTD_SANITIZE)
  # null, alignment and vptr make up a third of the code and of the time to compile it, and find little here: a null
  # pointer that is used dies in the address sanitizer as well, and nothing is cast down without a look.
  target_compile_options(certd_options INTERFACE -fsanitize=${CERTD_SANITIZE} -fno-sanitize=null,alignment,vptr
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(certd_options INTERFACE -fsanitize=${CERTD_SANITIZE})
else()
  target_compile_options(certd_options INTERFACE -fstack-protector-strong)
  target_compile_definitions(certd_options INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
endif()
if(CERTD_PCH)
  target_compile_options(certd_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
endif()
target_link_libraries(certd_options INTERFACE Threads::Threads)
