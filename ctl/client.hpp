// The client's side of the control socket: HTTP/1.1 over a Unix socket, blocking, with a limit on every wait. Documents
// are read whole, streams line by line; several streams can be waited for at once.
#pragma once

#include "libacme/base/json.hpp"
#include "libacme/base/problem.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd::ctl {

struct ClientLimits {
    Duration connect = seconds(5);
    Duration answer = seconds(30);   // a document in whole; of a stream: its head, or from one byte to the next
    Duration silence = seconds(60);  // between lines of a stream; certd sends a heartbeat each 15 s
    std::size_t document = std::size_t{256} << 20;
    std::size_t line = std::size_t{4} << 20;
};

// One response being read. Problems: control.unreachable, control.socketPermission, control.timeout,
// control.connectionLost, control.protocol; and those of a problem document, as they are.
class Exchange {
   public:
    // Connects, sends the request and reads the head of the response.
    static Result<Exchange> open(const std::string& socket, std::string_view method, std::string_view target,
                                 std::string_view body, const ClientLimits& limits);
    Exchange(Exchange&&) noexcept;
    Exchange& operator=(Exchange&&) noexcept;
    ~Exchange();

    int status() const;
    std::string_view content_type() const;  // without parameters, lower case
    int fd() const;

    Result<std::string> rest();  // the body in whole

    // Reads what is there without waiting. False once the stream has ended as it should.
    Result<bool> read_available();
    std::optional<std::string> take_line();
    Duration silent_for() const;  // since the last byte

   private:
    struct State;
    explicit Exchange(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

class Client {
   public:
    explicit Client(std::string socket, ClientLimits limits = {}) : socket_(std::move(socket)), limits_(limits) {}

    // A document; a problem document becomes its Problem. `text` receives the document as it was sent.
    Result<Json> get(std::string_view target, std::string* text = nullptr) const;
    Result<Json> post(std::string_view target, const Json& body) const;
    // A stream of lines, or the Problem it was refused with. A document instead of a stream counts as its only line.
    Result<Exchange> stream(std::string_view method, std::string_view target, std::string_view body = {}) const;

    const ClientLimits& limits() const { return limits_; }
    // The same, for a stream with a line as long as a document.
    Client with_long_lines() const {
        ClientLimits limits = limits_;
        limits.line = limits.document;
        return Client(socket_, limits);
    }

   private:
    Result<Json> document(std::string_view method, std::string_view target, std::string_view body,
                          std::string* text) const;
    std::string socket_;
    ClientLimits limits_;
};

// Waits until one of the exchanges can be read, at most `limit`.
void wait_readable(const std::vector<const Exchange*>& exchanges, Duration limit);

// "a b" → "a%20b", for values in a query.
std::string percent_encode(std::string_view text);

}  // namespace certd::ctl
