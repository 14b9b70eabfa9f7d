// TlsAlpn01Listener: a map from server names to certificates and the servers that read it.
#include "daemon/renew/tls_alpn01_listener.hpp"

#include "daemon/renew/loopback_request.hpp"
#include "libacme/crypto/challenge_certificate.hpp"
#include "libacme/net/tls_probe.hpp"

#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace certd {

using acme::ChallengeTask;

struct TlsAlpn01Listener::Presented {
    std::string key_authorization;
    std::string fingerprint;
    std::shared_ptr<const ServerIdentity> identity;
    std::size_t times = 0;
    std::size_t own_checks = 0;  // handshakes of wait_visible that the server has not told of yet
    bool attempted = false;      // asked for by somebody else than wait_visible, or gone
    Signal changed;
};

namespace {

constexpr std::string_view protocol = "acme-tls/1";
constexpr std::size_t presented_limit = 10'000;
constexpr Duration check_timeout = seconds(5);

std::string reverse_name(const std::string& address) {
    std::array<std::uint8_t, 16> octets{};
    std::string name;
    if (::inet_pton(AF_INET, address.c_str(), octets.data()) == 1) {
        for (std::size_t i = 4; i-- > 0;)
            name += fmt::format("{}.", octets.at(i));
        return name + "in-addr.arpa";
    }
    if (::inet_pton(AF_INET6, address.c_str(), octets.data()) != 1) return address;
    for (std::size_t i = 16; i-- > 0;)
        name += fmt::format("{:x}.{:x}.", octets.at(i) & 15U, octets.at(i) >> 4U);
    return name + "ip6.arpa";
}

}  // namespace

std::string challenge_server_name(const Identifier& name) {
    return name.type == Identifier::Type::ip ? reverse_name(name.value) : name.value;
}

TlsAlpn01Listener::TlsAlpn01Listener(Clock& clock, asio::any_io_executor executor, std::vector<std::string> listen,
                                     config::ListenMode mode, PassedSocket passed_socket)
    : clock_(clock),
      sockets_(std::move(executor), {"tls-alpn-01 responder", std::move(listen), mode, std::move(passed_socket)},
               [this](Listener listener) { return serve(std::move(listener)); }) {}

TlsAlpn01Listener::~TlsAlpn01Listener() = default;

bool TlsAlpn01Listener::can_solve(std::string_view type, const Identifier&, bool wildcard) const {
    return type == "tls-alpn-01" && !wildcard && sockets_.configured();
}

Task<> TlsAlpn01Listener::present(ChallengeTask task) {
    Gate::Pass pass = co_await sockets_.need();
    if (presented_.size() >= presented_limit) fail("challenge.tooMany", "Too many challenges wait to be answered");

    std::string name = challenge_server_name(task.identifier);
    auto known = presented_.find(name);
    if (known == presented_.end()) known = presented_.emplace(name, make_answer(task)).first;
    if (known->second->key_authorization != task.key_authorization) {
        fail("challenge.nameInUse", task.identifier.value + " is being validated by tls-alpn-01 for another order");
    }
    ++known->second->times;
}

// 0.5 ms for key, signature and OpenSSL's form of both.
std::shared_ptr<TlsAlpn01Listener::Presented> TlsAlpn01Listener::make_answer(const ChallengeTask& task) const {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    Certificate certificate = make_challenge_certificate(key, task.identifier, task.key_authorization, clock_.now());
    auto answer = std::make_shared<Presented>();
    answer->key_authorization = task.key_authorization;
    answer->fingerprint = certificate.fingerprint_sha256();
    answer->identity = make_server_identity(certificate, key);
    return answer;
}

Task<> TlsAlpn01Listener::wait_visible(ChallengeTask task) {
    std::shared_ptr<Presented> entry = find(task);
    if (!sockets_.loopback() || !entry) co_return;
    std::string what = "Cannot read a tls-alpn-01 answer back from " + *sockets_.loopback();
    ProbeRequest request{*sockets_.loopback(), challenge_server_name(task.identifier), check_timeout,
                         std::string(protocol)};
    ++entry->own_checks;
    Served served;
    try {
        served = co_await probe_tls(clock_, std::move(request));
    } catch (const Failure& failure) {
        fail("challenge.notServed", what + ": " + failure.problem().what);
    }
    if (served.fingerprint != entry->fingerprint) fail("challenge.notServed", what + ": something else answered");
}

Task<> TlsAlpn01Listener::wait_attempted(ChallengeTask task) {
    std::shared_ptr<Presented> entry = find(task);
    while (entry && !entry->attempted)
        co_await entry->changed.wait();
}

Task<> TlsAlpn01Listener::clean_up(ChallengeTask task) {
    auto entry = presented_.find(challenge_server_name(task.identifier));
    if (entry == presented_.end() || entry->second->key_authorization != task.key_authorization) co_return;
    if (--entry->second->times > 0) co_return;
    entry->second->attempted = true;
    entry->second->changed.notify();
    presented_.erase(entry);
    co_await sockets_.release([this] { return !presented_.empty(); });
}

ChallengeServer TlsAlpn01Listener::serve(Listener listener) {
    auto choose = [this](const std::string& name) -> std::shared_ptr<const ServerIdentity> {
        auto entry = presented_.find(name);
        return entry != presented_.end() ? entry->second->identity : nullptr;
    };
    TlsAlpnServerOptions options;
    options.protocol = protocol;
    auto server = std::make_shared<TlsAlpnServer>(clock_, std::move(listener), std::move(options), std::move(choose),
                                                  [this](const std::string& name) { answered(name); });
    return {server->port(), [server] { return server->run(); }};
}

std::shared_ptr<TlsAlpn01Listener::Presented> TlsAlpn01Listener::find(const ChallengeTask& task) const {
    auto entry = presented_.find(challenge_server_name(task.identifier));
    bool same = entry != presented_.end() && entry->second->key_authorization == task.key_authorization;
    return same ? entry->second : nullptr;
}

void TlsAlpn01Listener::answered(const std::string& server_name) {
    auto entry = presented_.find(server_name);
    if (entry == presented_.end()) return;
    if (entry->second->own_checks > 0) {
        --entry->second->own_checks;
        return;
    }
    entry->second->attempted = true;
    entry->second->changed.notify();
}

}  // namespace certd
