// The listening sockets of certd's own responders: bound here or passed by systemd, open always or while needed.
#pragma once

#include "config/model.hpp"
#include "libacme/async/gate.hpp"
#include "libacme/async/task_group.hpp"
#include "libacme/net/listener.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace certd {

// A descriptor of its own (a dup) for the socket that systemd passed under this name (LISTEN_FDNAMES).
using PassedSocket = std::function<Result<int>(std::string name)>;

// What answers on one socket. `run` owns the server and is kept until its task has ended.
struct ChallengeServer {
    std::uint16_t port = 0;
    std::function<Task<>()> run;
};

struct ChallengeSocketOptions {
    std::string name;                 // of the task, for the log
    std::vector<std::string> listen;  // "ADDRESS:PORT" or "systemd:NAME"
    config::ListenMode mode = config::ListenMode::when_needed;
    PassedSocket passed_socket;
};

class ChallengeSockets {
   public:
    using MakeServer = std::function<ChallengeServer(Listener listener)>;

    // The owner awaits stop() before this object is destroyed.
    ChallengeSockets(asio::any_io_executor executor, ChallengeSocketOptions options, MakeServer make_server);

    // Mode `always`: binds and serves from now on. Mode `when_needed`: nothing happens before the first need().
    Result<void> open();
    // Sockets are closed and their connections ended when this returns, also when it is cancelled.
    Task<> stop();

    // The sockets are open while the pass is held, which should be short: it lasts until the caller has noted what they
    // are needed for. After a server ended with an error all are opened anew. Problems net.portInUse, net.bind.
    Task<Gate::Pass> need();
    // Mode `when_needed`: closes unless `needed` says otherwise once it is this call's turn.
    Task<> release(std::function<bool()> needed);

    bool configured() const { return !options_.listen.empty(); }
    bool is_open() const { return !servers_.empty(); }
    std::vector<std::uint16_t> ports() const;  // of the sockets now open, in the order of `listen`
    // Where the first TCP socket is reached from here: "127.0.0.1:80".
    const std::optional<std::string>& loopback() const { return loopback_; }

   private:
    Result<void> bind();
    Task<> close();

    ChallengeSocketOptions options_;
    MakeServer make_server_;
    Gate gate_{1};  // sockets are opened and closed one after the other
    std::vector<ChallengeServer> servers_;
    std::optional<std::string> loopback_;
    bool broken_ = false;  // a server ended with an error; the next need() opens anew
    TaskGroup tasks_;
};

}  // namespace certd
