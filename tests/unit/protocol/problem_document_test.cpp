// Error answers of every sort.
#include "libacme/protocol/problem_document.hpp"

#include "libacme/base/catalog.hpp"
#include "libacme/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_ca.hpp"
#include "tests/support/virtual_clock.hpp"

using namespace certd;
using namespace certd::test;
using acme::problem_of_response;
using acme::typed_if_paused;
using acme::unpause_url;

namespace {

constexpr Time now = virtual_start;

HttpResponse plain(int status, std::string type, std::string body) {
    HttpResponse response;
    response.status = status;
    response.headers.add("Content-Type", std::move(type));
    response.body = std::move(body);
    return response;
}

}  // namespace

TEST_CASE("every ACME error type has a catalogued code of its own (acme-facts §1.1)") {
    for (std::string type : {"accountDoesNotExist",
                             "alreadyRevoked",
                             "badCSR",
                             "badNonce",
                             "badPublicKey",
                             "badRevocationReason",
                             "badSignatureAlgorithm",
                             "caa",
                             "compound",
                             "connection",
                             "dns",
                             "externalAccountRequired",
                             "incorrectResponse",
                             "invalidContact",
                             "malformed",
                             "orderNotReady",
                             "rateLimited",
                             "rejectedIdentifier",
                             "serverInternal",
                             "tls",
                             "unauthorized",
                             "unsupportedContact",
                             "unsupportedIdentifier",
                             "userActionRequired",
                             "invalidProfile"}) {
        Problem problem = problem_of_response(problem_answer(400, type, "words"), "Cannot do it", now);
        CHECK(problem.code == "acme." + type);
        CHECK(find_catalog(problem.code) != nullptr);
        CHECK(problem.what == "Cannot do it");
        CHECK(problem.remote == "words");
    }
}

TEST_CASE("problems are classified by what repeating them could achieve") {
    auto retry = [](const std::string& type) { return problem_of_response(problem_answer(400, type), "x", now).retry; };
    for (std::string type :
         {"userActionRequired", "externalAccountRequired", "rejectedIdentifier", "unsupportedIdentifier",
          "badPublicKey", "invalidContact", "unsupportedContact", "invalidProfile", "badCSR", "accountDoesNotExist"}) {
        INFO(type);
        CHECK(retry(type) == Retry::after_change);
    }
    for (std::string type :
         {"unauthorized", "connection", "dns", "tls", "incorrectResponse", "caa", "rateLimited", "serverInternal"}) {
        INFO(type);
        CHECK(retry(type) == Retry::later);
    }
    CHECK(retry("urn:example:new") == Retry::after_change);
}

TEST_CASE("a type of the future keeps its name in the remote text") {
    Problem problem = problem_of_response(problem_answer(400, "fromTheFuture", "hm"), "x", now);
    CHECK(problem.code == "acme.unknown");
    CHECK(problem.remote == "hm (type: urn:ietf:params:acme:error:fromTheFuture)");
}

TEST_CASE("whatever is no problem document is acme.http (A21)") {
    for (const HttpResponse& response :
         {plain(503, "text/html", "<html><h1>503</h1>"), plain(502, "text/plain", ""),
          plain(404, "application/problem+json", R"({"type":"urn:ie)"),
          plain(500, "application/problem+json", R"({"detail":"no type"})"),
          plain(500, "application/json", R"({"type":"about:blank"})"), plain(400, "application/problem+json", "[]"),
          plain(400, "application/problem+json", R"({"type":7})")}) {
        Problem problem = problem_of_response(response, "Cannot do it", now);
        CHECK(problem.code == "acme.http");
        CHECK(problem.remote.starts_with("HTTP " + std::to_string(response.status)));
    }
}

TEST_CASE("a redirect of a request says where to, and is not followed") {
    HttpResponse response = plain(302, "text/html", "");
    response.headers.add("Location", "http://169.254.169.254/");
    CHECK(problem_of_response(response, "x", now).remote == "HTTP 302 (to: http://169.254.169.254/)");
}

TEST_CASE("a Retry-After of any form becomes the earliest next time (F08, F09)") {
    auto asked = [](std::string value) {
        HttpResponse response = plain(503, "text/html", "<html>");
        response.headers.add("Retry-After", value);
        return problem_of_response(response, "x", now).not_before;
    };
    CHECK(asked("120") == now + seconds(120));
    CHECK(asked("604800") == now + days(7));
    CHECK(asked("Mon, 23 Nov 2026 01:00:00 GMT") == now + hours(1));
    CHECK(asked("Monday, 23-Nov-26 01:00:00 GMT") == now + hours(1));
    CHECK(asked("Mon Nov 23 01:00:00 2026") == now + hours(1));
    CHECK(asked("0") == now);
    CHECK(asked("Mon, 23 Nov 1998 01:00:00 GMT") == now);
    CHECK(asked("100000000000000000000") == now + days(31));
    CHECK_FALSE(asked("-1"));
    CHECK_FALSE(asked("soon"));
}

TEST_CASE("a rate limit without the header is read from the CA's words") {
    Problem problem = problem_of_response(
        problem_answer(429, "rateLimited",
                       "too many certificates (5) already issued, retry after 2026-11-24 18:30:00 UTC: see https://…"),
        "x", now);
    CHECK(problem.not_before == parse_rfc3339("2026-11-24T18:30:00Z"));
    CHECK_FALSE(problem_of_response(problem_answer(429, "rateLimited", "retry after lunch"), "x", now).not_before);
    CHECK_FALSE(problem_of_response(problem_answer(429, "rateLimited", "retry after 2026-99-99 99:99:99"), "x", now)
                    .not_before);
}

TEST_CASE("names that a CA has paused are told from its words, with the page in front (acme-facts §7.1)") {
    auto said = [](const std::string& type, const std::string& detail) {
        return typed_if_paused(problem_of_response(problem_answer(429, type, detail), "Cannot order", now));
    };
    Problem paused =
        said("rateLimited",
             "Your account is temporarily prevented from requesting certificates for a.example and possibly "
             "others. Please visit: https://portal.ca.example/unpause?jwt=a.b-c_d.");
    CHECK(paused.code == "acme.paused");
    CHECK(paused.retry == Retry::after_change);
    CHECK_FALSE(paused.not_before);
    CHECK(unpause_url(paused) == "https://portal.ca.example/unpause?jwt=a.b-c_d");
    CHECK(paused.remote ==
          "unpause at https://portal.ca.example/unpause?jwt=a.b-c_d Your account is temporarily prevented from "
          "requesting "
          "certificates for a.example and possibly others. Please visit: the page named.");
    CHECK(said("unauthorized", "a.example is Paused; see <https://ca.example/>").code == "acme.paused");
    CHECK(unpause_url(said("unauthorized", "a.example is paused; see http://ca.example/")).empty());
    CHECK(said("rateLimited", "too many orders, see https://ca.example/limits").code == "acme.rateLimited");
    CHECK(said("malformed", "paused https://ca.example/").code == "acme.malformed");
    // What is not the CA's answer about paused names has no page.
    CHECK(unpause_url(problem("acme.rateLimited", "x", "unpause at https://ca.example/")).empty());
    CHECK(unpause_url(problem("acme.paused", "x", "https://ca.example/")).empty());
}

TEST_CASE("subproblems name their identifier, which is foreign text (A22, S16)") {
    HttpResponse response = plain(403, "application/problem+json",
                                  R"({"type":"urn:ietf:params:acme:error:compound","detail":"d","subproblems":[
        {"type":"urn:ietf:params:acme:error:caa","detail":"forbidden","identifier":{"type":"dns","value":"a\u001b[2J.example"}},
        {"type":"urn:ietf:params:acme:error:dns","detail":"gone"}, 7]})");
    Problem problem = problem_of_response(response, "x", now);
    REQUIRE(problem.parts.size() == 2);
    CHECK(problem.parts[0].code == "acme.caa");
    CHECK(problem.parts[0].what == "Refused a\\x1B[2J.example");
    CHECK(problem.parts[1].what == "One of the names was refused");
}

TEST_CASE("pages for people are shown as text (A19, B6)") {
    HttpResponse response = plain(
        403, "application/problem+json",
        R"({"type":"urn:ietf:params:acme:error:userActionRequired","detail":"act","instance":"https://ca.test/agree"})");
    response.headers.add("Link",
                         R"(<https://ca.test/terms>;rel="terms-of-service", <https://ca.test/dir>;rel="index")");
    response.headers.add("Link", R"(<https://ca.test/help>;rel="help")");
    CHECK(problem_of_response(response, "x", now).remote ==
          "act (see: https://ca.test/agree) (terms of service: https://ca.test/terms) (help: https://ca.test/help)");
}

TEST_CASE("badSignatureAlgorithm tells which algorithms would do (A10)") {
    HttpResponse response =
        plain(400, "application/problem+json",
              R"({"type":"urn:ietf:params:acme:error:badSignatureAlgorithm","algorithms":["RS256","ES256"]})");
    CHECK(problem_of_response(response, "x", now).remote == "(algorithms: RS256, ES256)");
}

TEST_CASE("the CA's words stay bounded, single-lined and printable wherever they are shown (A20, S16)") {
    std::string evil = "\x1b]0;owned\x07\x1b[2J\rroot#\nNov 23 certd: all is well \xc2\x9b \xe2\x80\xae \xff" +
                       std::string(1 << 19, 'A');
    Json document = Json::object({{"type", "urn:ietf:params:acme:error:malformed"}, {"detail", evil}});
    Problem problem =
        problem_of_response(plain(400, "application/problem+json", to_text(document)), "Cannot do it", now);
    CHECK(problem.remote.size() <= 4096);
    std::string shown = describe(problem);
    for (unsigned char letter : shown)
        CHECK(letter >= 0x20);
    CHECK(shown.find("\xc2\x9b") == std::string::npos);
    CHECK(shown.find("\xe2\x80\xae") == std::string::npos);
}

TEST_CASE("several problems become one with parts") {
    Problem one = problem("acme.dns", "a");
    CHECK(acme::combine({one}, "all") == one);
    Problem both = acme::combine({one, problem("acme.caa", "b")}, "all");
    CHECK(both.code == "acme.dns");
    CHECK(both.what == "all");
    CHECK(both.parts.size() == 2);
}
