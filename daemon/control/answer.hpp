// The ways a control request is answered: a JSON document, a problem document, or lines of JSON as they come.
#pragma once

#include "libacme/base/json.hpp"
#include "libacme/net/http_server.hpp"

#include <string>
#include <string_view>

namespace certd::control {

// The HTTP status for a Problem that ends a request.
int http_status(const Problem& problem);
std::string_view reason_phrase(int status);

// application/problem+json (RFC 9457): the Problem's members plus `status` and `title`.
Json problem_document(const Problem& problem);

class Answer {
   public:
    explicit Answer(Responder& responder) : responder_(responder) {}

    bool begun() const { return begun_; }
    Task<> json(int status, Json document);
    Task<> text(std::string content_type, std::string body);
    Task<> problem(Problem problem, HttpHeaders extra = {});

    Task<> begin(std::string content_type);
    Task<> line(Json document);  // of application/x-ndjson
    Task<> chunk(std::string text);
    Task<> finish();

   private:
    Responder& responder_;
    bool begun_ = false;
};

}  // namespace certd::control
