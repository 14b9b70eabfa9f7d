// A certificate or request in DER: what is accepted can be asked for everything, and keeps its octets.
#include "libacme/crypto/certificate.hpp"

#include "libacme/crypto/csr.hpp"
#include "tests/fuzz/input.hpp"

#include <algorithm>
#include <cstdlib>

namespace {

void ask(const certd::Certificate& certificate) {
    const auto names = certificate.names();
    if (!std::ranges::is_sorted(names) || certificate.serial().empty()) std::abort();
    certificate.subject();
    certificate.issuer();
    certificate.issuer_common_name();
    certificate.authority_key_identifier();
    certificate.issued_by(certificate);
    certd::format_rfc3339(certificate.not_before());
    certd::format_rfc3339(certificate.not_after());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (const auto certificate = certd::Certificate::from_der({data, size})) {
        if (!std::ranges::equal(certificate->der(), certd::ByteView(data, size))) std::abort();
        ask(*certificate);
    }
    if (const auto request = certd::read_csr({data, size}); request && request->public_key_der.empty()) std::abort();
    if (const auto request = certd::read_foreign_request({reinterpret_cast<const char*>(data), size});
        request && (request->names.empty() || !std::ranges::is_sorted(request->names))) {
        std::abort();
    }
    return 0;
}
