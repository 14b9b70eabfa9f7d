// What the nouns of the control API share: the exchange a handler answers, the row of the routing table, and the
// handlers.
#pragma once

#include "daemon/control/answer.hpp"
#include "daemon/control/audit.hpp"
#include "daemon/control/calls.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace certd::control {

struct Exchange {
    Operations& operations;
    Calls& calls;
    Audit& audit;
    Clock& clock;
    Answer& answer;
    ServerRequest request;
    std::optional<LineageName> lineage;  // of a path with {name}; a CA's name has the same grammar
    Json body;                           // of a POST: an object
    bool secret = false;                 // the body is not for the record

    const LineageName& name() const { return lineage.value(); }
    // To be called once the arguments are known to be sound, before the operation.
    void record(std::string_view verb);
    // "uid 0: renew --force", of a command as certctl has it: who is on record with what is decided at his request.
    std::string asker(std::string_view command) const;
};

struct Route {
    std::string_view method;
    std::string_view pattern;  // "/v1/lineages/{name}"
    Role least;
    std::vector<std::string_view> parameters;  // of the query; others are refused
    Task<> (*handle)(Exchange& exchange);      // throws Failure
    std::string_view verb = {};                // of a mutating call
    bool secret = false;                       // its body is not for the record
};

const std::vector<Route>& routes();

// lineages.cpp
Task<> list_lineages(Exchange& exchange);
Task<> show_lineage(Exchange& exchange);
Task<> explain_lineage(Exchange& exchange);
Task<> show_history(Exchange& exchange);
Task<> list_plan(Exchange& exchange);
Task<> list_limits(Exchange& exchange);
Task<> pause_lineage(Exchange& exchange);
Task<> resume_lineage(Exchange& exchange);
Task<> revoke_lineage(Exchange& exchange);
// accounts.cpp
Task<> list_accounts(Exchange& exchange);
Task<> roll_over_account(Exchange& exchange);
Task<> deactivate_account(Exchange& exchange);
Task<> import_account(Exchange& exchange);
Task<> list_account_orders(Exchange& exchange);
// jobs.cpp
Task<> renew_lineage(Exchange& exchange);
Task<> roll_back_lineage(Exchange& exchange);
Task<> deploy_lineage(Exchange& exchange);
Task<> check_lineage(Exchange& exchange);
// events.cpp
Task<> list_events(Exchange& exchange);
// daemon.cpp
Task<> show_daemon(Exchange& exchange);
Task<> reload_daemon(Exchange& exchange);
// doctor.cpp
Task<> examine_daemon(Exchange& exchange);
// notify.cpp
Task<> list_notifications(Exchange& exchange);
Task<> test_notifiers(Exchange& exchange);
// metrics.cpp
Task<> show_metrics(Exchange& exchange);
Task<> show_health(Exchange& exchange);

}  // namespace certd::control
