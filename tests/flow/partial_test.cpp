// Partial issue: lives of lineages of which a CA refuses some names.
#include "daemon/app/operations.hpp"
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

std::string partial_config() {
    return with(usual_config(), "names: [example.com, www.example.com]",
                "names: [example.com, www.example.com, shop.example.com], allow_subset_of_names: true");
}

// A world whose CA does not validate some names.
struct PartialWorld : World {
    explicit PartialWorld(FakeCaOptions options = {}) : World(std::move(options)) {
        auto usual = ca.knobs.validate;
        ca.knobs.validate = [this, usual](const Identifier& name, auto&&... rest) {
            return !broken.contains(name.value) && usual(name, rest...);
        };
    }
    std::set<std::string> broken;
    std::vector<std::string> live_names() {
        std::vector<std::string> names;
        if (!lineage().live) return names;
        for (const Identifier& name : lineage().live->names)
            names.push_back(name.value);
        return names;
    }
    api::Explanation explain() {
        DaemonOperations operations(*engine, "", nullptr, nullptr);
        return drive(operations.explain(name_of("example.com"))).value();
    }
};

using Names = std::vector<std::string>;

bool mentions(const std::vector<std::string>& texts, const std::string& words) {
    return std::ranges::any_of(texts, [&](const std::string& text) { return text.find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE("names that fail their validation do not hold up the others, and are issued when they heal") {
    PartialWorld world;
    world.broken = {"shop.example.com"};
    world.start(partial_config());
    world.run_for(seconds(30));
    CHECK(world.live_names() == Names{"example.com", "www.example.com"});
    CHECK(world.ca.count(RequestKind::new_order) == 2);
    CHECK(world.plan().state == State::waiting);
    CHECK(world.plan().health == Health::warning);
    CHECK(world.count(EventType::names_refused) == 1);
    CHECK(world.count(EventType::renewal_failed) == 0);
    CHECK(world.lineage().state.targets.front().state == HostState::deployed);

    api::Explanation explained = world.explain();
    CHECK(explained.lineage.health == "warning");
    REQUIRE(explained.lineage.refused_names.size() == 1);
    const api::RefusedName& refused = explained.lineage.refused_names.front();
    CHECK(refused.name == "shop.example.com");
    CHECK(refused.problem.code == "acme.unauthorized");
    CHECK_FALSE(refused.covered);
    CHECK(refused.next_attempt > world.clock.now());
    CHECK(explained.lineage.last_problem->code == "acme.namesRefused");
    CHECK(mentions(explained.why, "could not validate shop.example.com"));
    CHECK(mentions(explained.then, "shop.example.com has been refused once since"));
    CHECK(mentions(explained.then, "Because: shop.example.com is missing from the certificate"));

    // Its own back-off: 1, 10, 100 minutes; nothing is issued in vain.
    world.run_for(hours(3));
    CHECK(world.ca.count(RequestKind::new_order) == 5);
    CHECK(world.ca.certificates() == 1);
    CHECK(world.plan().state == State::waiting);
    CHECK(world.explain().lineage.failures == 0);
    world.run_for(days(2));
    CHECK(world.ca.count(RequestKind::new_order) >= 6);

    world.broken.clear();
    world.run_for(days(1) + hours(3));
    CHECK(world.live_names() == Names{"example.com", "shop.example.com", "www.example.com"});
    CHECK(world.plan().health == Health::ok);
    CHECK(world.lineage().state.refused_names.empty());
    CHECK(world.explain().lineage.refused_names.empty());
    CHECK(world.ca.certificates() == 2);
    CHECK(world.ca.violations().empty());
}

TEST_CASE("names refused at the order are left out of the next at once, all of them") {
    PartialWorld world;
    world.ca.knobs.rejected_names = {"www.example.com", "shop.example.com"};
    world.start(partial_config());
    world.run_for(hours(12));
    CHECK(world.live_names() == Names{"example.com"});
    CHECK(world.ca.count(RequestKind::new_order) == 2);
    for (const NameRefusal& refusal : world.lineage().state.refused_names)
        CHECK(refusal.problem.code == "acme.rejectedIdentifier");
    // Such a refusal is looked at again once a day.
    world.run_for(days(1) + hours(4));
    CHECK(world.ca.count(RequestKind::new_order) == 3);
}

TEST_CASE("names that the CA has paused are gone on without") {
    PartialWorld world;
    world.ca.knobs.paused_names = {"www.example.com"};
    world.start(partial_config());
    world.run_for(minutes(1));
    CHECK(world.live_names() == Names{"example.com", "shop.example.com"});
    CHECK(world.lineage().state.refused_names.front().problem.code == "acme.paused");
    CHECK(world.plan().state == State::waiting);
    world.ca.knobs.paused_names.clear();
    REQUIRE(world.drive(world.scheduler().resume(name_of("example.com"))));
    world.run_for(minutes(1));
    CHECK(world.live_names().size() == 3);
}

TEST_CASE("without the option one refused name holds up all") {
    PartialWorld world;
    world.broken = {"shop.example.com"};
    world.start(with(partial_config(), ", allow_subset_of_names: true", ""));
    world.run_for(minutes(5));
    CHECK(world.live_names().empty());
    CHECK(world.lineage().state.refused_names.empty());
    CHECK(world.explain().lineage.refused_names.empty());
    // It takes effect at once.
    world.reload(partial_config());
    world.run_for(minutes(1));
    CHECK(world.live_names().size() == 2);
}

TEST_CASE("when all names fail the lineage fails, with the usual back-off and one order each") {
    PartialWorld world;
    world.broken = {"example.com", "www.example.com", "shop.example.com"};
    world.start(partial_config());
    world.run_for(seconds(30));
    CHECK(world.ca.count(RequestKind::new_order) == 1);
    CHECK(world.plan().state == State::backing_off);
    world.run_for(minutes(5));
    CHECK(world.ca.count(RequestKind::new_order) == 2);
    world.broken.clear();
    world.run_for(minutes(15));
    CHECK(world.live_names().size() == 3);
    CHECK(world.plan().health == Health::ok);
}

TEST_CASE("a renewal keeps the live certificate's names until shortly before its end, then saves the others") {
    PartialWorld world;
    world.start(partial_config());
    world.run_for(minutes(1));
    REQUIRE(world.live_names().size() == 3);
    Time end = world.lineage().live->not_after;
    world.broken = {"shop.example.com"};
    world.ca.break_authorizations();
    world.run_for(end - days(8) - world.clock.now());
    CHECK(world.live_names().size() == 3);
    CHECK(world.ca.certificates() == 1);
    CHECK(world.plan().health == Health::critical);
    api::Explanation explained = world.explain();
    REQUIRE(explained.lineage.refused_names.size() == 1);
    CHECK(explained.lineage.refused_names.front().covered);
    CHECK(mentions(explained.then, "no certificate is issued without it"));

    world.run_for(days(3));
    CHECK(world.live_names() == Names{"example.com", "www.example.com"});
    CHECK(world.plan().health == Health::warning);
    world.broken.clear();
    world.run_for(days(2));
    CHECK(world.live_names().size() == 3);
    CHECK(world.plan().health == Health::ok);
}

TEST_CASE("a new name that is refused does not hold up the renewal of the others") {
    PartialWorld world;
    world.start(with(partial_config(), ", shop.example.com", ""));
    world.run_for(minutes(1));
    world.broken = {"shop.example.com"};
    world.reload(partial_config());
    world.run_for(minutes(1));
    // The certificate has the other names already: there is no gain in another one … but names were changed.
    std::size_t certificates = world.ca.certificates();
    CHECK(world.live_names().size() == 2);
    CHECK(world.plan().health == Health::warning);
    world.run_for(days(70));
    CHECK(world.ca.certificates() == certificates + 1);
    CHECK(world.live_names().size() == 2);
}

TEST_CASE("an operator asks for the missing names at once, and gets no certificate without them") {
    PartialWorld world;
    world.broken = {"shop.example.com"};
    world.start(partial_config());
    world.run_for(hours(5));
    Result<JobOutcome> asked = world.renew();
    REQUIRE_FALSE(asked);
    CHECK(asked.error().code == "acme.unauthorized");
    CHECK(world.ca.certificates() == 1);
    world.broken.clear();
    asked = world.renew();
    REQUIRE(asked);
    CHECK(asked->outcome == "issued");
    CHECK(world.live_names().size() == 3);
}

TEST_CASE("a forced renewal goes on without a missing name, and never without one that is live") {
    PartialWorld world;
    world.broken = {"shop.example.com"};
    world.start(partial_config());
    world.run_for(minutes(1));
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.certificates() == 2);
    world.broken = {"www.example.com"};
    world.ca.break_authorizations();
    CHECK_FALSE(world.renew({true, false}));
    CHECK(world.live_names() == Names{"example.com", "www.example.com"});
}

TEST_CASE("names that fail one after the other take four orders at most in one attempt") {
    PartialWorld world;
    std::string names;
    for (int i = 0; i < 8; ++i)
        names += ", n" + std::to_string(i) + ".example.com";
    // The CA sees one more bad name at each order.
    std::size_t orders = 0;
    world.ca.knobs.intercept = [&](std::size_t, RequestKind kind) -> std::optional<Fault> {
        if (kind == RequestKind::new_order)
            world.ca.knobs.rejected_names = {"n" + std::to_string(orders++) + ".example.com"};
        return std::nullopt;
    };
    world.start(with(partial_config(), ", shop.example.com", names));
    world.run_for(seconds(30));
    CHECK(orders == 4);
    CHECK(world.live_names().empty());
    CHECK(world.plan().state == State::blocked);
    CHECK(world.lineage().state.refused_names.size() == 4);
}

TEST_CASE("the other way of proof is tried before a name is given up") {
    PartialWorld world;
    bool by_tls = GENERATE(true, false);
    auto usual = world.ca.knobs.validate;
    world.ca.knobs.validate = [&, usual](const Identifier& name, const std::string& type, auto&&... rest) {
        bool works = name.value != "shop.example.com" || (by_tls && type == "tls-alpn-01");
        return works && usual(name, type, rest...);
    };
    std::string config = with(partial_config(), "http-01: {} }", "http-01: {}, tls-alpn-01: {} }");
    world.start(with(config, "http_challenge:", "tls_challenge: { listen: \"127.0.0.1:5001\" }\nhttp_challenge:"));
    world.run_for(seconds(50));
    CHECK(world.live_names().size() == (by_tls ? 3 : 2));
    CHECK(world.ca.count(RequestKind::new_order) == (by_tls ? 2 : 3));
}

TEST_CASE("both keys' certificates of a version are for the same names") {
    PartialWorld world;
    world.broken = {"shop.example.com"};
    world.start(with(partial_config(), "allow_subset_of_names", "keys: [ecdsa-p256, rsa-2048], allow_subset_of_names"));
    world.run_for(minutes(1) - seconds(5));
    REQUIRE(world.live_names().size() == 2);
    CHECK(world.lineage().live->further.size() == 1);
    CHECK(world.ca.certificates() == 2);
    CHECK(world.ca.count(RequestKind::new_order) == 3);
}

TEST_CASE("a second key's order that is refused a name takes the first key's certificate along") {
    PartialWorld world;
    std::size_t orders = 0;
    world.ca.knobs.intercept = [&](std::size_t, RequestKind kind) -> std::optional<Fault> {
        if (kind == RequestKind::new_order && ++orders == 2) world.ca.knobs.rejected_names = {"shop.example.com"};
        return std::nullopt;
    };
    world.start(with(partial_config(), "allow_subset_of_names", "keys: [ecdsa-p256, rsa-2048], allow_subset_of_names"));
    world.run_for(seconds(30));
    CHECK(world.live_names() == Names{"example.com", "www.example.com"});
    CHECK(orders == 4);
}

TEST_CASE("a crash at any order goes on with the names that are left, and a restart forgets nothing") {
    // The request of the attempt at which the process dies: before, between and after the orders.
    int at = GENERATE(range(1, 18));
    PartialWorld world;
    world.broken = {"shop.example.com"};
    int requests = 0;
    bool dead = false;
    world.ca.knobs.intercept = [&](std::size_t, RequestKind kind) -> std::optional<Fault> {
        if (kind == RequestKind::directory || kind == RequestKind::new_nonce) return std::nullopt;
        if (++requests < at || dead) return std::nullopt;
        dead = true;
        return Fault{Fault::Kind::hang, {}};
    };
    world.start(partial_config());
    world.run_for(seconds(20));
    world.kill();
    world.start(partial_config());
    world.run_for(seconds(40));
    CHECK(world.live_names() == Names{"example.com", "www.example.com"});
    CHECK(world.plan().health == Health::warning);
    CHECK(world.lineage().state.refused_names.size() == 1);
    CHECK(world.ca.certificates() == 1);
    CHECK(world.ca.count(RequestKind::new_order) <= 3);
    world.restart(partial_config());
    world.run_for(seconds(5));
    CHECK(world.lineage().state.refused_names.size() == 1);
    world.broken.clear();
    world.run_for(hours(3));
    CHECK(world.live_names().size() == 3);
}

TEST_CASE("a change of the configuration asks for the refused names at once") {
    PartialWorld world;
    world.ca.knobs.rejected_names = {"shop.example.com"};
    world.start(partial_config());
    world.run_for(hours(1));
    CHECK(world.ca.count(RequestKind::new_order) == 2);
    world.ca.knobs.rejected_names.clear();
    world.reload(with(partial_config(), "shop.example.com]", "shop.example.com, new.example.com]"));
    world.run_for(minutes(1));
    CHECK(world.live_names().size() == 4);
}

TEST_CASE("a CA that is away, or limits the whole order, makes nothing partial") {
    PartialWorld world;
    if (GENERATE(true, false)) {
        world.ca.knobs.unavailable = true;
    } else {
        world.ca.knobs.order_limit = 0;
    }
    world.start(partial_config());
    world.run_for(hours(5));
    CHECK(world.lineage().state.refused_names.empty());
    CHECK(world.count(EventType::names_refused) == 0);
}

TEST_CASE("each of the orders is asked of the rate budget, and failed validations count for the names that failed") {
    PartialWorld world;
    world.broken = {"shop.example.com"};
    std::string config =
        with(partial_config(), "agree_tos: true, contact", "limits: letsencrypt, agree_tos: true, contact");
    world.start(config);
    world.run_for(seconds(30));
    std::vector<BucketUse> uses = world.scheduler().budget_of(world.scheduler().config().cas.at(CaName{"main"}));
    auto used = [&](const std::string& kind, const std::string& key) -> std::uint32_t {
        auto found = std::ranges::find_if(
            uses, [&](const BucketUse& use) { return use.kind == kind && (key.empty() || use.key == key); });
        return found == uses.end() ? 0 : found->used;
    };
    CHECK(used("orders", "") == 2);
    CHECK(used("failures", "shop.example.com") == 1);
    CHECK(used("failures", "example.com") == 0);
    CHECK(used("domain", "example.com") == 1);

    // With nothing left of the budget the narrowed order waits.
    PartialWorld poor;
    poor.broken = {"shop.example.com"};
    poor.start(config);
    poor.run_for(seconds(1));
    CHECK(poor.live_names().size() == 2);
}

TEST_CASE("missing names are proved at the CA's staging first") {
    PartialWorld world;
    world.broken = {"shop.example.com"};
    std::string config =
        with(partial_config(), "contact: [ops@example.com] }", "contact: [ops@example.com], staging: other }");
    world.start(config);
    world.run_for(seconds(30));
    REQUIRE(world.live_names().size() == 2);
    CHECK(world.other_ca.count(RequestKind::new_order) == 0);
    auto usual = world.other_ca.knobs.validate;
    world.other_ca.knobs.validate = [&, usual](const Identifier& name, auto&&... rest) {
        return !world.broken.contains(name.value) && usual(name, rest...);
    };
    std::size_t orders = world.ca.count(RequestKind::new_order);
    world.run_for(minutes(20));
    CHECK(world.other_ca.count(RequestKind::new_order) == 2);
    CHECK(world.ca.count(RequestKind::new_order) == orders);
    world.broken.clear();
    world.run_for(hours(3));
    CHECK(world.live_names().size() == 3);
}
