// What was read is written so that it reads back the same.
#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto value = certd::parse_json(text_of(data, size));
    if (value) {
        const auto again = certd::parse_json(certd::to_text(*value));
        if (!again || *again != *value) std::abort();
    }
    if (certd::escape_untrusted(text_of(data, size)).size() > 1024) std::abort();
    return 0;
}
