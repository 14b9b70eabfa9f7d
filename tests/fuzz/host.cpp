// Answers of other hosts: whatever they say, what is taken for content is what its digest says.
#include "daemon/deploy/host_protocol.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = text_of(data, size);
    const auto answer = certd::parse_answer(text, "00");
    const std::string_view body = answer ? std::string_view(answer->body) : text;
    if (const auto file = certd::parse_file(body); file && *file) {
        if ((*file)->content.size() > body.size() || ((*file)->attributes.mode & ~mode_t{0777}) != 0) std::abort();
    }
    if (const auto result = certd::parse_run(body); result && result->output.size() > body.size()) std::abort();
    certd::code_of_failure(text);
    return 0;
}
