// Answers, and the one table from problem codes to HTTP statuses.
#include "daemon/control/answer.hpp"

#include <array>
#include <utility>

namespace certd::control {

namespace {

constexpr std::array<std::pair<std::string_view, int>, 11> statuses = {{
    {"control.badRequest", 400},
    {"control.forbidden", 403},
    {"control.noSuchLineage", 404},
    {"control.noSuchVersion", 404},
    {"control.noSuchAccount", 404},
    {"control.noSuchNotifier", 404},
    {"control.notFound", 404},
    {"control.methodNotAllowed", 405},
    {"control.busy", 409},
    {"control.stopping", 503},
    {"control.cancelled", 503},
}};

int status_of_kind(ProblemKind kind) {
    switch (kind) {
        case ProblemKind::config:
        case ProblemKind::control:
        case ProblemKind::validation:
        case ProblemKind::deploy:
            return 409;  // the state of things does not allow it
        case ProblemKind::network:
        case ProblemKind::tls:
        case ProblemKind::ca:
        case ProblemKind::limit:
        case ProblemKind::cancelled:
            return 503;  // somebody else does not
        default:
            return 500;
    }
}

}  // namespace

int http_status(const Problem& problem) {
    for (const auto& [code, status] : statuses) {
        if (problem.code == code) return status;
    }
    return status_of_kind(problem.kind);
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 400:
            return "Bad Request";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 409:
            return "Conflict";
        case 503:
            return "Service Unavailable";
        default:
            return "Internal Server Error";
    }
}

Json problem_document(const Problem& problem) {
    Json document = to_json(problem);
    int status = http_status(problem);
    document.set("status", status);
    document.set("title", reason_phrase(status));
    return document;
}

Task<> Answer::json(int status, Json document) {
    begun_ = true;
    co_await responder_.send(status, "application/json", to_text(document) + "\n");
}

Task<> Answer::text(std::string content_type, std::string body) {
    begun_ = true;
    co_await responder_.send(200, std::move(content_type), std::move(body));
}

Task<> Answer::problem(Problem problem, HttpHeaders extra) {
    begun_ = true;
    co_await responder_.send(http_status(problem), "application/problem+json",
                             to_text(problem_document(problem)) + "\n", std::move(extra));
}

Task<> Answer::begin(std::string content_type) {
    begun_ = true;
    co_await responder_.start(200, std::move(content_type));
}

Task<> Answer::line(Json document) {
    co_await responder_.write(to_text(document) + "\n");
}
Task<> Answer::chunk(std::string text) {
    co_await responder_.write(std::move(text));
}
Task<> Answer::finish() {
    co_await responder_.finish();
}

}  // namespace certd::control
