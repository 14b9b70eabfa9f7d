// Whatever is accepted is an absolute http or https URL without anything that could split a request.
#include "libacme/net/url.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = text_of(data, size);
    static const certd::Url base = *certd::parse_url("https://ca.example/dir");
    for (const auto& url : {certd::parse_url(text), certd::resolve_url(base, text)}) {
        if (!url) continue;
        if (url->host.empty() || !url->target.starts_with('/')) std::abort();
        for (const char c : url->target + url->host) {
            if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) std::abort();
        }
    }
    return 0;
}
