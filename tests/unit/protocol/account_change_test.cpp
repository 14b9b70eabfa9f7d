// What happens to an account after its birth, and at it: external bindings, contacts, keys, the end; and revocation.
#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::RequestKind;
using acme::RevocationReason;

namespace {

struct ChangeBed : IssuanceBed {
    // The code of the Failure that a task ends with; "none" when it succeeds.
    std::string code_of(Task<> task) {
        try {
            test::run(io, clock, std::move(task));
        } catch (const Failure& failure) {
            problem = failure.problem();
            return problem.code;
        }
        return "none";
    }
    Problem problem;

    acme::Session::AccountRequest bound(const std::string& kid, HmacHash algorithm = HmacHash::sha256) {
        ca.knobs.external_account_required = true;
        ca.knobs.external_keys = {{"good", Bytes(32, 7)}};
        open_session();
        acme::Session::AccountRequest asked;
        asked.agree_terms = true;
        asked.external = acme::ExternalBinding{kid, Bytes(32, 7), algorithm};
        return asked;
    }
    std::string register_new(acme::Session::AccountRequest asked) {
        account_key = PrivateKey::generate(KeyType::ecdsa_p256).pem();
        PrivateKey signing = key();
        return code_of([](acme::Session& used, const PrivateKey& own, acme::Session::AccountRequest request) -> Task<> {
            co_await used.find_or_create_account(own, std::move(request));
        }(*session, signing, std::move(asked)));
    }
    Bytes issued_der() { return issue().value().chain.front().der(); }
};

}  // namespace

TEST_CASE("an external account is bound with each MAC, and is good for one account (B7)") {
    HmacHash algorithm = GENERATE(HmacHash::sha256, HmacHash::sha384, HmacHash::sha512);
    ChangeBed bed;
    std::size_t before = bed.ca.accounts();
    CHECK(bed.register_new(bed.bound("good", algorithm)) == "none");
    CHECK(bed.ca.accounts() == before + 1);
    CHECK(bed.ca.violations().empty());
    CHECK(bed.register_new(bed.bound("good", algorithm)) == "acme.bindingRefused");
    CHECK(bed.ca.accounts() == before + 1);
}

TEST_CASE("a certificate's own key revokes it without an account, another key does not (RFC 8555 §7.6)") {
    ChangeBed bed;
    acme::Issued issued = bed.issue().value();
    PrivateKey key = PrivateKey::from_pem(issued.key_pem).value(), other = PrivateKey::generate(KeyType::ecdsa_p256);
    Bytes der = issued.chain.front().der();
    acme::Session stranger(bed.session_options(), bed.ca, bed.clock);
    CHECK(bed.code_of(stranger.revoke_by_key(der, RevocationReason::key_compromise, other)) == "acme.unauthorized");
    CHECK(bed.ca.revocations().empty());
    CHECK(bed.code_of(stranger.revoke_by_key(der, RevocationReason::key_compromise, key)) == "none");
    CHECK(bed.ca.revocations() == std::vector<int>{1});
    CHECK(bed.code_of(stranger.revoke_by_key(der, RevocationReason::unspecified, key)) == "none");
    CHECK(bed.ca.violations().empty());
}

TEST_CASE("a binding that the CA does not know or cannot verify is the CA's refusal") {
    ChangeBed bed;
    CHECK(bed.register_new(bed.bound("unknown")) == "acme.bindingRefused");
    acme::Session::AccountRequest forged = bed.bound("good");
    forged.external->mac_key[0] ^= 1;
    CHECK(bed.register_new(forged) == "acme.bindingRefused");
    CHECK(bed.problem.remote.find("MAC is wrong") != std::string::npos);
    CHECK(bed.ca.violations().empty());
}

TEST_CASE("a binding is sent once when the answer is lost, and the account is found without it (B7, F06)") {
    ChangeBed bed;
    acme::Session::AccountRequest asked = bed.bound("good");
    bed.ca.lose_response(RequestKind::new_account);
    std::size_t before = bed.ca.accounts();
    CHECK(bed.register_new(asked) == "net.closed");
    CHECK(bed.ca.accounts() == before + 1);
    acme::Session::AccountRequest existing;
    existing.only_existing = true;
    PrivateKey signing = bed.key();
    CHECK_FALSE(test::run(bed.io, bed.clock, bed.session->find_or_create_account(signing, existing)).url.empty());
    CHECK(bed.ca.accounts() == before + 1);
}

TEST_CASE("contacts are replaced as a whole (B5)") {
    ChangeBed bed;
    CHECK(bed.code_of(bed.session->update_contacts({"mailto:a@example.com", "mailto:b@example.com"})) == "none");
    CHECK(bed.ca.contacts(0) == std::vector<std::string>{"mailto:a@example.com", "mailto:b@example.com"});
    CHECK(bed.session->account().contact.size() == 2);
    CHECK(bed.code_of(bed.session->update_contacts({"mailto:a@example.com?cc=x"})) == "acme.invalidContact");
    CHECK(bed.code_of(bed.session->update_contacts({})) == "none");
    CHECK(bed.ca.contacts(0).empty());
    CHECK(bed.ca.violations().empty());
}

TEST_CASE("an account that was deactivated is gone for the session and for the CA (B10)") {
    ChangeBed bed;
    CHECK(bed.code_of(bed.session->deactivate_account()) == "none");
    CHECK_FALSE(bed.session->has_account());
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.accountDoesNotExist");
    PrivateKey signing = bed.key();
    acme::Session::AccountRequest asked;
    asked.agree_terms = true;
    CHECK(bed.code_of([](acme::Session& used, const PrivateKey& own, acme::Session::AccountRequest request) -> Task<> {
        co_await used.find_or_create_account(own, std::move(request));
    }(*bed.session, signing, asked)) == "acme.accountRefused");
}

TEST_CASE("a new account key signs from its change on, of whatever type, and the old one is refused (B8)") {
    KeyType type = GENERATE(KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa_2048);
    ChangeBed bed;
    PrivateKey fresh = PrivateKey::generate(type);
    std::string thumbprint = fresh.thumbprint();
    std::string url = bed.session->account().url;
    REQUIRE(bed.code_of(bed.session->change_key(std::move(fresh))) == "none");
    CHECK(bed.session->thumbprint() == thumbprint);
    CHECK(bed.session->account().url == url);
    CHECK(bed.issue());
    CHECK(bed.ca.violations().empty());
    acme::Account account = bed.session->account();
    bed.session->use_account(bed.key(), account);
    CHECK_FALSE(bed.issue());
}

TEST_CASE("a key change that the CA refuses leaves the session with its key") {
    ChangeBed bed;
    std::string before = bed.session->thumbprint();
    CHECK(bed.code_of(bed.session->change_key(bed.key())) == "acme.malformed");
    CHECK(bed.session->thumbprint() == before);
    CHECK(bed.issue());
}

TEST_CASE("a certificate is revoked with its reason, and once more without complaint (§7.6)") {
    ChangeBed bed;
    Bytes der = bed.issued_der();
    CHECK(bed.code_of(bed.session->revoke(der, RevocationReason::superseded)) == "none");
    CHECK(bed.code_of(bed.session->revoke(der, RevocationReason::superseded)) == "none");
    CHECK(bed.code_of(bed.session->revoke(bed.issued_der(), RevocationReason::unspecified)) == "none");
    CHECK(bed.ca.revocations() == std::vector<int>{4, -1});
    CHECK(bed.code_of(bed.session->revoke(Bytes{1, 2, 3}, RevocationReason::unspecified)) == "acme.malformed");
    bed.ca.lose_response(RequestKind::revoke);
    CHECK(bed.code_of(bed.session->revoke(bed.issued_der(), RevocationReason::key_compromise)) == "net.closed");
    CHECK(bed.ca.violations().empty());
}

TEST_CASE("a profile that is advertised is asked for by its name") {
    ChangeBed bed;
    bed.ca.knobs.profiles = {{"classic", "90 days"}, {"shortlived", "6 days"}};
    bed.open_session();
    bed.restart();
    bed.request.profile = "shortlived";
    bed.request.profile_required = GENERATE(true, false);
    CHECK(bed.issue());
    CHECK(bed.ca.profiles_ordered() == std::vector<std::string>{"shortlived"});
}

TEST_CASE(
    "a required profile that is not offered fails with the list before anything is ordered, a preferred one falls "
    "back") {
    ChangeBed bed;
    std::string offered = GENERATE(as<std::string>{}, "classic, tls\\x1B", "none");
    if (offered != "none") bed.ca.knobs.profiles = {{"classic", "90 days"}, {"tls\x1b", "odd"}};
    bed.restart();
    bed.request.profile = "shortlived";
    bed.request.profile_required = true;
    auto refused = bed.issue();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "acme.invalidProfile");
    CHECK(refused.error().what.find("(offered: " + offered + ")") != std::string::npos);
    CHECK(bed.ca.orders() == 0);
    CHECK(bed.journal.empty());

    bed.request.profile_required = false;
    CHECK(bed.issue());
    CHECK(bed.ca.profiles_ordered() == std::vector<std::string>{""});
    CHECK(bed.progress_mentions("its default is used"));
}

TEST_CASE("a preferred profile that the CA refuses at the order falls back as well") {
    ChangeBed bed;
    bed.ca.knobs.profiles = {{"shortlived", "6 days"}};
    bed.ca.knobs.refused_profiles = {"shortlived"};
    bed.restart();
    bed.request.profile = "shortlived";
    CHECK(bed.issue());
    CHECK(bed.progress_mentions("refused the profile 'shortlived'"));
    bed.request.profile_required = true;
    auto refused = bed.issue();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "acme.invalidProfile");
}

TEST_CASE("an order for another profile is not gone on with") {
    ChangeBed bed;
    bed.ca.knobs.profiles = {{"shortlived", "6 days"}};
    bed.restart();
    bed.ca.fail_next(RequestKind::finalize, problem_answer(500, "serverInternal"), 1);
    REQUIRE_FALSE(bed.issue());
    acme::OrderRecord record = bed.journal.back();
    bed.request.profile = "shortlived";
    CHECK(bed.issue(record));
    CHECK(bed.ca.profiles_ordered() == std::vector<std::string>{"", "shortlived"});
}
