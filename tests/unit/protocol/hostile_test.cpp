// A CA with ill will: its texts go nowhere but into messages, and are escaped there.
#include "libacme/base/text.hpp"
#include "libacme/protocol/authorization.hpp"
#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

TEST_CASE("a token outside the base64url alphabet ends the order before any solver sees it (S1–S3, F21)") {
    std::string token = GENERATE(as<std::string>{}, "../../../etc/cron.d/x", "a/b", ".", "..", "", "$(touch X)", "`id`",
                                 "a;b", "a\nb", "'x'", "%n", "%2e%2e", "\xc3\xa4", " aGVsbG8 ", "aGVsbG8\r",
                                 "aGVsbG8=", std::string(300, 'a'), std::string("a\0b", 3));
    IssuanceBed bed;
    bed.ca.knobs.token = token;
    bed.request.names = {dns("a.example.com"), dns("b.example.com")};
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.badToken");
    CHECK(issued.error().what.find("etc") == std::string::npos);
    CHECK(bed.solver.calls.empty());
    CHECK(bed.ca.count(RequestKind::challenge) == 0);
}

TEST_CASE("a token with a leading dash or underscore is an ordinary one") {
    CHECK(acme::is_valid_token("-rf"));
    CHECK(acme::is_valid_token("_"));
    CHECK(acme::is_valid_token(std::string(256, 'a')));
    CHECK_FALSE(acme::is_valid_token(std::string(257, 'a')));
}

TEST_CASE("URLs that lead away are refused before they are asked (S4, S18, F22)") {
    std::string evil = GENERATE(as<std::string>{}, "http://ca.test/", "https://169.254.169.254/", "https://127.0.0.1/",
                                "https://ca.test:22/", "file:///etc/passwd", "ftp://ca.test/",
                                "https://ca.test@evil.test/", "https://evil.test/", "https://ca.test\\u000a.evil/");
    IssuanceBed bed;
    SECTION("an authorization") {
        bed.ca.knobs.tamper = replacing(RequestKind::new_order, "https://ca.test/authz/", evil);
    }
    SECTION("finalize") {
        bed.ca.knobs.tamper = replacing(RequestKind::new_order, "https://ca.test/finalize/", evil);
    }
    SECTION("a challenge") {
        bed.ca.knobs.challenge_types = {"http-01"};
        bed.ca.knobs.tamper = replacing(RequestKind::authorization, "https://ca.test/chall/", evil);
    }
    SECTION("the certificate") {
        bed.ca.knobs.tamper = replacing(RequestKind::order, "https://ca.test/cert/", evil);
    }
    SECTION("the order itself") {
        bed.ca.knobs.tamper = [&](RequestKind kind, HttpResponse& response) {
            if (kind != RequestKind::new_order) return;
            for (auto& [name, value] : response.headers.fields) {
                if (name == "Location") value = evil;
            }
        };
    }
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.badUrl");
    for (const auto& exchange : bed.ca.log())
        CHECK(exchange.url.starts_with("https://ca.test/"));
    bed.check_nothing_left();
}

TEST_CASE("a POST is never redirected (S18)") {
    IssuanceBed bed;
    HttpResponse response;
    response.status = GENERATE(301, 302, 303, 307, 308);
    response.headers.add("Location", "https://ca.test/elsewhere");
    bed.ca.fail_next(RequestKind::new_order, response);
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.http");
    CHECK(bed.ca.log().size() == 1);
}

TEST_CASE("answers that are not what they should be are typed problems (F15, F16)") {
    RequestKind kind =
        GENERATE(RequestKind::new_order, RequestKind::authorization, RequestKind::finalize, RequestKind::order);
    std::string body = GENERATE(as<std::string>{}, "", "[]", "null", "<html>", "{\"status\":", "{}",
                                R"({"status":7,"authorizations":"x","challenges":{}})");
    IssuanceBed bed;
    bed.ca.knobs.tamper = [&](RequestKind seen, HttpResponse& response) {
        if (seen == kind) response.body = body;
    };
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    INFO(to_string(kind) << " " << body << " " << describe(issued.error()));
    CHECK(issued.error().code == "acme.badResponse");
    bed.check_nothing_left();
}

TEST_CASE("foreign text in messages is one printable line (S16)") {
    IssuanceBed bed;
    std::string evil = "x\x1b]0;t\x07\r\n2026-11-23 certd: fine";
    bed.ca.fail_next(RequestKind::new_order, problem_answer(400, "malformed", evil));
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().remote == evil);
    std::string shown = describe(issued.error());
    CHECK(shown.find('\n') == std::string::npos);
    CHECK(shown.find('\x1b') == std::string::npos);
}

TEST_CASE("an order of a thousand authorizations is refused") {
    IssuanceBed bed;
    bed.ca.knobs.tamper = [](RequestKind kind, HttpResponse& response) {
        if (kind != RequestKind::new_order) return;
        std::string many;
        for (int i = 0; i < 1000; ++i)
            many += "\"https://ca.test/authz/0\",";
        replacing(kind, R"("authorizations":[)", R"("authorizations":[)" + many)(kind, response);
    };
    auto issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.badResponse");
}
