// A daemon that does nothing by itself: tests say when its jobs start and end. And the other half of the handler's
// world: a responder that records.
#pragma once

#include "daemon/control/server.hpp"
#include "tests/support/virtual_clock.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace certd::test {

class FakeOperations final : public control::Operations {
   public:
    explicit FakeOperations(Clock& clock) : bus(clock), clock_(clock) {}

    api::DaemonStatus daemon() const override;
    std::vector<api::Lineage> lineages(bool table_only) const override;
    Task<Result<api::Lineage>> lineage(LineageName name) override;
    Task<Result<api::Explanation>> explain(LineageName name) override;
    std::vector<api::LimitUse> limits() const override {
        return {{"main", "domain", "example.com", 3, 50, clock_.now(), clock_.now() + hours(10), {}}};
    }
    Task<Result<std::vector<api::JournalEntry>>> history(LineageName name) override;
    std::vector<api::PlanEntry> plan() const override { return {{"example.com", "issue", clock_.now(), {"due"}}}; }
    EventBus& events() override { return bus; }
    std::string metrics(MetricsFormat) const override { return "certd_build_info 1\n"; }
    Task<Result<api::JobResult>> renew(LineageName name, api::RenewRequest request, std::string by,
                                       Started started) override;
    Task<Result<api::JobResult>> rollback(LineageName name, api::RollbackRequest request, std::string by,
                                          Started started) override;
    Task<Result<api::JobResult>> deploy(LineageName name, api::DeployRequest request, std::string by,
                                        Started started) override;
    Task<Result<std::vector<api::CheckFinding>>> check(LineageName name) override;
    Task<Result<api::DoctorReport>> doctor() override;
    std::optional<api::DoctorReport> last_doctor() const override { return examined; }
    Task<Result<api::JobResult>> revoke(LineageName name, api::RevokeRequest request, std::string by) override;
    Task<Result<std::vector<api::Account>>> accounts() override;
    Task<Result<void>> roll_over_account(std::string ca) override { return simple("account rollover " + ca); }
    Task<Result<void>> deactivate_account(std::string ca) override { return simple("account deactivate " + ca); }
    Task<Result<std::string>> import_account(std::string ca, std::string key) override;
    Task<Result<api::OrderList>> account_orders(std::string ca) override;
    api::Notifications notifications() const override;
    Task<Result<std::vector<api::NotifyTest>>> test_notifiers(std::string name) override;
    Task<Result<void>> pause(LineageName name, std::string by) override;
    Task<Result<void>> resume(LineageName name, std::string by) override;
    Task<Result<void>> reload() override;

    void step(std::uint64_t job, std::string message);  // publishes an event of a job
    void end_job(Result<api::JobResult> result);        // of all that wait

    EventBus bus;
    std::vector<std::string> names = {"example.com", "example.net"};
    std::vector<std::string> calls;   // "renew example.com"
    std::vector<std::string> askers;  // who called, of those calls that are on record with decisions
    std::optional<Problem> refuse;    // what mutating calls fail with, before anything starts
    std::optional<api::DoctorReport> examined;
    std::optional<Problem> last_problem;    // of each lineage
    std::optional<Problem> notify_problem;  // of the daemon
    bool joined = false;
    bool starts = true;  // whether a job gets a number at once
    int watchers = 0;    // calls of jobs that have not returned

   private:
    Task<Result<api::JobResult>> job(std::string verb, LineageName name, Started started);
    Task<Result<void>> simple(std::string call);
    bool known(const std::string& name) const;

    Clock& clock_;
    Signal ended_;
    std::optional<Result<api::JobResult>> result_;
};

class RecordingResponder final : public Responder {
   public:
    Task<> send(int code, std::string content_type, std::string text, HttpHeaders extra) override;
    Task<> start(int code, std::string content_type) override;
    Task<> write(std::string chunk) override;
    Task<> finish() override;

    Json json() const { return parse_json(body).value(); }
    std::vector<Json> lines() const;

    int status = 0;
    std::string type, body;
    HttpHeaders headers;
    bool finished = false, gone = false;  // gone: every further write fails
    std::size_t chunks = 0;
};

// Everything a request needs, in virtual time. uids: 0 root, 1 operator, 2 viewer, 3 nobody in particular.
struct ControlWorld {
    ControlWorld();
    ~ControlWorld();
    static control::AccessRules rules();
    static ServerRequest request(std::string method, std::string path, std::string body = {}, uid_t uid = 1);

    // Runs the request to its end.
    RecordingResponder& ask(ServerRequest request);
    // Starts it; poll with clock.run_until_idle(io).
    RecordingResponder& start(ServerRequest request, asio::cancellation_signal* connection = nullptr);
    std::vector<Event> calls() const;  // control.call events
    void settle() { clock.run_until_idle(io); }

    asio::io_context io{1};
    VirtualClock clock;
    FakeOperations operations{clock};
    control::ControlHandler handler{io.get_executor(), operations, rules(), clock};
    RequestHandler handle = handler.handler();
    std::vector<std::unique_ptr<RecordingResponder>> responders;
    int running = 0;
};

}  // namespace certd::test
