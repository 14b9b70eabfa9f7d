// One client of the HTTP server: reads requests one after another, runs the handler for each, and ends when either side
// has had enough. Notices a client that goes away while its handler runs, and cancels the handler.
#pragma once

#include "libacme/net/http_responder.hpp"
#include "libacme/net/request_parser.hpp"

#include <exception>
#include <string>

namespace certd {

class HttpConnection {
   public:
    // The references outlive the connection.
    HttpConnection(Clock& clock, const HttpServerOptions& options, const RequestHandler& handler, StreamSocket socket,
                   Peer peer);

    Task<> serve();

    // Whether nothing would be lost by closing: no handler runs.
    bool is_idle() const { return !handling_ && !hung_up_; }
    Duration idle_since() const { return idle_since_; }
    void hang_up();  // serve() ends soon after

   private:
    enum class Arrival { data, closed, late };

    Task<bool> receive();
    Task<Arrival> wait_for_data(Duration limit);
    Task<bool> read_some();
    Task<bool> read_request();
    Task<> refuse(int status);
    Task<> linger();
    Task<bool> drain();

    Task<> answer();
    Task<> run_handler(ServerRequest request, ConnectionResponder& responder);
    Task<> watch_client();
    Task<> conclude(ConnectionResponder& responder);
    ServerRequest make_request(ParsedRequest parsed) const;

    Clock& clock_;
    const HttpServerOptions& options_;
    const RequestHandler& handler_;
    StreamSocket socket_;
    Peer peer_;
    RequestParser parser_;
    RequestParser::State state_ = RequestParser::State::more;
    std::string input_;
    bool keep_alive_ = true;
    bool first_ = true;
    bool handling_ = false;
    bool hung_up_ = false;
    bool client_gone_ = false;
    Duration idle_since_;
    std::exception_ptr handler_error_;
};

}  // namespace certd
