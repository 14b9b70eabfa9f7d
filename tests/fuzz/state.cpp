// state.json and version.json: what is accepted is written so that it reads back the same (faults F38).
#include "daemon/lineage/lineage.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto json = certd::parse_json(text_of(data, size));
    if (!json) return 0;
    if (const auto state = certd::lineage_state_from_json(*json)) {
        const auto again = certd::lineage_state_from_json(certd::to_json(*state));
        if (!again || *again != *state) std::abort();
    }
    if (const auto facts = certd::version_facts_from_json(*json)) {
        const auto again = certd::version_facts_from_json(certd::to_json(*facts));
        if (!again || *again != *facts) std::abort();
    }
    return 0;
}
