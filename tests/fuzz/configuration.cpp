// Any text yields a configuration or diagnostics, and the diagnostics can be rendered.
#include "config/load.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const certd::config::Loaded loaded = certd::config::load_text(std::string(text_of(data, size)));
    if (!loaded.config && loaded.diagnostics.empty()) std::abort();
    certd::config::render(loaded.diagnostics, false);
    return 0;
}
