// Let's Encrypt's buckets (acme-facts §7.1) as certd counts them.
#include "daemon/lineage/limits.hpp"

#include "tests/support/catch.hpp"

using namespace certd;

namespace {

const BudgetModel& letsencrypt = *budget_model(config::LimitsModel::letsencrypt);
const Time start = parse_rfc3339("2026-11-01T00:00:00Z").value();

OrderFacts order_for(std::vector<std::string> names, bool renewal = false) {
    OrderFacts order;
    for (const std::string& name : names)
        order.names.push_back(parse_identifier(name).value());
    order.renewal = renewal;
    return order;
}

Problem refusal(std::string remote, Duration wait) {
    Problem result = problem("acme.rateLimited", "Cannot order", std::move(remote));
    result.not_before = start + wait;
    return result;
}

}  // namespace

TEST_CASE("nothing is limited at a CA without a model") {
    CHECK(budget_model(config::LimitsModel::none) == nullptr);
}

TEST_CASE("fifty certificates go to a registered domain, then one each 202 minutes") {
    Ledger ledger;
    for (int i = 0; i < 50; ++i) {
        OrderFacts order = order_for({"host" + std::to_string(i) + ".example.co.uk"});
        CHECK(allowance(letsencrypt, ledger, order, start).at == start);
        charge_order(letsencrypt, ledger, order, start);
    }
    Allowance next = allowance(letsencrypt, ledger, order_for({"one-more.example.co.uk"}), start);
    CHECK(next.at == start + minutes(202));
    CHECK(next.reason ==
          "rate budget: certificates for the registered domain example.co.uk are used up (50 per 7d 0h)");
    // Another customer under the same public suffix is not held up.
    CHECK(allowance(letsencrypt, ledger, order_for({"www.other.co.uk"}), start).at == start);
    // A renewal of the same names is exempt.
    CHECK(allowance(letsencrypt, ledger, order_for({"host1.example.co.uk"}, true), start).at == start);
}

TEST_CASE("an order that was not placed leaves nothing behind") {
    Ledger ledger;
    OrderFacts order = order_for({"example.com", "www.example.com"});
    charge_order(letsencrypt, ledger, order, start);
    refund_order(letsencrypt, ledger, order, start);
    CHECK(survey(letsencrypt, ledger, start).empty());
    charge_order(letsencrypt, ledger, order, start);
    charge_order(letsencrypt, ledger, order, start);
    refund_order(letsencrypt, ledger, order, start + hours(1));
    for (const BucketUse& use : survey(letsencrypt, ledger, start + hours(1)))
        CHECK(use.used <= 1);
}

TEST_CASE("the sixth certificate for the same names within a week waits, in whatever order they stand") {
    Ledger ledger;
    for (int i = 0; i < 5; ++i)
        charge_order(letsencrypt, ledger, order_for({"b.example.com", "a.example.com"}, true), start);
    Allowance next = allowance(letsencrypt, ledger, order_for({"a.example.com", "b.example.com"}, true), start);
    CHECK(next.at == start + minutes(2016));
    CHECK(next.reason.find("certificates for exactly the names a.example.com") != std::string::npos);
    CHECK(allowance(letsencrypt, ledger, order_for({"a.example.com"}, true), start).at == start);
}

TEST_CASE("a renewal that the CA suggested is exempt from every limit") {
    Ledger ledger;
    OrderFacts order = order_for({"www.example.com"}, true);
    for (int i = 0; i < 5; ++i)
        charge_order(letsencrypt, ledger, order, start);
    CHECK(allowance(letsencrypt, ledger, order, start).at > start);
    order.suggested = true;
    Ledger before = ledger;
    CHECK(allowance(letsencrypt, ledger, order, start).at == start);
    charge_order(letsencrypt, ledger, order, start);
    charge_failure(letsencrypt, ledger, order, problem("net.connect", "away"), start);
    CHECK(ledger == before);
}

TEST_CASE("an order without a certificate costs an order, and a failed validation a failure") {
    Ledger ledger;
    OrderFacts order = order_for({"*.example.com"});
    for (int i = 0; i < 5; ++i) {
        charge_order(letsencrypt, ledger, order, start);
        charge_failure(letsencrypt, ledger, order, problem("acme.unauthorized", "refused"), start);
    }
    Allowance next = allowance(letsencrypt, ledger, order, start);
    CHECK(next.at == start + minutes(12));
    CHECK(next.reason == "rate budget: failed validations of example.com are used up (5 per 1h 0m)");
    CHECK(survey(letsencrypt, ledger, start).size() == 2);
    charge_order(letsencrypt, ledger, order_for({"www.other.example"}), start);
    charge_failure(letsencrypt, ledger, order_for({"www.other.example"}), problem("net.connect", "away"), start);
    CHECK(allowance(letsencrypt, ledger, order_for({"www.other.example"}), start).at == start);
}

TEST_CASE("three hundred new orders, then one each 36 seconds") {
    Ledger ledger;
    for (int i = 0; i < 300; ++i)
        charge_order(letsencrypt, ledger, order_for({"d" + std::to_string(i) + ".example"}), start);
    OrderFacts more = order_for({"more.example"});
    CHECK(allowance(letsencrypt, ledger, more, start).at == start + seconds(36));
    CHECK(allowance(letsencrypt, ledger, more, start + seconds(36)).at == start + seconds(36));
}

TEST_CASE("what the CA says of its limits counts more than what was counted here") {
    Ledger ledger;
    OrderFacts order = order_for({"www.example.com"});
    charge_order(letsencrypt, ledger, order, start);
    charge_failure(
        letsencrypt, ledger, order,
        refusal("too many certificates (50) already issued for \"example.com\" in the last 168h0m0s", hours(5)), start);
    CHECK(allowance(letsencrypt, ledger, order_for({"mail.example.com"}), start).at == start + hours(5));
    CHECK(allowance(letsencrypt, ledger, order_for({"www.example.org"}), start).at == start);
    charge_failure(letsencrypt, ledger, order_for({"x.example"}),
                   refusal("too many new orders (300) from this account in the last 3h0m0s", hours(1)), start);
    CHECK(allowance(letsencrypt, ledger, order_for({"www.example.org"}), start).at == start + hours(1));
    // A refusal that speaks of nothing known, and one far in the future, break nothing.
    charge_failure(letsencrypt, ledger, order, refusal("no", hours(1)), start);
    Problem absurd = refusal("too many new orders", hours(1));
    absurd.not_before = Time::max();
    charge_failure(letsencrypt, ledger, order, absurd, start);
    CHECK(allowance(letsencrypt, ledger, order_for({"y.example"}), start).at > start + days(365));
}

TEST_CASE("a survey tells what is used, and full buckets are forgotten") {
    Ledger ledger;
    charge_order(letsencrypt, ledger, order_for({"www.example.com"}), start);
    auto uses = survey(letsencrypt, ledger, start);
    REQUIRE(uses.size() == 3);
    CHECK(uses[0].kind == "domain");
    CHECK(uses[0].key == "example.com");
    CHECK(uses[0].used == 1);
    CHECK(uses[0].capacity == 50);
    CHECK(uses[0].next == start);
    CHECK(uses[2].kind == "orders");
    CHECK(survey(letsencrypt, ledger, start + days(8)).empty());
    prune(ledger, start + minutes(5));
    CHECK(ledger.full_at.size() == 2);
    CHECK(ledger_from_json(to_json(ledger)).value() == ledger);
    CHECK(ledger_from_json(Json::object({{"full_at", Json::object({{"orders", 3}})}})).error().code ==
          "storage.corrupt");
    CHECK(ledger_from_json(Json()).error().code == "storage.corrupt");
}

TEST_CASE("CAs count by registered domain, IPv4 address and IPv6 /64") {
    CHECK(registered_domain(parse_identifier("a.b.example.co.uk").value()) == "example.co.uk");
    CHECK(registered_domain(parse_identifier("*.example.com").value()) == "example.com");
    CHECK(registered_domain(parse_identifier("co.uk").value()) == "co.uk");
    CHECK(registered_domain(parse_identifier("192.0.2.7").value()) == "192.0.2.7");
    CHECK(registered_domain(parse_identifier("2001:db8:1:2:3::4").value()) == "2001:db8:1:2::/64");
}
