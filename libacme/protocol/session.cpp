// The session: every exchange with the CA passes through here, for its nonce, its headers and its errors.
#include "libacme/protocol/session.hpp"

#include "libacme/async/gate.hpp"
#include "libacme/base/bytes.hpp"
#include "libacme/base/text.hpp"
#include "libacme/protocol/nonce_pool.hpp"

#include <array>

namespace certd::acme {

namespace {

constexpr std::array<std::string_view, 13> kind_names = {
    "directory", "newNonce", "newAccount",  "account", "newOrder",  "order",      "authorization",
    "challenge", "finalize", "certificate", "revoke",  "keyChange", "renewalInfo"};

bool is_success(int status) {
    return status >= 200 && status < 300;
}
bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// RFC 8555 §6.1: User-Agent on every request, Accept-Language so that errors can be localised.
void add_common_headers(HttpRequest& request, const SessionOptions& options) {
    if (!options.user_agent.empty()) request.headers.add("User-Agent", options.user_agent);
    request.headers.add("Accept-Language", "en");
}

// "unauthorized" to a request of the account itself means the account, not a challenge (RFC 8555 §7.3.6).
bool concerns_account(RequestKind kind) {
    return kind == RequestKind::new_order || kind == RequestKind::new_account || kind == RequestKind::account;
}

Problem typed_for(RequestKind kind, Problem problem) {
    if (kind == RequestKind::new_order) problem = typed_if_paused(std::move(problem));
    if (problem.code != "acme.unauthorized" || !concerns_account(kind)) return problem;
    Problem refused = certd::problem("acme.accountRefused", std::move(problem.what), std::move(problem.remote));
    refused.not_before = problem.not_before;
    return refused;
}

// RFC 8555 §7.3: a mailto contact is one address without header fields.
void check_contacts(const std::vector<std::string>& contacts) {
    for (const std::string& contact : contacts) {
        if (!contact.starts_with("mailto:")) continue;
        if (contact.find_first_of("?,") != std::string::npos || contact.find('@') == std::string::npos) {
            fail("acme.invalidContact",
                 "Not a contact for an account (one address, no '?' or ','): " + escape_untrusted(contact, 260));
        }
    }
}

}  // namespace

std::string_view to_string(RequestKind kind) {
    return kind_names.at(static_cast<std::size_t>(kind));
}

struct Session::State {
    SessionOptions options;
    Transport& transport;
    Clock& clock;
    NoncePool nonces;
    AttemptWatch attempts;
    std::optional<Directory> known_directory;
    Duration directory_fetched{};
    bool directory_doubted = false;  // a resource was not found: the directory may have changed
    Gate directory_gate{1};
    std::optional<PrivateKey> key;
    std::string thumbprint;
    Account account;
    std::optional<Duration> clock_ahead;  // by the Date of the latest newNonce

    State(SessionOptions session_options, Transport& session_transport, Clock& session_clock)
        : options(std::move(session_options)), transport(session_transport), clock(session_clock) {}

    bool has_fresh_directory() const {
        return known_directory && !directory_doubted &&
               clock.monotonic() - directory_fetched < options.directory_lifetime;
    }

    void report(RequestKind kind, int status, Duration started) const {
        if (options.on_request) options.on_request(kind, status, clock.monotonic() - started);
    }

    std::string at_ca() const { return " at " + options.ca; }

    Task<HttpResponse> exchange(RequestKind kind, HttpRequest request);
    Task<> ensure_directory();
    Task<HttpResponse> get_directory();
    Task<std::string> fresh_nonce();
    Task<HttpResponse> signed_post(RequestKind kind, Url url, Signer signer, std::optional<Json> payload,
                                   std::string what);
    Task<HttpResponse> signed_post_twice(RequestKind kind, Url url, Signer signer, std::optional<Json> payload,
                                         std::string what);
    Task<> revoke(Bytes certificate_der, RevocationReason reason, const PrivateKey* certificate_key, Session& session);
    HttpRequest post_request(RequestKind kind, const Url& url, std::string body) const;
    Account read_account(const HttpResponse& response, const Session& session) const;
};

// One exchange, measured and reported whether it succeeds or not.
Task<HttpResponse> Session::State::exchange(RequestKind kind, HttpRequest request) {
    add_common_headers(request, options);
    Duration started = clock.monotonic();
    HttpResponse response;
    try {
        response = co_await transport.send(std::move(request));
    } catch (...) {
        report(kind, 0, started);
        throw;
    }
    report(kind, response.status, started);
    co_return response;
}

Task<> Session::State::ensure_directory() {
    if (has_fresh_directory()) co_return;
    Gate::Pass pass = co_await directory_gate.enter();
    if (has_fresh_directory()) co_return;
    HttpResponse response = co_await get_directory();
    known_directory = value_or_fail(parse_directory(response.body, options.directory));
    directory_fetched = clock.monotonic();
    directory_doubted = false;
}

// RFC 8555 §7.1.1: the one URL that is configured. A redirect is followed on the same server only, three times at most.
Task<HttpResponse> Session::State::get_directory() {
    std::string what = "Cannot fetch the directory of " + options.ca;
    HttpRequest request;
    request.url = options.directory;
    for (int redirects = 0;; ++redirects) {
        if (std::string_view refusal = url_refusal(request.url, options.directory, nullptr); !refusal.empty()) {
            fail("acme.badUrl", what + ": " + std::string(refusal), request.url.text);
        }
        HttpResponse response = co_await exchange(RequestKind::directory, request);
        if (is_success(response.status)) co_return response;
        auto location = response.headers.find("Location");
        if (!is_redirect(response.status) || !location || redirects == 3) {
            throw ErrorResponse(response.status, problem_of_response(response, what, clock.now()));
        }
        Result<Url> target = resolve_url(request.url, *location);
        if (!target) fail("acme.badUrl", what + ": it was redirected to what is not a URL", std::string(*location));
        request.url = *std::move(target);
    }
}

// RFC 8555 §7.2: HEAD newNonce when there is no nonce at hand.
Task<std::string> Session::State::fresh_nonce() {
    HttpRequest request;
    request.method = "HEAD";
    request.url = known_directory->new_nonce;
    HttpResponse response = co_await exchange(RequestKind::new_nonce, std::move(request));
    auto date = parse_http_date(response.headers.find("Date").value_or(""));
    clock_ahead = date ? std::optional(clock.now() - *date) : std::nullopt;
    std::string what = "Cannot get a nonce from " + options.ca;
    if (!is_success(response.status))
        throw ErrorResponse(response.status, problem_of_response(response, what, clock.now()));
    auto nonce = response.headers.find("Replay-Nonce");
    if (!nonce || !is_usable_nonce(*nonce))
        fail("acme.badResponse", what + ": the answer carries no usable one", std::string(nonce.value_or("")));
    co_return std::string(*nonce);
}

HttpRequest Session::State::post_request(RequestKind kind, const Url& url, std::string body) const {
    HttpRequest request;
    request.method = "POST";
    request.url = url;
    // RFC 8555 §6.2: exactly this media type, without parameters.
    request.headers.add("Content-Type", "application/jose+json");
    if (kind == RequestKind::certificate) request.headers.add("Accept", "application/pem-certificate-chain");
    request.body = std::move(body);
    return request;
}

Task<HttpResponse> Session::State::signed_post(RequestKind kind, Url url, Signer signer, std::optional<Json> payload,
                                               std::string what) {
    std::optional<std::string> nonce = nonces.take(clock.monotonic());
    for (int attempt = 1;; ++attempt) {
        if (!nonce) nonce = co_await fresh_nonce();
        HttpResponse response =
            co_await exchange(kind, post_request(kind, url, sign_request(signer, *nonce, url, payload)));
        std::string offered(response.headers.find("Replay-Nonce").value_or(""));
        nonce.reset();
        Problem problem;
        if (!is_success(response.status)) problem = problem_of_response(response, what, clock.now());
        if (problem.code != "acme.badNonce" || attempt >= options.bad_nonce_tries) {
            // RFC 8555 §6.5: every answer may carry a nonce, errors included.
            nonces.put(offered, clock.monotonic());
            if (is_success(response.status)) co_return response;
            if (response.status == 404) directory_doubted = true;
            throw ErrorResponse(response.status, typed_for(kind, std::move(problem)));
        }
        // RFC 8555 §6.5: the retry uses the nonce of the badNonce answer itself. The others of the pool are as old as
        // the refused one.
        nonces.clear();
        if (is_usable_nonce(offered)) nonce = std::move(offered);
    }
}

// For requests that may be repeated: once more, with a new nonce (§6.5), when the connection broke.
Task<HttpResponse> Session::State::signed_post_twice(RequestKind kind, Url url, Signer signer,
                                                     std::optional<Json> payload, std::string what) {
    try {
        co_return co_await signed_post(kind, url, signer, payload, what);
    } catch (const Failure& failure) {
        if (failure.problem().code != "net.closed") throw;
    }
    co_return co_await signed_post(kind, std::move(url), signer, std::move(payload), std::move(what));
}

Session::Session(SessionOptions options, Transport& transport, Clock& clock)
    : state_(std::make_unique<State>(std::move(options), transport, clock)) {}
Session::~Session() = default;

const SessionOptions& Session::options() const {
    return state_->options;
}
Clock& Session::clock() {
    return state_->clock;
}
bool Session::has_account() const {
    return state_->key.has_value();
}
const Account& Session::account() const {
    return state_->account;
}
const PrivateKey& Session::account_key() const {
    return state_->key.value();
}
const std::string& Session::thumbprint() const {
    return state_->thumbprint;
}
AttemptWatch& Session::attempts() {
    return state_->attempts;
}
Duration Session::round_trip() const {
    return state_->options.round_trip ? state_->options.round_trip() : Duration(0);
}

Task<Directory> Session::directory() {
    co_await state_->ensure_directory();
    co_return *state_->known_directory;
}

Task<std::optional<Duration>> Session::clock_ahead() {
    co_await state_->ensure_directory();
    state_->nonces.put(co_await state_->fresh_nonce(), state_->clock.monotonic());
    co_return state_->clock_ahead;
}

const Directory* Session::known_directory() const {
    return state_->known_directory ? &*state_->known_directory : nullptr;
}

void Session::use_account(PrivateKey key, Account account) {
    state_->thumbprint = key.thumbprint();
    state_->key = std::move(key);
    state_->account = std::move(account);
}

// RFC 8555 §7.3: 201 for a new account, 200 for one that exists; its URL is the Location, kept byte for byte.
Account Session::State::read_account(const HttpResponse& response, const Session& session) const {
    auto location = response.headers.find("Location");
    if (!location) fail("acme.badResponse", options.ca + " answered newAccount without the account's URL");
    Account found;
    found.url = value_or_fail(session.server_url(*location, "account URL")).text;
    if (auto document = parse_json(response.body)) {
        std::string status = document->string_or("status", "valid");
        if (status != "valid")
            fail("acme.accountRefused", "The account" + at_ca() + " is not valid", std::move(status));
        found.contact = document->strings("contact");
    }
    return found;
}

Task<Account> Session::find_or_create_account(const PrivateKey& key, AccountRequest request) {
    Directory directory = co_await this->directory();
    Json payload = Json::object();
    if (request.only_existing) {
        payload.set("onlyReturnExisting", true);
    } else {
        check_contacts(request.contact);
        // RFC 8555 §7.3.3: the client does not agree to terms without its user.
        if (!request.agree_terms && !directory.terms_of_service.empty()) {
            fail("acme.termsNotAgreed", "No account" + state_->at_ca() + ": its terms of service are not agreed to",
                 directory.terms_of_service);
        }
        if (directory.external_account_required && !request.external) {
            fail("acme.externalAccountRequired",
                 "No account" + state_->at_ca() + ": it wants an external account binding");
        }
        if (request.external) {
            payload.set("externalAccountBinding", bind_external(*request.external, key, directory.new_account));
        }
        if (request.agree_terms) payload.set("termsOfServiceAgreed", true);
        Json::Array contacts(request.contact.begin(), request.contact.end());
        if (!contacts.empty()) payload.set("contact", std::move(contacts));
    }
    std::string what =
        (request.only_existing ? "Cannot find the account" : "Cannot create an account") + state_->at_ca();
    // Asking twice is harmless, the key is the account's identity and the second answer is 200; but a binding may be
    // spent by the first time.
    HttpResponse response;
    if (request.external) {
        try {
            response = co_await state_->signed_post(RequestKind::new_account, directory.new_account, Signer{key, {}},
                                                    std::move(payload), what);
        } catch (const ErrorResponse& refusal) {
            if (refusal.problem().code != "acme.accountRefused") throw;
            fail("acme.bindingRefused", std::move(what), refusal.problem().remote);
        }
    } else {
        response = co_await state_->signed_post_twice(RequestKind::new_account, directory.new_account, Signer{key, {}},
                                                      std::move(payload), std::move(what));
    }
    Account account = state_->read_account(response, *this);
    if (request.agree_terms) account.terms_of_service = directory.terms_of_service;
    // As sent, not as kept: a CA may write them in another way or keep none.
    if (!request.only_existing) account.contact = std::move(request.contact);
    co_return account;
}

Task<> Session::update_contacts(std::vector<std::string> contacts) {
    check_contacts(contacts);
    Json::Array list(contacts.begin(), contacts.end());
    co_await post(RequestKind::account, value_or_fail(server_url(account().url, "account URL")),
                  Json::object({{"contact", Json(std::move(list))}}),
                  "Cannot change the contacts of the account" + state_->at_ca());
    state_->account.contact = std::move(contacts);
}

Task<> Session::deactivate_account() {
    co_await post(RequestKind::account, value_or_fail(server_url(account().url, "account URL")),
                  Json::object({{"status", "deactivated"}}), "Cannot deactivate the account" + state_->at_ca());
    state_->key.reset();
    state_->account = {};
    state_->thumbprint.clear();
}

Task<> Session::change_key(PrivateKey new_key) {
    Directory directory = co_await this->directory();
    std::string what = "Cannot change the account key" + state_->at_ca();
    if (!directory.key_change) fail("acme.unknown", what + ": its directory offers no keyChange");
    // RFC 8555 §7.3.5: the new key proves itself inside of what the old one signs.
    Result<Json> old_key = parse_json(account_key().jwk());
    Json inner = Json::object({{"account", account().url}, {"oldKey", value_or_fail(std::move(old_key))}});
    Result<Json> payload = parse_json(sign_inner(new_key, *directory.key_change, inner));
    co_await post(RequestKind::key_change, *directory.key_change, value_or_fail(std::move(payload)), std::move(what));
    use_account(std::move(new_key), state_->account);
}

Task<> Session::revoke(Bytes certificate_der, RevocationReason reason) {
    co_await state_->revoke(std::move(certificate_der), reason, nullptr, *this);
}

// RFC 8555 §7.6: jwk in place of kid.
Task<> Session::revoke_by_key(Bytes certificate_der, RevocationReason reason, const PrivateKey& key) {
    co_await state_->revoke(std::move(certificate_der), reason, &key, *this);
}

Task<> Session::State::revoke(Bytes certificate_der, RevocationReason reason, const PrivateKey* certificate_key,
                              Session& session) {
    co_await ensure_directory();
    std::string what = "Cannot revoke the certificate" + at_ca();
    std::optional<Url> url = known_directory->revoke_cert;
    if (!url) fail("acme.unknown", what + ": its directory offers no revokeCert");
    Json payload = Json::object({{"certificate", base64url(ByteView(certificate_der))}});
    // Without a reason the CRL says nothing, which RFC 5280 §5.3.1 prefers to "unspecified".
    if (reason != RevocationReason::unspecified) payload.set("reason", static_cast<int>(reason));
    try {
        if (certificate_key == nullptr) {
            co_await session.post(RequestKind::revoke, *std::move(url), std::move(payload), std::move(what));
        } else {
            Signer signer{*certificate_key, {}};
            co_await signed_post_twice(RequestKind::revoke, *std::move(url), signer, std::move(payload),
                                       std::move(what));
        }
    } catch (const Failure& failure) {
        if (failure.problem().code != "acme.alreadyRevoked") throw;
    }
}

Task<HttpResponse> Session::post(RequestKind kind, Url url, std::optional<Json> payload, std::string what) {
    if (!has_account()) fail("acme.accountDoesNotExist", what + ": there is no account" + state_->at_ca());
    co_await state_->ensure_directory();
    if (std::string_view refusal = url_refusal(url, state_->options.directory, &*state_->known_directory);
        !refusal.empty()) {
        fail("acme.badUrl", what + ": " + std::string(refusal), url.text);
    }
    // A copy: the account may be replaced while the request is on its way.
    std::string kid = state_->account.url;
    Signer signer{*state_->key, kid};
    bool repeatable = !payload.has_value();
    if (!repeatable) {
        co_return co_await state_->signed_post(kind, std::move(url), signer, std::move(payload), std::move(what));
    }
    co_return co_await state_->signed_post_twice(kind, std::move(url), signer, std::move(payload), std::move(what));
}

Task<HttpResponse> Session::get(RequestKind kind, Url url, std::string what) {
    co_await state_->ensure_directory();
    if (std::string_view refusal = url_refusal(url, state_->options.directory, &*state_->known_directory);
        !refusal.empty()) {
        fail("acme.badUrl", what + ": " + std::string(refusal), url.text);
    }
    HttpRequest request;
    request.url = std::move(url);
    HttpResponse response = co_await state_->exchange(kind, std::move(request));
    if (is_success(response.status)) co_return response;
    throw ErrorResponse(response.status, problem_of_response(response, std::move(what), state_->clock.now()));
}

Result<Url> Session::server_url(std::string_view text, std::string_view what) const {
    return server_url(text, state_->options.directory, what);
}

Result<Url> Session::server_url(std::string_view reference, const Url& base, std::string_view what) const {
    std::string refused = "Refused the " + std::string(what) + " given by " + state_->options.ca + ": ";
    Result<Url> url = resolve_url(base, reference);
    if (!url) return failure("acme.badUrl", refused + "it is not a URL", std::string(reference));
    const Directory* directory = state_->known_directory ? &*state_->known_directory : nullptr;
    std::string_view refusal = url_refusal(*url, state_->options.directory, directory);
    if (!refusal.empty()) return failure("acme.badUrl", refused + std::string(refusal), std::string(reference));
    return url;
}

}  // namespace certd::acme
