// Writes one answer to a client: in one piece or chunked, every write within its limit.
#pragma once

#include "libacme/net/http_server.hpp"

#include <boost/asio/generic/stream_protocol.hpp>

#include <string>
#include <string_view>

namespace certd {

using StreamSocket = asio::generic::stream_protocol::socket;  // TCP and Unix alike

// Writes all of `data`, at first without waiting. Throws Failure(net.closed) when the client has gone and
// Failure(net.timeout) when it does not take the data within `limit`.
Task<> write_all(Clock& clock, StreamSocket& socket, Duration limit, std::string_view data);

struct AnswerFraming {
    bool head = false;       // answer to HEAD: no body is sent
    bool http11 = true;      // else no chunks: the end of the connection ends the body
    bool keep_alive = true;  // only with http11
};

class ConnectionResponder final : public Responder {
   public:
    ConnectionResponder(Clock& clock, StreamSocket& socket, Duration write_timeout, AnswerFraming framing)
        : clock_(clock), socket_(socket), write_timeout_(write_timeout), framing_(framing) {}

    Task<> send(int status, std::string content_type, std::string body, HttpHeaders extra = {}) override;
    Task<> start(int status, std::string content_type) override;
    Task<> write(std::string chunk) override;
    Task<> finish() override;

    enum class Progress { nothing, begun, finished };
    Progress progress() const { return progress_; }
    bool keep_alive() const { return framing_.keep_alive; }

   private:
    std::string head(int status, std::string_view content_type, const HttpHeaders& extra) const;
    void advance(Progress from, Progress to);

    Clock& clock_;
    StreamSocket& socket_;
    Duration write_timeout_;
    AnswerFraming framing_;
    Progress progress_ = Progress::nothing;
};

}  // namespace certd
