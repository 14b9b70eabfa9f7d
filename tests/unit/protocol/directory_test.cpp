// The directory: what is accepted, what is refused, and which URLs may be asked afterwards.
#include "libacme/protocol/directory.hpp"

#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

const Url source = value_or_fail(parse_url("https://ca.test/dir"));

Result<acme::Directory> parsed(const std::string& members) {
    return acme::parse_directory(R"({"newNonce":"https://ca.test/n","newAccount":"https://ca.test/a",)" + members + "}",
                                 source);
}

Url url(std::string text) {
    return value_or_fail(parse_url(text));
}

Problem problem_of_directory(IssuanceBed& bed) {
    bed.open_session();
    try {
        run(bed.io, bed.clock, bed.session->directory());
    } catch (const Failure& failure) {
        return failure.problem();
    }
    return {};
}

HttpResponse redirect(std::string target) {
    HttpResponse response;
    response.status = 302;
    response.headers.add("Location", std::move(target));
    return response;
}

}  // namespace

TEST_CASE("unknown members, null members and a missing meta are accepted (F15, acme-facts §1.3)") {
    auto directory =
        parsed(R"("newOrder":"https://ca.test/o","newAuthz":null,"keyChange":null,"Xy7":{"a":[1]},"meta":null)");
    REQUIRE(directory);
    CHECK_FALSE(directory->new_authz);
    CHECK(directory->terms_of_service.empty());
    CHECK(parsed(R"("newOrder":"https://ca.test/o")"));
    CHECK(parsed(
        R"("newOrder":"https://ca.test/o","meta":{"termsOfService":null,"caaIdentities":null,"profiles":null,"website":7})"));
}

TEST_CASE("the meta members are read") {
    auto directory = parsed(
        R"("newOrder":"https://ca.test/o","renewalInfo":"https://ari.test/r","meta":{"termsOfService":"https://ca.test/t",
        "website":"https://ca.test","caaIdentities":["ca.test"],"externalAccountRequired":true,"profiles":{"short":"six days"}})");
    REQUIRE(directory);
    CHECK(directory->terms_of_service == "https://ca.test/t");
    CHECK(directory->caa_identities == std::vector<std::string>{"ca.test"});
    CHECK(directory->external_account_required);
    CHECK(directory->profiles.front() == std::pair<std::string, std::string>("short", "six days"));
    CHECK(directory->renewal_info->host == "ari.test");
}

TEST_CASE("a directory without what the flow needs is refused (F15)") {
    for (std::string body : {"", "[]", "<html>", "{}", R"({"newNonce":7})", R"({"newNonce":"https://ca.test/n"})",
                             R"({"newNonce":"nonsense"})"}) {
        CHECK_FALSE(acme::parse_directory(body, source));
    }
    CHECK_FALSE(parsed(R"("newOrder":null)"));
}

TEST_CASE("a directory that leads to plain http or into the network is refused (A1, S4, S18)") {
    for (std::string target :
         {"http://ca.test/o", "https://10.0.0.1/o", "https://[::1]/o", "https://127.0.0.1/o", "https://ca.test:8443/o",
          "https://user@ca.test/o", "file:///etc/passwd", "ftp://ca.test/o"}) {
        for (std::string member : {"newOrder", "revokeCert", "keyChange", "renewalInfo", "newAuthz"}) {
            std::string rest = member == "newOrder" ? "" : R"(,"newOrder":"https://ca.test/o")";
            auto directory = parsed("\"" + member + "\":\"" + target + "\"" + rest);
            REQUIRE_FALSE(directory);
            CHECK(directory.error().code == "acme.badUrl");
        }
    }
}

TEST_CASE("a directory at an address and port of its own may name these") {
    Url local = url("https://127.0.0.1:14000/dir");
    CHECK(acme::parse_directory(
        R"({"newNonce":"https://127.0.0.1:14000/n","newAccount":"https://127.0.0.1:14000/a","newOrder":"https://127.0.0.1:14000/o"})",
        local));
    CHECK_FALSE(acme::parse_directory(
        R"({"newNonce":"https://127.0.0.1:14000/n","newAccount":"https://127.0.0.1:14000/a","newOrder":"https://127.0.0.2:14000/o"})",
        local));
}

TEST_CASE("only the directory's server and those it names are asked (S18, F22)") {
    acme::Directory directory = value_or_fail(parsed(R"("newOrder":"https://orders.test/o")"));
    CHECK(acme::url_refusal(url("https://ca.test/x"), source, nullptr).empty());
    CHECK(acme::url_refusal(url("https://orders.test/x"), source, &directory).empty());
    CHECK_FALSE(acme::url_refusal(url("https://orders.test/x"), source, nullptr).empty());
    for (std::string text : {"http://ca.test/x", "https://ca.test:8443/x", "https://evil.test/x",
                             "https://169.254.169.254/x", "https://sub.ca.test/x"}) {
        INFO(text);
        CHECK_FALSE(acme::url_refusal(url(text), source, &directory).empty());
    }
}

TEST_CASE("a plain http directory is refused before anything is sent (S4)") {
    IssuanceBed bed;
    acme::SessionOptions options = bed.session_options();
    options.directory = url("http://ca.test/dir");
    acme::Session session(options, bed.ca, bed.clock);
    try {
        run(bed.io, bed.clock, session.directory());
        FAIL("it was asked");
    } catch (const Failure& failure) {
        CHECK(failure.problem().code == "acme.badUrl");
    }
    CHECK(bed.ca.log().empty());
}

TEST_CASE("redirects of the directory are followed three times, on the same server (F15, F22)") {
    IssuanceBed bed;
    SECTION("three") {
        bed.ca.fail_next(RequestKind::directory, redirect("/dir"), 3);
        CHECK(problem_of_directory(bed).code.empty());
    }
    SECTION("four") {
        bed.ca.fail_next(RequestKind::directory, redirect("/dir"), 4);
        CHECK(problem_of_directory(bed).code == "acme.http");
        CHECK(bed.ca.log().size() == 4);
    }
    SECTION("elsewhere") {
        std::string target = GENERATE(as<std::string>{}, "http://ca.test/dir", "https://169.254.169.254/",
                                      "https://evil.test/", "file:///etc/passwd", "https://ca.test:22/");
        bed.ca.fail_next(RequestKind::directory, redirect(target));
        CHECK(problem_of_directory(bed).code == "acme.badUrl");
        CHECK(bed.ca.log().size() == 1);
    }
}

TEST_CASE("the directory is asked for once a day, and again when a resource is not found") {
    IssuanceBed bed;
    REQUIRE(bed.issue());
    CHECK(bed.ca.count(RequestKind::directory) == 0);
    SECTION("a day later") {
        bed.clock.run_until(bed.io, bed.clock.now() + hours(25));
        REQUIRE(bed.issue());
        CHECK(bed.ca.count(RequestKind::directory) == 1);
    }
    SECTION("after a 404") {
        bed.ca.fail_next(RequestKind::new_order, problem_answer(404, "malformed", "moved"));
        REQUIRE_FALSE(bed.issue());
        REQUIRE(bed.issue());
        CHECK(bed.ca.count(RequestKind::directory) == 1);
    }
}

TEST_CASE("several who need the directory at once share one request") {
    FakeCaOptions options;
    options.latency = milliseconds(10);
    IssuanceBed bed(options);
    bed.open_session();
    int done = 0;
    for (int i = 0; i < 4; ++i) {
        asio::co_spawn(bed.io, bed.session->directory(),
                       [&](std::exception_ptr error, acme::Directory) { done += error ? 0 : 1; });
    }
    bed.clock.run_until(bed.io, bed.clock.now() + seconds(1));
    CHECK(done == 4);
    CHECK(bed.ca.count(RequestKind::directory) == 1);
}

TEST_CASE("JSON bombs end in a problem at once (F16)") {
    std::string body =
        GENERATE(std::string(100000, '['), std::string(R"({"newNonce":1e400})"),
                 std::string(R"({"newNonce":"a","newNonce":"b"})"), std::string(R"({"newNonce":"\ud800"})"),
                 std::string(R"({"newNonce":18446744073709551616})"));
    IssuanceBed bed;
    HttpResponse response;
    response.status = 200;
    response.body = body;
    bed.ca.fail_next(RequestKind::directory, response);
    CHECK(problem_of_directory(bed).code == "acme.badResponse");
}
