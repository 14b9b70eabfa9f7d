// The base flow from names to a checked certificate.
#include "libacme/base/text.hpp"
#include "libacme/crypto/csr.hpp"
#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

TEST_CASE("a certificate for one name with everything warm takes seven requests") {
    IssuanceBed bed;
    auto issued = bed.issue();
    REQUIRE(issued.has_value());
    CHECK(bed.ca.log().size() == 7);
    for (RequestKind kind : {RequestKind::new_order, RequestKind::challenge, RequestKind::finalize, RequestKind::order,
                             RequestKind::certificate}) {
        CHECK(bed.ca.count(kind) == 1);
    }
    CHECK(bed.ca.count(RequestKind::authorization) == 2);
    CHECK(issued->chain.size() == 2);
    CHECK(issued->chain.front().names() == bed.request.names);
    CHECK(issued->order_url == bed.journal.back().order_url);
    CHECK(issued->alternates.empty());
    bed.check_nothing_left();
}

TEST_CASE("valid authorizations leave nothing to validate (C4, F04)") {
    IssuanceBed bed;
    bed.ca.knobs.reuse_percent = 100;
    REQUIRE(bed.issue());
    int presented = bed.solver.count("present");
    bed.ca.clear_log();
    SECTION("an order born ready takes four requests") {
        REQUIRE(bed.issue());
        CHECK(bed.ca.log().size() == 4);
    }
    SECTION("an order born pending takes five") {
        bed.ca.knobs.ready_on_arrival = false;
        REQUIRE(bed.issue());
        CHECK(bed.ca.log().size() == 5);
    }
    CHECK(bed.solver.count("present") == presented);
    bed.check_nothing_left();
}

TEST_CASE("a finalize answer that is already valid is not polled for") {
    IssuanceBed bed;
    bed.ca.knobs.valid_at_finalize = true;
    REQUIRE(bed.issue());
    CHECK(bed.ca.log().size() == 6);
}

TEST_CASE("key and CSR are journalled before the order, its URL before anything else (C1, C14)") {
    IssuanceBed bed;
    std::vector<std::size_t> exchanges_at_journal;
    acme::IssueHooks hooks = bed.hooks();
    hooks.journal = [&](acme::OrderRecord record) -> Task<> {
        exchanges_at_journal.push_back(bed.ca.log().size());
        bed.journal.push_back(std::move(record));
        co_return;
    };
    auto issued = run(bed.io, bed.clock, acme::issue(*bed.session, bed.workers, bed.request, std::nullopt, hooks));
    REQUIRE(issued);
    CHECK(exchanges_at_journal == std::vector<std::size_t>{0, 1});
    REQUIRE(bed.journal.size() == 2);
    CHECK(bed.journal[0].order_url.empty());
    CHECK(bed.journal[0].key_pem == issued->key_pem);
    CHECK(bed.journal[0].csr_der == bed.journal[1].csr_der);
    CHECK(bed.journal[1].order_url == issued->order_url);
    CHECK(bed.journal[1].account_url == bed.session->account().url);
}

TEST_CASE("a journal that cannot be written ends the issuance before the CA is asked") {
    IssuanceBed bed;
    acme::IssueHooks hooks = bed.hooks();
    hooks.journal = [](acme::OrderRecord) -> Task<> {
        fail("storage.full", "No space");
        co_return;
    };
    auto issued = run(bed.io, bed.clock, acme::issue(*bed.session, bed.workers, bed.request, std::nullopt, hooks));
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "storage.full");
    CHECK(bed.ca.log().empty());
}

TEST_CASE("every key type can be asked for") {
    KeyType type = GENERATE(KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::rsa_2048);
    IssuanceBed bed;
    bed.request.key_type = type;
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(value_or_fail(PrivateKey::from_pem(issued->key_pem)).type() == type);
}

TEST_CASE("account keys of RS256 and ES384 sign as well (A9)") {
    KeyType type = GENERATE(KeyType::ecdsa_p384, KeyType::rsa_2048);
    IssuanceBed bed;
    bed.account_key = PrivateKey::generate(type).pem();
    bed.restart();
    CHECK(bed.issue());
    CHECK(bed.ca.violations().empty());
}

TEST_CASE("an RSA key made on a worker thread comes back to the loop") {
    IssuanceBed bed;
    Workers threads(1);
    bed.request.key_type = KeyType::rsa_2048;
    bool done = false;
    asio::co_spawn(bed.io, acme::issue(*bed.session, threads, bed.request, std::nullopt, bed.hooks()),
                   [&](std::exception_ptr, Result<acme::Issued> issued) { done = issued.has_value(); });
    while (!done) {
        bed.io.restart();
        bed.io.run_for(std::chrono::milliseconds(20));
        bed.clock.advance_to_next_timer();
    }
    CHECK(done);
}

TEST_CASE("a hundred names are presented before any is answered, and polled a few at a time") {
    FakeCaOptions options;
    options.latency = milliseconds(100);
    IssuanceBed bed(options);
    bed.round_trip = milliseconds(100);
    bed.request.names.clear();
    for (int i = 0; i < 100; ++i)
        bed.request.names.push_back(dns("n" + std::to_string(i) + ".example.com"));
    Time started = bed.clock.now();
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(issued->chain.front().names().size() == 100);
    // 300 requests, four at a time: 7.5 s, and little more.
    CHECK(bed.clock.now() - started < seconds(10));
    CHECK(bed.ca.count(RequestKind::challenge) == 100);
    CHECK(bed.ca.count(RequestKind::authorization) == 200);
    auto first_attempt =
        std::find_if(bed.solver.calls.begin(), bed.solver.calls.end(),
                     [](const RecordingSolver::Call& call) { return call.operation == "wait_attempted"; });
    auto presented = std::count_if(bed.solver.calls.begin(), first_attempt,
                                   [](const RecordingSolver::Call& call) { return call.operation == "present"; });
    CHECK(presented == 100);
    bed.check_nothing_left();
}

TEST_CASE("a wildcard and its base name in one order have two values at one name (C5)") {
    IssuanceBed bed;
    RecordingSolver dns_solver(bed.clock, "dns-01");
    bed.solvers = {&bed.solver, &dns_solver};
    bed.request.names = {dns("example.com"), dns("*.example.com")};
    auto issued = bed.issue();
    REQUIRE(issued);
    CHECK(bed.solver.count("present") == 1);
    REQUIRE(dns_solver.count("present") == 1);
    CHECK(dns_solver.calls.front().task.wildcard);
    CHECK(dns_solver.calls.front().task.identifier.value == "example.com");
    CHECK(dns_solver.presented.empty());
    bed.check_nothing_left();
}

TEST_CASE("IP identifiers are ordered by their type (RFC 8738)") {
    IssuanceBed bed;
    bed.request.names = {{Identifier::Type::ip, "192.0.2.1"}, dns("example.com")};
    CHECK(bed.issue());
    bed.check_nothing_left();
}

TEST_CASE("names that come back in another case, order or with a trailing dot are the same names (C2, C6)") {
    IssuanceBed bed;
    bed.ca.knobs.tamper = replacing(RequestKind::new_order, R"("value":"example.com")", R"("value":"EXAMPLE.com.")");
    CHECK(bed.issue());
}

TEST_CASE("solvers are tried in the order given, over all challenges offered") {
    IssuanceBed bed;
    RecordingSolver alpn(bed.clock, "tls-alpn-01");
    bed.solvers = {&alpn, &bed.solver};
    REQUIRE(bed.issue());
    CHECK(alpn.count("present") == 1);
    CHECK(bed.solver.count("present") == 0);
}

TEST_CASE("without a challenge that can be answered the problem says what was offered and what is configured (C7)") {
    IssuanceBed bed;
    bed.ca.knobs.challenge_types = {"dns-01", "odd\x1b[2J-01"};
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.noChallenge");
    CHECK(issued.error().what.find("fake offers dns-01, odd\\x1B[2J-01, future-01") != std::string::npos);
    CHECK(issued.error().what.find("configured: http-01") != std::string::npos);
    // C21: the slot at the CA is given back.
    CHECK(bed.ca.pending_authorizations() == 0);
    CHECK(bed.solver.calls.empty());
}

TEST_CASE("no solver at all is a problem of its own words") {
    IssuanceBed bed;
    bed.solvers.clear();
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().what.find("no solver is configured that fits") != std::string::npos);
}

TEST_CASE("orderNotReady is waited for in the same order (C13, F11)") {
    IssuanceBed bed;
    bed.ca.knobs.orders_not_ready = 3;
    REQUIRE(bed.issue());
    CHECK(bed.ca.orders() == 1);
    CHECK(bed.ca.count(RequestKind::finalize) == 4);
}

TEST_CASE("orderNotReady for ever ends after a bounded number of requests") {
    IssuanceBed bed;
    bed.ca.knobs.orders_not_ready = 1000000;
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.orderNotReady");
    CHECK(bed.ca.log().size() < 50);
    bed.check_nothing_left();
}

TEST_CASE("a CA that takes its time is polled at the pace it asks for (F07)") {
    IssuanceBed bed;
    bed.ca.knobs.issuance_time = hours(6);
    bed.ca.knobs.retry_after = {"600"};
    Time started = bed.clock.now();
    REQUIRE(bed.issue());
    CHECK(bed.clock.now() - started >= hours(6));
    CHECK(bed.ca.count(RequestKind::order) <= 38);
}

TEST_CASE("an order that is not finished within its limit is given up") {
    IssuanceBed bed;
    bed.request.order_limit = hours(1);
    SECTION("while it is validated") {
        bed.ca.knobs.validation_time = days(3);
    }
    SECTION("while it is signed") {
        bed.ca.knobs.issuance_time = days(3);
    }
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.orderTimeout");
    CHECK(bed.clock.now() - virtual_start < minutes(62));
    bed.check_nothing_left();
}

TEST_CASE("an order of the CA that changes its mind fails closed (C3, F10)") {
    IssuanceBed bed;
    int polls = 0;
    SECTION("ready, then invalid") {
        bed.ca.knobs.tamper = [](RequestKind kind, HttpResponse& response) {
            if (kind == RequestKind::finalize || kind == RequestKind::order)
                replacing(kind, "\"processing\"", "\"invalid\"")(kind, response);
        };
    }
    SECTION("processing, then ready") {
        bed.ca.knobs.tamper = replacing(RequestKind::order, "\"valid\"", "\"ready\"");
    }
    SECTION("another list of authorizations") {
        bed.ca.knobs.tamper = replacing(RequestKind::order, "/authz/", "/authz/9");
    }
    SECTION("other names") {
        bed.ca.knobs.tamper = replacing(RequestKind::order, "example.com", "evil.example");
    }
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.orderInvalid");
    CHECK(polls == 0);
    CHECK(bed.ca.orders() == 1);
    bed.check_nothing_left();
}

TEST_CASE("an order status of the future is polled, not trusted (F10)") {
    IssuanceBed bed;
    bed.ca.knobs.issuance_polls = 3;
    bed.ca.knobs.tamper = [](RequestKind kind, HttpResponse& response) {
        replacing(kind, "\"processing\"", "\"pondering\"")(kind, response);
    };
    CHECK(bed.issue());
}

TEST_CASE("an order for other names is refused before anything is done for it") {
    IssuanceBed bed;
    bed.ca.knobs.tamper = replacing(RequestKind::new_order, "example.com", "example.net");
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.badResponse");
    CHECK(bed.solver.calls.empty());
}

TEST_CASE("the CA's refusals reach the caller with their types") {
    IssuanceBed bed;
    SECTION("rate limit: Retry-After and the help link (A19, F09)") {
        bed.ca.knobs.order_limit = 0 + 1;
        REQUIRE(bed.issue());
        bed.clock.jump_wall(minutes(1));
        auto issued = bed.issue();
        REQUIRE_FALSE(issued);
        CHECK(issued.error().code == "acme.rateLimited");
        CHECK(issued.error().kind == ProblemKind::limit);
        REQUIRE(issued.error().not_before);
        CHECK(*issued.error().not_before > bed.clock.now() + hours(2));
        CHECK(issued.error().remote.find("(help: https://ca.test/docs/limits)") != std::string::npos);
    }
    SECTION("rejected names are told apart (A22)") {
        bed.request.names = {dns("a.example.com"), dns("b.example.com"), dns("c.example.com")};
        bed.ca.knobs.rejected_names = {"b.example.com"};
        auto issued = bed.issue();
        REQUIRE_FALSE(issued);
        CHECK(issued.error().code == "acme.rejectedIdentifier");
        REQUIRE(issued.error().parts.size() == 1);
        CHECK(issued.error().parts[0].what == "Refused b.example.com");
        CHECK(issued.error().parts[0].remote == "policy forbids b.example.com");
        CHECK(issued.error().retry == Retry::after_change);
    }
    SECTION("changed terms (B6, F14)") {
        bed.ca.knobs.terms_changed = true;
        auto issued = bed.issue();
        REQUIRE_FALSE(issued);
        CHECK(issued.error().code == "acme.userActionRequired");
        CHECK(issued.error().remote.find("(terms of service: https://ca.test/terms/v2)") != std::string::npos);
    }
    SECTION("a lost account (B4, F05)") {
        bed.ca.forget_everything();
        auto issued = bed.issue();
        REQUIRE_FALSE(issued);
        CHECK(issued.error().code == "acme.accountDoesNotExist");
    }
    SECTION("a deactivated account (B10, F14)") {
        bed.ca.deactivate_accounts();
        auto issued = bed.issue();
        REQUIRE_FALSE(issued);
        CHECK(issued.error().code == "acme.accountRefused");
        CHECK(issued.error().retry == Retry::after_change);
    }
    SECTION("no connection") {
        bed.ca.knobs.unavailable = true;
        auto issued = bed.issue();
        REQUIRE_FALSE(issued);
        CHECK(issued.error().code == "net.connect");
    }
}

TEST_CASE("the certificate's key is never the account's (B12)") {
    IssuanceBed bed;
    acme::OrderRecord record;
    record.names = bed.request.names;
    record.key_pem = bed.account_key;
    PrivateKey key = bed.key();
    record.csr_der = make_csr(key, bed.request.names);
    auto issued = bed.issue(record);
    REQUIRE(issued);
    CHECK(issued->key_pem != bed.account_key);
    bed.check_nothing_left();
}

TEST_CASE("progress tells the steps in their order") {
    IssuanceBed bed;
    REQUIRE(bed.issue());
    std::vector<std::string> steps;
    for (const std::string& line : bed.progress)
        steps.push_back(line.substr(0, line.find(':')));
    CHECK(steps ==
          std::vector<std::string>{"ordering", "authorizing", "presenting", "validating", "finalizing", "downloading"});
}
