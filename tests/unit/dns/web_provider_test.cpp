// DNS providers that are web services, against a server over real TLS that notes what it is sent.
#include "daemon/dns/signature_v4.hpp"

#include "libacme/base/json.hpp"
#include "tests/support/raw_server.hpp"
#include "tests/support/test_authority.hpp"
#include "tests/unit/dns/provider_fixture.hpp"

using namespace certd;
using namespace certd::test;

namespace {

// A server that gives these answers, one after another, and the bundle that trusts it.
struct Service {
    explicit Service(std::vector<std::string> answers, bool tls = true)
        : server(options(tls), [answers](std::size_t connection) { return script(answers, connection); }) {
        bundle = authority().write_bundle(bed.directory.path());
    }

    static const TestAuthority& authority() {
        static const TestAuthority instance;
        return instance;
    }
    static RawServerOptions options(bool tls) {
        RawServerOptions options;
        if (tls) options.identity = authority().issue({"127.0.0.1"});
        return options;
    }
    // Each operation has a connection of its own; `answers` are shared out among them by what each of them asked.
    static RawScript script(const std::vector<std::string>& answers, std::size_t) {
        RawScript steps;
        for (const std::string& answer : answers) {
            steps.push_back(raw::Receive{});
            steps.push_back(raw::Send{answer});
        }
        return steps;
    }

    template <class Kind>
    std::unique_ptr<RecordEditor> editor(Kind kind) {
        auto provider = provider_of(std::move(kind));
        provider->ca_bundle = bundle;
        return make_editor(bed.seams(), provider);
    }

    // The n-th request, counted from 0.
    std::string request(std::size_t number) const { return server.requests().at(number); }
    bool has(std::size_t number, const std::string& text) const {
        return request(number).find(text) != std::string::npos;
    }
    bool begins(std::size_t number, const std::string& text) const { return request(number).starts_with(text); }
    std::string base() const {
        std::string url = server.url("");
        return url;
    }

    DnsBed bed;
    RawServer server;
    std::string bundle;
};

std::string ok(const std::string& body) {
    return http_answer(200, body, "Content-Type: application/json\r\n");
}

std::string value() {
    return txt_change().value;
}

}  // namespace

TEST_CASE("httpreq posts name and value to two paths, with basic authentication") {
    Service service({ok("{}")});
    config::DnsHttpReq kind;
    kind.endpoint = service.base() + "/dns/";
    kind.username_file = service.bed.secret("user", "certd");
    kind.password_file = service.bed.secret("password", "p:w\n");
    auto editor = service.editor(kind);
    run_task(editor->add(txt_change()));
    run_task(editor->remove(txt_change()));
    CHECK(service.begins(0, "POST /dns/present HTTP/1.1\r\n"));
    CHECK(service.has(0, "Authorization: Basic Y2VydGQ6cDp3\r\n"));
    CHECK(service.has(0, "\r\n\r\n{\"fqdn\":\"_acme-challenge.example.org.\",\"value\":\"" + value() + "\"}"));
    CHECK(service.begins(1, "POST /dns/cleanup HTTP/1.1\r\n"));
}

TEST_CASE("a service on this machine may be asked in the clear") {
    Service service({http_answer(200, "{}", "Connection: close\r\n")}, false);
    config::DnsHttpReq kind;
    kind.endpoint = "http://127.0.0.1:" + std::to_string(service.server.port());
    auto editor = service.editor(kind);
    run_task(editor->add(txt_change()));
    CHECK(service.begins(0, "POST /present HTTP/1.1\r\nHost: 127.0.0.1:"));
    CHECK_FALSE(service.has(0, "Authorization"));
}

TEST_CASE("a refusal is a problem with the service's words, a foreign certificate one of TLS") {
    Service service({http_answer(403, "zone is locked")});
    config::DnsHttpReq kind;
    kind.endpoint = service.base();
    auto editor = service.editor(kind);
    Problem problem = problem_from(editor->add(txt_change()));
    CHECK(problem.code == "dns.provider");
    CHECK(problem.what == "The DNS provider office refused POST " + service.base() + "/present with status 403");
    CHECK(problem.remote == "zone is locked");
    TestAuthority other("Other Root");
    service.bundle = other.write_bundle(service.bed.directory.path());
    CHECK(problem_from(service.editor(kind)->add(txt_change())).code == "tls.untrusted");
}

TEST_CASE("acme-dns gets the value under the registration of the name") {
    Service service({ok("{\"txt\":\"x\"}")});
    config::DnsAcmeDns kind;
    kind.server = service.base();
    kind.accounts_file = service.bed.secret(
        "accounts.json",
        R"({"example.org": {"username": "u", "password": "p", "fulldomain": "d42.auth.example.net", "subdomain": "d42", "allowfrom": []}})");
    auto editor = service.editor(kind);
    DnsChange delegated = txt_change();
    delegated.record = dns::Name::parse("d42.auth.example.net").value();
    run_task(editor->add(delegated));
    run_task(editor->remove(delegated));
    REQUIRE(service.server.requests().size() == 1);
    CHECK(service.begins(0, "POST /update HTTP/1.1\r\n"));
    CHECK(service.has(0, "X-Api-User: u\r\nX-Api-Key: p\r\n"));
    CHECK(service.has(0, "{\"subdomain\":\"d42\",\"txt\":\"" + value() + "\"}"));

    Problem problem = problem_from(editor->add(txt_change()));
    CHECK(problem.code == "dns.notDelegated");
    CHECK(problem.what ==
          "_acme-challenge.example.org leads to _acme-challenge.example.org and not to its registration "
          "d42.auth.example.net");
    delegated.domain = "other.org";
    CHECK(problem_from(editor->add(delegated)).code == "config.secret");
}

TEST_CASE("Cloudflare: the zone is found by its name, and only the own value is deleted") {
    const std::string no_zone = ok(R"({"success":true,"result":[]})");
    const std::string zone = ok(R"({"success":true,"result":[{"id":"023e105f4ecef8ad9ca31a8372d0c353"}]})");
    const std::string records = "/zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records";
    {
        Service service({no_zone, zone, ok(R"({"success":true,"result":{"id":"1"}})")});
        config::DnsCloudflare kind;
        kind.endpoint = service.base() + "/client/v4";
        kind.token_file = service.bed.secret("token", "t0ken");
        run_task(service.editor(kind)->add(txt_change()));
        CHECK(service.begins(0, "GET /client/v4/zones?name=_acme-challenge.example.org HTTP/1.1\r\n"));
        CHECK(service.begins(1, "GET /client/v4/zones?name=example.org HTTP/1.1\r\n"));
        CHECK(service.begins(2, "POST /client/v4" + records + " HTTP/1.1\r\n"));
        CHECK(service.has(2, "Authorization: Bearer t0ken\r\n"));
        CHECK(service.has(
            2, R"({"type":"TXT","name":"_acme-challenge.example.org","content":"\")" + value() + R"(\"","ttl":60,)"));
    }
    Service service(
        {no_zone, zone,
         ok(R"({"success":true,"result":[{"id":"a1","content":"\"somebody else's\""},{"id":"b2","content":"\")" +
            value() + R"(\""},{"id":"../x","content":")" + value() + R"("}]})"),
         ok(R"({"success":true,"result":{"id":"b2"}})")});
    config::DnsCloudflare kind;
    kind.endpoint = service.base();
    kind.token_file = service.bed.secret("token", "t0ken");
    run_task(service.editor(kind)->remove(txt_change()));
    REQUIRE(service.server.requests().size() == 4);
    CHECK(service.begins(2, "GET " + records + "?type=TXT&name=_acme-challenge.example.org&per_page=100 HTTP/1.1\r\n"));
    CHECK(service.begins(3, "DELETE " + records + "/b2 HTTP/1.1\r\n"));
}

TEST_CASE("Cloudflare: a record that is there already is success, other refusals are not") {
    auto add = [](const std::string& body) {
        Service service({ok(R"({"success":true,"result":[{"id":"z"}]})"), http_answer(400, body)});
        config::DnsCloudflare kind;
        kind.endpoint = service.base();
        kind.token_file = service.bed.secret("token", "t0ken");
        return problem_from(service.editor(kind)->add(txt_change())).code;
    };
    CHECK(
        add(R"({"success":false,"errors":[{"code":81058,"message":"An identical record already exists."}]})").empty());
    CHECK(add(R"({"success":false,"errors":[{"code":9109,"message":"Invalid access token"}]})") == "dns.provider");
    CHECK(add("<html>") == "dns.provider");
}

namespace {

const std::string zones_xml =
    "<ListHostedZonesByNameResponse><HostedZones>"
    "<HostedZone><Id>/hostedzone/ZPRIVATE</Id><Name>example.org.</Name><Config><PrivateZone>true</PrivateZone></"
    "Config></HostedZone>"
    "<HostedZone><Id>/hostedzone/Z1PUBLIC</Id><Name>example.org.</Name><Config><PrivateZone>false</PrivateZone></"
    "Config></HostedZone>"
    "</HostedZones></ListHostedZonesByNameResponse>";

std::string set_xml(const std::vector<std::string>& values, const std::string& name = "_acme-challenge.example.org.") {
    std::string xml = "<ListResourceRecordSetsResponse><ResourceRecordSets><ResourceRecordSet><Name>" + name +
                      "</Name><Type>TXT</Type><TTL>300</TTL><ResourceRecords>";
    for (const std::string& text : values)
        xml += "<ResourceRecord><Value>" + text + "</Value></ResourceRecord>";
    return xml + "</ResourceRecords></ResourceRecordSet></ResourceRecordSets></ListResourceRecordSetsResponse>";
}

config::DnsRoute53 route53(Service& service, std::optional<std::string> zone = "Z1PUBLIC") {
    config::DnsRoute53 kind;
    kind.endpoint = service.base();
    kind.access_key_file = service.bed.secret("id", "AKIDEXAMPLE");
    kind.secret_key_file = service.bed.secret("key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    kind.zone_id = std::move(zone);
    return kind;
}

}  // namespace

TEST_CASE("Route 53: the public zone is found, and the values of others are written back") {
    Service service({ok("<HostedZones></HostedZones>"), ok(zones_xml),
                     ok(set_xml({"&quot;somebody else's&quot;", "\"b\""})), ok("<ok/>")});
    run_task(service.editor(route53(service, std::nullopt))->add(txt_change()));
    REQUIRE(service.server.requests().size() == 4);
    CHECK(service.begins(
        0, "GET /2013-04-01/hostedzonesbyname?dnsname=_acme-challenge.example.org&maxitems=10 HTTP/1.1\r\n"));
    CHECK(service.begins(1, "GET /2013-04-01/hostedzonesbyname?dnsname=example.org&maxitems=10 HTTP/1.1\r\n"));
    CHECK(service.has(1, "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
    CHECK(service.begins(
        2,
        "GET /2013-04-01/hostedzone/Z1PUBLIC/rrset?maxitems=1&name=_acme-challenge.example.org&type=TXT HTTP/1.1\r\n"));
    CHECK(service.begins(3, "POST /2013-04-01/hostedzone/Z1PUBLIC/rrset HTTP/1.1\r\n"));
    CHECK(service.has(
        3,
        "<Action>UPSERT</Action><ResourceRecordSet><Name>_acme-challenge.example.org.</Name><Type>TXT</Type>"
        "<TTL>300</TTL><ResourceRecords><ResourceRecord><Value>&quot;somebody else's&quot;</Value></ResourceRecord>"
        "<ResourceRecord><Value>\"b\"</Value></ResourceRecord><ResourceRecord><Value>\"" +
            value() + "\"</Value>"));
    CHECK_FALSE(service.has(3, "wJalrXUtnFEMI"));
}

TEST_CASE("Route 53: the own value is taken out, the last one deletes the set") {
    {
        Service service({ok(set_xml({"\"b\"", "\"" + value() + "\""})), ok("<ok/>")});
        run_task(service.editor(route53(service))->remove(txt_change()));
        CHECK(service.has(1, "<Action>UPSERT</Action>"));
        CHECK(
            service.has(1, "<ResourceRecords><ResourceRecord><Value>\"b\"</Value></ResourceRecord></ResourceRecords>"));
    }
    {
        Service service({ok(set_xml({"\"" + value() + "\""})), ok("<ok/>")});
        run_task(service.editor(route53(service))->remove(txt_change()));
        CHECK(service.has(1, "<Action>DELETE</Action>"));
        CHECK(service.has(1, "<TTL>300</TTL>"));
    }
    // Not there: the listing begins with another name.
    Service service({ok(set_xml({"\"" + value() + "\""}, "_acme-challenge.example.orgx."))});
    run_task(service.editor(route53(service))->remove(txt_change()));
    CHECK(service.server.requests().size() == 1);
}

TEST_CASE("requests to AWS are signed as its published examples are") {
    // AWS Signature Version 4 test suite: get-vanilla, get-vanilla-query-order-key-case, post-vanilla.
    const AwsKey key{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", {}};
    const Time at = parse_rfc3339("2015-08-30T12:36:00Z").value();
    auto signature = [&](const std::string& method, const std::string& target, AwsScope scope,
                         const std::string& host = "example.amazonaws.com") {
        HttpRequest request;
        request.method = method;
        request.url = parse_url("https://" + host + target).value();
        if (host.starts_with("iam"))
            request.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
        sign_v4(request, key, scope, at);
        std::string text(request.headers.find("Authorization").value());
        return text.substr(text.find("SignedHeaders="));
    };
    CHECK(signature("GET", "/", {"us-east-1", "service"}) ==
          "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    CHECK(signature("GET", "/?Param2=value2&Param1=value1", {"us-east-1", "service"}) ==
          "SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    CHECK(signature("POST", "/", {"us-east-1", "service"}) ==
          "SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    CHECK(signature("GET", "/?Action=ListUsers&Version=2010-05-08", {"us-east-1", "iam"}, "iam.amazonaws.com") ==
          "SignedHeaders=content-type;host;x-amz-date, "
          "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}
