// CaClients: sessions per CA and the life of accounts (RFC 8555 §7.3).
#include "daemon/renew/ca_clients.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

std::vector<std::string> mailto(const std::vector<std::string>& contact) {
    std::vector<std::string> urls;
    for (const std::string& address : contact)
        urls.push_back("mailto:" + address);
    return urls;
}

}  // namespace

std::string user_agent() {
    return "certd/" CERTD_VERSION " Boost.Beast";
}

CaClients::CaClients(Clock& clock, Workers& workers, Store& store, TransportFactory transports,
                     RequestObserver observer)
    : clock_(clock),
      workers_(workers),
      store_(store),
      transports_(std::move(transports)),
      observer_(std::move(observer)) {}

std::shared_ptr<CaClients::Client> CaClients::client(const config::Ca& ca) {
    std::shared_ptr<Client>& entry = clients_[ca.name];
    if (entry && entry->config == ca) return entry;
    auto made = std::make_shared<Client>();
    made->config = ca;
    made->transport = transports_(ca);
    acme::SessionOptions options;
    options.ca = ca.name.text;
    options.directory = value_or_fail(parse_url(ca.directory));
    options.user_agent = user_agent();
    options.round_trip = made->transport.round_trip;
    options.on_request = [observer = observer_, name = ca.name.text](acme::RequestKind kind, int status,
                                                                     Duration took) {
        if (observer) observer(name, kind, status, took);
    };
    made->session = std::make_unique<acme::Session>(std::move(options), *made->transport.transport, clock_);
    entry = made;
    return entry;
}

Task<std::shared_ptr<acme::Session>> CaClients::session(config::Ca ca) {
    std::shared_ptr<Client> found = client(ca);
    if (!found->session->has_account()) co_await ensure_account(found);
    // Shares ownership of the client, so that a renewal keeps session and transport alive across a reload.
    co_return std::shared_ptr<acme::Session>(found, found->session.get());
}

Task<acme::Directory> CaClients::directory(config::Ca ca) {
    std::shared_ptr<Client> found = client(ca);
    co_return co_await found->session->directory();
}

Task<acme::RenewalInfoAnswer> CaClients::renewal_info(config::Ca ca, std::string certificate_id) {
    std::shared_ptr<Client> found;
    try {
        found = client(ca);
    } catch (const Failure& failed) {
        co_return acme::RenewalInfoAnswer{acme::RenewalInfoAnswer::Kind::lasting, {}, failed.problem()};
    }
    co_return co_await acme::ask_renewal_info(*found->session, std::move(certificate_id));
}

Task<> CaClients::ensure_account(std::shared_ptr<Client> client) {
    // One renewal asks for the account; the others wait for the answer.
    Gate::Pass pass = co_await client->account_gate.enter();
    if (client->session->has_account()) co_return;
    auto stored = value_or_fail(co_await offload(workers_, [&] { return store_.load_account(client->config.name); }));
    if (stored && stored->directory_url != client->config.directory) {
        // The configured CA has moved to another server: its account there is another one (faults S24).
        value_or_fail(co_await offload(workers_, [&] { return store_.forget_account(client->config.name); }));
        stored.reset();
    }
    if (stored && stored->account) {
        client->session->use_account(value_or_fail(PrivateKey::from_pem(stored->key_pem)), *stored->account);
        co_return;
    }
    co_await create_account(*client, stored ? stored->key_pem : std::string());
}

Task<> CaClients::create_account(Client& client, std::string key_pem) {
    const config::Ca& ca = client.config;
    if (key_pem.empty()) {
        key_pem = co_await offload(workers_, [&] { return PrivateKey::generate(ca.account_key).pem(); });
        // On disk before the CA hears of it: an answer that is lost is found again with the same key (acme-facts B3,
        // B4).
        value_or_fail(
            co_await offload(workers_, [&] { return store_.save_account_key(ca.name, ca.directory, key_pem); }));
    }
    PrivateKey key = value_or_fail(PrivateKey::from_pem(key_pem));
    acme::Session::AccountRequest request{mailto(ca.contact), ca.agree_tos, false};
    acme::Account account = co_await client.session->find_or_create_account(key, request);
    value_or_fail(co_await offload(workers_, [&] { return store_.save_account(ca.name, account); }));
    client.session->use_account(std::move(key), std::move(account));
}

Task<> CaClients::register_again(config::Ca ca) {
    std::shared_ptr<Client> found = client(ca);
    Gate::Pass pass = co_await found->account_gate.enter();
    Time now = clock_.now();
    auto last = registered_again_.find(ca.name);
    // Another renewal did it a moment ago: its account is the one to use.
    if (last != registered_again_.end() && now - last->second < minutes(1)) co_return;
    if (last != registered_again_.end() && now - last->second < days(1)) {
        fail("acme.accountDoesNotExist", fmt::format("The account at {} vanished again within a day", ca.name.text));
    }
    registered_again_[ca.name] = now;
    auto stored = value_or_fail(co_await offload(workers_, [&] { return store_.load_account(ca.name); }));
    co_await create_account(*found, stored ? stored->key_pem : std::string());
}

}  // namespace certd
