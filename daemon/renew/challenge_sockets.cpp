// Binding and adopting.
#include "daemon/renew/challenge_sockets.hpp"

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

}  // namespace

std::vector<std::string> without_covered(const std::vector<std::string>& listen) {
    std::vector<std::string> kept;
    std::ranges::copy_if(listen, std::back_inserter(kept),
                         [&](const std::string& address) { return !is_covered(address, listen); });
    return kept;
}

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

}  // namespace certd
