// Http01Listener: a map from tokens to answers and the servers that read it.
#include "daemon/renew/http01_listener.hpp"

#include "daemon/renew/loopback_request.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/base/bytes.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"

namespace certd {

using acme::ChallengeTask;

struct Http01Listener::Presented {
    std::string answer;
    std::size_t times = 0;
    bool attempted = false;  // asked for by somebody else than wait_visible, or gone
    Signal changed;
};

namespace {

constexpr std::string_view path_prefix = "/.well-known/acme-challenge/";
constexpr std::string_view check_header = "Certd-Check";
constexpr std::size_t token_limit = 256;
constexpr std::size_t presented_limit = 10'000;
constexpr Duration check_timeout = seconds(5);
// A socket that answered is trusted for so long: a renewal of thousands of names need not ask for each.
constexpr Duration check_lifetime = minutes(1);

HttpServerOptions server_options() {
    HttpServerOptions options;
    options.connections = 256;
    options.header_limit = 8 * 1024;
    options.body_limit = 1024;
    options.header_timeout = seconds(10);
    options.write_timeout = seconds(10);
    options.keep_alive = false;
    return options;
}

}  // namespace

Http01Listener::Http01Listener(Clock& clock, asio::any_io_executor executor, std::vector<std::string> listen,
                               config::ListenMode mode, PassedSocket passed_socket)
    : clock_(clock),
      check_secret_(hex(random_bytes(16))),
      sockets_(std::move(executor), {"http-01 responder", std::move(listen), mode, std::move(passed_socket)},
               [this](Listener listener) { return serve(std::move(listener)); }) {}

Http01Listener::~Http01Listener() = default;

bool Http01Listener::can_solve(std::string_view type, const Identifier&, bool wildcard) const {
    return type == "http-01" && !wildcard && sockets_.configured();
}

Task<> Http01Listener::present(ChallengeTask task) {
    if (!is_base64url(task.token) || task.token.size() > token_limit) {
        fail("acme.badToken", "Refused the challenge token for " + task.identifier.value, task.token);
    }
    Gate::Pass pass = co_await sockets_.need();
    if (presented_.size() >= presented_limit) fail("challenge.tooMany", "Too many challenges wait to be answered");

    std::shared_ptr<Presented>& entry = presented_[task.token];
    if (!entry) {
        entry = std::make_shared<Presented>();
        entry->answer = task.key_authorization;
    } else if (entry->answer != task.key_authorization) {
        fail("acme.badToken", "The challenge token for " + task.identifier.value + " is in use for another account",
             task.token);
    }
    ++entry->times;
}

Task<> Http01Listener::wait_visible(ChallengeTask task) {
    if (!sockets_.loopback() || !find(task.token)) co_return;
    if (checked_ && clock_.monotonic() - *checked_ < check_lifetime) co_return;
    std::string what = "Cannot read a challenge answer back from " + *sockets_.loopback();
    LoopbackRequest request{*sockets_.loopback(), std::string(path_prefix) + task.token, task.identifier.value,
                            std::string(check_header) + ": " + check_secret_};
    std::string body;
    try {
        body = co_await with_timeout(clock_, check_timeout, "challenge.notServed", what,
                                     get_over_loopback(std::move(request)));
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) throw;
        fail("challenge.notServed", what + " (" + error.code().message() + ")");
    }
    if (body != task.key_authorization) fail("challenge.notServed", what + ": something else answered", body);
    checked_ = clock_.monotonic();
}

Task<> Http01Listener::wait_attempted(ChallengeTask task) {
    std::shared_ptr<Presented> entry = find(task.token);
    while (entry && !entry->attempted)
        co_await entry->changed.wait();
}

Task<> Http01Listener::clean_up(ChallengeTask task) {
    auto entry = presented_.find(task.token);
    if (entry == presented_.end() || --entry->second->times > 0) co_return;
    entry->second->attempted = true;
    entry->second->changed.notify();
    presented_.erase(entry);
    co_await sockets_.release([this] { return !presented_.empty(); });
}

ChallengeServer Http01Listener::serve(Listener listener) {
    checked_.reset();
    auto server = std::make_shared<HttpServer>(
        clock_, std::move(listener), server_options(),
        [this](ServerRequest request, Responder& responder) { return answer(std::move(request), responder); });
    return {server->port(), [server] { return server->run(); }};
}

// Anything but a known token is 404 with nothing of the request in it (faults S11; RFC 8555 §8.3).
Task<> Http01Listener::answer(ServerRequest request, Responder& responder) {
    std::string_view path = request.path;
    bool reads = request.method == "GET" || request.method == "HEAD";
    std::shared_ptr<Presented> entry;
    if (reads && request.query.empty() && path.starts_with(path_prefix)) entry = find(path.substr(path_prefix.size()));
    if (!entry) {
        co_await responder.send(404, "text/plain", "");
        co_return;
    }
    auto secret = request.headers.find(check_header);
    bool own = secret && *secret == check_secret_;
    co_await responder.send(200, "text/plain", entry->answer);
    if (own) co_return;
    entry->attempted = true;
    entry->changed.notify();
}

std::shared_ptr<Http01Listener::Presented> Http01Listener::find(std::string_view token) const {
    if (!is_base64url(token) || token.size() > token_limit) return nullptr;
    auto entry = presented_.find(token);
    return entry != presented_.end() ? entry->second : nullptr;
}

}  // namespace certd
