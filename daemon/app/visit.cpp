// Rehearsals.
#include "daemon/app/visit.hpp"

#include "daemon/renew/loopback_request.hpp"
#include "daemon/renew/tls_alpn01_listener.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/net/tls_probe.hpp"
#include "libacme/protocol/concurrently.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration visit_limit = seconds(3);

std::string place_of(const Endpoint& endpoint) {
    std::string address = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                      : fmt::format("{}:{}", address, endpoint.port());
}

std::string said(const PlainResponse& response) {
    if (response.status == 0) return "what answered does not speak HTTP";
    if (response.status >= 300 && response.status < 400)
        return fmt::format("it redirects with status {}; that is not followed here, a CA may", response.status);
    return response.status == 200 ? "something else answered" : fmt::format("status {}", response.status);
}

// RFC 8555 §8.3.
Task<Visit> visit_http(Clock& clock, Endpoint endpoint, acme::ChallengeTask task) {
    Visit visit{endpoint.address().to_string(), false, {}};
    LoopbackRequest request{place_of(endpoint), "/.well-known/acme-challenge/" + task.token, task.identifier.value,
                            "User-Agent: certd/" CERTD_VERSION};
    PlainResponse response;
    try {
        response = co_await with_timeout(clock, visit_limit, "net.timeout", "no answer", get_plain(std::move(request)));
    } catch (const Failure& failure) {
        visit.instead = failure.problem().what;
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) throw;
        visit.instead = error.code().message();
    }
    if (!visit.instead.empty()) co_return visit;
    visit.answered = response.status == 200 && trim(response.body) == task.key_authorization;
    if (!visit.answered) visit.instead = said(response);
    co_return visit;
}

// RFC 8737 §3: the certificate has the digest of our key authorization in it.
Task<Visit> visit_tls(Clock& clock, Endpoint endpoint, acme::ChallengeTask task) {
    Visit visit{endpoint.address().to_string(), false, {}};
    ProbeRequest request{place_of(endpoint), challenge_server_name(task.identifier), visit_limit, "acme-tls/1"};
    Served served;
    try {
        served = co_await probe_tls(clock, std::move(request));
    } catch (const Failure& failure) {
        visit.instead = failure.problem().what;
    }
    if (!visit.instead.empty()) co_return visit;
    Bytes digest = sha256(as_bytes(task.key_authorization));
    visit.answered = !std::ranges::search(served.chain.front().der(), digest).empty();
    if (!visit.answered) visit.instead = "another certificate";
    co_return visit;
}

Task<std::vector<Visit>> answer_and_visit(Clock& clock, const Rehearsal& rehearsal) {
    co_await rehearsal.solver.present(rehearsal.task);
    co_await rehearsal.solver.wait_visible(rehearsal.task);
    std::vector<Visit> visits;
    for (const Endpoint& endpoint : rehearsal.visit) {
        visits.push_back(rehearsal.task.type == "http-01" ? co_await visit_http(clock, endpoint, rehearsal.task)
                                                          : co_await visit_tls(clock, endpoint, rehearsal.task));
    }
    co_return visits;
}

Task<> clean_up(const Rehearsal& rehearsal, std::optional<Problem>& left_behind) {
    try {
        co_await rehearsal.solver.clean_up(rehearsal.task);
    } catch (const Failure& failure) {
        left_behind = failure.problem();
    }
}

}  // namespace

Task<Rehearsed> rehearse(Clock& clock, Rehearsal rehearsal) {
    Rehearsed rehearsed;
    std::exception_ptr error;
    try {
        rehearsed.visits = co_await answer_and_visit(clock, rehearsal);
    } catch (...) {
        error = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await acme::shielded(clock, rehearsal.clean_up_limit, "Cannot clean up the challenge in time",
                            clean_up(rehearsal, rehearsed.left_behind));
    if (error) std::rethrow_exception(error);
    co_return rehearsed;
}

}  // namespace certd
