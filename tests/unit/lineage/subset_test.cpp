// Partial issue: which names are ordered, kept and gone on without.
#include "daemon/lineage/subset.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

Identifier dns(std::string name) {
    return {Identifier::Type::dns, std::move(name)};
}

const Identifier a = dns("a.example.com"), b = dns("b.example.com"), c = dns("c.example.com");

// Three names; a certificate for two of them from day 0 on.
struct Names : Scene {
    Names() : Scene(spec_of()) {
        spec.names = {a, b, c};
        spec.allow_subset_of_names = true;
        spec.challenge.http01.emplace();
        live->names = newest->names = {a, b};
    }
    void refuse(const Identifier& name, Time at, const std::string& code = "acme.unauthorized",
                const std::string& way = "http-01") {
        note_policy(state, policy_digest(spec));
        note_refused_names(state, spec, {{name, way, problem(code, "Refused " + name.value)}}, at, at, days(90));
    }
    SubsetInput input(Time now) const {
        return {spec, state, live ? &*live : nullptr, newest ? &*newest : nullptr, now};
    }
    std::vector<Identifier> after(const std::vector<Identifier>& ordered, Time begun, bool names_only = false) const {
        return narrowed(input(begun), ordered, begun, names_only).names;
    }
};

}  // namespace

TEST_CASE("without the option every name is ordered, whatever is known against it") {
    Names scene;
    scene.refuse(c, day(1));
    scene.spec.allow_subset_of_names = false;
    CHECK(refusal_of(scene.spec, scene.state, c) == nullptr);
    CHECK(names_to_order(scene.input(day(1))) == scene.spec.names);
    CHECK(missing_names(scene.spec, scene.state, *scene.live).empty());
}

TEST_CASE("a name refused a short while ago is left out of the order until its time has come") {
    Names scene;
    scene.refuse(c, day(1));
    CHECK(names_to_order(scene.input(day(1) + seconds(59))) == std::vector{a, b});
    CHECK(names_to_order(scene.input(day(1) + minutes(2))) == scene.spec.names);
    scene.state.renew_requested = true;
    CHECK(names_to_order(scene.input(day(1) + seconds(1))) == scene.spec.names);
}

TEST_CASE("when all names were refused all are ordered: none is left out for the sake of nothing") {
    Names scene;
    scene.live = scene.newest = std::nullopt;
    for (const Identifier& name : scene.spec.names)
        scene.refuse(name, day(1));
    CHECK(names_to_order(scene.input(day(1))) == scene.spec.names);
    CHECK(scene.after(scene.spec.names, day(1)).empty());
}

TEST_CASE("a name that no certificate has is gone on without at once") {
    Names scene;
    scene.refuse(c, day(1));
    CHECK(scene.after({a, b, c}, day(1)) == std::vector{a, b});
    scene.live = scene.newest = std::nullopt;
    CHECK(scene.after({a, b, c}, day(1)) == std::vector{a, b});
}

TEST_CASE("a name of the live certificate is kept until 1/12 of the lifetime is left, and asked for once more then") {
    Names scene;
    Time last_call = day(90) - hours(24 * 15 / 2);
    CHECK(kept_until(scene.input(day(60)), a) == last_call);
    CHECK_FALSE(kept_until(scene.input(day(60)), c));
    for (Time before : {day(61), emergency_point(*scene.live), last_call - seconds(1)}) {
        scene.refuse(a, before);
        CHECK(scene.after({a, b, c}, before).empty());
        CHECK(names_to_order(scene.input(before + seconds(1))) == scene.spec.names);
    }
    CHECK(narrowed(scene.input(day(61)), {a, b, c}, day(61), false).reason ==
          "the live certificate has a.example.com, and is kept with it until 2026-03-24T12:00:00Z");
    // Refused only while it was kept: one more order for all names.
    CHECK(names_to_order(scene.input(last_call)) == scene.spec.names);
    scene.refuse(a, last_call);
    CHECK(scene.after({a, b, c}, last_call) == std::vector{b, c});
    CHECK(names_to_order(scene.input(last_call + seconds(1))) == std::vector{b, c});
    CHECK(names_to_order(scene.input(day(100))) == scene.spec.names);
}

TEST_CASE("the newest version keeps its names too, one that was revoked or rolled back from does not") {
    Names scene;
    scene.issue(facts_of(2, day(50)));
    scene.newest->names = {b, c};
    CHECK(kept_until(scene.input(day(60)), c));
    CHECK(kept_until(scene.input(day(60)), a));
    scene.state.rejected = {{2}};
    CHECK_FALSE(kept_until(scene.input(day(60)), c));
    CHECK(kept_until(scene.input(day(60)), a));
}

TEST_CASE("past the end of a window that the CA moved earlier the names of the certificate are kept no longer") {
    Names scene;
    scene.state.ari = AriState{{1}, AriWindow{day(10), day(11), day(10), "", true}, day(12)};
    CHECK(kept_until(scene.input(day(10)), a) == day(11));
    CHECK_FALSE(kept_until(scene.input(day(11)), a));
    scene.state.ari->window->moved_earlier = false;
    CHECK(kept_until(scene.input(day(11)), a));
}

TEST_CASE("an attempt for missing names alone goes on only for the gain of one") {
    Names scene;
    scene.spec.names = {a, b, c, dns("d.example.com")};
    scene.refuse(c, day(1));
    CHECK(scene.after({a, b, c}, day(1), true).empty());
    CHECK(scene.after(scene.spec.names, day(1), true) == std::vector{a, b, dns("d.example.com")});
    CHECK(scene.after({a, b, c}, day(1), false) == std::vector{a, b});
}

TEST_CASE("a name is refused when every way that fits it has failed") {
    Names scene;
    scene.spec.challenge.dns01.emplace();
    scene.spec.challenge.order = {"http-01", "dns-01"};
    scene.refuse(c, day(1), "acme.unauthorized", "http-01");
    CHECK(scene.after({a, b, c}, day(1)) == std::vector{a, b, c});
    CHECK(names_to_order(scene.input(day(1))) == scene.spec.names);
    scene.refuse(c, day(1), "acme.unauthorized", "dns-01");
    CHECK(scene.state.refused_names.front().failures == 1);
    CHECK(scene.after({a, b, c}, day(1)) == std::vector{a, b});
    // Refused before any way was tried: none would help.
    scene.refuse(b, day(1), "acme.rejectedIdentifier", "");
    scene.live->names = scene.newest->names = {a};
    CHECK(scene.after({a, b, c}, day(1)) == std::vector{a});
    // A wildcard can be proved by DNS alone.
    scene.spec.names.push_back(dns("*.example.com"));
    scene.refuse(dns("*.example.com"), day(2), "acme.dns", "dns-01");
    CHECK(scene.after({a, dns("*.example.com")}, day(2)) == std::vector{a});
}

TEST_CASE("refusals of an earlier attempt narrow nothing") {
    Names scene;
    scene.refuse(c, day(1));
    CHECK(narrowed(scene.input(day(2)), {a, b, c}, day(2), false).names == scene.spec.names);
}

TEST_CASE("a missing name has a back-off of its own: 1, 10, 100 minutes, then daily") {
    Names scene;
    Time now = day(1);
    scene.refuse(c, now);
    for (const Duration step :
         std::initializer_list<Duration>{minutes(1), minutes(10), minutes(100), days(1), days(1)}) {
        Plan plan = scene.at(now);
        CHECK(plan.action == Action::issue);
        CHECK(plan.names_only);
        CHECK(plan.at >= now + step);
        CHECK(plan.at <= now + step + step / 10);
        CHECK(plan.state == State::waiting);
        CHECK(plan.health == Health::warning);
        now = plan.at;
        scene.refuse(c, now);
    }
    CHECK(mentions(scene.at(now).reasons, "c.example.com is missing from the certificate: asked for again after 6"));
    CHECK(scene.state.refused_names.front().since == day(1));
}

TEST_CASE("the renewal by age goes before, and includes names whose time has come") {
    Names scene;
    scene.refuse(c, day(59));
    Plan plan = scene.at(day(60));
    CHECK_FALSE(plan.names_only);
    CHECK(mentions(plan.reasons, "2/3 of the lifetime"));
    CHECK(names_to_order(scene.input(day(60))) == scene.spec.names);
}

TEST_CASE("the problem names what is missing, with a part for each name") {
    Names scene;
    scene.spec.names.push_back(dns("d.example.com"));
    scene.refuse(c, day(1));
    scene.refuse(dns("d.example.com"), day(1), "acme.caa");
    Plan plan = scene.at(day(1));
    REQUIRE(plan.problem);
    CHECK(plan.problem->code == "acme.namesRefused");
    CHECK(plan.problem->what == "The certificate lacks c.example.com, d.example.com, which the CA refused");
    REQUIRE(plan.problem->parts.size() == 2);
    CHECK(plan.problem->parts[1].code == "acme.caa");
    forget_refused_names(scene.state, [&] {
        VersionFacts facts = *scene.live;
        facts.names = scene.spec.names;
        return facts;
    }());
    CHECK(scene.state.refused_names.empty());
}

TEST_CASE("while a lineage is held nothing is issued for missing names") {
    Names scene;
    scene.refuse(c, day(1));
    scene.state.held = true;
    CHECK(scene.at(day(2)).at > day(2));
}

TEST_CASE("a name that was never refused makes the lineage due at once, as does another configuration") {
    Names scene;
    scene.refuse(c, day(1));
    scene.spec.names.push_back(dns("d.example.com"));
    Plan plan = scene.at(day(1));
    CHECK(plan.at <= day(1));
    CHECK_FALSE(plan.names_only);
    CHECK(mentions(plan.reasons, "names changed: + c.example.com, + d.example.com"));
    note_policy(scene.state, policy_digest(scene.spec));
    CHECK(scene.state.refused_names.empty());
}

TEST_CASE("names that were due in vain because of others wait as if refused") {
    Names scene;
    scene.refuse(c, day(1));
    postpone_refused_names(scene.state, scene.spec, day(2), days(90));
    CHECK(scene.state.refused_names.front().failures == 2);
    CHECK(scene.state.refused_names.front().next_attempt >= day(2) + minutes(10));
    retry_refused_names(scene.state, day(2));
    CHECK(scene.state.refused_names.front().next_attempt == day(2));
}

TEST_CASE("refused names are kept in state.json") {
    Names scene;
    scene.refuse(c, day(1));
    Result<LineageState> read = lineage_state_from_json(to_json(scene.state));
    REQUIRE(read);
    CHECK(*read == scene.state);
}
