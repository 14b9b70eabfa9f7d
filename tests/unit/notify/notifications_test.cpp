// The agent in virtual time, over a disk in memory: what reaches receivers, whatever fails on the way.
#include "daemon/notify/notifications.hpp"

#include "tests/support/memory_file_system.hpp"
#include "tests/support/virtual_clock.hpp"
#include "tests/unit/notify/builders.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

// One lineage whose target fails or does not.
class FakeSights final : public Sights {
   public:
    FakeSights() {
        spec.name = "example.com";
        spec.targets = {{"web"}};
        web.target = {"web"};
        mend();
    }
    void break_deployment() {
        web.state = HostState::rolled_back;
        web.failures = 1;
        web.problem = problem("deploy.reload", "The reload command failed");
        state.targets = {web};
    }
    void mend() {
        web.state = HostState::deployed;
        web.problem.reset();
        state.targets = {web};
    }
    DaemonSight daemon() const override { return daemon_sight; }
    void each_state(const std::function<void(const LineageState&)>& look) const override { look(state); }
    void each(const std::function<void(const LineageSight&)>& look) const override {
        if (blind) fail("internal.unexpected", "Nothing can be seen");
        one(spec.name, look);
    }
    void one(const std::string& lineage, const std::function<void(const LineageSight&)>& look) const override {
        if (lineage == spec.name) look({spec, state, nullptr, nullptr, {}, hours(1), std::nullopt});
    }

    config::Lineage spec;
    LineageState state;
    TargetState web;
    DaemonSight daemon_sight;
    bool blind = false;
};

struct Bed {
    Bed() {
        REQUIRE(files.change(change::MakeDirectory{"/state", 0700}));
        REQUIRE(store.open());
    }
    ~Bed() {
        if (agent) kill();
    }

    void start(config::Notifiers notifiers) {
        bus = std::make_unique<EventBus>(clock);
        bus->add_sink([this](const Event& event) {
            events.push_back(std::string(to_string(event.type)));
            said.push_back(event.message);
        });
        agent = std::make_unique<Notifications>(
            io->get_executor(), Notifications::Parts{clock, workers, store, *bus, sights,
                                                     [this](NotifierPtr notifier, Message message) {
                                                         return deliver(std::move(notifier), std::move(message));
                                                     },
                                                     sender});
        run(*io, clock, agent->load(std::move(notifiers)));
        tasks = std::make_unique<TaskGroup>(io->get_executor(), nullptr);
        tasks->spawn("notifications", agent->run());
        clock.run_until_idle(*io);
    }
    void stop() {
        run(*io, clock, tasks->stop());
        tasks.reset();
        agent.reset();
    }
    void kill() {
        io = nullptr;  // coroutines are destroyed where they wait
        tasks.reset();
        agent.reset();
        io = std::make_unique<asio::io_context>(1);
    }
    void pass(Duration duration) { clock.run_until(*io, clock.now() + duration); }
    void change() {
        agent->touch("example.com");
        clock.run_until_idle(*io);
    }
    Task<std::string> deliver(NotifierPtr notifier, Message message) {
        if (slow > Duration::zero()) co_await clock.sleep(slow);
        ++attempts;
        if (failing.contains(notifier->name)) fail("net.connect", "Cannot connect to " + notifier->name);
        delivered.push_back(message.event.empty()
                                ? notifier->name
                                : fmt::format("{} {} {}", notifier->name, message.event, message.title));
        co_return "ok";
    }

    std::unique_ptr<asio::io_context> io = std::make_unique<asio::io_context>(1);
    VirtualClock clock;
    Workers workers{0};
    MemoryFileSystem files;
    Store store{files, "/state"};
    FakeSights sights;
    std::unique_ptr<EventBus> bus;
    std::unique_ptr<Notifications> agent;
    std::unique_ptr<TaskGroup> tasks;
    std::set<std::string> failing;
    Duration slow{};
    int attempts = 0;
    std::vector<std::string> delivered, events, said;
};

config::Notifiers ops_and(std::vector<std::shared_ptr<config::Notifier>> more = {}) {
    config::Notifiers notifiers = only(notifier_named("ops"));
    for (auto& notifier : more)
        notifiers.emplace(notifier->name, notifier);
    return notifiers;
}

using Lines = std::vector<std::string>;
const std::string opened = "ops opened deployment to web failed and was rolled back";
const std::string recovered = "ops recovered web serves its certificate";

}  // namespace

TEST_CASE("a failure is told once, its end once, and both are events") {
    Bed bed;
    bed.start(ops_and());
    bed.sights.break_deployment();
    bed.change();
    CHECK(bed.delivered == Lines{opened});
    bed.change();
    bed.pass(hours(1));
    CHECK(bed.delivered == Lines{opened});
    bed.sights.mend();
    bed.change();
    bed.pass(minutes(6));
    CHECK(bed.delivered == Lines{opened, recovered});
    CHECK(bed.events == Lines{"incident.opened", "notify.delivered", "incident.over", "notify.delivered"});
}

TEST_CASE("what changes without an event is found by the regular look") {
    Bed bed;
    bed.start(ops_and());
    bed.sights.break_deployment();
    bed.pass(minutes(11));
    CHECK(bed.delivered == Lines{opened});
}

TEST_CASE("killed at any moment, certd repeats no message that was delivered and recorded, and forgets none") {
    Bed bed;
    bed.start(ops_and());
    bed.sights.break_deployment();
    bed.change();
    bed.kill();
    bed.start(ops_and());
    bed.pass(hours(2));
    CHECK(bed.delivered == Lines{opened});

    bed.sights.mend();
    bed.kill();  // before anybody looked
    bed.start(ops_and());
    bed.pass(minutes(1));
    bed.kill();  // while it settles
    bed.start(ops_and());
    bed.pass(minutes(5));
    CHECK(bed.delivered == Lines{opened, recovered});
}

TEST_CASE("a message that was being sent when certd died is sent after the next start") {
    Bed bed;
    bed.slow = seconds(30);
    bed.start(ops_and());
    bed.sights.break_deployment();
    bed.change();
    bed.pass(seconds(10));
    bed.kill();
    CHECK(bed.delivered.empty());
    bed.start(ops_and());
    bed.pass(minutes(1));
    CHECK(bed.delivered == Lines{opened});
}

TEST_CASE("SIGTERM does not wait for a receiver, and nothing is lost by it") {
    Bed bed;
    bed.slow = hours(1);
    bed.start(ops_and());
    bed.sights.break_deployment();
    bed.change();
    Time before = bed.clock.now();
    bed.stop();
    CHECK(bed.clock.now() == before);
    bed.slow = Duration::zero();
    bed.start(ops_and());
    CHECK(bed.delivered == Lines{opened});
}

TEST_CASE("a receiver that is away gets its message later, and the others are told that it is away") {
    Bed bed;
    bed.failing = {"ops"};
    bed.start(ops_and({notifier_named("chat")}));
    bed.sights.break_deployment();
    bed.change();
    bed.pass(minutes(10));
    CHECK(bed.delivered == Lines{"chat opened deployment to web failed and was rolled back",
                                 "chat opened the notifier ops does not deliver"});
    std::optional<Problem> problem = bed.agent->problem();
    REQUIRE(problem);
    CHECK(problem->code == "notify.undelivered");
    CHECK(problem->what == "The notifier ops does not deliver: Cannot connect to ops");
    bed.failing.clear();
    bed.pass(hours(1));
    CHECK(bed.delivered == Lines{"chat opened deployment to web failed and was rolled back",
                                 "chat opened the notifier ops does not deliver", opened,
                                 "chat recovered the notifier ops delivers again"});
    CHECK_FALSE(bed.agent->problem());
}

TEST_CASE("one receiver that hangs holds up no other") {
    Bed bed;
    bed.start(ops_and({notifier_named("chat")}));
    bed.sights.break_deployment();
    bed.slow = hours(5);
    bed.change();
    bed.slow = Duration::zero();
    auto& clock = bed.clock;
    Time before = clock.now();
    bed.sights.mend();
    bed.change();
    CHECK(clock.now() == before);
    CHECK(bed.agent->incidents().size() == 1);
}

TEST_CASE("a disk that cannot be written keeps nobody from being told, and is an incident until it can") {
    Bed bed;
    bed.start(ops_and());
    FaultPlan full;
    full.fail_at = 0;
    full.code = "storage.full";
    full.lasting = true;
    bed.files.plan(full);
    Event event;
    event.type = EventType::renewal_failed;
    event.severity = Severity::error;
    event.problem = problem("storage.full", "Cannot write /state/lineages/example.com/state.json");
    bed.bus->publish(event);
    bed.pass(minutes(3));
    CHECK(bed.delivered == Lines{"ops opened the state directory cannot be written"});
    bed.files.plan({});
    bed.pass(minutes(10));
    CHECK(bed.delivered == Lines{"ops opened the state directory cannot be written",
                                 "ops recovered the state directory can be written again"});
}

TEST_CASE("that incidents cannot be written down is said once, and is an incident of its own") {
    Bed bed;
    bed.start(ops_and());
    FaultPlan full;
    full.fail_at = 0;
    full.code = "storage.full";
    full.lasting = true;
    bed.files.plan(full);
    bed.sights.break_deployment();
    bed.change();
    bed.pass(hours(1));
    CHECK(bed.delivered == Lines{opened, "ops opened the state directory cannot be written"});
    CHECK(std::ranges::count(bed.said, "Incidents cannot be written down") == 1);
    bed.files.plan({});
    bed.pass(minutes(10));
    CHECK(bed.delivered.back() == "ops recovered the state directory can be written again");
}

TEST_CASE("a message that is given up is said to be, and so is one for which there is no room") {
    Bed bed;
    bed.failing = {"ops"};
    bed.start(ops_and());
    bed.sights.break_deployment();
    bed.change();
    bed.pass(hours(26));
    CHECK(std::ranges::count(bed.said,
                             "The notifier ops gave a message up: [certd] example.com: deployment to web "
                             "failed and was rolled back") == 1);

    Bed full;
    full.failing = {"ops"};
    auto pager = notifier_named("ops");
    pager->kind = config::NotifyPagerDuty{};  // gets each incident by itself
    full.start(only(pager));
    for (std::size_t i = 0; i < outbox_limit + 3; ++i) {
        Event event;
        event.type = EventType::store_damaged;
        event.lineage = fmt::format("a{}.example", i);
        event.problem = problem("storage.corrupt", "damaged");
        full.bus->publish(event);
    }
    full.pass(minutes(1));
    CHECK(std::ranges::count(full.said, "The queue of the notifier ops is full: a message was dropped") == 3);
    CHECK(full.agent->notifiers().front().outbox.items.size() == outbox_limit);
}

TEST_CASE("damage of the state is told until a new version is in service") {
    Bed bed;
    bed.start(ops_and());
    Event event;
    event.type = EventType::store_damaged;
    event.severity = Severity::critical;
    event.lineage = "example.com";
    event.problem = problem("storage.corrupt", "version 3 is damaged");
    bed.bus->publish(event);
    bed.pass(hours(2));
    CHECK(bed.delivered == Lines{"ops opened the state on disk is damaged"});
    event = {};
    event.type = EventType::deploy_committed;
    event.lineage = "example.com";
    bed.bus->publish(event);
    bed.pass(minutes(6));
    CHECK(bed.delivered.back() == "ops recovered a new version is in service");
}

TEST_CASE("what shows in many lineages at once is one message") {
    Bed bed;
    bed.start(ops_and());
    for (int i = 0; i < 60; ++i) {
        Event event;
        event.type = EventType::store_damaged;
        event.severity = Severity::critical;
        event.lineage = fmt::format("a{}.example", i);
        event.problem = problem("storage.corrupt", "damaged");
        bed.bus->publish(event);
    }
    bed.pass(minutes(1));
    CHECK(bed.delivered == Lines{"ops opened 60 incidents, 0 of them over"});
}

TEST_CASE("damaged records of incidents are as good as none") {
    Bed bed;
    REQUIRE(bed.files.create("/state/notify.json", "{}", {}));
    bed.start(ops_and());
    bed.sights.break_deployment();
    bed.change();
    CHECK(bed.delivered.back() == opened);
}

TEST_CASE("a heartbeat beats while certd makes progress, and only then") {
    auto beat = notifier_named("beat");
    beat->kind = config::NotifyHeartbeat{{}, minutes(5)};
    Bed bed;
    bed.start(ops_and({beat}));
    bed.pass(minutes(21));
    CHECK(bed.delivered == Lines{"beat", "beat", "beat", "beat", "beat"});
    bed.delivered.clear();
    bed.sights.daemon_sight.since_last_pass = minutes(3);
    bed.pass(hours(1));
    CHECK(std::ranges::count(bed.delivered, "beat") == 0);
    CHECK(std::ranges::count(bed.delivered, "ops opened certd makes no progress") == 1);
    bed.sights.daemon_sight.since_last_pass = {};
    bed.pass(minutes(16));
    CHECK(std::ranges::count(bed.delivered, "beat") >= 1);
    // A certificate in trouble is for the others to tell.
    bed.sights.break_deployment();
    bed.change();
    bed.delivered.clear();
    bed.pass(minutes(16));
    CHECK(std::ranges::count(bed.delivered, "beat") >= 3);
}

TEST_CASE("a heartbeat is withheld when nobody can be told of incidents") {
    auto beat = notifier_named("beat");
    beat->kind = config::NotifyHeartbeat{{}, minutes(5)};
    Bed bed;
    bed.failing = {"ops"};
    bed.start(ops_and({beat}));
    bed.sights.break_deployment();
    bed.change();
    bed.pass(minutes(30));
    bed.delivered.clear();
    bed.pass(minutes(30));
    CHECK(bed.delivered.empty());
}

TEST_CASE("a heartbeat that does not arrive is told through the others, and said when it begins and ends") {
    auto beat = notifier_named("beat");
    beat->kind = config::NotifyHeartbeat{{}, minutes(5)};
    Bed bed;
    bed.failing = {"beat"};
    bed.start(ops_and({beat}));
    bed.pass(minutes(21));
    CHECK(bed.delivered == Lines{"ops opened the notifier beat does not deliver"});
    CHECK(std::ranges::count(bed.said, "The notifier beat could not deliver \"heartbeat\"") == 1);
    bed.failing.clear();
    bed.pass(minutes(21));
    CHECK(std::ranges::count(bed.said, "The notifier beat delivered \"heartbeat\": ok") == 1);
    CHECK(std::ranges::count(bed.delivered, "ops recovered the notifier beat delivers again") == 1);
}

TEST_CASE("who cannot look for incidents says so, lets no heartbeat go out, and goes on when it can") {
    auto beat = notifier_named("beat");
    beat->kind = config::NotifyHeartbeat{{}, minutes(5)};
    Bed bed;
    bed.start(ops_and({beat}));
    bed.sights.blind = true;
    bed.sights.break_deployment();
    bed.pass(minutes(30));
    CHECK(std::ranges::count(bed.said, "The look for incidents broke off") > 0);
    CHECK(std::ranges::count(bed.said, "The heartbeat beat is withheld: nobody looks for incidents") == 1);
    bed.delivered.clear();
    bed.sights.blind = false;
    bed.pass(minutes(6));
    CHECK(bed.delivered == Lines{opened, "beat"});
}

TEST_CASE("a test of a receiver that hangs has an end, and tells that") {
    Bed bed;
    bed.slow = hours(1);
    bed.start(ops_and());
    auto results = run(*bed.io, bed.clock, bed.agent->test("ops"));
    REQUIRE(results);
    CHECK(results->front().answer.error().code == "net.timeout");
    CHECK(results->front().answer.error().what == "The notifier ops did not end within 25s");
}

TEST_CASE("a test goes to the receiver at once and tells its answer") {
    Bed bed;
    bed.failing = {"chat"};
    bed.start(ops_and({notifier_named("chat")}));
    auto results = run(*bed.io, bed.clock, bed.agent->test(""));
    REQUIRE(results);
    REQUIRE(results->size() == 2);
    CHECK(results->at(0).notifier == "chat");
    CHECK(results->at(0).answer.error().what == "Cannot connect to chat");
    CHECK(results->at(1).answer.value() == "ok");
    CHECK(bed.delivered == Lines{"ops test test of the notifier ops"});
    CHECK(run(*bed.io, bed.clock, bed.agent->test("nobody")).error().code == "control.noSuchNotifier");
}

TEST_CASE("a notifier that a reload changes goes on with its queue, at once and of whatever kind it is now") {
    for (bool same_kind : {true, false}) {
        CAPTURE(same_kind);
        Bed bed;
        bed.failing = {"ops"};
        bed.start(ops_and());
        bed.sights.break_deployment();
        bed.change();
        bed.pass(hours(3));
        bed.failing.clear();
        run(*bed.io, bed.clock, bed.agent->apply(ops_and()));
        bed.pass(minutes(1));
        CHECK(bed.delivered.empty());  // nothing has changed: the next attempt has its time
        auto changed = notifier_named("ops");
        changed->remind = Duration::zero();
        if (!same_kind) changed->kind = config::NotifySlack{};
        run(*bed.io, bed.clock, bed.agent->apply(only(changed)));
        bed.pass(seconds(1));
        CHECK(bed.delivered == Lines{opened});
        CHECK(bed.agent->notifiers().front().notifier == changed);
    }
}

TEST_CASE("a reload takes over notifiers: new ones are told what is open, those that are gone are not told any more") {
    Bed bed;
    bed.start(ops_and());
    bed.sights.break_deployment();
    bed.change();
    run(*bed.io, bed.clock, bed.agent->apply(only(notifier_named("chat"))));
    bed.pass(minutes(1));
    CHECK(bed.delivered == Lines{opened, "chat opened deployment to web failed and was rolled back"});
    CHECK(bed.agent->notifiers().size() == 1);
    bed.sights.mend();
    bed.change();
    bed.pass(hours(1));
    CHECK(bed.delivered.back() == "chat recovered web serves its certificate");
    CHECK(bed.delivered.size() == 3);
}
