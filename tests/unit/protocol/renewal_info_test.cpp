// Renewal information (RFC 9773): identifiers, answers good and hostile, failures, and `replaces`.
#include "libacme/protocol/renewal_info.hpp"

#include "libacme/base/catalog.hpp"
#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::RequestKind;
using Kind = acme::RenewalInfoAnswer::Kind;

namespace {

Bytes bytes(std::string_view text) {
    return parse_hex(text).value();
}

HttpResponse answer(std::string body, std::vector<std::string> retry_after = {"21600"}) {
    HttpResponse response;
    response.status = 200;
    response.body = std::move(body);
    for (std::string& value : retry_after)
        response.headers.add("Retry-After", std::move(value));
    return response;
}

std::string window(const std::string& start, const std::string& end, const std::string& more = {}) {
    return R"({"suggestedWindow":{"start":")" + start + R"(","end":")" + end + "\"}" + more + "}";
}

// A bed whose CA has renewal information about the certificate already issued.
struct RenewalBed : IssuanceBed {
    explicit RenewalBed(FakeCaOptions options = {}) : IssuanceBed(std::move(options)) {
        ca.knobs.renewal_info = true;
        restart();
        Result<acme::Issued> issued = issue();
        REQUIRE(issued);
        id = acme::certificate_id(issued->chain.front()).value();
        request.previous_serial = issued->chain.front().serial();
        ca.clear_log();
    }
    acme::RenewalInfoAnswer ask() { return test::run(io, clock, acme::ask_renewal_info(*session, id)); }

    std::string id;
};

}  // namespace

TEST_CASE("a certificate is named by its issuer's key and its serial, leading zero included (RFC 9773 §4.1)") {
    Bytes key = bytes("69885b6b87464041e1b37b847ba0ae2cde01c8d4");
    CHECK(acme::certificate_id(key, bytes("0087654321")) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    CHECK(acme::certificate_id(key, bytes("07654321")) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.B2VDIQ");
    CHECK(acme::certificate_id(key, bytes("01")) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AQ");
    // A negative serial, an absent one, no issuer's key, and lengths no CA uses.
    CHECK_FALSE(acme::certificate_id(key, bytes("87654321")));
    CHECK_FALSE(acme::certificate_id(key, Bytes{}));
    CHECK_FALSE(acme::certificate_id(Bytes{}, bytes("01")));
    CHECK_FALSE(acme::certificate_id(Bytes(65, 1), bytes("01")));
    CHECK_FALSE(acme::certificate_id(key, Bytes(22, 1)));
}

TEST_CASE("a certificate's identifier is read from the certificate itself") {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    std::vector<Identifier> names{dns("example.com")};
    LeafOrder order{names, key.public_key_der(), virtual_start, virtual_start + days(90), bytes("0087654321")};
    Certificate leaf = sign_leaf(order);
    std::string id = acme::certificate_id(leaf).value();
    CHECK(id == base64url(*leaf.authority_key_identifier()) + ".AIdlQyE");
}

TEST_CASE("windows are read with fractions and offsets") {
    struct Row {
        std::string start, end, first, last;
    };
    auto row = GENERATE(
        Row{"2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z", "2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z"},
        Row{"2026-11-23T10:00:00.123456789Z", "2026-11-23T10:00:00.124456789Z", "2026-11-23T10:00:00.123Z",
            "2026-11-23T10:00:00.124Z"},
        Row{"2026-11-23T10:00:00+05:30", "2026-11-23T10:00:00-08:00", "2026-11-23T04:30:00Z", "2026-11-23T18:00:00Z"},
        Row{"1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z"},
        Row{"0000-01-01T00:00:00+23:59", "2262-04-11T23:47:17Z", "1970-01-01T00:00:00Z", "2262-04-11T23:47:17Z"},
        Row{"2026-11-23T10:00:00Z", "9999-12-31T23:59:60-23:59", "2026-11-23T10:00:00Z", "9999-12-31T23:59:59Z"});
    Result<acme::RenewalInfo> info = acme::read_renewal_info(answer(window(row.start, row.end)), virtual_start);
    REQUIRE(info);
    CHECK(format_rfc3339(info->start) == row.first);
    CHECK(format_rfc3339(info->end) == row.last);
    CHECK(info->poll_again == hours(6));
    CHECK(info->explanation_url.empty());
}

TEST_CASE("what is no window is refused, whatever it is (S23, F17)") {
    auto body = GENERATE(
        as<std::string>{}, "", "null", "[]", "42", "{}", "<html>", R"({"suggestedWindow":null})",
        R"({"suggestedWindow":[]})", R"({"suggestedWindow":{"start":"2026-11-23T10:00:00Z"}})",
        R"({"suggestedWindow":{"start":1795392000,"end":1795392001}})", window("2026-11-23", "2026-11-24"),
        window("2026-11-23T10:00:00", "2026-11-24T10:00:00"),              // no offset
        window("2026-11-24T10:00:00Z", "2026-11-23T10:00:00Z"),            // reversed
        window("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),            // empty
        window("2026-11-23T12:00:00+02:00", "2026-11-23T10:00:00Z"),       // empty, in another offset
        window("0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"),            // before all certificates
        window("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59-13:00"),  // after the last year
        window("292277026596-12-04T15:30:07Z", "292277026597-01-01T00:00:00Z"),
        window("2026-13-45T99:99:99Z", "2026-11-24T10:00:00Z"), R"({"suggestedWindow":{"start":"\ud800","end":"x"}})");
    Result<acme::RenewalInfo> info = acme::read_renewal_info(answer(body), virtual_start);
    INFO(body);
    REQUIRE_FALSE(info);
    CHECK(info.error().code == "acme.badResponse");
}

TEST_CASE("a large or deep answer is refused, unknown members and odd explanations are not") {
    std::string now = "2026-11-23T10:00:00Z";
    std::string later = "2026-11-24T10:00:00Z";
    auto read = [](std::string body) { return acme::read_renewal_info(answer(std::move(body)), virtual_start); };
    CHECK_FALSE(read(window(now, later, ",\"x\":\"" + std::string(100'000, 'x') + "\"")));
    CHECK_FALSE(read(window(now, later, ",\"x\":" + std::string(100, '[') + std::string(100, ']'))));
    CHECK(read(window(now, later, R"(,"x":{"y":[1]},"explanationURL":17)"))->explanation_url.empty());
    CHECK(read(window(now, later, R"(,"explanationURL":"https://ca.test/why")"))->explanation_url ==
          "https://ca.test/why");
    CHECK(read(window(now, later, ",\"explanationURL\":\"" + std::string(5000, 'u') + "\""))->explanation_url.size() ==
          1024);
}

TEST_CASE("the next question is asked when the CA says, between a minute and a day (S23)") {
    struct Row {
        std::vector<std::string> values;
        Duration pause;
    };
    auto row = GENERATE(Row{{"21600"}, hours(6)}, Row{{"0"}, minutes(1)}, Row{{"59"}, minutes(1)},
                        Row{{"61"}, seconds(61)}, Row{{"86401"}, days(1)}, Row{{"100000000000000000000"}, days(1)},
                        Row{{}, hours(6)}, Row{{"soon"}, hours(6)}, Row{{"-5"}, hours(6)}, Row{{""}, hours(6)},
                        Row{{"1e3"}, hours(6)}, Row{{format_http_date(virtual_start + hours(3))}, hours(3)},
                        Row{{"Thu, 01 Jan 1970 00:00:00 GMT"}, minutes(1)},
                        Row{{"Fri, 31 Dec 9999 23:59:59 GMT"}, days(1)}, Row{{"60", "7200"}, hours(2)});
    Result<acme::RenewalInfo> info = acme::read_renewal_info(
        answer(window("2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z"), row.values), virtual_start);
    REQUIRE(info);
    CHECK(info->poll_again == row.pause);
}

TEST_CASE("a question is one plain GET without account or nonce") {
    RenewalBed bed;
    bed.ca.knobs.explanation_url = "https://ca.test/why";
    bed.open_session();
    acme::RenewalInfoAnswer answer = bed.ask();
    REQUIRE(answer.kind == Kind::suggestion);
    CHECK(answer.info.end > answer.info.start);
    CHECK(answer.info.explanation_url == "https://ca.test/why");
    REQUIRE(bed.ca.log().size() == 2);
    CHECK(bed.ca.log()[0].kind == RequestKind::directory);
    CHECK(bed.ca.log()[1].url == "https://ca.test/renewal-info/" + bed.id);
    bed.check_nothing_left();
}

TEST_CASE("exactly one slash stands before the identifier, however the directory ends its URL") {
    auto ending = GENERATE(as<std::string>{}, "", "/", "//");
    RenewalBed bed;
    bed.ca.knobs.tamper = replacing(RequestKind::directory, "/renewal-info\"", "/renewal-info" + ending + "\"");
    bed.open_session();
    CHECK(bed.ask().kind == Kind::suggestion);
    CHECK(bed.ca.log().back().url == "https://ca.test/renewal-info/" + bed.id);
}

TEST_CASE("a CA without renewal information is not asked for it") {
    IssuanceBed bed;
    CHECK(test::run(bed.io, bed.clock, acme::ask_renewal_info(*bed.session, "a.b")).kind == Kind::not_offered);
    CHECK(bed.ca.count(RequestKind::renewal_info) == 0);
}

TEST_CASE("temporary failures are told from lasting ones (RFC 9773 §4.3)") {
    struct Row {
        Fault fault;
        Kind kind;
        std::string code;
    };
    HttpResponse html;
    html.status = 502;
    html.body = "<html>Bad gateway</html>";
    HttpResponse moved;
    moved.status = 301;
    moved.headers.add("Location", "https://ca.test/elsewhere");
    auto row = GENERATE_COPY(
        Row{{Fault::Kind::respond, html}, Kind::temporary, "acme.http"},
        Row{{Fault::Kind::respond, problem_answer(500, "serverInternal")}, Kind::temporary, "acme.serverInternal"},
        Row{{Fault::Kind::respond, problem_answer(429, "rateLimited")}, Kind::temporary, "acme.rateLimited"},
        Row{{Fault::Kind::lose, {}}, Kind::temporary, "net.closed"},
        Row{{Fault::Kind::hang, {}}, Kind::temporary, "net.timeout"},
        Row{{Fault::Kind::refuse, {}}, Kind::lasting, "net.connect"},
        Row{{Fault::Kind::respond, problem_answer(404, "malformed")}, Kind::lasting, "acme.malformed"},
        Row{{Fault::Kind::respond, problem_answer(400, "badNonce")}, Kind::lasting, "acme.badNonce"},
        Row{{Fault::Kind::respond, moved}, Kind::lasting, "acme.http"},
        Row{{Fault::Kind::respond, answer("garbage")}, Kind::lasting, "acme.badResponse"});
    RenewalBed bed;
    bed.ca.knobs.intercept = [&](std::size_t, RequestKind kind) -> std::optional<Fault> {
        if (kind != RequestKind::renewal_info) return std::nullopt;
        return row.fault;
    };
    Time before = bed.clock.now();
    acme::RenewalInfoAnswer answer = bed.ask();
    CHECK(answer.kind == row.kind);
    CHECK(answer.problem.code == row.code);
    CHECK(bed.clock.now() - before <= seconds(30));
    CHECK(bed.ca.count(RequestKind::renewal_info) == 1);
    bed.check_nothing_left();
}

TEST_CASE("every exchange of a question failing once ends in a typed answer, and the next question is answered") {
    auto how = GENERATE(Fault::Kind::respond, Fault::Kind::lose, Fault::Kind::refuse, Fault::Kind::hang);
    for (std::size_t n = 1; n <= 2; ++n) {
        RenewalBed bed;
        bed.ca.knobs.renewal_retry_after = {"0"};  // an answer that is lost was given
        bed.open_session();
        bed.ca.knobs.intercept = [&](std::size_t number, RequestKind) -> std::optional<Fault> {
            if (number != n) return std::nullopt;
            return Fault{how, problem_answer(503, "serverInternal", "sorry")};
        };
        acme::RenewalInfoAnswer failed = bed.ask();
        CHECK((failed.kind == Kind::temporary || failed.kind == Kind::lasting));
        CHECK(find_catalog(failed.problem.code) != nullptr);
        CHECK(failed.problem.code != "internal.unexpected");
        bed.clock.run_until(bed.io, bed.clock.now() + minutes(1));
        CHECK(bed.ask().kind == Kind::suggestion);
        bed.check_nothing_left();
    }
}

TEST_CASE("a directory that leads renewal information elsewhere is refused before anybody is asked (S4, S18)") {
    auto target = GENERATE(as<std::string>{}, "http://ca.test/renewal-info", "https://10.0.0.1/renewal-info",
                           "https://ca.test:8443/renewal-info", "renewal-info");
    RenewalBed bed;
    bed.ca.knobs.tamper = replacing(RequestKind::directory, "https://ca.test/renewal-info", target);
    bed.open_session();
    acme::RenewalInfoAnswer answer = bed.ask();
    CHECK(answer.kind == Kind::lasting);
    CHECK(answer.problem.code == "acme.badUrl");
    CHECK(bed.ca.count(RequestKind::renewal_info) == 0);
}

TEST_CASE("an order names the certificate it replaces, if the CA has renewal information") {
    SECTION("it has") {
        RenewalBed bed;
        bed.request.replaces = bed.id;
        REQUIRE(bed.issue());
        CHECK(bed.ca.replaces() == std::vector<std::string>{"", bed.id});
        bed.check_nothing_left();
    }
    SECTION("it has not") {
        IssuanceBed bed;
        bed.request.replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
        REQUIRE(bed.issue());
        CHECK(bed.ca.replaces() == std::vector<std::string>{""});
        bed.check_nothing_left();
    }
}

TEST_CASE("an order refused for what it replaces is placed once more without (F17)") {
    struct Row {
        int status;
        std::string type;
    };
    auto row = GENERATE(Row{409, "alreadyReplaced"}, Row{400, "malformed"}, Row{404, "malformed"},
                        Row{403, "unauthorized"}, Row{409, "conflict:other"}, Row{404, "about:blank"});
    RenewalBed bed;
    bed.request.replaces = bed.id;
    bed.ca.fail_next(RequestKind::new_order, problem_answer(row.status, row.type, "not this one"));
    REQUIRE(bed.issue());
    CHECK(bed.ca.count(RequestKind::new_order) == 2);
    CHECK(bed.ca.replaces() == std::vector<std::string>{"", ""});
    CHECK(bed.progress_mentions("without naming the certificate to be replaced"));
    bed.check_nothing_left();
}

TEST_CASE("a predecessor that the CA replaced before, or never knew, costs one more request") {
    RenewalBed bed;
    SECTION("replaced before") {
        bed.request.replaces = bed.id;
        REQUIRE(bed.issue());
        REQUIRE(bed.issue());
        CHECK(bed.ca.replaces() == std::vector<std::string>{"", bed.id, ""});
    }
    SECTION("never known") {
        bed.request.replaces = "AAAA.AQ";
        REQUIRE(bed.issue());
        CHECK(bed.ca.replaces() == std::vector<std::string>{"", ""});
    }
    bed.check_nothing_left();
}

TEST_CASE("other refusals of an order are not laid at the door of its predecessor") {
    struct Row {
        int status;
        std::string type;
    };
    auto row = GENERATE(Row{429, "rateLimited"}, Row{500, "serverInternal"}, Row{403, "userActionRequired"},
                        Row{400, "rejectedIdentifier"}, Row{403, "caa"});
    RenewalBed bed;
    bed.request.replaces = bed.id;
    bed.ca.fail_next(RequestKind::new_order, problem_answer(row.status, row.type, "no"));
    Result<acme::Issued> issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme." + row.type);
    CHECK(bed.ca.count(RequestKind::new_order) == 1);
}

TEST_CASE("an order refused twice fails with the second refusal") {
    RenewalBed bed;
    bed.request.replaces = bed.id;
    bed.ca.fail_next(RequestKind::new_order, problem_answer(400, "malformed", "never"), 2);
    Result<acme::Issued> issued = bed.issue();
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == "acme.malformed");
    CHECK(bed.ca.count(RequestKind::new_order) == 2);
}
