// Accounts: found or created, once.
#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

struct AccountBed : IssuanceBed {
    AccountBed() {
        ca.forget_everything();
        account_key = PrivateKey::generate(KeyType::ecdsa_p256).pem();
        open_session();
    }

    Result<acme::Account> ask(acme::Session::AccountRequest asked) {
        PrivateKey signing = key();
        try {
            return test::run(io, clock, session->find_or_create_account(signing, std::move(asked)));
        } catch (const Failure& failed) {
            return failure(failed.problem());
        }
    }

    static acme::Session::AccountRequest agreeing() {
        acme::Session::AccountRequest asked;
        asked.agree_terms = true;
        asked.contact = {"mailto:ops@example.com"};
        return asked;
    }
};

}  // namespace

TEST_CASE("an account is created once and found again (B3, B4)") {
    AccountBed bed;
    bed.ca.knobs.terms_of_service = "https://ca.test/terms/v1";
    auto created = bed.ask(AccountBed::agreeing());
    REQUIRE(created);
    CHECK(created->terms_of_service == "https://ca.test/terms/v1");
    CHECK(created->contact == std::vector<std::string>{"mailto:ops@example.com"});
    auto again = bed.ask(AccountBed::agreeing());
    REQUIRE(again);
    CHECK(again->url == created->url);
    acme::Session::AccountRequest existing;
    existing.only_existing = true;
    auto found = bed.ask(existing);
    REQUIRE(found);
    CHECK(found->url == created->url);
    CHECK(bed.ca.accounts() == 1);
    CHECK(bed.ca.violations().empty());
}

TEST_CASE("an account that must exist is not created (B4)") {
    AccountBed bed;
    acme::Session::AccountRequest asked;
    asked.only_existing = true;
    auto account = bed.ask(asked);
    REQUIRE_FALSE(account);
    CHECK(account.error().code == "acme.accountDoesNotExist");
    CHECK(bed.ca.accounts() == 0);
}

TEST_CASE("terms of service are never agreed to silently (B1)") {
    AccountBed bed;
    bed.ca.knobs.terms_of_service = "https://ca.test/terms/v1";
    auto account = bed.ask({});
    REQUIRE_FALSE(account);
    CHECK(account.error().code == "acme.termsNotAgreed");
    CHECK(account.error().remote == "https://ca.test/terms/v1");
    CHECK(bed.ca.count(RequestKind::new_account) == 0);
    bed.ca.knobs.terms_of_service.clear();
}

TEST_CASE("a CA that wants an external account is told apart before it is asked") {
    AccountBed bed;
    bed.ca.knobs.external_account_required = true;
    auto account = bed.ask(AccountBed::agreeing());
    REQUIRE_FALSE(account);
    CHECK(account.error().code == "acme.externalAccountRequired");
    CHECK(bed.ca.count(RequestKind::new_account) == 0);
}

TEST_CASE("a contact with header fields or two addresses is refused here (B2)") {
    std::string contact = GENERATE(as<std::string>{}, "mailto:a@example.com?subject=x",
                                   "mailto:a@example.com,b@example.com", "mailto:nobody");
    AccountBed bed;
    acme::Session::AccountRequest asked = AccountBed::agreeing();
    asked.contact = {contact};
    auto account = bed.ask(asked);
    REQUIRE_FALSE(account);
    CHECK(account.error().code == "acme.invalidContact");
    CHECK(bed.ca.count(RequestKind::new_account) == 0);
}

TEST_CASE("a lost answer to newAccount makes no second account (F06)") {
    AccountBed bed;
    bed.ca.lose_response(RequestKind::new_account);
    CHECK(bed.ask(AccountBed::agreeing()));
    CHECK(bed.ca.accounts() == 1);
}

TEST_CASE("an account's answer without or with a foreign URL is refused (S4, S18)") {
    AccountBed bed;
    std::string location = GENERATE(as<std::string>{}, "", "http://ca.test/account/0", "https://evil.test/account/0");
    HttpResponse response;
    response.status = 201;
    response.body = R"({"status":"valid"})";
    if (!location.empty()) response.headers.add("Location", location);
    bed.ca.fail_next(RequestKind::new_account, response);
    auto account = bed.ask(AccountBed::agreeing());
    REQUIRE_FALSE(account);
    CHECK(account.error().code == (location.empty() ? "acme.badResponse" : "acme.badUrl"));
}

TEST_CASE("an account that is not valid any more is refused (B10)") {
    AccountBed bed;
    REQUIRE(bed.ask(AccountBed::agreeing()));
    bed.ca.deactivate_accounts();
    auto account = bed.ask(AccountBed::agreeing());
    REQUIRE_FALSE(account);
    CHECK(account.error().code == "acme.accountRefused");
}

TEST_CASE("the account's URL is used byte for byte as its key id (A7, B3)") {
    AccountBed bed;
    auto account = bed.ask(AccountBed::agreeing());
    REQUIRE(account);
    bed.session->use_account(bed.key(), *account);
    CHECK(bed.session->thumbprint() == bed.key().thumbprint());
    CHECK(bed.issue());
    CHECK(bed.ca.violations().empty());
}

TEST_CASE("nothing is asked without an account") {
    AccountBed bed;
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.accountDoesNotExist");
    CHECK(bed.ca.log().empty());
}
