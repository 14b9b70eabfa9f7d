// A downloaded chain in PEM: what is accepted is small and reads back the same.
#include "libacme/crypto/certificate.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto chain = certd::parse_chain(text_of(data, size));
    if (!chain) return 0;
    if (chain->empty() || chain->size() > 10 || size > 64 * 1024) std::abort();
    const auto again = certd::parse_chain(certd::chain_pem(*chain));
    if (!again || again->size() != chain->size()) std::abort();
    certd::ChainExpectation expectation;
    expectation.names = chain->front().names();
    expectation.now = chain->front().not_before();
    static_cast<void>(certd::check_chain(*chain, expectation));
    return 0;
}
