// The CA could not validate a name: what an operator reads for each of the ways in which that goes wrong. The words in
// the CA's place are those of the large public CAs.
#include "tests/flow/explain.hpp"
#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

namespace {

const std::string file = "http://example.com/.well-known/acme-challenge/x";

std::function<void(World&)> refused(const std::string& type, const std::string& detail) {
    return [type, detail](World& world) {
        refuse_validations(world.ca, type, detail);
        world.start();
        world.run_for(seconds(30));
    };
}

}  // namespace

TEST_CASE("an answer that does not prove the name is explained by what came instead") {
    check_explanations({
        {"404 of a wrong webroot",
         refused("unauthorized", "203.0.113.7: Invalid response from " + file + ": 404"),
         {"could not validate www.example.com by http-01",
          "it answered 404, because `webroot` is not the directory it serves", "nginx: root, Apache: DocumentRoot",
          "back-off after 1 failure at main", "A certificate is ordered from main in "}},
        {"forbidden",
         refused("unauthorized", "203.0.113.7: Invalid response from " + file + ": 403"),
         {"forbids access to the challenge's path", "no password, no address filter"}},
        {"another server's page",
         refused("unauthorized", "203.0.113.7: Invalid response from " + file + ": \"<!DOCTYPE html><html>\""),
         {"answered with something else than the challenge: a default page", "ahead of redirects and applications"}},
        {"IPv6 leads to another server",
         refused("unauthorized", "2001:db8::7: Invalid response from " + file + ": 404"),
         {"The CA asked the IPv6 address of the name (its AAAA record)", "or take the AAAA record away",
          "with `curl -6`"}},
    });
}

TEST_CASE("a server that cannot be reached is explained by how the connection failed") {
    check_explanations({
        {"refused port",
         refused("connection", "203.0.113.7: Fetching " + file + ": Connection refused"),
         {"Nothing listens on port 80 of the address", "ss -ltn sport = :80", "Behind NAT forward port 80"}},
        {"filtered port",
         refused("connection", "203.0.113.7: Fetching " + file + ": Timeout during connect (likely firewall problem)"),
         {"packets to port 80 are dropped on the way", "prove the name by dns-01"}},
        {"IPv6 unreachable",
         refused("connection", "2001:db8::7: Fetching " + file + ": Connection refused"),
         {"could not connect to the IPv6 address of the name", "nginx: listen [::]:80"}},
        {"reached from some places only",
         refused("connection", "During secondary validation: 203.0.113.7: Fetching " + file +
                                   ": Timeout during connect (likely firewall problem)"),
         {"from some of them the server cannot be reached", "without filters by country"}},
    });
}

TEST_CASE("trouble with DNS is explained by what the CA's resolver met") {
    check_explanations({
        {"NXDOMAIN",
         refused("dns",
                 "DNS problem: NXDOMAIN looking up A for example.com - check that a DNS record exists for this domain"),
         {"The name has no address in the public DNS", "Publish an A or AAAA record"}},
        {"SERVFAIL",
         refused("dns",
                 "DNS problem: SERVFAIL looking up A for example.com - the domain's nameservers may be malfunctioning"),
         {"the CA's resolver gave up (SERVFAIL)", "dig +cd NAME @1.1.1.1"}},
        {"DNSSEC",
         refused("dns", "DNS problem: looking up A for example.com: DNSSEC: RRSIGs Missing: validation failure"),
         {"The name's DNSSEC is broken", "the DS record at the registrar"}},
        {"silent name servers",
         refused("dns", "DNS problem: query timed out looking up A for example.com"),
         {"do not answer the CA", "UDP and TCP port 53"}},
        {"CAA forbids",
         refused("caa", "CAA record for example.com prevents issuance"),
         {"A CAA record of the domain forbids this CA", "CAA 0 issue \"letsencrypt.org\"",
          "`certctl check example.com` shows which record counts"}},
        {"CAA cannot be looked up",
         refused("dns", "While processing CAA for example.com: DNS problem: SERVFAIL looking up CAA for example.com"),
         {"could not look up the CAA records", "dig CAA NAME @SERVER has to end in NOERROR or NXDOMAIN"}},
    });
}
