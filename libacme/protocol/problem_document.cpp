// Reading of problem documents and their replacements.
#include "libacme/protocol/problem_document.hpp"

#include "libacme/base/catalog.hpp"
#include "libacme/base/diagnosis.hpp"
#include "libacme/base/text.hpp"
#include "libacme/net/url.hpp"

#include <algorithm>

namespace certd::acme {

namespace {

constexpr std::string_view type_prefix = "urn:ietf:params:acme:error:";
constexpr Duration longest_wait = days(31);  // a Retry-After beyond it is a fault of the CA

// Limits on what is kept of a hostile answer; escaping for display happens where it is shown.
constexpr std::size_t longest_text = 2048;
constexpr std::size_t most_parts = 100;

std::string cut(std::string_view text) {
    return std::string(text.substr(0, longest_text));
}

void append(std::string& text, std::string_view label, std::string_view value) {
    if (value.empty()) return;
    if (!text.empty()) text += " ";
    text += "(" + std::string(label) + ": " + cut(value) + ")";
}

// acme.<type> for the catalogued types; acme.unknown for other types of the ACME registry and of elsewhere.
std::string code_of_type(std::string_view type) {
    if (!type.starts_with(type_prefix)) return "acme.unknown";
    std::string code = "acme." + std::string(type.substr(type_prefix.size()));
    return find_catalog(code) != nullptr ? code : "acme.unknown";
}

bool has_type(const Json& document) {
    std::string type = document.string_or("type");
    return !type.empty() && type != "about:blank";
}

std::string remote_text(const Json& document, const std::string& code) {
    std::string text = cut(document.string_or("detail"));
    if (code == "acme.unknown") append(text, "type", document.string_or("type"));
    append(text, "see", document.string_or("instance"));
    // RFC 8555 §6.2: what the server would accept instead.
    std::vector<std::string> algorithms = document.strings("algorithms");
    append(text, "algorithms", join(algorithms, ", "));
    return text;
}

std::string refusal_of(std::string_view name) {
    return "Refused " + escape_untrusted(name, 260);
}

// RFC 8555 §6.7.1: each subproblem may name the identifier it is about, the document itself never does.
Problem part_of_subproblem(const Json& document) {
    std::string value = document["identifier"].string_or("value");
    std::string what = value.empty() ? "One of the names was refused" : refusal_of(value);
    std::string code = code_of_type(document.string_or("type"));
    return diagnosed(problem(code, std::move(what), remote_text(document, code)));
}

// RFC 8555 §6.6 and §7.3.3: pages for people, shown as text and never fetched.
void append_links(std::string& text, const HttpHeaders& headers) {
    for (const Link& link : links(headers)) {
        if (link.relation == "help") append(text, "help", link.target);
        if (link.relation == "terms-of-service") append(text, "terms of service", link.target);
    }
}

// "… retry after 2026-11-23 18:00:00 UTC", as Let's Encrypt writes it, for answers without the header.
std::optional<Time> time_in_detail(std::string_view detail) {
    constexpr std::string_view phrase = "retry after ";
    std::size_t start = detail.find(phrase);
    if (start == std::string_view::npos) return std::nullopt;
    std::string text(detail.substr(start + phrase.size(), 19));
    if (text.size() < 19) return std::nullopt;
    text[10] = 'T';
    return parse_rfc3339(text + "Z");
}

constexpr std::string_view unpause_mark = "unpause at ";

// Up to white space or what never stands in a URL; empty when it is none after all.
std::string_view first_https_url(std::string_view text) {
    std::size_t start = text.find("https://");
    if (start == std::string_view::npos) return {};
    text = text.substr(start);
    auto ends = std::ranges::find_if(text, [](char letter) {
        return letter <= ' ' || letter >= 0x7f || std::string_view("\"'<>()\\`").find(letter) != std::string_view::npos;
    });
    text = text.substr(0, static_cast<std::size_t>(ends - text.begin()));
    while (text.ends_with('.') || text.ends_with(','))
        text.remove_suffix(1);
    return parse_url(text) ? text : std::string_view();
}

// RFC 8555 §6.7 allows any body: a proxy's HTML page, nothing, or a document without a type.
Problem http_problem(const HttpResponse& response, std::string what) {
    std::string said = "HTTP " + std::to_string(response.status);
    if (auto location = response.headers.find("Location")) append(said, "to", *location);
    if (!response.body.empty()) said += ": " + cut(response.body);
    return diagnosed(problem("acme.http", std::move(what), std::move(said)));
}

}  // namespace

std::optional<Time> retry_after(const HttpHeaders& headers, Time now) {
    std::optional<Time> latest;
    for (std::string_view value : headers.all("Retry-After")) {
        if (auto time = parse_retry_after(value, now)) latest = std::max(latest.value_or(*time), *time);
    }
    return latest;
}

Problem problem_of_document(const Json& document, std::string what) {
    if (!has_type(document)) {
        std::string text = cut(document.string_or("detail"));
        return problem("acme.unknown", std::move(what), std::move(text));
    }
    std::string code = code_of_type(document.string_or("type"));
    Problem result = diagnosed(problem(code, std::move(what), remote_text(document, code)));
    if (const Json::Array* parts = document["subproblems"].if_array()) {
        for (const Json& part : *parts) {
            if (result.parts.size() == most_parts) break;
            if (part.is_object()) result.parts.push_back(part_of_subproblem(part));
        }
    }
    return result;
}

Problem problem_of_response(const HttpResponse& response, std::string what, Time now) {
    Result<Json> document = response.body.starts_with('<') ? Result<Json>(Json()) : parse_json(response.body);
    bool is_problem = document && document->is_object() && has_type(*document);
    Problem result =
        is_problem ? problem_of_document(*document, std::move(what)) : http_problem(response, std::move(what));
    std::string detail = is_problem ? document->string_or("detail") : std::string();
    append_links(result.remote, response.headers);
    result.not_before = retry_after(response.headers, now);
    if (!result.not_before && result.code == "acme.rateLimited") result.not_before = time_in_detail(detail);
    if (result.not_before) result.not_before = std::clamp(*result.not_before, now, now + longest_wait);
    return result;
}

Problem typed_if_paused(Problem said) {
    std::string words = lower_ascii(said.remote);
    bool limited = said.code == "acme.rateLimited" || said.code == "acme.unauthorized";
    bool paused = words.find("paused") != std::string::npos ||
                  words.find("temporarily prevented from requesting") != std::string::npos;
    if (!limited || !paused) return said;
    Problem result = problem("acme.paused", std::move(said.what), std::move(said.remote));
    result.parts = std::move(said.parts);
    std::string_view page = first_https_url(result.remote);
    if (page.empty()) return result;
    std::string text(page);
    result.remote.replace(result.remote.find(text), text.size(), "the page named");
    result.remote.insert(0, std::string(unpause_mark) + text + " ");
    return result;
}

std::string unpause_url(const Problem& problem) {
    if (problem.code != "acme.paused" || !problem.remote.starts_with(unpause_mark)) return {};
    return escape_untrusted(first_https_url(problem.remote), longest_text);
}

bool is_part_about(const Problem& part, const Identifier& name) {
    return lower_ascii(part.what) == lower_ascii(refusal_of(name.value));
}

bool is_lost(const Failure& failure) {
    const std::string& code = failure.problem().code;
    return code == "net.closed" || code == "net.timeout" || code == "net.malformed";
}

bool is_transient(const Failure& failure) {
    if (const auto* response = dynamic_cast<const ErrorResponse*>(&failure)) {
        return response->status() >= 500 || response->status() == 429;
    }
    return failure.problem().kind == ProblemKind::network;
}

bool is_gone(const Failure& failure) {
    const auto* response = dynamic_cast<const ErrorResponse*>(&failure);
    if (response == nullptr) return false;
    const std::string& code = failure.problem().code;
    if (code == "acme.malformed" || code == "acme.unauthorized") return true;
    return code == "acme.http" && response->status() >= 400 && response->status() < 429;
}

Problem combine(std::vector<Problem> parts, std::string what) {
    if (parts.size() == 1) return std::move(parts.front());
    Problem whole = parts.front();
    whole.what = std::move(what);
    whole.parts = std::move(parts);
    return whole;
}

}  // namespace certd::acme
