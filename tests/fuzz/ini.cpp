// Any text yields sections or a problem with its line.
#include "daemon/import/ini.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = certd::certbot::parse_ini(text_of(data, size), "x.conf");
    if (!read && read.error().code != "import.syntax") std::abort();
    return 0;
}
