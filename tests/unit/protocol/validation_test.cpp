// Challenges: presenting, answering, polling and cleaning up.
#include "libacme/base/text.hpp"
#include "tests/unit/protocol/issuance_bed.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

TEST_CASE("the answer is in place and visible before the CA is told, and until the authorization is final (C8, C9)") {
    IssuanceBed bed;
    bed.ca.knobs.validation_polls = 3;
    std::vector<std::string> operations;
    bool in_place = true;
    bed.ca.knobs.tamper = [&](RequestKind kind, HttpResponse&) {
        if (kind == RequestKind::challenge) CHECK(bed.solver.count("wait_visible") == 1);
        if (kind == RequestKind::challenge || (kind == RequestKind::authorization && bed.solver.count("present") > 0)) {
            in_place = in_place && !bed.solver.presented.empty();
        }
    };
    REQUIRE(bed.issue());
    CHECK(in_place);
    CHECK(bed.ca.count(RequestKind::authorization) == 5);
    CHECK(bed.solver.calls.back().operation == "clean_up");
    bed.check_nothing_left();
}

TEST_CASE("a failed dns-01 validation gets a remedy about DNS") {
    IssuanceBed bed;
    RecordingSolver dns_solver(bed.clock, "dns-01");
    bed.solvers = {&dns_solver};
    bed.ca.knobs.validate = [](auto&&...) { return false; };
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.unauthorized");
    CHECK(issued.error().hint.find("TXT records of _acme-challenge.NAME") != std::string::npos);
}

TEST_CASE("dns-account-01 and dns-persist-01 are answered for the account, the latter without a token") {
    for (std::string type : {"dns-account-01", "dns-persist-01"}) {
        IssuanceBed bed;
        RecordingSolver solver(bed.clock, type);
        bed.solvers = {&solver};
        bed.request.names = {dns("example.com"), dns("*.example.com")};
        bed.ca.knobs.challenge_types = {"http-01", type};
        bed.ca.knobs.issuers = {"ca.test", "other.test"};
        std::vector<FakeCaProof> asked;
        bed.ca.knobs.validate_dns = [&](const FakeCaProof& proof) {
            asked.push_back(proof);
            return true;
        };
        REQUIRE(bed.issue());
        REQUIRE(asked.size() == 2);
        CHECK(asked[0].account_url == bed.session->account().url);
        const acme::ChallengeTask& task = solver.calls.front().task;
        CHECK(task.account_url == bed.session->account().url);
        bool persists = type == "dns-persist-01";
        CHECK(task.token.empty() == persists);
        CHECK(task.key_authorization.empty() == persists);
        CHECK(task.issuers ==
              (persists ? std::vector<std::string>{"ca.test", "other.test"} : std::vector<std::string>{}));
        CHECK(solver.count("clean_up") == 2);
        CHECK(bed.ca.violations().empty());
    }
}

TEST_CASE("a dns-persist-01 challenge for another account, or a failed one, ends the order") {
    IssuanceBed bed;
    RecordingSolver solver(bed.clock, "dns-persist-01");
    bed.solvers = {&solver};
    bed.ca.knobs.challenge_types = {"dns-persist-01"};
    bed.ca.knobs.persist_account = "https://ca.test/account/\x1b[2J7";
    auto other = bed.issue();
    REQUIRE_FALSE(other);
    CHECK(other.error().code == "acme.badResponse");
    CHECK(solver.calls.empty());
    // A CA of the first draft does not say whose record it wants.
    bed.ca.knobs.persist_account = "";
    bed.ca.knobs.validate_dns = [](const FakeCaProof&) { return false; };
    auto failed = bed.issue();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().hint.find("that `certctl check` names") != std::string::npos);
    bed.ca.knobs.validate_dns = nullptr;
    REQUIRE(bed.issue());
}

TEST_CASE("an account's challenge whose token is missing is refused like any other") {
    IssuanceBed bed;
    RecordingSolver solver(bed.clock, "dns-account-01");
    bed.solvers = {&solver};
    bed.ca.knobs.challenge_types = {"dns-account-01"};
    bed.ca.knobs.token = "";
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.badToken");
    CHECK(solver.calls.empty());
}

TEST_CASE("all challenges are presented before any is waited for, and each is told of the others") {
    IssuanceBed bed;
    bed.request.names = {dns("a.example.com"), dns("b.example.com")};
    REQUIRE(bed.issue());
    REQUIRE(bed.solver.calls.size() > 4);
    CHECK(bed.solver.calls[0].operation == "present");
    CHECK(bed.solver.calls[1].operation == "present");
    CHECK(bed.solver.calls[2].operation == "wait_visible");
    CHECK(bed.solver.calls[3].operation == "wait_visible");
    CHECK(bed.solver.calls[0].task.remaining == 1);
    CHECK(bed.solver.calls[1].task.remaining == 0);
    CHECK(bed.solver.calls[1].task.all_names == std::vector<std::string>{"a.example.com", "b.example.com"});
}

TEST_CASE("the solver is given the key authorization of RFC 8555 §8.1") {
    IssuanceBed bed;
    std::string expected;
    bed.ca.knobs.validate = [&](const Identifier& name, const std::string& type, const std::string& token,
                                const std::string& key_authorization) {
        CHECK(name.value == "example.com");
        CHECK(type == "http-01");
        CHECK(key_authorization == token + "." + bed.key().thumbprint());
        return bed.solver.presented.at(token) == key_authorization;
    };
    CHECK(bed.issue());
}

TEST_CASE("a failed validation is reported with the CA's words and cleaned up (C10)") {
    IssuanceBed bed;
    bed.ca.knobs.validate = [](auto&&...) { return false; };
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.unauthorized");
    CHECK(issued.error().kind == ProblemKind::validation);
    CHECK(issued.error().what == "fake could not validate example.com by http-01");
    CHECK(issued.error().remote == "The answer for example.com was wrong");
    // One attempt is one order and one answer: nothing is retried here (F09, S5).
    CHECK(bed.ca.orders() == 1);
    CHECK(bed.ca.count(RequestKind::challenge) == 1);
    bed.check_nothing_left();
}

TEST_CASE("of several names each failed one is named, and the others' slots are given back (C21)") {
    IssuanceBed bed;
    bed.request.names = {dns("a.example.com"), dns("b.example.com"), dns("c.example.com")};
    bed.ca.knobs.validate = [](const Identifier& name, auto&&...) { return name.value == "b.example.com"; };
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().parts.size() == 2);
    CHECK(issued.error().what == "fake could not validate all of a.example.com, b.example.com, c.example.com");
    CHECK(bed.ca.pending_authorizations() == 0);
    bed.check_nothing_left();
}

TEST_CASE("a solver's failure ends the attempt, is cleaned up after, and keeps the order for the next one") {
    IssuanceBed bed;
    std::string operation = GENERATE("present", "wait_visible");
    bed.solver.failures[operation] = 1;
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "challenge.timeout");
    CHECK(bed.ca.count(RequestKind::challenge) == 0);
    CHECK(bed.ca.pending_authorizations() == 1);
    bed.check_nothing_left();
    auto second = bed.issue(bed.journal.back());
    REQUIRE(second);
    CHECK(bed.ca.orders() == 1);
}

TEST_CASE("a solver that hangs is stopped by its time limit") {
    IssuanceBed bed;
    std::string operation = GENERATE("present", "wait_visible", "clean_up");
    bed.solver.hanging = operation;
    auto issued = bed.issue();
    CHECK(issued.has_value() == (operation == "clean_up"));
    if (!issued) CHECK(issued.error().code == "challenge.timeout");
    CHECK(bed.clock.now() - virtual_start < minutes(31));
    CHECK(bed.clock.sleepers() == 0);
}

TEST_CASE("a clean-up that fails is told and does not cost the certificate") {
    IssuanceBed bed;
    bed.solver.failures["clean_up"] = 1;
    CHECK(bed.issue());
    CHECK(bed.progress_mentions("Could not clean up http-01 for example.com"));
}

TEST_CASE("a CA whose validation is never seen is polled after a limit, and remembered (C9)") {
    IssuanceBed bed;
    bed.solver.sees_attempts = false;
    bed.round_trip = milliseconds(200);
    Time started = bed.clock.now();
    REQUIRE(bed.issue());
    CHECK(bed.clock.now() - started >= seconds(3));
    started = bed.clock.now();
    REQUIRE(bed.issue());
    CHECK(bed.clock.now() - started < seconds(3));
    bed.check_nothing_left();
}

TEST_CASE("a slow CA on a fast line is not polled while no validation was seen") {
    IssuanceBed bed;
    bed.ca.knobs.validation_time = seconds(20);
    bed.round_trip = milliseconds(1);
    bed.solver.sees_attempts = false;
    REQUIRE(bed.issue());
    CHECK(bed.ca.count(RequestKind::authorization) < 15);
}

TEST_CASE("a challenge answer that is lost is sent again only when the CA did not get it (F06)") {
    IssuanceBed bed;
    SECTION("it had been processed") {
        bed.ca.lose_response(RequestKind::challenge);
        REQUIRE(bed.issue());
        CHECK(bed.ca.count(RequestKind::challenge) == 1);
    }
    SECTION("it had not") {
        int lost = 0;
        bed.ca.knobs.intercept = [&](std::size_t, RequestKind kind) -> std::optional<Fault> {
            if (kind != RequestKind::challenge || lost++ > 0) return std::nullopt;
            return Fault{Fault::Kind::respond, problem_answer(400, "malformed", "busy")};
        };
        REQUIRE(bed.issue());
        CHECK(bed.ca.count(RequestKind::challenge) == 2);
    }
    CHECK(bed.ca.orders() == 1);
    bed.check_nothing_left();
}

TEST_CASE("passing faults while polling do not take the challenge away from the CA") {
    IssuanceBed bed;
    HttpResponse unavailable = problem_answer(503, "serverInternal", "try later");
    unavailable.headers.add("Retry-After", "5");
    bed.ca.knobs.validation_polls = 1;
    int seen = 0;
    bed.ca.knobs.intercept = [&](std::size_t, RequestKind kind) -> std::optional<Fault> {
        if (kind != RequestKind::authorization || ++seen < 2 || seen > 4) return std::nullopt;
        if (seen == 3) return Fault{Fault::Kind::refuse, {}};
        return Fault{Fault::Kind::respond, unavailable};
    };
    Time started = bed.clock.now();
    CHECK(bed.issue());
    CHECK(bed.clock.now() - started >= seconds(10));
    bed.check_nothing_left();
}

TEST_CASE("an authorization that is for no ordered name is not answered") {
    IssuanceBed bed;
    bed.ca.knobs.tamper = replacing(RequestKind::authorization, "example.com", "bank.example");
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.badResponse");
    CHECK(bed.solver.calls.empty());
}

TEST_CASE("an authorization that is already dead ends the attempt without an answer") {
    IssuanceBed bed;
    std::string status = GENERATE("invalid", "deactivated", "expired", "revoked");
    bed.ca.knobs.tamper =
        replacing(RequestKind::authorization, R"(},"status":"pending")", R"(},"status":")" + status + "\"");
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.orderInvalid");
    CHECK(bed.solver.calls.empty());
}

TEST_CASE("the way of proof that led to nothing is told, whoever was at fault") {
    IssuanceBed bed;
    SECTION("the CA saw another answer") {
        bed.ca.knobs.validate = [](auto&&...) { return false; };
    }
    SECTION("it could not be put in place") {
        bed.solver.failures["present"] = 1;
    }
    SECTION("it did not become visible") {
        bed.solver.failures["wait_visible"] = 1;
    }
    REQUIRE_FALSE(bed.issue());
    CHECK(bed.refused == std::vector<std::string>{"http-01"});
    bed.ca.knobs.validate = nullptr;
    bed.refused.clear();
    CHECK(bed.issue());
    CHECK(bed.refused.empty());
}
