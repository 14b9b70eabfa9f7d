// The fake CA's front: faults, nonces and the rules for signed requests.
#include "tests/support/fake_ca.hpp"

#include "libacme/base/text.hpp"
#include "tests/support/fake_ca_state.hpp"

#include <algorithm>
#include <charconv>

namespace certd::test {

namespace {

constexpr std::size_t most_nonces = 10000;

RequestKind kind_of(const Route& route) {
    static const std::map<std::string, RequestKind> kinds = {{"dir", RequestKind::directory},
                                                             {"nonce", RequestKind::new_nonce},
                                                             {"new-account", RequestKind::new_account},
                                                             {"account", RequestKind::account},
                                                             {"orders", RequestKind::account},
                                                             {"new-order", RequestKind::new_order},
                                                             {"order", RequestKind::order},
                                                             {"authz", RequestKind::authorization},
                                                             {"chall", RequestKind::challenge},
                                                             {"finalize", RequestKind::finalize},
                                                             {"cert", RequestKind::certificate},
                                                             {"revoke", RequestKind::revoke},
                                                             {"key-change", RequestKind::key_change},
                                                             {"renewal-info", RequestKind::renewal_info}};
    auto found = kinds.find(route.name);
    return found == kinds.end() ? RequestKind::directory : found->second;
}

}  // namespace

Route route_of(std::string_view target) {
    Route route;
    auto parts = split(target.substr(0, target.find('?')), '/');
    if (parts.size() > 1) route.name = parts[1];
    for (std::size_t i = 2; i < parts.size(); ++i) {
        std::size_t number = std::numeric_limits<std::size_t>::max();
        std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), number);
        route.numbers.push_back(number);
    }
    return route;
}

HttpResponse json_answer(int status, const Json& json) {
    HttpResponse response;
    response.status = status;
    response.headers.add("Content-Type", status < 400 ? "application/json" : "application/problem+json");
    response.body = to_text(json);
    return response;
}

Json identifier_json(const Identifier& name) {
    return Json::object({{"type", to_string(name.type)}, {"value", name.value}});
}

bool only_members(const Json& json, std::initializer_list<std::string_view> allowed) {
    const Json::Object* members = json.if_object();
    if (members == nullptr) return false;
    return std::ranges::all_of(*members, [&](const Json::Member& member) {
        return std::ranges::find(allowed, member.first) != allowed.end();
    });
}

void must_be_empty(const Request& request) {
    if (!request.payload.empty()) refuse(400, "malformed", "POST-as-GET has an empty payload");
}

HttpResponse problem_answer(int status, const std::string& type, const std::string& detail) {
    std::string full = type.find(':') == std::string::npos ? "urn:ietf:params:acme:error:" + type : type;
    return json_answer(status, Json::object({{"type", full}, {"detail", detail}, {"status", status}}));
}

void refuse(int status, const std::string& type, const std::string& detail) {
    throw Refusal{problem_answer(status, type, detail)};
}

FakeCa::State::State(FakeCa& owner_ca, Clock& ca_clock, FakeCaOptions ca_options)
    : owner(owner_ca), clock(ca_clock), options(std::move(ca_options)), random(options.seed) {}

std::string FakeCa::State::base() const {
    return "https://" + options.host + (options.port == 443 ? "" : ":" + std::to_string(options.port));
}

std::string FakeCa::State::url(const std::string& name, std::size_t number) const {
    return base() + "/" + name + "/" + std::to_string(number + 1000000 * epoch);
}

std::string FakeCa::State::new_nonce() {
    std::string text = std::to_string(next_nonce++) + ":" + std::to_string(random());
    std::string nonce = base64url(text);
    remember(nonce);
    return nonce;
}

void FakeCa::State::remember(std::string nonce) {
    nonce_order.push_back(nonce);
    nonces.insert(std::move(nonce));
    if (nonce_order.size() > most_nonces) {
        nonces.erase(nonce_order.front());
        nonce_order.pop_front();
    }
}

std::string FakeCa::State::new_token() {
    if (knobs().token) return *knobs().token;
    return base64url(std::to_string(random()) + std::to_string(random()));
}

void FakeCa::State::violation(const std::string& what) {
    violations.push_back(what);
    refuse(400, "malformed", what);
}

void FakeCa::State::check_nonce(const Jws& jws) {
    bool known = nonces.erase(jws.header.string_or("nonce")) > 0;
    bool rejected = knobs().reject_next_nonces > 0 || chance(knobs().nonce_rejections_percent);
    if (knobs().reject_next_nonces > 0) --knobs().reject_next_nonces;
    if (known && !rejected) return;
    Refusal refusal{problem_answer(400, "badNonce", "The nonce is not known")};
    if (auto nonce = knobs().nonce_of_rejections) refusal.response.headers.add("Replay-Nonce", *nonce);
    throw refusal;
}

// RFC 8555 §6.2–§6.5, as strict as a server may be.
Request FakeCa::State::verify(RequestKind kind, const HttpRequest& http, const Route& route) {
    if (http.method != "POST") refuse(405, "malformed", "use POST-as-GET");
    if (http.headers.find("Content-Type") != "application/jose+json")
        violation("the Content-Type is not application/jose+json");
    if (http.headers.find("Replay-Nonce")) violation("a request carries Replay-Nonce");
    auto jws = parse_jws(http.body);
    if (!jws) violation(jws.error());
    const Json& header = jws->header;
    if (header.string_or("url") != http.url.text) violation("the url of the JWS is not the request's");
    if (!is_base64url(header.string_or("nonce"))) violation("the nonce is not base64url");
    bool has_jwk = header["jwk"].is_object();
    bool has_kid = header["kid"].if_string() != nullptr;
    if (has_jwk == has_kid) violation("not exactly one of jwk and kid");
    // RFC 8555 §6.2: revokeCert takes either.
    if (kind != RequestKind::revoke && has_jwk != (kind == RequestKind::new_account))
        violation("jwk and kid are for other requests");
    check_nonce(*jws);

    Request request;
    request.route = route;
    request.url = http.url.text;
    const JwkPublicKey* key = nullptr;
    if (has_jwk) {
        request.new_key = JwkPublicKey::parse(header["jwk"]);
        if (!request.new_key) refuse(400, "badPublicKey", "not a key this server takes");
        key = &*request.new_key;
    } else {
        std::string kid = header.string_or("kid");
        auto found = std::ranges::find_if(accounts, [&](const AccountEntry& entry) { return entry.url == kid; });
        if (found == accounts.end()) refuse(400, "accountDoesNotExist", "no such account");
        if (found->status != "valid") refuse(401, "unauthorized", "the account is " + found->status);
        request.account = &*found;
        key = &found->key;
    }
    if (options.verify_signatures && !key->verify(*jws)) violation("the signature is wrong");
    request.payload = std::move(jws->payload);
    if (!request.payload.empty()) {
        Result<Json> json = parse_json(request.payload);
        if (!json || !json->is_object()) violation("the payload is not a JSON object");
        request.json = *std::move(json);
    }
    return request;
}

HttpResponse FakeCa::State::process(RequestKind kind, const HttpRequest& http) {
    HttpResponse response;
    try {
        if (!http.headers.find("User-Agent")) violation("no User-Agent");
        Route route = route_of(http.url.target);
        if (epoch > 0 && !route.numbers.empty()) {
            route.numbers[0] = route.numbers[0] >= 1000000 * epoch ? route.numbers[0] - 1000000 * epoch
                                                                   : std::numeric_limits<std::size_t>::max();
        }
        if (kind == RequestKind::directory) {
            if (route.name != "dir") refuse(404, "malformed", "no such resource");
            return directory();
        }
        if (kind == RequestKind::renewal_info) {
            response = renewal_info(http);
        } else if (kind == RequestKind::new_nonce) {
            response.status = http.method == "HEAD" ? 200 : 204;
        } else {
            Request request = verify(kind, http, route);
            response = dispatch(kind, request);
        }
    } catch (const Refusal& refusal) {
        response = refusal.response;
    }
    response.headers.add("Link", "<" + base() + "/dir>;rel=\"index\"");
    response.headers.add("Date", format_http_date(clock.now() + knobs().clock_error));
    if (!response.headers.find("Replay-Nonce")) response.headers.add("Replay-Nonce", new_nonce());
    return response;
}

FakeCa::FakeCa(Clock& clock, FakeCaOptions options)
    : state_(std::make_unique<State>(*this, clock, std::move(options))) {}
FakeCa::~FakeCa() = default;

Url FakeCa::directory_url() const {
    return value_or_fail(parse_url(state_->base() + "/dir"));
}

FakeCa::Answer FakeCa::answer(const HttpRequest& request) {
    RequestKind kind = kind_of(route_of(request.url.target));
    std::optional<Fault> fault;
    if (knobs.unavailable) fault = Fault{Fault::Kind::refuse, {}};
    if (!fault && knobs.intercept) fault = knobs.intercept(state_->log.size() + 1, kind);
    if (auto& waiting = state_->one_off[kind]; !fault && !waiting.empty()) {
        fault = waiting.front();
        waiting.pop_front();
    }
    Answer result;
    if (fault) result.kind = fault->kind;
    if (fault && fault->kind == Fault::Kind::respond) result.response = fault->response;
    if (!fault || fault->kind == Fault::Kind::lose) result.response = state_->process(kind, request);
    if (knobs.tamper && result.kind != Fault::Kind::refuse) knobs.tamper(kind, result.response);
    int seen = result.kind == Fault::Kind::respond ? result.response.status : 0;
    state_->log.push_back({kind, seen, state_->clock.now(), request.url.text});
    return result;
}

Task<HttpResponse> FakeCa::send(HttpRequest request) {
    if (state_->options.latency > Duration(0)) co_await state_->clock.sleep(state_->options.latency);
    Answer answered = answer(request);
    if (answered.kind == Fault::Kind::refuse) fail("net.connect", "Cannot connect to " + request.url.host);
    if (answered.kind == Fault::Kind::hang) co_await state_->clock.sleep(days(365));
    if (answered.kind == Fault::Kind::lose || answered.kind == Fault::Kind::hang)
        fail("net.closed", request.url.host + " closed the connection");
    // RFC 9110 §9.3.2: an answer to HEAD has no body.
    if (request.method == "HEAD") answered.response.body.clear();
    co_return std::move(answered.response);
}

void FakeCa::fail_next(RequestKind kind, HttpResponse response, int times) {
    for (int i = 0; i < times; ++i)
        state_->one_off[kind].push_back({Fault::Kind::respond, response});
}

void FakeCa::lose_response(RequestKind kind, int times) {
    for (int i = 0; i < times; ++i)
        state_->one_off[kind].push_back({Fault::Kind::lose, {}});
}

void FakeCa::forget_everything() {
    ++state_->epoch;
    state_->accounts.clear();
    state_->account_of_thumbprint.clear();
    state_->authorizations.clear();
    state_->valid_authorization.clear();
    state_->orders.clear();
    state_->certificates.clear();
    state_->certificate_of_id.clear();
    state_->nonces.clear();
    state_->nonce_order.clear();
}

void FakeCa::deactivate_accounts() {
    for (AccountEntry& account : state_->accounts)
        account.status = "deactivated";
}

void FakeCa::break_authorizations() {
    for (AuthorizationEntry& entry : state_->authorizations) {
        if (entry.status == "valid") entry.status = "deactivated";
    }
    state_->valid_authorization.clear();
}

const std::vector<FakeCa::Exchange>& FakeCa::log() const {
    return state_->log;
}
void FakeCa::clear_log() {
    state_->log.clear();
}
const std::vector<std::string>& FakeCa::violations() const {
    return state_->violations;
}
std::size_t FakeCa::accounts() const {
    return state_->accounts.size();
}
std::size_t FakeCa::orders() const {
    return state_->orders.size();
}
std::size_t FakeCa::certificates() const {
    return state_->certificates.size();
}

std::vector<std::string> FakeCa::replaces() const {
    std::vector<std::string> ids;
    for (const OrderEntry& order : state_->orders)
        ids.push_back(order.replaces);
    return ids;
}

std::vector<int> FakeCa::revocations() const {
    std::vector<int> reasons;
    for (const CertificateEntry& entry : state_->certificates) {
        if (entry.revoked) reasons.push_back(*entry.revoked);
    }
    return reasons;
}

std::vector<std::string> FakeCa::contacts(std::size_t account) const {
    return Json::object({{"contact", state_->accounts.at(account).contact}}).strings("contact");
}

std::vector<std::string> FakeCa::profiles_ordered() const {
    std::vector<std::string> profiles;
    for (const OrderEntry& order : state_->orders)
        profiles.push_back(order.profile);
    return profiles;
}

std::size_t FakeCa::count(RequestKind kind) const {
    return static_cast<std::size_t>(std::ranges::count(state_->log, kind, &Exchange::kind));
}

std::size_t FakeCa::pending_authorizations() const {
    return static_cast<std::size_t>(std::ranges::count(state_->authorizations, "pending", &AuthorizationEntry::status));
}

}  // namespace certd::test
