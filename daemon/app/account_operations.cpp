// DaemonOperations: accounts and revocation, what only an admin may do.
#include "daemon/app/operations.hpp"

#include "daemon/renew/compromised_key.hpp"
#include "libacme/async/as_result.hpp"
#include "libacme/base/text.hpp"
#include "libacme/protocol/order_list.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd {

namespace {

using acme::RevocationReason;

struct ReasonRow {
    std::string_view name;
    RevocationReason reason;
};
constexpr std::array<ReasonRow, 5> reasons = {ReasonRow{"unspecified", RevocationReason::unspecified},
                                              {"key-compromise", RevocationReason::key_compromise},
                                              {"affiliation-changed", RevocationReason::affiliation_changed},
                                              {"superseded", RevocationReason::superseded},
                                              {"cessation-of-operation", RevocationReason::cessation_of_operation}};

RevocationReason reason_of(const std::string& text) {
    if (text.empty()) return RevocationReason::unspecified;
    std::vector<std::string> known;
    for (const ReasonRow& row : reasons) {
        if (row.name == text) return row.reason;
        known.emplace_back(row.name);
    }
    fail("control.badRequest",
         fmt::format("There is no reason \"{}\"; it is one of {}", escape_untrusted(text, 64), join(known, ", ")));
}

// In the order of leaves_of.
std::vector<PrivateKey> keys_of(const VersionFiles& files) {
    std::vector<PrivateKey> keys;
    keys.push_back(value_or_fail(PrivateKey::from_pem(files.privkey)));
    for (const auto& [type, further] : files.further)
        keys.push_back(value_or_fail(PrivateKey::from_pem(further.privkey)));
    return keys;
}

api::Account account_view(CaClients::AccountFacts facts) {
    api::Account view;
    view.ca = facts.ca.text;
    view.directory = std::move(facts.directory_url);
    view.url = std::move(facts.account.url);
    view.contact = std::move(facts.account.contact);
    view.key_type = to_string(facts.key_type);
    view.thumbprint = std::move(facts.thumbprint);
    view.terms_of_service = std::move(facts.account.terms_of_service);
    view.problem = std::move(facts.suspended);
    return view;
}

Task<std::vector<api::Account>> accounts_of(CaClients& clients, std::vector<CaName> cas) {
    std::vector<api::Account> views;
    for (CaClients::AccountFacts& facts : co_await clients.accounts(std::move(cas)))
        views.push_back(account_view(std::move(facts)));
    co_return views;
}

// Of an account that exists; asking makes none.
Task<api::OrderList> orders_of(CaClients& clients, config::Ca ca) {
    if ((co_await clients.accounts({ca.name})).empty())
        fail("control.noSuchAccount", fmt::format("There is no account at {}", ca.name.text));
    std::shared_ptr<acme::Session> session = co_await clients.session(ca);
    acme::OrderList list = co_await acme::list_orders(*session);
    co_return api::OrderList{list.offered, list.complete, std::move(list.urls)};
}

std::string listed(const std::vector<VersionNumber>& versions) {
    std::vector<std::string> texts;
    for (VersionNumber number : versions)
        texts.push_back(std::to_string(number.value));
    return join(texts, ", ");
}

bool signed_by_certificate(const std::string& with) {
    if (with.empty() || with == "account") return false;
    if (with == "certificate-key") return true;
    fail("control.badRequest",
         fmt::format("A revocation is signed with account or certificate-key, not \"{}\"", escape_untrusted(with, 64)));
}

}  // namespace

config::Ca DaemonOperations::configured_ca(const std::string& name) const {
    const auto& cas = engine_.scheduler.config().cas;
    auto found = cas.find(CaName{name});
    if (found == cas.end())
        fail("control.noSuchAccount", fmt::format("There is no CA '{}' in the configuration", name));
    return found->second;
}

Task<Result<std::vector<api::Account>>> DaemonOperations::accounts() {
    std::vector<CaName> cas;
    for (const auto& [name, ca] : engine_.scheduler.config().cas)
        cas.push_back(name);
    co_return co_await as_result(accounts_of(engine_.clients, std::move(cas)));
}

Task<Result<void>> DaemonOperations::roll_over_account(std::string ca) {
    co_return co_await as_result(engine_.clients.roll_over(configured_ca(ca)));
}

Task<Result<void>> DaemonOperations::deactivate_account(std::string ca) {
    co_return co_await as_result(engine_.clients.deactivate(configured_ca(ca)));
}

Task<Result<std::string>> DaemonOperations::import_account(std::string ca, std::string key) {
    co_return co_await as_result(engine_.clients.import_account(configured_ca(ca), std::move(key)));
}

Task<Result<api::OrderList>> DaemonOperations::account_orders(std::string ca) {
    co_return co_await as_result(orders_of(engine_.clients, configured_ca(ca)));
}

Task<Result<api::JobResult>> DaemonOperations::revoke(LineageName name, api::RevokeRequest request, std::string by) {
    co_return co_await as_result(revoke_or_fail(std::move(name), std::move(request), std::move(by)));
}

Task<api::JobResult> DaemonOperations::revoke_or_fail(LineageName name, api::RevokeRequest request, std::string by) {
    RevocationReason reason = reason_of(request.reason);
    bool by_certificate = signed_by_certificate(request.with);
    const LineageState& state = value_or_fail(entry(name))->record.state;
    VersionNumber version = request.version != 0 ? VersionNumber{request.version} : state.live;
    if (!version) fail("control.noSuchVersion", fmt::format("{} has no certificate yet", name.text()));
    auto facts = co_await offload(engine_.seams.workers, [&] { return engine_.store.version(name, version); });
    if (!facts) fail("control.noSuchVersion", fmt::format("{} has no version {}", name.text(), version.value));
    VersionFiles files = value_or_fail(
        co_await offload(engine_.seams.workers, [&] { return engine_.store.read_version(name, version); }));
    std::vector<Certificate> leaves = leaves_of(files);  // a version is revoked as a whole, as it was issued
    if (by_certificate && !facts->csr_key_sha256.empty()) {
        fail(
            "control.badRequest",
            fmt::format("Only who has the key of version {} can sign with it: the certificate was issued for a request",
                        version.value));
    }
    config::Ca ca = configured_ca(facts->ca.text);
    if (ca.directory != facts->directory_url) {
        fail("control.noSuchAccount", fmt::format("Version {} is from {}, which is no longer the directory of {}",
                                                  version.value, facts->directory_url, ca.name.text));
    }
    // Before the CA is asked: a key that is known to others is never used again, whatever comes of the request. One
    // that signs its own revocation is compromised for the CA in any case (acme-facts §1.6).
    std::vector<VersionNumber> same_key;
    if (reason == RevocationReason::key_compromise || by_certificate) {
        same_key = value_or_fail(
            co_await offload(engine_.seams.workers, [&] { return burn_keys(engine_.store, name, version); }));
    }
    if (by_certificate) {
        std::shared_ptr<acme::Session> session = engine_.clients.session_without_account(ca);
        std::vector<PrivateKey> keys = keys_of(files);
        for (std::size_t i = 0; i < leaves.size(); ++i)
            co_await session->revoke_by_key(leaves[i].der(), reason, keys[i]);
    } else {
        std::shared_ptr<acme::Session> session = co_await engine_.clients.session(ca);
        for (const Certificate& leaf : leaves)
            co_await session->revoke(leaf.der(), reason);
    }
    bool replace = reason != RevocationReason::cessation_of_operation;
    value_or_fail(co_await engine_.scheduler.note_revoked(name, version, same_key, replace, std::move(by)));
    std::string message = fmt::format("Version {} is revoked at {}", version.value, ca.name.text);
    if (!same_key.empty()) {
        message += fmt::format("; with the same key are {}, which are not deployed again: revoke them as well",
                               listed(same_key));
    }
    co_return api::JobResult{name.text(), "revoked", version.value, std::move(message)};
}

}  // namespace certd
