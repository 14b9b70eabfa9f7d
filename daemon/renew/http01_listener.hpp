// http-01 (RFC 8555 §8.3) answered by certd itself, over sockets bound here or passed by systemd.
#pragma once

#include "config/model.hpp"
#include "daemon/renew/challenge_sockets.hpp"
#include "libacme/async/signal.hpp"
#include "libacme/net/http_server.hpp"
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
    Result<void> open() { return sockets_.open(); }
    Task<> stop() { return sockets_.stop(); }

    bool is_open() const { return sockets_.is_open(); }
    std::vector<std::uint16_t> ports() const { return sockets_.ports(); }  // in the order of `listen`
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
    ChallengeServer serve(Listener listener);
    Task<> answer(ServerRequest request, Responder& responder);
    std::shared_ptr<Presented> find(std::string_view token) const;

    Clock& clock_;
    std::string check_secret_;                                                  // marks the requests of wait_visible
    std::map<std::string, std::shared_ptr<Presented>, std::less<>> presented_;  // by token
    std::optional<Duration> checked_;  // when a socket last answered, on the monotonic clock
    ChallengeSockets sockets_;
};

}  // namespace certd
