// Times and durations: no overflow, and what is written is read back.
#include "libacme/base/time.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = text_of(data, size);
    const certd::Time now{std::chrono::hours(24 * 20000)};
    certd::parse_retry_after(text, now);
    certd::parse_http_date(text);
    if (const auto time = certd::parse_rfc3339(text);
        time && certd::parse_rfc3339(certd::format_rfc3339(*time)) != time)
        std::abort();
    if (const auto duration = certd::parse_duration(text)) {
        certd::saturating_add(now, *duration);
        if (certd::parse_duration(certd::format_duration(*duration)) != duration) std::abort();
    }
    return 0;
}
