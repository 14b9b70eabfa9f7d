// Requests from octets, without I/O: what is complete, what is missing, and what is refused with which status.
#pragma once

#include "libacme/net/http.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace certd {

struct ParsedRequest {
    std::string method;
    std::string target;  // origin form: begins with "/"
    HttpHeaders headers;
    std::string body;
    bool http11 = true;
    bool keep_alive = true;
};

class RequestParser {
   public:
    enum class State { more, complete, refused };

    RequestParser(std::size_t header_limit, std::size_t body_limit);
    ~RequestParser();

    // Takes octets from the front of `input`. After `complete` call take(); after `refused` nothing more can be read.
    State consume(std::string& input);
    bool begun() const;                     // part of a request has been seen
    int status() const { return status_; }  // 400, 405, 413, 414, 431, 501 or 505, after `refused`
    // Whether the client waits for "100 Continue" before it sends its body; true at most once per request.
    bool wants_continue();
    ParsedRequest take();  // and makes ready for the next request

   private:
    struct Parser;
    State refuse(int status);
    int objection() const;
    void restart();

    std::size_t header_limit_, body_limit_;
    std::unique_ptr<Parser> parser_;
    bool continued_ = false;
    int status_ = 0;
};

}  // namespace certd
