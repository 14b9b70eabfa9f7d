// Binding, adopting, and closing what nobody needs.
#include "daemon/renew/challenge_sockets.hpp"

#include "daemon/renew/loopback_request.hpp"
#include "libacme/base/problem.hpp"

#include <algorithm>

namespace certd {

namespace {

constexpr std::string_view passed_prefix = "systemd:";

bool is_covered(const std::string& address, const std::vector<std::string>& all) {
    constexpr std::string_view any_ipv4 = "0.0.0.0:";
    if (!address.starts_with(any_ipv4)) return false;
    std::string port = address.substr(any_ipv4.size());
    return std::ranges::any_of(
        all, [&](const std::string& other) { return other == "[::]:" + port || other == ":" + port; });
}

Result<Listener> open_listener(const std::string& address, const PassedSocket& passed_socket) {
    if (!address.starts_with(passed_prefix)) return Listener::tcp(address);
    if (!passed_socket) return failure("net.bind", "No sockets were passed to this process, so there is no " + address);
    auto descriptor = passed_socket(address.substr(passed_prefix.size()));
    if (!descriptor) return failure(std::move(descriptor).error());
    return Listener::adopt(*descriptor);
}

// `listen` without what another entry serves as well: "[::]:80" takes IPv4 too, so that "0.0.0.0:80" beside it would
// find the port taken.
std::vector<std::string> without_covered(const std::vector<std::string>& listen) {
    std::vector<std::string> kept;
    std::ranges::copy_if(listen, std::back_inserter(kept),
                         [&](const std::string& address) { return !is_covered(address, listen); });
    return kept;
}

// One for each of `listen`, or none.
Result<std::vector<Listener>> open_listeners(const std::vector<std::string>& listen,
                                             const PassedSocket& passed_socket) {
    std::vector<Listener> listeners;
    for (const std::string& address : listen) {
        auto listener = open_listener(address, passed_socket);
        if (!listener) return failure(std::move(listener).error());
        listeners.push_back(std::move(*listener));
    }
    return listeners;
}

}  // namespace

ChallengeSockets::ChallengeSockets(asio::any_io_executor executor, ChallengeSocketOptions options,
                                   MakeServer make_server)
    : options_(std::move(options)),
      make_server_(std::move(make_server)),
      tasks_(std::move(executor), [this](const std::string&, std::exception_ptr) { broken_ = true; }) {
    options_.listen = without_covered(options_.listen);
}

Result<void> ChallengeSockets::open() {
    if (options_.mode == config::ListenMode::when_needed || is_open()) return {};
    return bind();
}

Task<> ChallengeSockets::stop() {
    Gate::Pass pass = co_await gate_.enter();
    co_await close();
}

Task<Gate::Pass> ChallengeSockets::need() {
    Gate::Pass pass = co_await gate_.enter();
    if (broken_) co_await close();
    if (!is_open()) value_or_fail(bind());
    co_return pass;
}

Task<> ChallengeSockets::release(std::function<bool()> needed) {
    if (options_.mode == config::ListenMode::always || needed()) co_return;
    Gate::Pass pass = co_await gate_.enter();
    if (!needed()) co_await close();
}

std::vector<std::uint16_t> ChallengeSockets::ports() const {
    std::vector<std::uint16_t> ports;
    for (const ChallengeServer& server : servers_)
        ports.push_back(server.port);
    return ports;
}

Result<void> ChallengeSockets::bind() {
    auto listeners = open_listeners(options_.listen, options_.passed_socket);
    if (!listeners) return failure(std::move(listeners).error());
    loopback_.reset();
    for (Listener& listener : *listeners) {
        if (!loopback_) loopback_ = loopback_address(listener.fd());
        servers_.push_back(make_server_(std::move(listener)));
        tasks_.spawn(options_.name, servers_.back().run());
    }
    return {};
}

Task<> ChallengeSockets::close() {
    std::exception_ptr error;
    try {
        co_await tasks_.stop();
    } catch (...) {
        error = std::current_exception();
    }
    servers_.clear();
    broken_ = false;
    if (error) std::rethrow_exception(error);
}

}  // namespace certd
