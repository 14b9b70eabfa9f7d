// probe_tls: connect, handshake, read the chain, close. Nothing is verified and nothing is sent.
#include "libacme/net/tls_probe.hpp"

#include "libacme/async/timeout.hpp"
#include "libacme/net/starttls.hpp"
#include "libacme/net/tls_context.hpp"
#include "libacme/net/tls_stream.hpp"

namespace certd {
namespace {

asio::ssl::context& shared_context() {
    static asio::ssl::context context = observing_context();
    return context;
}

struct Offer {
    const char *ciphers, *signatures;
};

// What makes a server choose its certificate: the cipher suites up to TLS 1.2, the signature algorithms in TLS 1.3 (RFC
// 8446 §4.2.3). Nothing else of the probe's leniency is given up.
constexpr Offer ecdsa_offer{"aECDSA:!eNULL:@SECLEVEL=0", "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ECDSA+SHA1"};
constexpr Offer rsa_offer{"aRSA:!eNULL:@SECLEVEL=0",
                          "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:"
                          "RSA+SHA512:RSA+SHA1"};

void restrict_to(TlsStream& stream, ServerKey key) {
    if (key == ServerKey::any) return;
    const Offer& offer = key == ServerKey::ecdsa ? ecdsa_offer : rsa_offer;
    stream.offer_algorithms(offer.ciphers, offer.signatures);
}

Task<Served> observe(Clock& clock, ProbeRequest request, HostPort address) {
    auto socket = co_await connect_to(clock, address);
    if (request.start != StartTls::none) co_await start_tls(*socket, request.start, request.address);
    TlsStream stream(std::move(socket), shared_context(), request.address);
    stream.set_server_name(request.server_name);
    if (!request.protocol.empty()) stream.offer_only(request.protocol);
    restrict_to(stream, request.key);
    co_await stream.handshake();
    Served served;
    served.chain = stream.peer_chain();
    stream.close();
    if (served.chain.empty()) fail("tls.noCertificate", request.address + " sent no certificate in its TLS handshake");
    served.fingerprint = served.chain.front().fingerprint_sha256();
    co_return served;
}

}  // namespace

std::string_view to_string(ServerKey key) {
    switch (key) {
        case ServerKey::ecdsa:
            return "ECDSA";
        case ServerKey::rsa:
            return "RSA";
        case ServerKey::any:
            break;
    }
    return "any";
}

Task<Served> probe_tls(Clock& clock, ProbeRequest request) {
    const auto address = parse_host_port(request.address);
    if (!address || address->host.empty())
        fail("net.resolve", "Cannot probe \"" + request.address + "\": not of the form HOST:PORT");
    auto what = "No TLS handshake with " + request.address + " within " + format_duration(request.timeout);
    const auto limit = request.timeout;
    co_return co_await with_timeout(clock, limit, "net.timeout", std::move(what),
                                    observe(clock, std::move(request), *address));
}

}  // namespace certd
