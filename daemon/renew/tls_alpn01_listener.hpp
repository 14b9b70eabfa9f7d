// tls-alpn-01 (RFC 8737, RFC 8738 §6) answered by certd itself, over sockets bound here or passed by systemd.
#pragma once

#include "config/model.hpp"
#include "daemon/renew/challenge_sockets.hpp"
#include "libacme/async/signal.hpp"
#include "libacme/net/tls_alpn_server.hpp"
#include "libacme/protocol/solver.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certd {

// The name of the SNI extension by which a validation asks: the name itself, or that of an address' reverse mapping
// (RFC 8738 §6): "1.2.0.192.in-addr.arpa".
std::string challenge_server_name(const Identifier& name);

class TlsAlpn01Listener final : public acme::Solver {
   public:
    // `listen`: "ADDRESS:PORT" or "systemd:NAME". The owner awaits stop() before this object is destroyed.
    TlsAlpn01Listener(Clock& clock, asio::any_io_executor executor, std::vector<std::string> listen,
                      config::ListenMode mode, PassedSocket passed_socket);
    ~TlsAlpn01Listener() override;

    // Mode `always`: binds and refuses from now on. Mode `when_needed`: nothing happens before the first present().
    Result<void> open() { return sockets_.open(); }
    Task<> stop() { return sockets_.stop(); }

    bool is_open() const { return sockets_.is_open(); }
    std::vector<std::uint16_t> ports() const { return sockets_.ports(); }  // in the order of `listen`
    std::size_t names() const { return presented_.size(); }

    bool can_solve(std::string_view type, const Identifier& identifier, bool wildcard) const override;
    // Problems net.portInUse, net.bind, challenge.tooMany, challenge.nameInUse (a name has one answer at a time). The
    // same task may be presented several times; its answer stays until it was cleaned up as often.
    Task<> present(acme::ChallengeTask task) override;
    // Shakes hands over loopback; challenge.notServed when another certificate comes back.
    Task<> wait_visible(acme::ChallengeTask task) override;
    Task<> wait_attempted(acme::ChallengeTask task) override;
    Task<> clean_up(acme::ChallengeTask task) override;

   private:
    struct Presented;
    ChallengeServer serve(Listener listener);
    std::shared_ptr<Presented> make_answer(const acme::ChallengeTask& task) const;
    std::shared_ptr<Presented> find(const acme::ChallengeTask& task) const;
    void answered(const std::string& server_name);

    Clock& clock_;
    std::map<std::string, std::shared_ptr<Presented>> presented_;  // by server name
    ChallengeSockets sockets_;
};

}  // namespace certd
