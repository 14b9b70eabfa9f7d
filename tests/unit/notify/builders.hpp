// What the tests of notifications begin with.
#pragma once

#include "daemon/notify/conditions.hpp"
#include "daemon/notify/decisions.hpp"
#include "daemon/notify/message.hpp"
#include "tests/support/catch.hpp"

#include <memory>
#include <string>
#include <vector>

namespace certd::test {

constexpr Time start_of_tests{seconds(1795392000)};  // 2026-11-23T00:00:00Z

inline Condition deployment_failed(std::string lineage = "example.com") {
    Condition condition;
    condition.key = lineage_key(lineage, "target/web");
    condition.kind = IncidentKind::deployment;
    condition.severity = Severity::error;
    condition.lineage = std::move(lineage);
    condition.target = "web";
    condition.title = "deployment to web failed and was rolled back";
    condition.resolved = "web serves its certificate";
    condition.problem = problem("deploy.reload", "The reload command of web (nginx -s reload) exited with status 1",
                                "nginx: [emerg] unexpected \"}\"\n\x1b[31mred");
    condition.served = "version 3, valid until 2027-02-20T10:00:00Z (89d 10h left)";
    condition.served_until = start_of_tests + days(89);
    condition.next = "version 4 is deployed at 2026-11-23T00:01:00Z (in 1m)";
    return condition;
}

inline Incident incident_of(Condition condition, Time since = start_of_tests) {
    Incident incident;
    incident.condition = std::move(condition);
    incident.since = since;
    return incident;
}

inline std::shared_ptr<config::Notifier> notifier_named(const std::string& name) {
    auto notifier = std::make_shared<config::Notifier>();
    notifier->name = name;
    notifier->kind = config::NotifyExec{{"/bin/true"}, seconds(30), {}};
    return notifier;
}

inline config::Notifiers only(const std::shared_ptr<config::Notifier>& notifier) {
    return {{notifier->name, notifier}};
}

inline const Sender sender{"web1.example.net", "0.1.0"};

}  // namespace certd::test
