// One question and its answer over a program's Unix socket, as control sockets take them: one command per connection,
// which the other side closes after its answer.
#pragma once

#include "libacme/async/clock.hpp"

#include <cstddef>
#include <string>

namespace certd {

struct LocalQuestion {
    std::string socket;  // absolute path
    std::string text;    // as it is sent; may hold secrets, so no message repeats it
    Duration timeout = seconds(10);
    std::size_t answer_limit = std::size_t{4} << 20;  // octets
};

// Everything that was said until the other side closed the connection, which may be nothing: only the caller knows how
// an answer ends. Throws Failure(net.connect | net.closed | net.timeout | net.tooLarge).
Task<std::string> ask_local(Clock& clock, LocalQuestion question);

}  // namespace certd
