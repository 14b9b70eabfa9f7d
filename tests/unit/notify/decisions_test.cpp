// Who is told what, and how often: rules in virtual time.
#include "tests/unit/notify/builders.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

// Incidents, and somebody who asks every minute what is to be told.
struct Desk {
    explicit Desk(config::Notifiers who) : notifiers(std::move(who)) {}

    void see(const std::vector<Condition>& conditions) {
        observe(
            incidents, conditions, [](const Incident&) { return true; }, now);
    }
    // "0m ops opened lineage/…", for each message until `until`, looked for whenever next_due() says so.
    std::vector<std::string> told_within(Duration duration) {
        std::vector<std::string> lines;
        const Time end = now + duration;
        for (;;) {
            for (const Due& due : take_due(incidents, notifiers, now))
                lines.push_back(fmt::format("{} {} {}", format_duration(now - start_of_tests), due.notifier,
                                            to_string(due.notice)));
            forget_settled(incidents, notifiers, now);
            std::optional<Time> next = next_due(incidents, notifiers, now);
            if (!next || *next > end) break;
            REQUIRE(*next > now);  // or the agent would turn in circles
            now = *next;
        }
        now = end;
        return lines;
    }
    void restart() { incidents = incidents_from_json(to_json(incidents)).value(); }

    config::Notifiers notifiers;
    Incidents incidents;
    Time now = start_of_tests;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("an incident is told once, reminded of daily, and its end is told once when it has settled") {
    Desk desk(only(notifier_named("ops")));
    desk.see({deployment_failed()});
    CHECK(desk.told_within(minutes(1)) == Lines{"0s ops opened"});
    desk.see({deployment_failed()});
    CHECK(desk.told_within(days(2)) == Lines{"1d ops reminder", "2d ops reminder"});
    desk.see({});
    CHECK(desk.told_within(hours(1)) == Lines{"2d 6m ops recovered"});
    CHECK(desk.incidents.empty());
}

TEST_CASE("without reminders there are none") {
    auto ops = notifier_named("ops");
    ops->remind = Duration::zero();
    Desk desk(only(ops));
    desk.see({deployment_failed()});
    CHECK(desk.told_within(days(30)) == Lines{"0s ops opened"});
}

TEST_CASE("what comes and goes is one message, and one at its end") {
    Desk desk(only(notifier_named("ops")));
    Lines all;
    for (int i = 0; i < 20; ++i) {
        desk.see({deployment_failed()});
        std::ranges::move(desk.told_within(minutes(1)), std::back_inserter(all));
        desk.see({});
        std::ranges::move(desk.told_within(minutes(3)), std::back_inserter(all));
    }
    std::ranges::move(desk.told_within(hours(1)), std::back_inserter(all));
    CHECK(all == Lines{"0s ops opened", "1h 22m ops recovered"});
}

TEST_CASE("a notifier with `after` is told of what lasts, and of the end of what it was told") {
    auto boss = notifier_named("boss");
    boss->after = hours(1);
    boss->remind = Duration::zero();
    Desk desk(only(boss));
    desk.see({deployment_failed()});
    CHECK(desk.told_within(minutes(59)).empty());
    desk.see({});
    CHECK(desk.told_within(hours(5)).empty());

    desk.see({deployment_failed()});
    Time again = desk.now;
    CHECK(desk.told_within(hours(2)) ==
          Lines{fmt::format("{} boss opened", format_duration(again + hours(1) - start_of_tests))});
    desk.see({});
    CHECK(desk.told_within(hours(1)).size() == 1);
}

TEST_CASE("what gets worse is told again, at once") {
    Desk desk(only(notifier_named("ops")));
    desk.see({deployment_failed()});
    (void)desk.told_within(minutes(1));
    Condition worse = deployment_failed();
    worse.kind = IncidentKind::rollback;
    worse.severity = Severity::critical;
    desk.see({worse});
    CHECK(desk.told_within(minutes(1)) == Lines{"1m ops escalated"});
    // And is not told a third time when it becomes less bad and bad again.
    desk.see({deployment_failed()});
    CHECK(desk.told_within(minutes(1)).empty());
    desk.see({worse});
    CHECK(desk.told_within(minutes(1)).empty());
}

TEST_CASE("a notifier is told what it asked for only") {
    auto pager = notifier_named("pager");
    pager->severity = Severity::critical;
    auto chat = notifier_named("chat");
    chat->events = {"expiring", "ca"};
    Desk desk({{"pager", pager}, {"chat", chat}});
    desk.see({deployment_failed()});
    CHECK(desk.told_within(minutes(1)).empty());
    Condition worse = deployment_failed();
    worse.severity = Severity::critical;
    desk.see({worse});
    CHECK(desk.told_within(minutes(1)) == Lines{"1m pager opened"});
}

TEST_CASE("a notifier that does not deliver is not told of that, the others are") {
    Desk desk({{"mail", notifier_named("mail")}, {"chat", notifier_named("chat")}});
    Condition condition;
    condition.key = delivery_key("mail");
    condition.kind = IncidentKind::delivery;
    condition.severity = Severity::error;
    condition.target = "mail";
    desk.see({condition});
    CHECK(desk.told_within(minutes(1)) == Lines{"0s chat opened"});
}

TEST_CASE("a restart neither repeats nor forgets") {
    Desk desk(only(notifier_named("ops")));
    desk.see({deployment_failed()});
    CHECK(desk.told_within(minutes(1)).size() == 1);
    desk.restart();  // after which text of others is escaped
    Incidents before = desk.incidents;
    desk.restart();
    CHECK(desk.incidents == before);
    desk.see({deployment_failed()});
    CHECK(desk.told_within(hours(12)).empty());
    desk.see({});
    desk.restart();
    CHECK(desk.told_within(hours(1)).size() == 1);  // its end
}

TEST_CASE("a heartbeat is told nothing") {
    auto beat = notifier_named("beat");
    beat->kind = config::NotifyHeartbeat{};
    Desk desk(only(beat));
    desk.see({deployment_failed()});
    CHECK(desk.told_within(days(3)).empty());
}

TEST_CASE("what lasted for a moment is told once, without an end") {
    auto boss = notifier_named("boss");
    boss->after = hours(1);
    Desk desk({{"ops", notifier_named("ops")}, {"boss", boss}});
    Condition jump;
    jump.key = "clock/jump";
    jump.kind = IncidentKind::clock;
    jump.title = "The wall clock jumped by 2h";
    note(desk.incidents, jump, true, desk.now);
    CHECK(desk.told_within(days(3)) == Lines{"0s ops opened"});
    CHECK(desk.incidents.empty());
}

TEST_CASE("what an event opened is ended by an event, not by a look") {
    Desk desk(only(notifier_named("ops")));
    Condition disk;
    disk.key = storage_key;
    disk.kind = IncidentKind::storage;
    note(desk.incidents, disk, false, desk.now);
    desk.see({});
    CHECK(desk.told_within(hours(1)) == Lines{"0s ops opened"});
    close(desk.incidents, std::string(storage_key), desk.now);
    CHECK(desk.told_within(hours(1)) == Lines{"1h 5m ops recovered"});
}

TEST_CASE("a look at one lineage ends nothing of another") {
    Incidents incidents;
    observe(
        incidents, {deployment_failed("a"), deployment_failed("b")}, [](const Incident&) { return true; },
        start_of_tests);
    observe(
        incidents, {}, [](const Incident& incident) { return incident.condition.lineage == "a"; },
        start_of_tests + minutes(1));
    CHECK(incidents.at("lineage/a/target/web").over);
    CHECK_FALSE(incidents.at("lineage/b/target/web").over);
}

TEST_CASE("what another incident explains is not told, nor is it over when it was told before") {
    Desk desk(only(notifier_named("ops")));
    Condition explained = deployment_failed();
    explained.consequence = true;
    desk.see({explained});
    CHECK(desk.told_within(hours(1)).empty());
    desk.see({deployment_failed()});
    CHECK(desk.told_within(hours(1)) == Lines{"1h ops opened"});
    desk.see({explained});
    CHECK(desk.told_within(hours(1)).empty());
    desk.see({});
    CHECK(desk.told_within(hours(1)) == Lines{"3h 5m ops recovered"});
}

TEST_CASE("a notifier that is configured later is told of what is open") {
    Desk desk(only(notifier_named("ops")));
    desk.see({deployment_failed()});
    (void)desk.told_within(hours(1));
    desk.notifiers.emplace("new", notifier_named("new"));
    CHECK(desk.told_within(minutes(1)) == Lines{"1h new opened"});
}

TEST_CASE("the words of the configuration are the kinds of incidents") {
    for (int i = 0; i <= static_cast<int>(IncidentKind::delivery); ++i) {
        auto kind = static_cast<IncidentKind>(i);
        CHECK(incident_kind_from(to_string(kind)) == kind);
    }
    CHECK_FALSE(incident_kind_from("nothing"));
}

TEST_CASE("a damaged list of incidents is said to be that") {
    CHECK(incidents_from_json(Json()).value().empty());
    for (const char* text : {"{}", "[1]", R"([{"condition":{},"since":"2026-11-23T00:00:00Z"}])"}) {
        CAPTURE(text);
        CHECK(incidents_from_json(parse_json(text).value()).error().code == "storage.corrupt");
    }
}
