#include "daemon/observe/event.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace certd;

TEST_CASE("every event type has a name of its own that reads back") {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(EventType::control_call); ++i) {
        auto type = static_cast<EventType>(i);
        names.insert(to_string(type));
        CHECK(event_type_from(to_string(type)) == type);
    }
    CHECK(names.size() == static_cast<std::size_t>(EventType::control_call) + 1);
    CHECK_FALSE(event_type_from("renewal"));
}

TEST_CASE("an event survives JSON") {
    Event event;
    event.id = 7;
    event.at = *parse_rfc3339("2026-11-23T10:00:00.250Z");
    event.type = EventType::deploy_failed;
    event.severity = Severity::error;
    event.lineage = "example.com";
    event.target = "web";
    event.host = "local";
    event.job = 3;
    event.message = "Deployment failed";
    event.problem = problem("deploy.test", "nginx -t exited with 1", "nginx: [emerg] unexpected \"}\"");
    event.data = Json::object({{"step", "test"}});
    Result<Event> back = event_from_json(to_json(event));
    REQUIRE(back);
    CHECK(to_text(to_json(*back)) == to_text(to_json(event)));
    CHECK(back->problem == event.problem);
    CHECK(event_from_json(Json::object({{"type", "x"}})).error().code == "control.protocol");
}

TEST_CASE("an event's line holds the other side's words escaped, and the remedy") {
    Event event;
    event.lineage = "example.com";
    event.message = "Renewal failed";
    event.problem = problem("acme.dns", "Validation failed", "no\x1b[2J\nERROR fake");
    std::string line = render(event);
    CHECK(line.find("example.com: Renewal failed: Validation failed: no\\x1B[2J\\nERROR fake [acme.dns]; Check") == 0);
    CHECK(line.find('\n') == std::string::npos);
}
