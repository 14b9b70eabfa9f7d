// CaClients: sessions per CA and the life of accounts (RFC 8555 §7.3).
#include "daemon/renew/ca_clients.hpp"

#include "daemon/renew/external_account.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/account_key.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

std::vector<std::string> mailto(const std::vector<std::string>& contact) {
    std::vector<std::string> urls;
    for (const std::string& address : contact)
        urls.push_back("mailto:" + address);
    return urls;
}

// Of what the configuration says of the account.
std::string account_digest(const config::Ca& ca) {
    std::string text = ca.directory + "\n" + (ca.agree_tos ? "agreed\n" : "\n") + join(ca.contact, ",");
    if (ca.external_account) text += "\n" + ca.external_account->kid + "\n" + ca.external_account->mac_key_file;
    return sha256_hex(text).substr(0, 32);
}

}  // namespace

std::string user_agent() {
    return "certd/" CERTD_VERSION " Boost.Beast";
}

CaClients::CaClients(Clock& clock, Workers& workers, Store& store, TransportFactory transports,
                     RequestObserver observer, EventSink events)
    : clock_(clock),
      workers_(workers),
      store_(store),
      transports_(std::move(transports)),
      observer_(std::move(observer)),
      events_(std::move(events)) {}

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
    options.on_request = [this, name = ca.name](acme::RequestKind kind, int status, Duration took) {
        if (observer_) observer_(name.text, kind, status, took);
        if (kind == acme::RequestKind::renewal_info) return;
        Contact& contact = contacts_[name];
        ++contact.exchanges;
        contact.answered = status != 0 && status < 500;
    };
    made->session = std::make_unique<acme::Session>(std::move(options), *made->transport.transport, clock_);
    entry = made;
    return entry;
}

Task<std::shared_ptr<acme::Session>> CaClients::session(config::Ca ca) {
    std::shared_ptr<Client> found = client(ca);
    co_await refuse_suspended(found);
    co_await ensure_account(found);
    // Shares ownership of the client, so that a renewal keeps session and transport alive across a reload.
    co_return std::shared_ptr<acme::Session>(found, found->session.get());
}

std::shared_ptr<acme::Session> CaClients::session_without_account(const config::Ca& ca) {
    std::shared_ptr<Client> found = client(ca);
    return std::shared_ptr<acme::Session>(found, found->session.get());
}

Task<> CaClients::refuse_suspended(std::shared_ptr<Client> client) {
    const config::Ca& ca = client->config;
    if (!client->suspension_read) {
        auto stored = co_await offload(workers_, [&] { return store_.load_suspension(ca.name); });
        bool known = stored && *stored;  // one that cannot be read is told again by the CA
        bool in_force = known && (*stored)->account_digest == account_digest(ca) && clock_.now() < (*stored)->until;
        if (in_force) client->suspension = **stored;
        if (known && !in_force)
            (void)co_await offload(workers_, [&] { return store_.save_suspension(ca.name, std::nullopt); });
        client->suspension_read = true;
    }
    if (client->suspension && clock_.now() < client->suspension->until) fail(client->suspension->problem);
    client->suspension.reset();
}

Task<CaClients::Greeting> CaClients::greet(config::Ca ca) {
    std::shared_ptr<Client> found = client(ca);
    Greeting greeting;
    greeting.clock_ahead = co_await found->session->clock_ahead();
    greeting.directory = co_await found->session->directory();
    co_return greeting;
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

CaClients::Contact CaClients::contact(const CaName& ca) const {
    auto found = contacts_.find(ca);
    return found == contacts_.end() ? Contact{} : found->second;
}

void CaClients::drop_stale() {
    for (const auto& [name, client] : clients_) {
        if (client->transport.drop_stale) client->transport.drop_stale();
    }
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
    if (stored && stored->next_key_pem) co_await settle_rollover(*client, *stored);
    if (stored && stored->account) {
        client->session->use_account(value_or_fail(PrivateKey::from_pem(stored->key_pem)), *stored->account);
        co_await send_contacts(*client);
        co_return;
    }
    co_await create_account(*client, stored ? stored->key_pem : std::string());
}

Task<> CaClients::create_account(Client& client, std::string key_pem) {
    const config::Ca& ca = client.config;
    bool known = !key_pem.empty();
    if (!known) {
        key_pem = co_await offload(workers_, [&] { return PrivateKey::generate(ca.account_key).pem(); });
        // On disk before the CA hears of it: an answer that is lost is found again with the same key (acme-facts B3,
        // B4).
        value_or_fail(
            co_await offload(workers_, [&] { return store_.save_account_key(ca.name, ca.directory, key_pem); }));
    }
    PrivateKey key = value_or_fail(PrivateKey::from_pem(key_pem));
    acme::Account account = co_await register_key(client, key, known);
    value_or_fail(co_await offload(workers_, [&] { return store_.save_account(ca.name, account); }));
    client.session->use_account(std::move(key), std::move(account));
}

Task<acme::Account> CaClients::register_key(Client& client, const PrivateKey& key, bool known) {
    const config::Ca& ca = client.config;
    acme::Session::AccountRequest request{mailto(ca.contact), ca.agree_tos, false};
    if (ca.external_account) {
        // A binding is good for one account: the answer to an earlier try may have been lost (acme-facts B7).
        if (known) {
            if (auto existing = co_await find_account(client, key)) co_return *std::move(existing);
        }
        request.external =
            value_or_fail(co_await offload(workers_, [&] { return load_binding(*ca.external_account); }));
    }
    co_return co_await client.session->find_or_create_account(key, std::move(request));
}

// RFC 8555 §7.3.1.
Task<std::optional<acme::Account>> CaClients::find_account(Client& client, const PrivateKey& key) {
    acme::Session::AccountRequest request;
    request.only_existing = true;
    try {
        co_return co_await client.session->find_or_create_account(key, std::move(request));
    } catch (const Failure& failure) {
        if (failure.problem().code != "acme.accountDoesNotExist") throw;
    }
    co_return std::nullopt;
}

// Whichever key the CA knows now is the one in force.
Task<> CaClients::settle_rollover(Client& client, StoredAccount& stored) {
    const CaName& ca = client.config.name;
    PrivateKey next = value_or_fail(PrivateKey::from_pem(*stored.next_key_pem));
    std::optional<acme::Account> found;
    if (stored.account) found = co_await find_account(client, next);
    if (found && found->url == stored.account->url) {
        value_or_fail(co_await offload(workers_, [&] { return store_.adopt_next_key(ca); }));
        stored.key_pem = std::move(*stored.next_key_pem);
        emit(EventType::account_changed, Severity::notice, ca,
             "The change of the account key that was interrupted is finished");
    } else {
        value_or_fail(co_await offload(workers_, [&] { return store_.drop_next_key(ca); }));
    }
    stored.next_key_pem.reset();
}

// What the configuration says is sent once. That it cannot be changed is no reason not to renew.
Task<> CaClients::send_contacts(Client& client) {
    std::vector<std::string> wanted = mailto(client.config.contact);
    if (client.session->account().contact == wanted) co_return;
    const CaName& ca = client.config.name;
    std::optional<Problem> problem;
    try {
        co_await client.session->update_contacts(wanted);
    } catch (const Failure& failure) {
        problem = failure.problem();
    }
    if (problem) {
        emit(EventType::account_changed, Severity::warning, ca, "The contacts of the account could not be changed",
             std::move(problem));
        co_return;
    }
    acme::Account account = client.session->account();
    value_or_fail(co_await offload(workers_, [&] { return store_.save_account(ca, account); }));
    emit(EventType::account_changed, Severity::notice, ca, "The contacts of the account were changed");
}

// The gate of an account that exists and that nobody uses at this moment.
Task<Gate::Pass> CaClients::enter_unused(std::shared_ptr<Client> client) {
    const CaName& ca = client->config.name;
    auto stored = value_or_fail(co_await offload(workers_, [&] { return store_.load_account(ca); }));
    if (!stored || !stored->account) fail("control.noSuchAccount", fmt::format("There is no account at {}", ca.text));
    co_await ensure_account(client);
    Gate::Pass pass = co_await client->account_gate.enter();
    if (stored->next_key_pem) {
        // Left by a change that was cancelled: only one new key can be on its way.
        co_await settle_rollover(*client, *stored);
        client->session->use_account(value_or_fail(PrivateKey::from_pem(stored->key_pem)), *stored->account);
    }
    // One for the map, one for the caller, one for this coroutine; every further one is a session in use.
    if (client.use_count() > 3) fail("control.busy", fmt::format("A renewal at {} is using the account", ca.text));
    co_return pass;
}

Task<std::string> CaClients::import_account(config::Ca ca, std::string text) {
    std::shared_ptr<Client> found = client(ca);
    // RSA keys are tried out, which takes its time.
    PrivateKey key = value_or_fail(co_await offload(workers_, [&] { return parse_account_key(text); }));
    std::ranges::fill(text, '\0');
    Gate::Pass pass = co_await found->account_gate.enter();
    // One for the map, one for this coroutine; every further one is a session in use.
    if (found.use_count() > 2) fail("control.busy", fmt::format("A renewal at {} is using the account", ca.name.text));
    auto stored = value_or_fail(co_await offload(workers_, [&] { return store_.load_account(ca.name); }));
    if (stored && stored->directory_url != ca.directory) {
        value_or_fail(co_await offload(workers_, [&] { return store_.forget_account(ca.name); }));
        stored.reset();
    }
    bool known = stored && value_or_fail(PrivateKey::from_pem(stored->key_pem)).thumbprint() == key.thumbprint();
    if (stored && stored->account && !known) {
        fail("control.accountExists", fmt::format("There is another account at {} already", ca.name.text),
             stored->account->url);
    }
    std::optional<acme::Account> account = co_await find_account(*found, key);
    if (!account) fail("acme.accountDoesNotExist", fmt::format("{} knows no account with this key", ca.name.text));
    value_or_fail(co_await offload(workers_, [&] { return keep_imported(stored, known, ca, key.pem(), *account); }));
    std::string url = account->url;
    found->session->use_account(std::move(key), *std::move(account));
    emit(EventType::account_changed, Severity::notice, ca.name, "An account was imported");
    co_await send_contacts(*found);
    co_return url;
}

// A key that was stored without an account, and that the CA may not have heard of, goes aside in the same step in which
// the new one comes. Once the key is there the account is found again by it.
Result<void> CaClients::keep_imported(const std::optional<StoredAccount>& stored, bool known, const config::Ca& ca,
                                      const std::string& key_pem, const acme::Account& account) {
    Result<void> kept;
    if (!stored) {
        kept = store_.save_account_key(ca.name, ca.directory, key_pem);
    } else if (!known) {
        kept = store_.save_next_key(ca.name, key_pem);
        if (kept) kept = store_.adopt_next_key(ca.name);
    }
    return kept ? store_.save_account(ca.name, account) : kept;
}

Task<> CaClients::roll_over(config::Ca ca) {
    std::shared_ptr<Client> found = client(ca);
    Gate::Pass pass = co_await enter_unused(found);
    std::string pem = co_await offload(workers_, [&] { return PrivateKey::generate(ca.account_key).pem(); });
    value_or_fail(co_await offload(workers_, [&] { return store_.save_next_key(ca.name, pem); }));
    PrivateKey key = value_or_fail(PrivateKey::from_pem(pem));
    std::string thumbprint = key.thumbprint();
    std::exception_ptr error;
    bool undecided = false;
    try {
        co_await found->session->change_key(std::move(key));
    } catch (const Failure& failure) {
        error = std::current_exception();
        undecided = acme::is_lost(failure) || acme::is_transient(failure);
    }
    if (!error) {
        value_or_fail(co_await offload(workers_, [&] { return store_.adopt_next_key(ca.name); }));
    } else if (undecided) {
        // A session of its own finds out which key the CA has.
        clients_.erase(ca.name);
        std::shared_ptr<acme::Session> settled = co_await session(ca);
        if (settled->thumbprint() != thumbprint) std::rethrow_exception(error);
    } else {
        value_or_fail(co_await offload(workers_, [&] { return store_.drop_next_key(ca.name); }));
        std::rethrow_exception(error);
    }
    emit(EventType::account_changed, Severity::notice, ca.name, "The account has a new key");
}

Task<> CaClients::deactivate(config::Ca ca) {
    std::shared_ptr<Client> found = client(ca);
    Gate::Pass pass = co_await enter_unused(found);
    co_await found->session->deactivate_account();
    value_or_fail(co_await offload(workers_, [&] { return store_.forget_account(ca.name); }));
    emit(EventType::account_changed, Severity::warning, ca.name,
         "The account was deactivated; its files are kept aside");
}

Task<std::vector<CaClients::AccountFacts>> CaClients::accounts(std::vector<CaName> cas) {
    std::vector<AccountFacts> result;
    for (const CaName& ca : cas) {
        auto stored = value_or_fail(co_await offload(workers_, [&] { return store_.load_account(ca); }));
        if (!stored || !stored->account) continue;
        PrivateKey key = value_or_fail(PrivateKey::from_pem(stored->key_pem));
        AccountFacts facts{ca, stored->directory_url, *stored->account, key.type(), key.thumbprint(), {}, {}};
        auto suspension = co_await offload(workers_, [&] { return store_.load_suspension(ca); });
        if (suspension && *suspension && clock_.now() < (*suspension)->until)
            facts.suspended = std::move((*suspension)->problem);
        auto used = clients_.find(ca);
        if (used != clients_.end() && used->second->session->known_directory() != nullptr)
            facts.issuers = used->second->session->known_directory()->caa_identities;
        result.push_back(std::move(facts));
    }
    co_return result;
}

Task<> CaClients::suspend(config::Ca ca, Problem problem) {
    auto found = clients_.find(ca.name);
    if (found == clients_.end() || found->second->suspension) co_return;
    Suspension suspension{problem, saturating_add(clock_.now(), days(1)), account_digest(ca)};
    found->second->suspension = suspension;
    emit(EventType::account_suspended, Severity::critical, ca.name,
         "No more orders are placed: the CA wants its user to act", std::move(problem));
    // Unwritten, the CA tells it again after a restart.
    (void)co_await offload(workers_, [&] { return store_.save_suspension(ca.name, suspension); });
}

Task<> CaClients::lift_suspension(config::Ca ca) {
    auto stored = co_await offload(workers_, [&] { return store_.load_suspension(ca.name); });
    if (stored && !*stored) co_return;
    if (auto found = clients_.find(ca.name); found != clients_.end()) found->second->suspension.reset();
    (void)co_await offload(workers_, [&] { return store_.save_suspension(ca.name, std::nullopt); });
}

void CaClients::emit(EventType type, Severity severity, const CaName& ca, std::string message,
                     std::optional<Problem> problem) {
    Event event;
    event.type = type;
    event.severity = severity;
    event.message = fmt::format("{}: {}", ca.text, message);
    event.problem = std::move(problem);
    event.data = Json::object({{"ca", ca.text}});
    events_(std::move(event));
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
