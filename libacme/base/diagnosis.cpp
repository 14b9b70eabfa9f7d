// The table of words, in the order in which it is looked through: the first row that fits is the diagnosis.
#include "libacme/base/diagnosis.hpp"

#include "libacme/base/catalog.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace certd {

namespace {

constexpr std::size_t most_words = 4;

enum class Words { theirs, ours };

struct Row {
    std::string_view code;
    std::array<std::string_view, most_words> any;  // one of them is in the words; of theirs in lower case
    Diagnosis diagnosis;
    Words words = Words::theirs;
};

// Boulder, Pebble and the CAs built on them begin with the address that answered: "2001:db8::1: Invalid response …".
constexpr std::string_view from_ipv6 = "(ipv6)";

constexpr Diagnosis ipv6_answers{
    "The CA asked the IPv6 address of the name (its AAAA record), which it prefers to IPv4, and what answers there is "
    "not what proves the name",
    "Compare `curl -4 http://NAME/.well-known/acme-challenge/x` with `curl -6`: both have to reach the same server. "
    "Let it listen on IPv6 too (nginx: listen [::]:80; certd: `http_challenge.listen` with [::]:80), or take the AAAA "
    "record away"};
constexpr Diagnosis caa_lookup{
    "The CA could not look up the CAA records of the name: its name servers fail or do not answer, and then a CA must "
    "not issue. A name without any CAA record has to be answered, too",
    "Ask each authoritative server: dig CAA NAME @SERVER has to end in NOERROR or NXDOMAIN, not in SERVFAIL or a "
    "timeout; check DNSSEC, and firewalls that drop record types they do not know"};
constexpr Diagnosis dnssec{
    "The name's DNSSEC is broken, so that the CA's resolver believes none of its records: signatures have run out, or "
    "the DS record at the parent does not fit the zone's keys",
    "See the fault by `delv NAME` or at dnsviz.net; sign the zone again, or correct or remove the DS record at the "
    "registrar"};

// clang-format off
constexpr Row rows[] = {
    {"acme.unauthorized", {"by dns-01"},
     {"The TXT record that the CA found is not the one that proves the name: an old value, or one written to another zone or view than the internet sees",
      "Ask every authoritative server for the TXT records of _acme-challenge.NAME (dig TXT _acme-challenge.NAME @SERVER), and follow its CNAME if it has one. Remove stale values, and let the DNS provider in `dns_providers` write to the zone that is public"}, Words::ours},
    {"acme.unauthorized", {"by dns-"},
     {"The TXT record that the CA found is not the one that proves the name: an old value, one of another account, or one in another zone or view than the internet sees",
      "Compare the TXT records that `certctl check` names with what every authoritative server of the zone shows (dig TXT RECORD @SERVER); correct or remove those that differ"}, Words::ours},
    {"acme.unauthorized", {"by tls-alpn-"},
     {"What answers on port 443 of the name is not certd's answer to tls-alpn-01: a proxy that ends TLS, or another host",
      "Pass connections with the ALPN protocol acme-tls/1 through to `tls_challenge.listen` undecrypted (contrib/docs/TLS-CHALLENGE.md), or prove the name by http-01"}, Words::ours},
    {"acme.unauthorized", {from_ipv6}, ipv6_answers},
    {"acme.unauthorized", {": 404", " 404", "not found"},
     {"The server that the CA reached has no file at the challenge's path: it answered 404, because `webroot` is not the directory it serves for this name, a rule of its own catches the path, or it is another host",
      "Put a file x into .well-known/acme-challenge below the configured `webroot` and fetch http://NAME/.well-known/acme-challenge/x: a 404 means that `webroot` has to be the server's own directory for the name (nginx: root, Apache: DocumentRoot). Without `webroot` let the server pass that path on to certd's `http_challenge.listen`. Check, too, that the name's addresses are this host's"}},
    {"acme.unauthorized", {": 403", " 403", "forbidden", ": 401"},
     {"The server that the CA reached forbids access to the challenge's path",
      "Allow everybody http://NAME/.well-known/acme-challenge/ in the web server: no password, no address filter, no rule against paths with a dot; files there have to be readable by the server's user"}},
    {"acme.unauthorized", {": 502", ": 503", ": 504"},
     {"The server that the CA reached is a proxy, and what it passes the challenge's path on to does not answer",
      "Let the proxy pass http://NAME/.well-known/acme-challenge/ on to the address of `http_challenge.listen`, and certd be running while it validates"}},
    {"acme.unauthorized", {"<html", "<!doctype", "key authorization", "did not match"},
     {"The server that the CA reached answered with something else than the challenge: a default page, a login, a redirect to another site, or another ACME client's answer",
      "Fetch http://NAME/.well-known/acme-challenge/x from outside and see whose page comes: the path has to be served from the configured `webroot` or by certd, ahead of redirects and applications. Check the name's A and AAAA records, too"}},
    {"acme.incorrectResponse", {from_ipv6}, ipv6_answers},
    {"acme.connection", {"secondary validation"},
     {"The CA validates from several places of the world, and from some of them the server cannot be reached: filters by country or provider, or DNS that differs by place",
      "Open port 80 to everybody, without filters by country (CAs do not publish their addresses); where that cannot be, prove the name by dns-01"}},
    {"acme.connection", {"by tls-alpn-"},
     {"The CA could not connect to port 443 of the name's address",
      "Open port 443 from the internet to `tls_challenge.listen` (firewall, NAT, IPv6 too), and check that the name's A and AAAA records lead here"}, Words::ours},
    {"acme.connection", {from_ipv6},
     {"The CA could not connect to the IPv6 address of the name (its AAAA record), which it prefers to IPv4",
      "Let the server listen on IPv6 too (nginx: listen [::]:80; certd: `http_challenge.listen` with [::]:80) and open port 80 in the IPv6 firewall, or take the AAAA record away"}},
    {"acme.connection", {"refused"},
     {"Nothing listens on port 80 of the address that the CA reached, or a firewall refuses it: the connection was refused",
      "Check the web server with `ss -ltn sport = :80` on the host that the name's A and AAAA records lead to; with no web server there certd has to listen itself: `http_challenge.listen` with port 80. Behind NAT forward port 80"}},
    {"acme.connection", {"timeout", "timed out", "firewall"},
     {"The CA's packets to port 80 are dropped on the way: a firewall, a security group of the cloud, missing forwarding at the router, or an address where no machine is",
      "Let port 80 in from everywhere (nft list ruleset, security group, router), and check that the name's A and AAAA records are this host's public addresses. Where port 80 cannot be opened, prove the name by dns-01"}},
    {"acme.connection", {"redirect"},
     {"The server redirects the challenge's path in a circle, or to where the CA does not go",
      "Take /.well-known/acme-challenge/ out of the server's redirects"}},
    {"acme.caa", {"servfail", "timed out", "dns problem", "timeout"}, caa_lookup},
    {"acme.dns", {"looking up caa", "processing caa"}, caa_lookup},
    {"acme.dns", {"dnssec", "rrsig", "dnskey"}, dnssec},
    {"acme.dns", {"looking up txt", "no txt record"},
     {"The CA found no TXT record at the name that proves it",
      "Ask every authoritative server for the record that `certctl check NAME` names (for dns-01: dig TXT _acme-challenge.NAME @SERVER); check that the DNS provider writes to the zone that is public, its CNAME, and `propagation` of the provider"}},
    {"acme.dns", {"nxdomain", "no valid a ", "no valid aaaa ", "no such host"},
     {"The name has no address in the public DNS: it does not exist there, or has neither an A nor an AAAA record",
      "Publish an A or AAAA record for the name (dig A NAME @1.1.1.1 has to show it), or correct its spelling, or take it out of `names` of the lineage"}},
    {"acme.dns", {"servfail"},
     {"The name servers of the domain fail, or its DNSSEC is broken, so that the CA's resolver gave up (SERVFAIL)",
      "Compare `dig NAME @1.1.1.1` with `dig +cd NAME @1.1.1.1`: when only the second has an answer DNSSEC is broken (expired signatures, a DS record at the registrar that does not fit); otherwise see to the domain's name servers and their delegation"}},
    {"acme.dns", {"timed out", "timeout"},
     {"The name servers of the domain do not answer the CA",
      "Check that all name servers of the delegation (dig NS NAME) run and are reachable over UDP and TCP port 53 from everywhere"}},
    {"acme.rateLimited", {"exact set"},
     {"This very set of names has been issued as often as the CA allows in a week, usually because certificates were forced or lost again and again",
      "Use the certificates that are there: `certctl status NAME` lists the versions and `certctl rollback` puts one back. Do not force renewals; test with the CA's staging (--dry-run)"}},
    {"acme.rateLimited", {"failed authorizations", "failed validations"},
     {"Validations of the name have failed too often within an hour",
      "Mend what makes validations fail before the time shown (`certctl check NAME` looks for it without asking the CA); trying again before only lengthens it"}},
    {"acme.rateLimited", {"new orders"},
     {"This account has placed as many orders as the CA allows in that time, for whichever names",
      "Nothing needs to be done: certd orders again at the time shown. When it happens often set `limits` of the CA in `cas`, so that orders are spread, and look for another client that uses the same account"}},
    {"acme.rateLimited", {"already issued", "too many certificates"},
     {"As many certificates as the CA allows in a week have been issued for the registered domain, for all of its names and by whomever",
      "Nothing needs to be done but to wait until the time shown; put names together into fewer lineages, set `limits` of the CA, or ask the CA for a higher limit"}},
    {"acme.rateLimited", {"new registrations", "new accounts", "registrations"},
     {"Too many accounts have been made from this network's address",
      "Wait until the time shown, or bring accounts/<ca> of the state directory over from another machine"}},
    {"acme.rejectedIdentifier", {"public suffix", "tld"},
     {"The name does not end in a domain of the public DNS, such as a name of the office network: no public CA issues for it",
      "Take the name out of `names` of the lineage, or let a private CA issue for it (another entry in `cas`)"}},
    {"acme.rejectedIdentifier", {"policy", "forbidden", "refuses to issue"},
     {"The CA has a rule of its own against this name, e.g. because it is on its list of protected names",
      "Take the name out of `names` of the lineage, choose another CA in `cas` of the lineage, or ask the CA to let the name be"}},
    {"acme.http", {"http 503", "http 502", "http 504"},
     {"The CA is overloaded or down for maintenance: what stands in front of it answered in its place",
      "certd tries again by itself, not before the time that the CA named; see its status page. A second CA in `cas` of the lineage takes over meanwhile"}},
    {"acme.http", {"http 403"},
     {"What stands in front of the CA does not let this machine in: its address is blocked, or a proxy on the way forbids the CA's address",
      "Ask the CA about the address of this network; check `cas.<name>.proxy`"}},
    {"acme.badCSR", {"public key", "weak", "key size", "rsa key"},
     {"The CA does not issue for a key of this type or size",
      "Set `key` of the lineage to another type, e.g. ecdsa-p256 or rsa-2048; with `csr` make the request anew with such a key"}},
    {"deploy.exec", {"and was killed", "held its output"},
     {"A command of the target's `exec` list, or a script in the deploy directory of `renewal_hooks`, did not end in its time and was killed",
      "Run the command by hand as certd's user and see what it waits for (input, a lock, a host that does not answer); raise its `timeout` if it needs longer. It is run again by itself, or at once with `certctl deploy NAME`"},
     Words::ours},
    {"hook.failed", {"and was killed", "held its output"},
     {"A hook did not end in its time and was killed",
      "Run the hook by hand as certd's user and see what it waits for (input, a lock, a host that does not answer); raise its `timeout` if it needs longer"},
     Words::ours},
    {"tls.notServed", {"Cannot connect", "did not answer"},
     {"Nothing answers where the target's `verify` looks after a deployment: the service is down, or listens on another address",
      "Look at the service (systemctl status, its log) and at what listens there (ss -ltnp); correct `verify` of the target if the address is another. The old certificate was put back, the new one is deployed again by itself, or at once with `certctl deploy NAME`"},
     Words::ours},
    {"tls.notServed", {"it serves the certificate"},
     {"The service goes on serving another certificate than the one installed: it reads its files from another path, its reload did not take effect, or another process or proxy answers there",
      "Compare the paths of the target's `install` with the service's own configuration (nginx: nginx -T | grep ssl_certificate), and see that `reload` really reloads it; a service that reads certificates only when it starts has to be restarted there. The old certificate was put back, the new one is deployed again by itself, or at once with `certctl deploy NAME`"},
     Words::ours},
    {"acme.serverInternal", {"maintenance", "overload", "busy", "unavailable"},
     {"The CA is overloaded or down for maintenance",
      "certd tries again by itself, not before the time that the CA named; see its status page. A second CA in `cas` of the lineage takes over meanwhile"}},
};
// clang-format on

// "[2001:db8::1]: …" and "2001:db8::1: …"; a URL or a time of day does not begin so.
bool begins_with_ipv6(std::string_view words) {
    if (words.starts_with("during secondary validation: ")) words.remove_prefix(29);
    if (words.starts_with('[')) words.remove_prefix(1);
    const std::string_view address = words.substr(0, words.find_first_not_of("0123456789abcdef:"));
    return std::ranges::count(address, ':') >= 3;
}

bool fits(const Row& row, std::string_view said, std::string_view ours) {
    return std::ranges::any_of(row.any, [&](std::string_view words) {
        if (words.empty()) return false;
        if (words == from_ipv6) return begins_with_ipv6(said);
        return (row.words == Words::ours ? ours : said).find(words) != std::string_view::npos;
    });
}

}  // namespace

std::optional<Diagnosis> diagnose(const Problem& problem) {
    const std::string said = lower_ascii(problem.remote);
    const auto* found = std::ranges::find_if(
        rows, [&](const Row& row) { return row.code == problem.code && fits(row, said, problem.what); });
    if (found == std::end(rows)) return std::nullopt;
    return found->diagnosis;
}

Problem diagnosed(Problem problem) {
    if (std::optional<Diagnosis> diagnosis = diagnose(problem)) problem.hint = diagnosis->remedy;
    return problem;
}

std::string_view cause_of(const Problem& problem) {
    if (std::optional<Diagnosis> diagnosis = diagnose(problem)) return diagnosis->cause;
    // What a file could not be written for is what is to be mended.
    if (problem.code == "deploy.install" && problem.parts.size() == 1) return cause_of(problem.parts.front());
    const CatalogEntry* known = find_catalog(problem.code);
    return known != nullptr ? known->cause : std::string_view();
}

}  // namespace certd
