// URLs and Link headers: whatever is accepted is an absolute http or https URL without anything that could split a
// request.
#include "libacme/net/url.hpp"
#include "libacme/net/http.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

namespace {

void check(const certd::Result<certd::Url>& url) {
    if (!url) return;
    if (url->host.empty() || !url->target.starts_with('/') || (url->scheme != "https" && url->scheme != "http"))
        std::abort();
    for (const char c : url->target + url->host) {
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = text_of(data, size);
    static const certd::Url base = *certd::parse_url("https://ca.example/dir");
    check(certd::parse_url(text));
    check(certd::resolve_url(base, text));
    certd::HttpHeaders headers;
    headers.add("Link", std::string(text));
    headers.add("Content-Type", std::string(text));
    for (const certd::Link& link : certd::links(headers))
        check(certd::resolve_url(base, link.target));
    certd::media_type(headers);
    return 0;
}
