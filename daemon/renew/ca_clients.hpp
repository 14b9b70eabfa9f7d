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
    std::function<Duration()> round_trip;   // optional: paces polling
    std::function<void()> drop_stale = {};  // optional: closes idle connections
};
using TransportFactory = std::function<CaTransport(const config::Ca& ca)>;
using RequestObserver = std::function<void(const std::string& ca, acme::RequestKind kind, int status, Duration took)>;

class CaClients {
   public:
    CaClients(Clock& clock, Workers& workers, Store& store, TransportFactory transports, RequestObserver observer,
              EventSink events);

    // A session that has an account; shared while in use. Throws Failure.
    Task<std::shared_ptr<acme::Session>> session(config::Ca ca);

    // What the CA says of itself, without need of an account: for preflight checks. It is asked anew. Throws Failure.
    struct Greeting {
        acme::Directory directory;
        std::optional<Duration> clock_ahead;  // of this machine; nullopt: the CA did not say its time
    };
    Task<Greeting> greet(config::Ca ca);

    // When the CA suggests to renew a certificate of its own, without need of an account. Throws only on cancellation.
    Task<acme::RenewalInfoAnswer> renewal_info(config::Ca ca, std::string certificate_id);

    // After acme.accountDoesNotExist: registers the same key anew, at most once a day per CA (acme-facts B4), and
    // forgets the old account URL. Throws Failure when it may not or cannot.
    Task<> register_again(config::Ca ca);

    // The accounts of these CAs as they are on disk; a CA without one is left out.
    struct AccountFacts {
        CaName ca;
        std::string directory_url;
        acme::Account account;
        KeyType key_type = KeyType::ecdsa_p256;
        std::string thumbprint;
        std::optional<Problem> suspended;  // no orders are placed because of this
        std::vector<std::string> issuers;  // the CA's names in DNS records; empty while its directory was not fetched
    };
    Task<std::vector<AccountFacts>> accounts(std::vector<CaName> cas);

    // Takes over the account of a key from another client, the text of whose file is `key` (PEM or JWK): the CA must
    // know it. Killed at any point either nothing has changed or the account is found again. Returns its URL. Problems
    // control.accountExists while there is another one, control.busy, acme.accountDoesNotExist. Throws Failure.
    Task<std::string> import_account(config::Ca ca, std::string key);

    // Gives the account a new key (RFC 8555 §7.3.5). Killed at any point the next session finds out which key the CA
    // has (acme-facts B9). Problems control.noSuchAccount, control.busy while renewals use the account: what they put
    // in place depends on its key. Throws Failure.
    Task<> roll_over(config::Ca ca);
    // Ends the account for ever (§7.3.6); the next renewal at this CA makes a new one. The same problems.
    Task<> deactivate(config::Ca ca);

    // After acme.userActionRequired (§7.3.3): no order of this account is placed for a day, over restarts too, or until
    // what the configuration says of the account changes.
    Task<> suspend(config::Ca ca, Problem problem);
    Task<> lift_suspension(config::Ca ca);

    // A session that need not have an account: for what a certificate's own key signs.
    std::shared_ptr<acme::Session> session_without_account(const config::Ca& ca);

    // The exchanges with a CA so far, but for those about renewal information, and how the last of them ended.
    struct Contact {
        std::uint64_t exchanges = 0;
        bool answered = true;  // by something else than a fault of the server
    };
    Contact contact(const CaName& ca) const;

    // Closes connections that were kept for long enough; to be called now and then by the owner.
    void drop_stale();

   private:
    struct Client {
        config::Ca config;
        CaTransport transport;
        std::unique_ptr<acme::Session> session;
        Gate account_gate{1};  // held while the account is looked for, made or changed
        std::optional<Suspension> suspension;
        bool suspension_read = false;
    };
    std::shared_ptr<Client> client(const config::Ca& ca);
    Task<> refuse_suspended(std::shared_ptr<Client> client);
    Task<> ensure_account(std::shared_ptr<Client> client);
    Task<> create_account(Client& client, std::string key_pem);
    Task<acme::Account> register_key(Client& client, const PrivateKey& key, bool known);
    Task<std::optional<acme::Account>> find_account(Client& client, const PrivateKey& key);
    Result<void> keep_imported(const std::optional<StoredAccount>& stored, bool known, const config::Ca& ca,
                               const std::string& key_pem, const acme::Account& account);
    Task<> settle_rollover(Client& client, StoredAccount& stored);
    Task<> send_contacts(Client& client);
    Task<Gate::Pass> enter_unused(std::shared_ptr<Client> client);
    void emit(EventType type, Severity severity, const CaName& ca, std::string message,
              std::optional<Problem> problem = std::nullopt);

    Clock& clock_;
    Workers& workers_;
    Store& store_;
    TransportFactory transports_;
    RequestObserver observer_;
    EventSink events_;
    std::map<CaName, std::shared_ptr<Client>> clients_;
    std::map<CaName, Time> registered_again_;
    std::map<CaName, Contact> contacts_;
};

// How certd names itself to CAs (RFC 8555 §6.1): program and HTTP library.
std::string user_agent();

}  // namespace certd
