// Bodies of webhooks.
#include "daemon/notify/payload.hpp"

#include "tests/unit/notify/builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

Message opened() {
    return compose(Notice::opened, incident_of(deployment_failed()), start_of_tests, sender);
}

Message recovered() {
    Incident incident = incident_of(deployment_failed());
    incident.over = start_of_tests + minutes(3);
    return compose(Notice::recovered, incident, start_of_tests + minutes(8), sender);
}

}  // namespace

TEST_CASE("placeholders are filled in as the inside of JSON strings") {
    Message message = opened();
    message.problem = "a \"quote\", a \\ and\na line";
    std::string body = fill_json_template(R"({"text": "{{ subject }}", "why": ["{{problem}}"]})", message);
    Json json = parse_json(body).value();
    CHECK(json.string_or("text") == message.subject);
    CHECK(json["why"].if_array()->front() == Json(message.problem));
    CHECK_THROWS_AS(fill_json_template("{{nothing}}", message), Failure);
}

TEST_CASE("Slack gets one text in which nothing is markup but ours") {
    Message message = opened();
    message.body = "headline\n\nProblem: <!channel> & ``` break\n";
    std::string text = slack_payload(message).string_or("text");
    CHECK(text ==
          ":warning: *[certd] example.com: deployment to web failed and was rolled back*\n"
          "```\nProblem: &lt;!channel&gt; &amp; ''' break\n```");
    CHECK(slack_payload(recovered()).string_or("text").starts_with(":white_check_mark: *[certd] over: "));
}

TEST_CASE("PagerDuty's alert is triggered and resolved with one key that stays the same") {
    Json trigger = pagerduty_payload(opened(), "R0UT1NG");
    CHECK(trigger.string_or("event_action") == "trigger");
    CHECK(trigger.string_or("routing_key") == "R0UT1NG");
    CHECK(trigger.string_or("dedup_key") == "certd/web1.example.net/lineage/example.com/target/web");
    const Json& payload = trigger["payload"];
    CHECK(payload.string_or("summary") == "example.com: deployment to web failed and was rolled back");
    CHECK(payload.string_or("source") == "web1.example.net");
    CHECK(payload.string_or("severity") == "error");
    CHECK(payload.string_or("timestamp") == "2026-11-23T00:00:00Z");
    CHECK(payload.string_or("component") == "example.com");
    CHECK(payload.string_or("group") == "web");
    CHECK(payload.string_or("class") == "deployment");
    CHECK(payload["custom_details"].string_or("explain") == "certctl explain example.com");

    Json resolve = pagerduty_payload(recovered(), "R0UT1NG");
    CHECK(resolve.string_or("event_action") == "resolve");
    CHECK(resolve["dedup_key"] == trigger["dedup_key"]);
    CHECK(resolve["payload"].is_null());
}

TEST_CASE("a test wakes nobody: it resolves an alert that there is not") {
    Json event = pagerduty_payload(test_message("pager", start_of_tests, sender), "K");
    CHECK(event.string_or("event_action") == "resolve");
    CHECK(event.string_or("dedup_key") == "certd/web1.example.net/test/pager");
}
