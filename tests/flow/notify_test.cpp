// Lives of lineages as those see them who are told of incidents: the real engine and notifier in virtual time.
#include "daemon/app/sights.hpp"
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

config::Notifiers somebody() {
    auto ops = std::make_shared<config::Notifier>();
    ops->name = "ops";
    ops->kind = config::NotifyExec{{"/bin/true"}, seconds(30), {}};
    return {{"ops", ops}};
}

asio::any_io_executor executor_of(World& world) {
    auto ask = []() -> Task<asio::any_io_executor> { co_return co_await asio::this_coro::executor; };
    return world.drive(ask());
}

// In virtual time the scheduler sleeps for a day, which is not being stuck.
class UnhurriedSights final : public EngineSights {
   public:
    using EngineSights::EngineSights;
    DaemonSight daemon() const override {
        DaemonSight sight = EngineSights::daemon();
        sight.since_last_pass = {};
        return sight;
    }
};

// The notifier beside a world's engine; what it tells is in `told`.
struct Teller {
    explicit Teller(World& world)
        : sights(*world.engine, [this] { return config_problem; }),
          notifications(executor_of(world), {world.clock,
                                             world.engine->seams.workers,
                                             world.engine->store,
                                             world.engine->bus,
                                             sights,
                                             [this](NotifierPtr, Message message) { return keep(std::move(message)); },
                                             {"web1.example.net", "0.1.0"}}),
          tasks(executor_of(world), nullptr) {
        world.engine->job_ended = [this](const std::string& lineage) { notifications.touch(lineage); };
        world.drive(notifications.load(somebody()));
        tasks.spawn("notifications", notifications.run());
    }
    Task<std::string> keep(Message message) {
        told.push_back(message.subject);
        bodies.push_back(message.body);
        co_return "kept";
    }

    std::optional<Problem> config_problem;
    UnhurriedSights sights;
    Notifications notifications;
    TaskGroup tasks;
    std::vector<std::string> told, bodies;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a quarter in which nothing goes wrong is a quarter without messages") {
    World world;
    world.start();
    Teller teller(world);
    world.run_for(days(92));
    CHECK(world.lineage().state.live.value >= 2);
    CHECK(teller.told == Lines{});
    CHECK(teller.notifications.incidents().empty());
}

TEST_CASE("a reload that fails is told once, its repair once, and neither again after a restart") {
    World world;
    world.start();
    {
        Teller teller(world);
        world.run_for(days(1));
        world.service.config_broken = true;
        CHECK_FALSE(world.renew({true, false}));
        world.run_for(hours(10));
        CHECK(teller.told == Lines{"[certd] example.com: deployment to web failed"});
        CHECK(teller.bodies.front().find("\nServed:   version 1, valid until ") != std::string::npos);
        CHECK(teller.bodies.front().find("\nNext:     version 2 is deployed at ") != std::string::npos);
        world.kill();
    }
    world.start();
    Teller teller(world);
    world.run_for(hours(10));
    CHECK(teller.told == Lines{});
    world.service.config_broken = false;
    world.run_for(days(2));
    CHECK(teller.told == Lines{"[certd] over: example.com: web serves its certificate"});
}

TEST_CASE("a CA that is away is told as that, and a certificate near its end as what follows") {
    World world;
    world.start();
    Teller teller(world);
    world.run_for(days(1));
    world.ca.knobs.unavailable = true;
    world.run_for(days(89));
    REQUIRE(teller.told.size() >= 3);
    CHECK(teller.told.front() == "[certd] main does not answer");
    CHECK(std::ranges::count(teller.told, "[certd] example.com: the certificate expires soon and is not renewed") == 1);
    CHECK(std::ranges::count(teller.told, "[certd] worse: example.com: the certificate has expired") == 1);
    // Reminders are one a day for each of the three, not one for each attempt.
    CHECK(teller.told.size() < 100);
    world.ca.knobs.unavailable = false;
    world.run_for(days(3));
    CHECK(std::ranges::count(teller.told, "[certd] over: main answers again") == 1);
    CHECK(std::ranges::count(teller.told, "[certd] over: example.com: the certificate is renewed") == 1);
    CHECK(teller.notifications.incidents().empty());
}

TEST_CASE("a lineage that is paused until it is due is told to be that") {
    World world;
    world.start();
    Teller teller(world);
    world.run_for(days(1));
    REQUIRE(world.drive(world.scheduler().pause(name_of("example.com"))));
    world.run_for(days(65));
    REQUIRE(teller.told.size() >= 2);
    CHECK(teller.told[0] == "[certd] example.com: paused although it is due for renewal");
    CHECK(teller.told[1] == "[certd] still: example.com: paused although it is due for renewal");
    REQUIRE(world.drive(world.scheduler().resume(name_of("example.com"))));
    world.run_for(days(1));
    CHECK(teller.told.back() == "[certd] over: example.com: makes progress again");
}

TEST_CASE("a clock that is set is told once") {
    World world;
    world.start();
    Teller teller(world);
    world.run_for(days(1));
    world.clock.jump_wall(hours(3));
    world.run_for(days(2));
    CHECK(teller.told == Lines{"[certd] The wall clock jumped by 3h 0m"});
}
