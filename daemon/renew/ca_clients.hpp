// The CAs as this process talks to them: one transport and session per CA, with its account found, created or restored.
// Owner of the sessions; a CA whose configuration changed gets a new one while running renewals finish with the old.
#pragma once

#include "config/model.hpp"
#include "daemon/observe/event.hpp"
#include "daemon/store/store.hpp"
#include "libacme/async/gate.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/protocol/renewal_info.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace certd {

struct CaTransport {
    std::unique_ptr<Transport> transport;
    std::function<Duration()> round_trip;  // optional: paces polling
};
using TransportFactory = std::function<CaTransport(const config::Ca& ca)>;
using RequestObserver = std::function<void(const std::string& ca, acme::RequestKind kind, int status, Duration took)>;

class CaClients {
   public:
    CaClients(Clock& clock, Workers& workers, Store& store, TransportFactory transports, RequestObserver observer);

    // A session that has an account; shared while in use. Throws Failure.
    Task<std::shared_ptr<acme::Session>> session(config::Ca ca);

    // The CA's directory, without need of an account: for preflight checks. Throws Failure.
    Task<acme::Directory> directory(config::Ca ca);

    // When the CA suggests to renew a certificate of its own, without need of an account. Throws only on cancellation.
    Task<acme::RenewalInfoAnswer> renewal_info(config::Ca ca, std::string certificate_id);

    // After acme.accountDoesNotExist: registers the same key anew, at most once a day per CA (acme-facts B4), and
    // forgets the old account URL. Throws Failure when it may not or cannot.
    Task<> register_again(config::Ca ca);

   private:
    struct Client {
        config::Ca config;
        CaTransport transport;
        std::unique_ptr<acme::Session> session;
        Gate account_gate{1};
    };
    std::shared_ptr<Client> client(const config::Ca& ca);
    Task<> ensure_account(std::shared_ptr<Client> client);
    Task<> create_account(Client& client, std::string key_pem);

    Clock& clock_;
    Workers& workers_;
    Store& store_;
    TransportFactory transports_;
    RequestObserver observer_;
    std::map<CaName, std::shared_ptr<Client>> clients_;
    std::map<CaName, Time> registered_again_;
};

// How certd names itself to CAs (RFC 8555 §6.1): program and HTTP library.
std::string user_agent();

}  // namespace certd
