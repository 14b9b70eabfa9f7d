// Which names a refusal is about.
#include "libacme/protocol/refusal.hpp"

#include "libacme/protocol/problem_document.hpp"
#include "tests/unit/protocol/issuance_bed.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

const std::vector<Identifier> ordered{dns("example.com"), dns("www.example.com"), dns("*.example.com")};

std::vector<std::string> at_fault(const Problem& refusal, const std::vector<Identifier>& names = ordered) {
    std::vector<std::string> result;
    for (const acme::RefusedName& name : acme::names_at_fault(refusal, names))
        result.push_back(name.name.value + " " + name.problem.code);
    return result;
}

Problem document(const std::string& text) {
    return acme::problem_of_document(value_or_fail(parse_json(text)), "Cannot order");
}

std::string subproblem(const std::string& type, const std::string& name) {
    return R"({"type":"urn:ietf:params:acme:error:)" + type +
           R"(","detail":"no","identifier":{"type":"dns","value":")" + name + "\"}}";
}

std::string compound(const std::string& parts) {
    return R"({"type":"urn:ietf:params:acme:error:compound","detail":"several","subproblems":[)" + parts + "]}";
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("subproblems tell which names were refused, each with its own cause (A22)") {
    CHECK(at_fault(document(compound(subproblem("caa", "WWW.example.com") + "," +
                                     subproblem("rejectedIdentifier", "*.example.com")))) ==
          Texts{"www.example.com acme.caa", "*.example.com acme.rejectedIdentifier"});
    CHECK(at_fault(document(compound(subproblem("rateLimited", "www.example.com")))) ==
          Texts{"www.example.com acme.rateLimited"});
}

TEST_CASE("a refusal that is not about names alone is about none") {
    CHECK(at_fault(document(compound(subproblem("caa", "www.example.com") + "," +
                                     subproblem("serverInternal", "example.com"))))
              .empty());
    CHECK(at_fault(document(compound(subproblem("caa", "www.example.com") + "," + subproblem("dns", "other.test"))))
              .empty());
    CHECK(at_fault(document(compound(subproblem("caa", "www.example.com") +
                                     R"(,{"type":"urn:ietf:params:acme:error:dns","detail":"whose?"})")))
              .empty());
    for (std::string code : {"acme.rateLimited", "acme.serverInternal", "acme.badNonce", "acme.userActionRequired",
                             "acme.accountRefused", "net.timeout", "acme.badCSR"})
        CHECK(at_fault(problem(code, "Cannot order", "too many certificates for \"example.com\"")).empty());
}

TEST_CASE("without subproblems the words of the CA name the names, as whole words") {
    CHECK(at_fault(problem("acme.rejectedIdentifier", "x", "Cannot issue for \"www.example.com\": policy")) ==
          Texts{"www.example.com acme.rejectedIdentifier"});
    CHECK(at_fault(problem("acme.rejectedIdentifier", "x", "Cannot issue for example.com.")) ==
          Texts{"example.com acme.rejectedIdentifier"});
    CHECK(at_fault(problem("acme.rejectedIdentifier", "x", "Cannot issue for *.example.com, it is refused")) ==
          Texts{"*.example.com acme.rejectedIdentifier"});
    CHECK(at_fault(problem("acme.rejectedIdentifier", "x", "see example.com.au and my-example.com")).empty());
    CHECK(at_fault(problem("acme.rateLimited", "x",
                           "too many failed authorizations (5) for \"www.example.com\" in the last 1h0m0s")) ==
          Texts{"www.example.com acme.rateLimited"});
    CHECK(at_fault(problem("acme.paused", "x",
                           "unpause at https://ca.test/ temporarily prevented from requesting certificates for "
                           "www.example.com")) == Texts{"www.example.com acme.paused"});
    CHECK(at_fault(problem("acme.rejectedIdentifier", "x", "no"), {dns("example.com")}) ==
          Texts{"example.com acme.rejectedIdentifier"});
}

TEST_CASE("all names whose authorization fails are heard of at once, right before the failure") {
    IssuanceBed bed;
    bed.request.names = {dns("a.example.com"), dns("b.example.com"), dns("c.example.com")};
    bed.ca.knobs.validate = [](const Identifier& name, auto&&...) { return name.value == "a.example.com"; };
    std::vector<acme::RefusedName> heard;
    acme::IssueHooks hooks = bed.hooks();
    hooks.names_refused = [&](std::vector<acme::RefusedName> names) { heard = std::move(names); };
    auto issued = run(bed.io, bed.clock, acme::issue(*bed.session, bed.workers, bed.request, {}, std::move(hooks)));
    REQUIRE_FALSE(issued);
    REQUIRE(heard.size() == 2);
    std::ranges::sort(heard, {}, &acme::RefusedName::name);  // the CA lists authorizations in any order
    CHECK(heard[0].name == dns("b.example.com"));
    CHECK(heard[0].way == "http-01");
    CHECK(heard[1].name == dns("c.example.com"));
    bed.check_nothing_left();
}

TEST_CASE("the order is gone on with until the slow ones are decided, but not for ever") {
    IssuanceBed bed;
    bed.request.names = {dns("a.example.com"), dns("b.example.com")};
    bed.ca.knobs.validate = [](auto&&...) { return false; };
    bool decides = GENERATE(true, false);
    int polls = 0;
    // b is pending for long.
    bed.ca.knobs.tamper = [&](RequestKind kind, HttpResponse& response) {
        if (kind != RequestKind::authorization || response.body.find("b.example.com") == std::string::npos) return;
        if (decides && ++polls > 6) return;
        auto at = response.body.find("\"invalid\"");
        if (at != std::string::npos) response.body.replace(at, 9, "\"pending\"");
    };
    std::vector<acme::RefusedName> heard;
    acme::IssueHooks hooks = bed.hooks();
    hooks.names_refused = [&](std::vector<acme::RefusedName> names) { heard = std::move(names); };
    Time begun = bed.clock.now();
    CHECK_FALSE(run(bed.io, bed.clock, acme::issue(*bed.session, bed.workers, bed.request, {}, std::move(hooks))));
    CHECK(heard.size() == (decides ? 2 : 1));
    CHECK(bed.clock.now() - begun < minutes(4));
    bed.check_nothing_left();
}

TEST_CASE("faults of the CA, of a solver and of the network are no refusal of a name") {
    IssuanceBed bed;
    bed.request.names = {dns("a.example.com"), dns("b.example.com")};
    bool told = false;
    acme::IssueHooks hooks = bed.hooks();
    hooks.names_refused = [&](auto&&) { told = true; };
    SECTION("the CA's own fault") {
        bed.ca.knobs.validate = [](auto&&...) { return false; };
        bed.ca.knobs.tamper = [](RequestKind, HttpResponse& response) {
            auto at = response.body.find("acme:error:unauthorized");
            if (at != std::string::npos) response.body.replace(at, 23, "acme:error:serverInternal");
        };
    }
    SECTION("no solver's answer") {
        bed.solver.failures["present"] = 1;
    }
    SECTION("no answer to the order") {
        bed.ca.fail_next(RequestKind::new_order, problem_answer(503, "serverInternal"), 100);
    }
    CHECK_FALSE(run(bed.io, bed.clock, acme::issue(*bed.session, bed.workers, bed.request, {}, std::move(hooks))));
    CHECK_FALSE(told);
}
