#include "daemon/import/names.hpp"

#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

constexpr std::size_t name_limit = 64, digest_length = 8;

// Made of the name and marked with its digest, so that no other name becomes the same.
std::string marked(std::string_view name) {
    std::string text = fitting_name(name).substr(0, name_limit - digest_length - 1);
    return fmt::format("{}-{}", text, sha256_hex(name).substr(0, digest_length));
}

}  // namespace

std::string fitting_name(std::string_view name) {
    std::string text = lower_ascii(name);
    auto fits = [](char character) {
        return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') || character == '.' ||
               character == '_' || character == '-';
    };
    std::ranges::replace_if(
        text, [&](char character) { return !fits(character); }, '-');
    text.erase(0, std::min(text.find_first_not_of("._-"), text.size()));
    while (text.ends_with('.'))
        text.pop_back();
    return text.empty() ? "lineage" : text;
}

std::map<std::string, LineageName> lineage_names(const std::vector<std::string>& names) {
    std::map<std::string, LineageName> result;
    std::map<std::string, int> wanted;  // by how many of those that have to change
    for (const std::string& name : names) {
        if (Result<LineageName> same = LineageName::parse(name)) {
            result.emplace(name, *std::move(same));
        } else {
            ++wanted[fitting_name(name)];
        }
    }
    for (const std::string& name : names) {
        if (result.contains(name)) continue;
        std::string text = fitting_name(name);
        bool shared = wanted[text] > 1 || std::ranges::find(names, text) != names.end();
        Result<LineageName> made = LineageName::parse(text);
        if (shared || !made) made = LineageName::parse(marked(name));
        result.emplace(name, value_or_fail(std::move(made)));
    }
    return result;
}

std::string unused_name(std::string_view wanted, std::set<std::string>& taken) {
    std::string name(wanted);
    for (int number = 2; !taken.insert(name).second; ++number)
        name = fmt::format("{}-{}", wanted, number);
    return name;
}

}  // namespace certd::certbot
