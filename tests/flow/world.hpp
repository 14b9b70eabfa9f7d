// A whole certd in virtual time: the real engine over a CA, a disk, a host and a solver in memory.
#pragma once

#include "daemon/app/engine.hpp"
#include "tests/support/fake_ca.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/memory_file_system.hpp"
#include "tests/support/recording_solver.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>
#include <vector>

namespace certd::test {

// The configuration most tests begin with: example.com at one CA, deployed to the service "web".
std::string usual_config();
// Changes to it by plain replacement; fails the test when `from` is not there.
std::string with(std::string config, const std::string& from, const std::string& to);

class World {
   public:
    explicit World(FakeCaOptions options = {});
    ~World();

    void start(const std::string& config = usual_config());
    void stop();  // as SIGTERM does
    void kill();  // as SIGKILL does: nothing of the process runs any more
    void restart(const std::string& config = usual_config());
    void reload(const std::string& config);
    void run_for(Duration duration);

    Scheduler& scheduler() { return engine->scheduler; }
    const LineageRecord& lineage(const std::string& name = "example.com");
    Plan plan(const std::string& name = "example.com");
    template <class T>
    T drive(Task<T> task) {
        return run(*io_, clock, std::move(task));
    }
    Result<JobOutcome> finish(Result<Scheduler::Ticket> ticket);  // drives the job to its end
    Result<JobOutcome> renew(RenewOptions options = {}, const std::string& name = "example.com");
    Result<JobOutcome> roll_back(std::uint32_t to = 0, const std::string& name = "example.com");
    std::size_t count(EventType type) const;  // of the events since start()
    std::string live_fingerprint(const std::string& name = "example.com");

    Duration longest_sleep = days(1);  // of the scheduler, from the next start() on

    VirtualClock clock;
    FakeCa ca;
    FakeCa other_ca{clock, other_options()};
    MemoryFileSystem files;
    FakeHost host{clock};
    FakeService service{host, "/etc/ssl/web/fullchain.pem", "/etc/ssl/web/privkey.pem"};
    RecordingSolver solver{clock}, tls_solver{clock, "tls-alpn-01"};
    std::unique_ptr<Engine> engine;
    std::vector<Event> events;
    std::shared_ptr<Transport> crl_server;  // unset: no CRL is looked at; from the next start() on

   private:
    static FakeCaOptions other_options();
    std::unique_ptr<asio::io_context> io_ = std::make_unique<asio::io_context>(1);
    Workers workers_{0};
    std::unique_ptr<TaskGroup> agents_;
};

LineageName name_of(const std::string& text);

}  // namespace certd::test
