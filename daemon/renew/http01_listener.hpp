// http-01 (RFC 8555 §8.3) answered by certd itself, over sockets bound here or passed by systemd.
#pragma once

#include "config/model.hpp"
#include "daemon/renew/challenge_sockets.hpp"
#include "libacme/async/gate.hpp"
#include "libacme/async/signal.hpp"
#include "libacme/async/task_group.hpp"
#include "libacme/protocol/solver.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certd {

class Http01Listener final : public acme::Solver {
   public:
    using PassedSocket = certd::PassedSocket;

    // `listen`: "ADDRESS:PORT" or "systemd:NAME". The owner awaits stop() before this object is destroyed.
    Http01Listener(Clock& clock, asio::any_io_executor executor, std::vector<std::string> listen,
                   config::ListenMode mode, PassedSocket passed_socket);
    ~Http01Listener() override;

    // Mode `always`: binds and answers from now on. Mode `when_needed`: nothing happens before the first present().
    Result<void> open();
    Task<> stop();

    bool is_open() const { return !servers_.empty(); }
    std::vector<std::uint16_t> ports() const;  // of the sockets now open, in the order of `listen`
    std::size_t tokens() const { return presented_.size(); }

    bool can_solve(std::string_view type, const Identifier& identifier, bool wildcard) const override;
    // Problems net.portInUse, net.bind, challenge.tooMany, acme.badToken. The same task may be presented several times;
    // its answer stays until it was cleaned up as often.
    Task<> present(acme::ChallengeTask task) override;
    // Asks for the answer over loopback; challenge.notServed when another one comes back.
    Task<> wait_visible(acme::ChallengeTask task) override;
    Task<> wait_attempted(acme::ChallengeTask task) override;
    Task<> clean_up(acme::ChallengeTask task) override;

   private:
    struct Presented;
    Result<void> bind();
    Task<> close();
    Task<> answer(ServerRequest request, Responder& responder);
    std::shared_ptr<Presented> find(std::string_view token) const;

    Clock& clock_;
    std::vector<std::string> listen_;
    config::ListenMode mode_;
    PassedSocket passed_socket_;
    std::string check_secret_;                                                  // marks the requests of wait_visible
    std::map<std::string, std::shared_ptr<Presented>, std::less<>> presented_;  // by token
    Gate gate_{1};  // sockets are opened and closed one after the other
    std::vector<std::unique_ptr<HttpServer>> servers_;
    std::optional<std::string> loopback_;  // where the first TCP socket is reached from here: "127.0.0.1:80"
    std::optional<Duration> checked_;      // when it last answered, on the monotonic clock
    bool broken_ = false;                  // a server ended with an error; the next present() opens anew
    TaskGroup tasks_;
};

}  // namespace certd
