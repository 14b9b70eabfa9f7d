// A downloaded chain: accepted ones are small, and all that is said of a certificate can be asked.
#include "libacme/crypto/certificate.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (const auto chain = certd::parse_chain(text_of(data, size))) {
        if (chain->empty() || chain->size() > 10) std::abort();
        for (const certd::Certificate& certificate : *chain)
            certificate.names();
    }
    if (const auto certificate = certd::Certificate::from_der({data, size})) {
        certificate->subject();
        certificate->issuer();
        certificate->not_after();
        certificate->authority_key_identifier();
    }
    certd::read_csr({data, size});
    return 0;
}
