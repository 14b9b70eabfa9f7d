// Names at fault.
#include "libacme/protocol/refusal.hpp"

#include "libacme/base/text.hpp"
#include "libacme/protocol/problem_document.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace certd::acme {

namespace {

bool is_one_of(std::string_view code, std::span<const std::string_view> codes) {
    return std::ranges::find(codes, code) != codes.end();
}

// Said of one identifier these are about it; said of a whole order they may be about anything.
bool is_about_name_of_part(const Problem& part) {
    constexpr std::array<std::string_view, 3> codes = {"acme.malformed", "acme.rateLimited", "acme.unknown"};
    return is_about_name(part) || is_one_of(part.code, codes);
}

bool is_of_name(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' ||
           letter == ':';
}

// As a word of its own: example.com is not named by www.example.com, nor by example.com.au.
bool names(std::string_view words, std::string_view name) {
    for (std::size_t at = words.find(name); at != std::string_view::npos; at = words.find(name, at + 1)) {
        std::size_t end = at + name.size();
        bool begins = at == 0 || !(is_of_name(words[at - 1]) || words[at - 1] == '.' || words[at - 1] == '*');
        bool goes_on =
            end < words.size() &&
            (is_of_name(words[end]) || (words[end] == '.' && end + 1 < words.size() && is_of_name(words[end + 1])));
        if (begins && !goes_on) return true;
    }
    return false;
}

// Without subproblems: when the CA's words name some of those ordered it is these; a name alone is meant without being
// named.
std::vector<RefusedName> named_in_words(const Problem& refusal, const std::vector<Identifier>& ordered) {
    std::string words = lower_ascii(refusal.remote);
    bool failed_before = refusal.code == "acme.rateLimited" && words.find("failed authorizations") != std::string::npos;
    bool about_names = is_about_name(refusal) || refusal.code == "acme.malformed" || failed_before;
    std::vector<RefusedName> result;
    if (!about_names) return result;
    for (const Identifier& name : ordered) {
        if (ordered.size() == 1 || names(words, name.value)) result.push_back({name, {}, refusal});
    }
    return result;
}

}  // namespace

bool is_about_name(const Problem& problem) {
    constexpr std::array<std::string_view, 2> others = {"acme.noChallenge", "acme.paused"};
    bool refused = problem.kind == ProblemKind::validation && problem.code.starts_with("acme.");
    return refused || is_one_of(problem.code, others);
}

std::vector<RefusedName> names_at_fault(const Problem& refusal, const std::vector<Identifier>& ordered) {
    if (refusal.parts.empty()) return named_in_words(refusal, ordered);
    std::vector<RefusedName> result;
    for (const Problem& part : refusal.parts) {
        auto name = std::ranges::find_if(ordered, [&](const Identifier& each) { return is_part_about(part, each); });
        if (name == ordered.end() || !is_about_name_of_part(part)) return {};
        if (std::ranges::find(result, *name, &RefusedName::name) == result.end()) result.push_back({*name, {}, part});
    }
    return result;
}

}  // namespace certd::acme
