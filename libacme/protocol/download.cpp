// Download and choice of chains.
#include "libacme/protocol/download.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

namespace certd::acme {

namespace {

constexpr std::size_t most_alternates = 10;

// RFC 8555 §7.4.2: POST-as-GET.
Task<HttpResponse> fetch_certificate(Session& session, Url url) {
    std::string what = "Cannot download the certificate from " + session.options().ca;
    co_return co_await session.post(RequestKind::certificate, std::move(url), std::nullopt, std::move(what));
}

Chain checked_chain(const HttpResponse& response, const ChainExpectation& expectation) {
    Chain chain = value_or_fail(parse_chain(response.body));
    value_or_fail(check_chain(chain, expectation));
    return chain;
}

}  // namespace

std::vector<Url> alternate_urls(const Session& session, const Url& download, const HttpHeaders& headers) {
    std::vector<Url> urls;
    for (const Link& link : links(headers)) {
        if (link.relation != "alternate") continue;
        Result<Url> url = session.server_url(link.target, download, "alternate chain's URL");
        if (!url || *url == download || std::ranges::find(urls, *url) != urls.end()) continue;
        urls.push_back(*std::move(url));
        if (urls.size() == most_alternates) break;
    }
    return urls;
}

Task<Downloaded> download_chains(Session& session, Url certificate, ChainExpectation expectation) {
    Downloaded result;
    HttpResponse response = co_await fetch_certificate(session, certificate);
    result.chains.push_back(checked_chain(response, expectation));
    Bytes leaf = result.chains.front().front().der();
    // Links of an alternate's own answer are not followed, so a loop cannot arise.
    for (const Url& url : alternate_urls(session, certificate, response.headers)) {
        try {
            HttpResponse alternate = co_await fetch_certificate(session, url);
            Chain chain = checked_chain(alternate, expectation);
            if (chain.front().der() != leaf)
                fail("crypto.brokenChain", "The alternate chain is for another certificate");
            result.chains.push_back(std::move(chain));
        } catch (const Failure& failure) {
            result.notes.push_back("An alternate chain was left out: " + describe(failure.problem()));
        }
    }
    co_return result;
}

std::optional<std::size_t> preferred_chain(std::span<const Chain> chains, const std::string& preferred) {
    if (preferred == "shortest") {
        auto least = std::ranges::min_element(chains, {}, [](const Chain& chain) { return chain.size(); });
        return static_cast<std::size_t>(least - chains.begin());
    }
    std::string fingerprint = lower_ascii(preferred);
    std::erase(fingerprint, ':');
    auto has_it = [&](const Certificate& certificate) { return certificate.fingerprint_sha256() == fingerprint; };
    auto matches = [&](const Chain& chain) {
        return chain.back().issuer_common_name() == preferred || std::ranges::any_of(chain, has_it);
    };
    auto found = std::ranges::find_if(chains, matches);
    if (found == chains.end()) return std::nullopt;
    return static_cast<std::size_t>(found - chains.begin());
}

}  // namespace certd::acme
