// Certificate identifiers, the renewalInfo resource and what to make of its failures.
#include "libacme/protocol/renewal_info.hpp"

#include "libacme/async/timeout.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace certd::acme {

namespace {

constexpr std::size_t longest_key_identifier = 64;  // a SHA-512; more is no identifier but an attempt at our URLs
constexpr std::size_t longest_serial = 21;          // RFC 5280 §4.1.2.2: 20 octets, and a leading zero
constexpr std::size_t longest_explanation = 1024;
constexpr JsonLimits body_limits{16 * 1024, 8};
constexpr Duration request_limit = seconds(30);
constexpr Duration poll_floor = minutes(1);
constexpr Duration poll_ceiling = days(1);
constexpr Duration poll_default = hours(6);
constexpr Time first_year{days(0)};
constexpr Time last_second{std::chrono::sys_days(std::chrono::year(9999) / 12 / 31) + hours(24) - seconds(1)};

// Instants that cannot be written down again are pulled to the nearest that can.
std::optional<Time> read_instant(const Json& window, std::string_view member) {
    const std::string* text = window[member].if_string();
    std::optional<Time> time = text ? parse_rfc3339(*text) : std::nullopt;
    return time ? std::optional(std::clamp(*time, first_year, last_second)) : std::nullopt;
}

// §4.3: compared as instants, because the difference to an absurd date would overflow.
Duration poll_after(const HttpHeaders& headers, Time now) {
    std::optional<Time> asked = retry_after(headers, now);
    if (!asked) return poll_default;
    if (*asked <= now + poll_floor) return poll_floor;
    if (*asked >= now + poll_ceiling) return poll_ceiling;
    return *asked - now;
}

// §4.1: exactly one slash between the directory's URL and the identifier.
std::string renewal_info_url(const Url& base, const std::string& id) {
    std::string text = base.text;
    while (text.ends_with('/'))
        text.pop_back();
    return text + "/" + id;
}

Task<RenewalInfoAnswer> ask(Session& session, std::string id, std::string what) {
    Directory directory = co_await session.directory();
    RenewalInfoAnswer answer;
    if (!directory.renewal_info) co_return answer;
    Url url =
        value_or_fail(session.server_url(renewal_info_url(*directory.renewal_info, id), "URL of renewal information"));
    HttpResponse response = co_await session.get(RequestKind::renewal_info, std::move(url), std::move(what));
    answer.info = value_or_fail(read_renewal_info(response, session.clock().now()));
    answer.kind = RenewalInfoAnswer::Kind::suggestion;
    co_return answer;
}

// §4.3.
bool is_temporary(const std::exception_ptr& error, const Problem& problem) {
    try {
        std::rethrow_exception(error);
    } catch (const ErrorResponse& response) {
        return response.status() >= 500 || response.status() == 429;
    } catch (...) {
        return problem.code == "net.timeout" || problem.code == "net.closed";
    }
}

RenewalInfoAnswer failed(const std::exception_ptr& error) {
    RenewalInfoAnswer answer;
    answer.problem = problem_of(error);
    using Kind = RenewalInfoAnswer::Kind;
    answer.kind = is_temporary(error, answer.problem) ? Kind::temporary : Kind::lasting;
    return answer;
}

}  // namespace

std::optional<std::string> certificate_id(ByteView key_identifier, ByteView serial) {
    if (key_identifier.empty() || key_identifier.size() > longest_key_identifier) return std::nullopt;
    if (serial.empty() || serial.size() > longest_serial || serial[0] >= 0x80) return std::nullopt;
    return base64url(key_identifier) + "." + base64url(serial);
}

std::optional<std::string> certificate_id(const Certificate& certificate) {
    std::optional<Bytes> key_identifier = certificate.authority_key_identifier();
    std::optional<Bytes> serial = parse_hex(certificate.serial());
    if (!key_identifier || !serial) return std::nullopt;
    return certificate_id(*key_identifier, *serial);
}

Result<RenewalInfo> read_renewal_info(const HttpResponse& response, Time now) {
    Result<Json> document = parse_json(response.body, body_limits);
    if (!document) return failure("acme.badResponse", "The renewal information is not JSON", document.error().what);
    const Json& window = (*document)["suggestedWindow"];
    std::optional<Time> start = read_instant(window, "start");
    std::optional<Time> end = read_instant(window, "end");
    if (!start || !end) return failure("acme.badResponse", "The renewal information has no suggested window");
    if (*end <= *start) {
        return failure("acme.badResponse", "The suggested window of the renewal information ends before it begins",
                       window.string_or("start") + " to " + window.string_or("end"));
    }
    RenewalInfo info{*start, *end, document->string_or("explanationURL"), poll_after(response.headers, now)};
    info.explanation_url.resize(std::min(info.explanation_url.size(), longest_explanation));
    return info;
}

Task<RenewalInfoAnswer> ask_renewal_info(Session& session, std::string id) {
    std::string what = "Cannot get renewal information from " + session.options().ca;
    std::exception_ptr error;
    try {
        co_return co_await with_timeout(session.clock(), request_limit, "net.timeout", what,
                                        ask(session, std::move(id), what));
    } catch (const boost::system::system_error& thrown) {
        if (thrown.code() == asio::error::operation_aborted) throw;
        error = std::current_exception();
    } catch (...) {
        error = std::current_exception();
    }
    co_return failed(error);
}

}  // namespace certd::acme
