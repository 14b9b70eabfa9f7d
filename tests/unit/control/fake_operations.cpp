// The fake daemon and the recording responder.
#include "tests/unit/control/fake_operations.hpp"

#include "libacme/base/text.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace certd::test {

api::DaemonStatus FakeOperations::daemon() const {
    api::DaemonStatus status;
    status.version = "0.1";
    status.now = clock_.now();
    status.lineages = names.size();
    status.notify_problem = notify_problem;
    return status;
}

std::vector<api::Lineage> FakeOperations::lineages(bool) const {
    std::vector<api::Lineage> result;
    for (const std::string& name : names) {
        api::Lineage& lineage = result.emplace_back();
        lineage.name = name;
        lineage.state = "waiting";
        lineage.health = "ok";
        lineage.names = {name};
        lineage.last_problem = last_problem;
    }
    return result;
}

bool FakeOperations::known(const std::string& name) const {
    return std::ranges::find(names, name) != names.end();
}

Task<Result<api::Lineage>> FakeOperations::lineage(LineageName name) {
    if (!known(name.text())) co_return failure("control.noSuchLineage", "There is no lineage " + name.text());
    api::Lineage lineage;
    lineage.name = name.text();
    co_return lineage;
}

Task<Result<std::vector<api::JournalEntry>>> FakeOperations::history(LineageName name) {
    Result<api::Lineage> found = co_await lineage(name);
    if (!found) co_return failure(found.error());
    api::JournalEntry entry;
    entry.sequence = 7;
    entry.type = "control.call";
    entry.message = "uid 0 called renew";
    co_return std::vector{entry};
}

Task<Result<api::Explanation>> FakeOperations::explain(LineageName name) {
    Result<api::Lineage> found = co_await lineage(name);
    if (!found) co_return failure(found.error());
    co_return api::Explanation{*found, {"because"}, {"nothing"}, "", "", {}};
}

Task<Result<api::JobResult>> FakeOperations::job(std::string call, LineageName name, Started started) {
    calls.push_back(call + " " + name.text());
    if (refuse) co_return failure(*refuse);
    if (!known(name.text())) co_return failure("control.noSuchLineage", "There is no lineage " + name.text());
    if (starts) started(7, joined);
    struct Count {
        int& watchers;
        explicit Count(int& counted) : watchers(counted) { ++watchers; }
        ~Count() { --watchers; }
    } count(watchers);
    while (!result_)
        co_await ended_.wait();
    co_return *result_;
}

Task<Result<api::JobResult>> FakeOperations::renew(LineageName name, api::RenewRequest request, std::string by,
                                                   Started started) {
    askers.push_back(std::move(by));
    return job(request.force ? "renew --force" : "renew", std::move(name), std::move(started));
}
Task<Result<api::JobResult>> FakeOperations::rollback(LineageName name, api::RollbackRequest request, std::string by,
                                                      Started started) {
    askers.push_back(std::move(by));
    return job("rollback " + std::to_string(request.to), std::move(name), std::move(started));
}
Task<Result<api::JobResult>> FakeOperations::deploy(LineageName name, api::DeployRequest request, std::string by,
                                                    Started started) {
    askers.push_back(std::move(by));
    return job("deploy " + request.target, std::move(name), std::move(started));
}

Task<Result<std::vector<api::CheckFinding>>> FakeOperations::check(LineageName name) {
    calls.push_back("check " + name.text());
    co_await clock_.sleep(seconds(40));
    co_return std::vector<api::CheckFinding>{{"ca.reachable", "ok", "It answers", ""}};
}

Task<Result<api::DoctorReport>> FakeOperations::doctor() {
    calls.emplace_back("doctor");
    co_await clock_.sleep(seconds(40));
    examined = api::DoctorReport{clock_.now(),
                                 {{"service", "", {{"config", "ok", "certd.yaml can be loaded", ""}}},
                                  {"lineage", "example.com", {{"slack", "blocked", "It has 0 attempts", "Renew"}}}}};
    co_return *examined;
}

Task<Result<std::string>> FakeOperations::import_account(std::string ca, std::string key) {
    calls.push_back(fmt::format("account import {} {}", ca, key.size()));
    if (refuse) co_return failure(*refuse);
    co_return "https://ca.example/account/1";
}

Task<Result<api::OrderList>> FakeOperations::account_orders(std::string ca) {
    if (ca == "nosuch") co_return failure("control.noSuchAccount", "There is no account at " + ca);
    co_return api::OrderList{true, true, {"https://ca.example/order/1"}};
}

Task<Result<api::JobResult>> FakeOperations::revoke(LineageName name, api::RevokeRequest request, std::string by) {
    askers.push_back(std::move(by));
    calls.push_back(fmt::format("revoke {} {} {}{}", name.text(), request.version, request.reason,
                                request.with.empty() ? "" : " with " + request.with));
    if (refuse) co_return failure(*refuse);
    co_return api::JobResult{name.text(), "revoked", request.version, "Version 3 is revoked"};
}

Task<Result<std::vector<api::Account>>> FakeOperations::accounts() {
    api::Account account;
    account.ca = "main";
    account.url = "https://ca.example/account/1";
    account.contact = {"mailto:ops@example.com"};
    co_return std::vector<api::Account>{account};
}

Task<Result<void>> FakeOperations::simple(std::string call) {
    calls.push_back(std::move(call));
    if (refuse) co_return failure(*refuse);
    co_return Result<void>();
}
api::Notifications FakeOperations::notifications() const {
    api::Notifications view;
    api::Notifier& notifier = view.notifiers.emplace_back();
    notifier.name = "ops";
    notifier.kind = "email";
    api::Incident& incident = view.incidents.emplace_back();
    incident.key = "ca/main";
    incident.title = "main does not answer";
    return view;
}

Task<Result<std::vector<api::NotifyTest>>> FakeOperations::test_notifiers(std::string name) {
    calls.push_back("notify test " + name);
    if (refuse) co_return failure(*refuse);
    std::vector<api::NotifyTest> results(1);
    results.front().notifier = "ops";
    results.front().delivered = true;
    co_return results;
}

Task<Result<void>> FakeOperations::pause(LineageName name, std::string by) {
    askers.push_back(std::move(by));
    return simple("pause " + name.text());
}
Task<Result<void>> FakeOperations::resume(LineageName name, std::string by) {
    askers.push_back(std::move(by));
    return simple("resume " + name.text());
}
Task<Result<void>> FakeOperations::reload() {
    return simple("reload");
}

void FakeOperations::step(std::uint64_t number, std::string message) {
    Event event;
    event.type = EventType::renewal_step;
    event.lineage = "example.com";
    event.job = number;
    event.message = std::move(message);
    bus.publish(std::move(event));
}

void FakeOperations::end_job(Result<api::JobResult> result) {
    result_ = std::move(result);
    ended_.notify();
}

Task<> RecordingResponder::send(int code, std::string content_type, std::string text, HttpHeaders extra) {
    status = code;
    type = std::move(content_type);
    body = std::move(text);
    headers = std::move(extra);
    finished = true;
    co_return;
}

Task<> RecordingResponder::start(int code, std::string content_type) {
    status = code;
    type = std::move(content_type);
    co_return;
}

Task<> RecordingResponder::write(std::string chunk) {
    if (gone) fail("net.closed", "The client has gone");
    body += chunk;
    ++chunks;
    co_return;
}

Task<> RecordingResponder::finish() {
    finished = true;
    co_return;
}

std::vector<Json> RecordingResponder::lines() const {
    std::vector<Json> result;
    for (std::string_view line : split(body, '\n')) {
        if (!line.empty()) result.push_back(parse_json(line).value());
    }
    return result;
}

ControlWorld::ControlWorld() = default;

ControlWorld::~ControlWorld() {
    run(io, clock, handler.stop());
    settle();
}

control::AccessRules ControlWorld::rules() {
    control::AccessRules rules;
    rules.control.group = "certd";
    rules.control.viewers = {"monitoring"};
    rules.control.admins = {"wheel"};
    rules.own_uid = 900;
    rules.groups_of = [](uid_t uid, gid_t) -> std::vector<std::string> {
        if (uid == 1) return {"users", "certd"};
        if (uid == 2) return {"monitoring"};
        if (uid == 4) return {"certd", "wheel"};
        return {"users"};
    };
    return rules;
}

ServerRequest ControlWorld::request(std::string method, std::string path, std::string body, uid_t uid) {
    ServerRequest request;
    request.method = std::move(method);
    std::size_t question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) request.query = path.substr(question + 1);
    request.body = std::move(body);
    request.peer = {"unix", uid, gid_t{100}, pid_t{4711}};
    return request;
}

RecordingResponder& ControlWorld::ask(ServerRequest request) {
    RecordingResponder& responder = *responders.emplace_back(std::make_unique<RecordingResponder>());
    run(io, clock, handle(std::move(request), responder));
    return responder;
}

RecordingResponder& ControlWorld::start(ServerRequest request, asio::cancellation_signal* connection) {
    RecordingResponder& responder = *responders.emplace_back(std::make_unique<RecordingResponder>());
    ++running;
    auto ended = [this](std::exception_ptr) { --running; };
    if (connection == nullptr) {
        asio::co_spawn(io, handle(std::move(request), responder), ended);
    } else {
        asio::co_spawn(io, handle(std::move(request), responder),
                       asio::bind_cancellation_slot(connection->slot(), ended));
    }
    settle();
    return responder;
}

std::vector<Event> ControlWorld::calls() const {
    std::vector<Event> events = operations.bus.recent();
    std::erase_if(events, [](const Event& event) { return event.type != EventType::control_call; });
    return events;
}

}  // namespace certd::test
