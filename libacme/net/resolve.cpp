// One thread per look-up, which outlives a waiter that has given up; the number of such threads is bounded.
#include "libacme/net/resolve.hpp"

#include "libacme/async/signal.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include <netdb.h>

namespace certd {
namespace {

constexpr std::size_t address_limit = 8;
constexpr int thread_limit = 16;
std::atomic<int> running_threads = 0;

struct Lookup {
    std::string host;
    std::uint16_t port = 0;

    std::mutex mutex;  // guards what follows
    bool wanted = true;
    bool done = false;
    int error = 0;
    std::vector<Endpoint> endpoints;
};

std::vector<Endpoint> endpoints_of(const addrinfo* first, std::uint16_t port) {
    std::vector<Endpoint> endpoints;
    for (const addrinfo* entry = first; entry != nullptr; entry = entry->ai_next) {
        Endpoint endpoint;
        if (entry->ai_addrlen > endpoint.capacity()) continue;
        std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
        endpoint.resize(entry->ai_addrlen);
        endpoint.port(port);
        endpoints.push_back(endpoint);
    }
    return endpoints;
}

// Runs on a thread of its own.
void look_up(const std::shared_ptr<Lookup>& lookup, const std::function<void()>& announce) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int error = ::getaddrinfo(lookup->host.c_str(), nullptr, &hints, &list);
    auto endpoints = endpoints_of(list, lookup->port);
    if (list != nullptr) ::freeaddrinfo(list);

    // Under the mutex: as long as the answer is wanted the waiter, and with it the event loop, is alive.
    const std::lock_guard lock(lookup->mutex);
    if (!lookup->wanted) return;
    lookup->error = error;
    lookup->endpoints = std::move(endpoints);
    lookup->done = true;
    announce();
}

void start_thread(const std::shared_ptr<Lookup>& lookup, std::function<void()> announce) {
    if (running_threads.fetch_add(1) >= thread_limit) {
        --running_threads;
        fail("net.resolve", "Cannot resolve " + lookup->host + " (16 earlier look-ups are still without an answer)");
    }
    try {
        std::thread([lookup, announce = std::move(announce)] {
            look_up(lookup, announce);
            --running_threads;
        }).detach();
    } catch (const std::system_error& error) {
        --running_threads;
        fail("net.resolve", "Cannot resolve " + lookup->host + " (" + error.what() + ")");
    }
}

Task<std::vector<Endpoint>> resolve_name(std::string host, std::uint16_t port) {
    auto executor = co_await asio::this_coro::executor;
    auto lookup = std::make_shared<Lookup>();
    lookup->host = std::move(host);
    lookup->port = port;
    struct Abandon {
        Lookup& lookup;
        ~Abandon() {
            const std::lock_guard lock(lookup.mutex);
            lookup.wanted = false;
        }
    } abandon{*lookup};

    Signal answered;
    start_thread(lookup, [executor, answered] { asio::post(executor, [answered]() mutable { answered.notify(); }); });
    for (;;) {
        {
            const std::lock_guard lock(lookup->mutex);
            if (lookup->done) break;
        }
        co_await answered.wait();
    }
    if (lookup->error != 0) {
        fail("net.resolve", "Cannot resolve " + lookup->host + " (" + ::gai_strerror(lookup->error) + ")");
    }
    co_return take_turns(std::move(lookup->endpoints), address_limit);
}

}  // namespace

Task<std::vector<Endpoint>> resolve(std::string host, std::uint16_t port) {
    boost::system::error_code not_literal;
    const auto address = asio::ip::make_address(host, not_literal);
    if (!not_literal) co_return std::vector{Endpoint(address, port)};
    co_return co_await resolve_name(std::move(host), port);
}

std::vector<Endpoint> take_turns(std::vector<Endpoint> endpoints, std::size_t limit) {
    std::vector<Endpoint> ordered;
    bool ipv6 = !endpoints.empty() && endpoints.front().address().is_v6();
    while (!endpoints.empty() && ordered.size() < limit) {
        auto next = std::find_if(endpoints.begin(), endpoints.end(),
                                 [&](const Endpoint& e) { return e.address().is_v6() == ipv6; });
        if (next == endpoints.end()) next = endpoints.begin();
        if (std::find(ordered.begin(), ordered.end(), *next) == ordered.end()) ordered.push_back(*next);
        endpoints.erase(next);
        ipv6 = !ordered.back().address().is_v6();
    }
    return ordered;
}

}  // namespace certd
