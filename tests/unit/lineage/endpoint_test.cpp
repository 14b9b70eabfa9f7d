// Endpoints in somebody else's hands: what is thought of what they show, when they are looked at, and what is told.
#include "daemon/lineage/endpoint.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

config::Target watched_target(std::vector<std::string> addresses = {"cdn.example.com:443"}) {
    config::Target target{.name = {"cdn"}};
    for (std::string& address : addresses)
        target.verify.addresses.push_back({StartTls::none, std::move(address)});
    return target;
}

// A fresh certificate of 90 days: of a version, or (0) somebody else's.
EndpointSight sight_of(std::uint32_t version, Time not_before = day(60)) {
    EndpointSight sight;
    sight.server_name = "example.com";
    sight.fingerprint = "f" + std::to_string(version);
    sight.subject = "CN=example.com";
    sight.issuer = "CN=Somebody's CA";
    sight.not_before = not_before;
    sight.not_after = not_before + days(90);
    sight.version = {version};
    return sight;
}

EndpointSight silent_sight() {
    EndpointSight sight;
    sight.server_name = "example.com";
    sight.silence = problem("net.connect", "Cannot connect to cdn.example.com:443", "Connection refused");
    return sight;
}

EndpointMeasure measure_of(Time now = day(61)) {
    return {{2}, {2}, false, config::Accept::ours, false, now};
}

// A lineage whose version 2 was issued on day 60 and is live, and an endpoint of it.
struct Watch {
    config::Lineage spec = spec_of({"cdn"});
    config::Config config;
    LineageState state;
    VersionFacts live = facts_of(2, day(60));

    Watch() {
        config.targets[{"cdn"}] = watched_target();
        state.live = state.newest = {2};
    }
    config::Verify& verify() { return config.targets.at({"cdn"}).verify; }
    EndpointState& endpoint() {
        if (state.endpoints.empty()) {
            state.endpoints.emplace_back();
            state.endpoints.back().target = {"cdn"};
            state.endpoints.back().address = "cdn.example.com:443";
        }
        return state.endpoints.front();
    }
    EndpointChange look(Time now, std::vector<EndpointSight> sights) {
        return record_sights(endpoint(), sights, live, state, verify(), now);
    }
    void go_live(std::uint32_t number, Time at) {
        live = facts_of(number, at);
        state.live = state.newest = {number};
    }
    Time next_look() { return watched_endpoints(spec, config, state, day(0)).at(0).at; }
};

}  // namespace

TEST_CASE("a target is only watched when it has nothing but a verification and does not read live") {
    config::Target target = watched_target();
    CHECK(target.is_watched());
    SECTION("it installs") {
        target.install.emplace_back();
    }
    SECTION("it runs a command") {
        target.exec.emplace_back();
    }
    SECTION("it tests") {
        target.test.argv = {"test"};
    }
    SECTION("it reloads") {
        target.reload.systemd_unit = "a.service";
    }
    SECTION("it has hosts") {
        target.hosts.emplace_back();
    }
    SECTION("it reads live") {
        target.reads_live = true;
    }
    SECTION("it has no addresses") {
        target.verify.addresses.clear();
    }
    CHECK_FALSE(target.is_watched());
}

TEST_CASE("a watched target is no place to deploy to") {
    Targets targets;
    targets[{"cdn"}] = watched_target();
    targets[{"web"}].install.emplace_back();
    CHECK(places_of({{"cdn"}, {"web"}}, &targets) == std::vector<Place>{{{"web"}}});
    CHECK(count_places({{"cdn"}, {"web"}}, &targets) == 1);
}

TEST_CASE("what an endpoint shows is judged by the worst that is true of it") {
    EndpointSight sight = sight_of(2);
    EndpointMeasure measure = measure_of();
    Verdict expected = Verdict::live;
    SECTION("the live version is in order") {}
    SECTION("so is the newest, which is not live yet") {
        sight.version = {3};
        measure.newest = {3};
    }
    SECTION("unless it was rolled back from") {
        sight.version = {3};
        measure.newest = {3};
        measure.newest_rejected = true;
        expected = Verdict::old;
    }
    SECTION("nothing") {
        sight = silent_sight();
        expected = Verdict::silent;
    }
    SECTION("an older version") {
        sight.version = {1};
        expected = Verdict::old;
    }
    SECTION("somebody else's certificate, trusted or not") {
        sight.version = {};
        sight.chain_fault = GENERATE("", "self-signed certificate");
        expected = Verdict::foreign;
    }
    SECTION("the live version without its intermediates") {
        sight.chain_fault = "unable to get local issuer certificate";
        expected = Verdict::broken_chain;
    }
    SECTION("the live version, asked for a name that it is not for") {
        sight.is_for_name = false;
        expected = Verdict::wrong_name;
    }
    SECTION("the live version near its end") {
        measure.now = day(60) + days(76);
        expected = Verdict::expiring;
    }
    SECTION("an older version that has expired, within the time for taking over") {
        sight = sight_of(1, day(-40));
        measure.in_grace = true;
        expected = Verdict::expired;
    }
    SECTION("an older version that is near its end, within the time for taking over") {
        sight = sight_of(1, day(-20));
        measure.in_grace = true;
        expected = Verdict::expiring;
    }
    SECTION("an older version without the name, within the time for taking over") {
        sight.version = {1};
        sight.is_for_name = false;
        measure.in_grace = true;
        expected = Verdict::awaited;
    }
    SECTION("somebody else's, within the time for taking over") {
        sight.version = {};
        measure.in_grace = true;
        expected = Verdict::awaited;
    }
    CHECK(judge(sight, measure) == expected);
    CHECK(is_in_order(judge(sight, measure)) == (expected == Verdict::live || expected == Verdict::awaited));
}

TEST_CASE("where any trusted certificate will do it must be trusted, for the name, and have time left") {
    EndpointSight sight = sight_of(0);
    EndpointMeasure measure = measure_of();
    measure.accept = config::Accept::trusted;
    Verdict expected = Verdict::trusted;
    SECTION("somebody else's") {}
    SECTION("an older version of ours") {
        sight.version = {1};
    }
    SECTION("one that leads to no trusted root") {
        sight.chain_fault = "self-signed certificate";
        expected = Verdict::untrusted;
    }
    SECTION("an older version of ours without its intermediates") {
        sight.version = {1};
        sight.chain_fault = "unable to get local issuer certificate";
        expected = Verdict::broken_chain;
    }
    SECTION("one for another name") {
        sight.is_for_name = false;
        expected = Verdict::wrong_name;
    }
    SECTION("one near its end") {
        measure.now = sight.not_after - days(14);
        expected = Verdict::expiring;
    }
    CHECK(judge(sight, measure) == expected);
}

TEST_CASE("near the end is 1/6 of the lifetime, and two weeks at most") {
    CHECK(near_end_of(day(0), day(60)) == day(50));
    CHECK(near_end_of(day(0), day(6)) == day(5));
    CHECK(near_end_of(day(0), day(365)) == day(351));
    CHECK(near_end_of(day(1), day(0)) == day(0));
}

TEST_CASE("of several names the worst counts, and the problem names the endpoint and what it serves") {
    Watch watch;
    EndpointSight other = sight_of(1);
    other.server_name = "www.example.com";
    CHECK(watch.look(day(70), {sight_of(2), other}) == EndpointChange::trouble);
    REQUIRE(watch.endpoint().problem);
    CHECK(watch.endpoint().problem->code == "endpoint.old");
    CHECK(watch.endpoint().problem->what ==
          "cdn at cdn.example.com:443 for www.example.com still serves version 1 while version 2 is live (valid until "
          "2026-05-31T00:00:00Z, SHA-256 f1)");
    CHECK(watch.endpoint().problem->remote == "subject CN=example.com, issuer CN=Somebody's CA");
    CHECK(watch.endpoint().served_fingerprint == "f1");
    CHECK(watch.endpoint().served_not_after == day(150));
    CHECK(watch.endpoint().version == VersionNumber{1});
}

TEST_CASE("each kind of trouble has words of its own") {
    Watch watch;
    watch.verify().grace = Duration::zero();
    EndpointSight sight = sight_of(2);
    std::string words, code;
    SECTION("silence") {
        sight = silent_sight();
        words = "shows no certificate: Cannot connect to cdn.example.com:443";
        code = "endpoint.silent";
    }
    SECTION("foreign") {
        sight.version = {};
        words = "serves a certificate that is none of this lineage's, while version 2 is live (valid until";
        code = "endpoint.foreign";
    }
    SECTION("expired") {
        sight = sight_of(1, day(-30));
        words = "serves version 1 that has expired (valid until 2026-03-02T00:00:00Z, SHA-256 f1)";
        code = "endpoint.expired";
    }
    SECTION("expiring") {
        sight = sight_of(0, day(-15));
        words = "serves a certificate that is near its end";
        code = "endpoint.expiring";
    }
    SECTION("broken chain") {
        sight.chain_fault = "unable to get local issuer certificate";
        words = "serves version 2 with a chain that leads clients to no root";
        code = "endpoint.brokenChain";
    }
    SECTION("wrong name") {
        sight.is_for_name = false;
        words = "for example.com serves version 2 that is not for this name";
        code = "endpoint.wrongName";
    }
    SECTION("untrusted") {
        watch.verify().accept = config::Accept::trusted;
        sight.version = {};
        sight.chain_fault = "self-signed certificate";
        words = "serves a certificate that clients do not trust";
        code = "endpoint.untrusted";
    }
    CHECK(watch.look(day(61), {sight}) == EndpointChange::trouble);
    REQUIRE(watch.endpoint().problem);
    INFO(watch.endpoint().problem->what);
    CHECK(watch.endpoint().problem->code == code);
    CHECK(watch.endpoint().problem->what.find(words) != std::string::npos);
    CHECK_FALSE(watch.endpoint().problem->hint.empty());
}

TEST_CASE("after a deployment an endpoint has its time, and trouble is told once, as is its end") {
    Watch watch;
    CHECK(watch.look(day(61), {sight_of(2)}) == EndpointChange::none);
    CHECK(watch.endpoint().verified_at == day(61));
    watch.go_live(3, day(120));
    CHECK(watch.look(day(120), {sight_of(2)}) == EndpointChange::none);
    CHECK(watch.endpoint().verdict == Verdict::awaited);
    CHECK(watch.endpoint().verified_at == day(61));
    CHECK(grace_until(watch.endpoint(), watch.verify()) == day(121));
    CHECK(watch.look(day(121) - seconds(1), {sight_of(2)}) == EndpointChange::none);
    CHECK(watch.look(day(121), {sight_of(2)}) == EndpointChange::trouble);
    CHECK(watch.endpoint().verdict == Verdict::old);
    CHECK(watch.look(day(122), {sight_of(2)}) == EndpointChange::none);
    CHECK(watch.look(day(123), {sight_of(3, day(120))}) == EndpointChange::settled);
    CHECK_FALSE(watch.endpoint().problem);
    CHECK(watch.look(day(124), {sight_of(3, day(120))}) == EndpointChange::none);
}

TEST_CASE("an endpoint that never took over is not forgiven by the next deployment, and its end is told anew") {
    Watch watch;
    CHECK(watch.look(day(70), {sight_of(1, day(0))}) == EndpointChange::trouble);
    watch.go_live(3, day(74));
    CHECK(watch.look(day(74), {sight_of(1, day(0))}) == EndpointChange::none);
    CHECK(watch.endpoint().verdict == Verdict::old);
    CHECK(watch.look(day(76), {sight_of(1, day(0))}) == EndpointChange::trouble);
    CHECK(watch.endpoint().problem->code == "endpoint.expiring");
}

TEST_CASE("one that is met long after the deployment has had its time, one that was silent has not") {
    Watch watch;
    SECTION("met late") {
        CHECK(watch.look(day(70), {sight_of(1)}) == EndpointChange::trouble);
        CHECK(watch.endpoint().verdict == Verdict::old);
    }
    SECTION("silent at the deployment") {
        CHECK(watch.look(day(70), {sight_of(2)}) == EndpointChange::none);
        CHECK(watch.look(day(71), {silent_sight()}) == EndpointChange::trouble);
        watch.go_live(3, day(72));
        CHECK(watch.look(day(72), {silent_sight()}) == EndpointChange::none);
        CHECK(watch.look(day(72) + hours(1), {sight_of(2)}) == EndpointChange::settled);
        CHECK(watch.endpoint().verdict == Verdict::awaited);
    }
}

TEST_CASE("what was served last is kept while nothing is shown") {
    Watch watch;
    watch.look(day(70), {sight_of(2)});
    watch.look(day(71), {silent_sight()});
    CHECK(watch.endpoint().served_fingerprint == "f2");
    CHECK(watch.endpoint().verified_at == day(70));
    CHECK(watch.endpoint().looked_at == day(71));
}

TEST_CASE("a subject that was made to confuse is one short line") {
    Watch watch;
    EndpointSight sight = sight_of(1);
    sight.subject = "CN=\n\x1b[31m" + std::string(5000, 'x');
    watch.look(day(70), {sight});
    CHECK(watch.endpoint().served_subject.size() < 300);
    CHECK(watch.endpoint().served_subject.find('\n') == std::string::npos);
}

TEST_CASE("the next look comes sooner the less is in order, and when time alone changes the verdict") {
    Watch watch;
    CHECK(watch.next_look() == day(0));  // never looked at: at once
    watch.look(day(70), {sight_of(2)});
    CHECK(watch.next_look() >= day(70) + hours(12));
    CHECK(watch.next_look() < day(70) + hours(12) + hours(12) / 10);
    watch.look(day(136) - hours(1), {sight_of(2)});
    CHECK(watch.next_look() == day(136));  // near its end from then on
    watch.look(day(80), {silent_sight()});
    CHECK(watch.next_look() == day(80) + minutes(10));
    watch.look(day(90), {sight_of(0)});
    CHECK(watch.next_look() == day(90) + hours(1));
    watch.look(day(91), {sight_of(2)});
    watch.go_live(3, day(100));
    CHECK(watch.next_look() == day(0));  // not met with this version yet
    watch.look(day(100), {sight_of(2)});
    CHECK(watch.next_look() == day(100) + hours(1));
    watch.look(day(101) - minutes(10), {sight_of(2)});
    CHECK(watch.next_look() == day(101));
    watch.verify().every = seconds(30);
    CHECK(watch.next_look() == day(101) - minutes(10) + seconds(30));
}

TEST_CASE("looks that were missed are made up for within the hour") {
    Watch watch;
    watch.look(day(70), {sight_of(2)});
    const Time at = watched_endpoints(watch.spec, watch.config, watch.state, day(90)).at(0).at;
    CHECK(at >= day(90));
    CHECK(at < day(90) + hours(1));
}

TEST_CASE("each address of a watched target is on its own, and what is not watched any more is forgotten") {
    Watch watch;
    watch.config.targets.at({"cdn"}) = watched_target({"cdn.example.com:443", "192.0.2.1:443"});
    watch.verify().addresses.push_back({StartTls::smtp, "mx.example.com:25"});
    watch.look(day(70), {sight_of(2)});
    const auto endpoints = endpoints_in(watch.spec, &watch.config.targets, watch.state);
    REQUIRE(endpoints.size() == 3);
    CHECK(endpoints[0].verdict == Verdict::live);
    CHECK(endpoints[1].verdict == Verdict::unknown);
    CHECK(text(endpoints[2]) == "cdn at mx.example.com:25 (smtp)");
    auto watched = watched_endpoints(watch.spec, watch.config, watch.state, day(0));
    CHECK_FALSE(forget_others(watch.state, watched));
    watch.spec.targets.clear();
    CHECK(forget_others(watch.state, watched_endpoints(watch.spec, watch.config, watch.state, day(0))));
    CHECK(watch.state.endpoints.empty());
    watch.state.live = {};
    CHECK(watched_endpoints(spec_of({"cdn"}), watch.config, watch.state, day(0)).empty());
}

TEST_CASE("an endpoint out of order makes a warning of its lineage, near its end it is critical, and nothing is due") {
    Watch watch;
    Scene scene(spec_of({"cdn"}));
    scene.live = scene.newest = facts_of(2, day(60));
    scene.state.targets.clear();
    scene.state.live = scene.state.newest = {2};
    scene.targets = &watch.config.targets;
    const auto plan_after = [&](const EndpointSight& sight) {
        watch.look(day(70), {sight});
        scene.state.endpoints = watch.state.endpoints;
        return scene.at(day(70));
    };
    CHECK(plan_after(sight_of(2)).health == Health::ok);
    const Plan warned = plan_after(sight_of(0));
    CHECK(warned.health == Health::warning);
    CHECK(warned.state == State::waiting);
    CHECK(warned.action == Action::issue);
    CHECK(warned.problem->code == "endpoint.foreign");
    const Plan alarmed = plan_after(sight_of(0, day(-15)));
    CHECK(alarmed.health == Health::critical);
    CHECK(alarmed.problem->code == "endpoint.expiring");
    watch.config.targets.at({"cdn"}).reads_live = true;  // what is not watched any more alarms nobody
    CHECK(scene.at(day(70)).health == Health::ok);
}

TEST_CASE("the worst of several endpoints is the lineage's problem") {
    Watch watch;
    watch.verify().addresses.push_back({StartTls::none, "192.0.2.1:443"});
    watch.look(day(70), {sight_of(1)});
    EndpointState other;
    other.target = {"cdn"};
    other.address = "192.0.2.1:443";
    record_sights(other, {sight_of(0, day(-15))}, watch.live, watch.state, watch.verify(), day(70));
    watch.state.endpoints.push_back(other);
    CHECK(worst_endpoint(watch.spec, &watch.config.targets, watch.state)->address == "192.0.2.1:443");
    CHECK_FALSE(worst_endpoint(watch.spec, nullptr, watch.state));
}

TEST_CASE("what is known of endpoints comes back from the state file") {
    Watch watch;
    watch.look(day(70), {sight_of(1)});
    watch.go_live(3, day(75));
    watch.look(day(75), {silent_sight()});
    CHECK(lineage_state_from_json(to_json(watch.state)).value() == watch.state);
}
