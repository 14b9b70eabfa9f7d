// Secrets of DNS providers, read off the event loop.
#pragma once

#include "libacme/async/offload.hpp"
#include "libacme/base/secret.hpp"

#include <string>

namespace certd {

// Throws Failure with the problems of read_secret.
inline Task<std::string> secret_from(Workers& workers, std::string source) {
    co_return value_or_fail(co_await offload(workers, [&] { return read_secret(source); }));
}

}  // namespace certd
