// Names that a CA has paused: the lineage stops, shows the page, and goes on when an operator says so.
#include "daemon/app/operations.hpp"
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

bool mentions(const std::vector<std::string>& texts, const std::string& words) {
    return std::ranges::any_of(texts, [&](const std::string& text) { return text.find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE("a lineage with paused names is blocked and shows the page, and resume tries again") {
    World world;
    world.ca.knobs.paused_names = {"www.example.com"};
    world.start();
    world.run_for(hours(12));
    CHECK(world.ca.count(RequestKind::new_order) == 1);
    CHECK(world.plan().state == State::blocked);
    const Problem& problem = *world.lineage().state.last_problem;
    CHECK(problem.code == "acme.paused");
    CHECK(problem.remote.starts_with("unpause at https://ca.test/unpause?jwt=abc.def "));
    auto failed = std::ranges::find(world.events, EventType::renewal_failed, &Event::type);
    REQUIRE(failed != world.events.end());
    CHECK(render(*failed).find("unpause at https://ca.test/unpause?jwt=abc.def") != std::string::npos);

    if (GENERATE(false, true)) {
        world.kill();
        world.start();
    }
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    api::Explanation explained = world.drive(operations.explain(name_of("example.com"))).value();
    CHECK(explained.lineage.state == "blocked");
    CHECK(mentions(explained.then, "at https://ca.test/unpause?jwt=abc.def"));
    CHECK(mentions(explained.then, "`certctl resume example.com` tries again at once"));
    std::vector<api::LimitUse> limits = operations.limits();
    REQUIRE(limits.size() == 1);
    CHECK(limits.front().kind == "paused");
    CHECK(limits.front().ca == "main");
    CHECK(limits.front().key == "example.com, www.example.com");
    CHECK(limits.front().page == "https://ca.test/unpause?jwt=abc.def");

    world.ca.knobs.paused_names.clear();
    REQUIRE(world.drive(world.scheduler().resume(name_of("example.com"))));
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.plan().state == State::waiting);
    CHECK(operations.limits().empty());
}

TEST_CASE("a lineage whose names one CA has paused goes to its next one") {
    World world;
    world.ca.knobs.paused_names = {"www.example.com"};
    world.start(with(usual_config(), "cas: [main]", "cas: [main, other]"));
    world.run_for(minutes(5));
    CHECK(world.ca.count(RequestKind::new_order) == 1);
    REQUIRE(world.lineage().live);
    CHECK(world.lineage().live->ca == CaName{"other"});
}

TEST_CASE("a page that is not https, or hostile, is shown to nobody as one") {
    std::string page = GENERATE("http://ca.test/unpause", "javascript:alert(1)", "file:///etc/passwd", "https://",
                                "https://user@ca.test/");
    World world;
    world.ca.knobs.paused_names = {"www.example.com"};
    world.ca.knobs.unpause_page = page;
    world.start();
    world.run_for(minutes(1));
    CHECK(world.plan().state == State::blocked);
    CHECK(world.lineage().state.last_problem->code == "acme.paused");
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    CHECK(operations.limits().front().page.empty());
    CHECK_FALSE(mentions(world.drive(operations.explain(name_of("example.com"))).value().then, "unpaused"));
}

TEST_CASE("the page ends where the URL does, whatever follows it") {
    World world;
    world.ca.knobs.paused_names = {"www.example.com"};
    world.ca.knobs.unpause_page = "https://ca.test/unpause?a=1\x1b]0;evil\x07 \xe2\x80\xae";
    world.start();
    world.run_for(minutes(1));
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    CHECK(operations.limits().front().page == "https://ca.test/unpause?a=1");
}
