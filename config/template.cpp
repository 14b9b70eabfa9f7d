// Filling and checking of templates.
#include "config/template.hpp"

#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::config {

std::optional<std::string> fill_template(std::string_view text,
                                         const std::function<std::optional<std::string>(std::string_view name)>& value,
                                         std::string* wrong) {
    std::string result;
    while (!text.empty()) {
        std::size_t open = text.find("{{");
        result += text.substr(0, open);
        if (open == std::string_view::npos) break;
        text.remove_prefix(open + 2);
        std::size_t close = text.find("}}");
        std::string_view name = trim(text.substr(0, close));
        std::optional<std::string> found = close == std::string_view::npos ? std::nullopt : value(name);
        if (!found) {
            if (wrong != nullptr) *wrong = std::string(name.substr(0, 64));
            return std::nullopt;
        }
        result += *found;
        text.remove_prefix(close + 2);
    }
    return result;
}

std::optional<TemplateFault> template_fault(std::string_view text) {
    std::string wrong;
    auto sample = [](std::string_view name) {
        bool known = std::ranges::find(placeholders, name) != placeholders.end();
        return known ? std::optional<std::string>("x") : std::nullopt;
    };
    std::optional<std::string> filled = fill_template(text, sample, &wrong);
    if (!filled) {
        auto near = did_you_mean(wrong, placeholders);
        return TemplateFault{fmt::format("has an unknown placeholder {{{{{}}}}}", escape_untrusted(wrong, 80)),
                             near ? fmt::format("did you mean {{{{{}}}}}?", *near)
                                  : fmt::format("known: {}", fmt::join(placeholders, ", "))};
    }
    if (parse_json(*filled)) return std::nullopt;
    return TemplateFault{"is not JSON once its placeholders are filled in",
                         R"(put placeholders into quotation marks: '{"text": "{{subject}}"}')"};
}

}  // namespace certd::config
