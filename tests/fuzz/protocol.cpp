// Answers of a CA, the first octet of the input chooses which: whatever it says, a URL that is kept may be asked, a
// window can be planned with, a problem is fit to be shown.
#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"
#include "libacme/protocol/directory.hpp"
#include "libacme/protocol/problem_document.hpp"
#include "libacme/protocol/renewal_info.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

using namespace certd;

namespace {

const Time now{seconds(1'800'000'000)};

// "HEADER\nBODY": the first line is the value of Retry-After.
HttpResponse response_of(std::string_view text) {
    const auto line = std::min(text.find('\n'), text.size());
    HttpResponse response;
    response.status = 200;
    response.headers.add("Retry-After", std::string(text.substr(0, line)));
    response.body = text.substr(std::min(line + 1, text.size()));
    return response;
}

void read_directory(std::string_view text) {
    static const Url source = value_or_fail(parse_url("https://ca.test/directory"));
    const auto directory = acme::parse_directory(text, source);
    if (!directory) return;
    for (const Url* url : {&directory->new_nonce, &directory->new_account, &directory->new_order}) {
        if (!acme::url_refusal(*url, source, &*directory).empty()) std::abort();
    }
}

void read_window(std::string_view text) {
    const auto info = acme::read_renewal_info(response_of(text), now);
    if (!info) return;
    if (info->end <= info->start || info->poll_again < minutes(1) || info->poll_again > days(1)) std::abort();
}

void read_problem(std::string_view text) {
    const auto document = parse_json(text);
    if (!document) return;
    const Problem problem = acme::problem_of_document(*document, "The CA refused");
    if (problem.code.empty() || problem.what != "The CA refused") std::abort();
    const std::string shown = describe(problem);
    if (escape_untrusted(shown, shown.size()) != shown) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text = text_of(data + 1, size - 1);
    switch (data[0] % 3) {
        case 0:
            read_directory(text);
            break;
        case 1:
            read_window(text);
            break;
        default:
            read_problem(text);
    }
    return 0;
}
