// The CA refuses orders or accounts, limits them, or is not what it should be: what an operator reads of it.
#include "tests/flow/explain.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

using namespace certd;
using namespace certd::test;

namespace {

std::function<void(World&)> answered(RequestKind kind, int status, const std::string& type, const std::string& detail) {
    return [=](World& world) {
        world.ca.fail_next(kind, problem_answer(status, type, detail), 1000);
        world.start();
        world.run_for(seconds(30));
    };
}

std::function<void(World&)> limited(const std::string& detail) {
    return answered(RequestKind::new_order, 429, "rateLimited",
                    detail + ", retry after 2026-11-24 18:00:00 UTC: see https://letsencrypt.org/docs/rate-limits/");
}

std::function<void(World&)> with_knobs(const std::function<void(FakeCaKnobs&)>& change) {
    return [change](World& world) {
        change(world.ca.knobs);
        world.start();
        world.run_for(minutes(30));
    };
}

std::function<void(World&)> with_certificate(CertificateFault fault) {
    return [fault](World& world) {
        world.ca.knobs.certificate_fault = fault;
        world.start();
        world.run_for(seconds(30));
    };
}

}  // namespace

TEST_CASE("a rate limit is explained by which one it is and when it ends") {
    check_explanations({
        {"orders",
         limited("too many new orders (300) from this account in the last 3h0m0s"),
         {"This account has placed as many orders as the CA allows", "set `limits` of the CA",
          "Because: main asked to wait.", "(2026-11-24T18:00:00Z)"}},
        {"domain",
         limited("too many certificates (50) already issued for \"example.com\" in the last 168h0m0s"),
         {"have been issued for the registered domain", "put names together into fewer lineages",
          "(2026-11-24T18:00:00Z)"}},
        {"exact set",
         limited("too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s"),
         {"This very set of names has been issued as often", "Do not force renewals",
          "`certctl status example.com` lists the versions"}},
        {"failures",
         limited("too many failed authorizations (5) for \"example.com\" in the last 1h0m0s"),
         {"Validations of the name have failed too often within an hour", "`certctl check example.com`"}},
        {"paused",
         with_knobs([](FakeCaKnobs& knobs) { knobs.paused_names = {"www.example.com"}; }),
         {"has paused this account's orders for the names", "https://ca.test/unpause?jwt=abc.def",
          "run `certctl resume example.com`"}},
    });
}

TEST_CASE("an account that the CA does not take is explained by what it wants") {
    check_explanations({
        {"deactivated",
         [](World& world) {
             world.start();
             world.run_for(minutes(1));
             world.ca.deactivate_accounts();
             (void)world.renew({true, false});
         },
         {"Version 1 is live and nothing is due; the last attempt at another one failed.",
          "it was deactivated or revoked", "move accounts/main in the state directory aside",
          "renewal at main failed"}},
        {"terms changed",
         with_knobs([](FakeCaKnobs& knobs) {
             knobs.terms_changed = true;
             knobs.instance = "https://ca.test/terms";
         }),
         {"agree to changed terms of service", "https://ca.test/terms/v2",
          "then run `certctl renew example.com --force`"}},
        {"binding missing",
         with_knobs([](FakeCaKnobs& knobs) { knobs.external_account_required = true; }),
         {"and none is configured", "`cas.main.external_account` (kid, mac_key_file)"}},
        {"binding spent",
         [](World& world) {
             TempDirectory secrets;
             std::ofstream(secrets.path() / "mac") << "c2VjcmV0LW9mLXRoZS1iaW5kaW5nLTMyLW9jdGV0cyE";
             ::chmod((secrets.path() / "mac").c_str(), 0600);
             world.ca.knobs.external_account_required = true;
             world.start(with(usual_config(), "agree_tos: true, contact",
                              "external_account: { kid: kid-1, mac_key_file: " + (secrets.path() / "mac").string() +
                                  " }, agree_tos: true, contact"));
             world.run_for(minutes(1));
         },
         {"no such external account", "its identifier is unknown, expired or spent",
          "Get a new identifier and MAC key from the CA"}},
        {"terms not agreed",
         [](World& world) {
             world.ca.knobs.terms_of_service = "https://ca.test/terms";
             world.start(with(usual_config(), "agree_tos: true, contact", "agree_tos: false, contact"));
             world.run_for(minutes(1));
         },
         {"The CA has terms of service", "https://ca.test/terms", "set `cas.main.agree_tos: true`"}},
    });
}

TEST_CASE("an order that the CA refuses is explained by what is wrong with it") {
    check_explanations({
        {"policy",
         answered(
             RequestKind::new_order, 400, "rejectedIdentifier",
             "The ACME server refuses to issue a certificate for this domain name, because it is forbidden by policy"),
         {"The CA has a rule of its own against this name", "Take the name out of `names`"}},
        {"no public name",
         answered(RequestKind::new_order, 400, "rejectedIdentifier",
                  "Domain name does not end with a valid public suffix (TLD)"),
         {"does not end in a domain of the public DNS", "let a private CA issue for it"}},
        {"one of two names",
         with_knobs([](FakeCaKnobs& knobs) { knobs.rejected_names = {"www.example.com"}; }),
         {"Refused www.example.com: policy forbids www.example.com", "`allow_subset_of_names: true`"}},
        {"key refused",
         answered(RequestKind::finalize, 400, "badCSR",
                  "Error finalizing order :: invalid public key in CSR: ECDSA curve P-384 not allowed"),
         {"does not issue for a key of this type or size", "Set `key` of the lineage to another type"}},
        {"no challenge",
         with_knobs([](FakeCaKnobs& knobs) { knobs.challenge_types = {"dns-01"}; }),
         {"No challenge for www.example.com can be answered: main offers dns-01, future-01; configured: http-01",
          "Set `challenge` of the lineage to one of the types"}},
    });
}

TEST_CASE("a CA that is down, overloaded or not itself is explained by what came of it") {
    check_explanations({
        {"unreachable",
         with_knobs([](FakeCaKnobs& knobs) { knobs.unavailable = true; }),
         {"Cannot connect to ca.test", "The address named takes no connection", "set `cas.main.proxy`",
          "back-off after 3 failures at main"}},
        {"overloaded",
         [](World& world) {
             HttpResponse busy;
             busy.status = 503;
             busy.headers.add("Retry-After", "7200");
             busy.body = "<html>Service Unavailable</html>";
             for (RequestKind kind : {RequestKind::directory, RequestKind::new_order})
                 world.ca.fail_next(kind, busy, 1000);
             world.start();
             world.run_for(minutes(1));
         },
         {"The CA is overloaded or down for maintenance", "A second CA in `cas` of the lineage takes over",
          "Because: main asked to wait.", "(2026-11-23T02:00:00Z)"}},
        {"nonces",
         with_knobs([](FakeCaKnobs& knobs) { knobs.nonce_rejections_percent = 100; }),
         {"refused every nonce it was given", "a proxy on the way that caches its answers (`cas.main.proxy`"}},
        {"internal",
         answered(RequestKind::new_order, 500, "serverInternal", "The service is down for maintenance"),
         {"overloaded or down for maintenance", "back-off after 1 failure at main"}},
        {"certificate for another key",
         with_certificate(CertificateFault::other_key),
         {"for another key than the one requested", "Nothing of it was installed"}},
        {"certificate for other names",
         with_certificate(CertificateFault::missing_name),
         {"not those ordered (example.com, www.example.com)", "Nothing of it was installed"}},
        {"certificate of the future",
         with_certificate(CertificateFault::not_yet_valid),
         {"this machine's clock is slow", "timedatectl"}},
    });
}
