// Answers of haproxy, or of whatever listens in its place: an update comes to an end, by commands that are one each.
#include "daemon/deploy/haproxy_update.hpp"
#include "tests/fuzz/input.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The answers, one after another, with a zero octet between them; the last one is repeated.
    std::string_view rest = text_of(data, size);
    certd::HaproxyUpdate update({"/a.pem", "PEM\n", "1", std::string(40, 'a')});
    for (std::size_t steps = 0; update.next() != certd::HaproxyStep::done; ++steps) {
        if (steps > 1000) std::abort();
        if (update.next() == certd::HaproxyStep::pause) {
            update.paused();
            continue;
        }
        const std::string command = update.command();
        const auto lines = std::ranges::count(command, '\n');
        if (lines != (update.next() == certd::HaproxyStep::set ? 3 : 1)) std::abort();
        if (command.find(';') != std::string::npos) std::abort();
        const auto end = rest.find('\0');
        update.answered(rest.substr(0, end));
        if (end != std::string_view::npos) rest.remove_prefix(end + 1);
    }
    return 0;
}
