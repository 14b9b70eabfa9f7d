// A Host in memory that writes down what is asked of it and can fail, hang or "die" at operation k. With it, a service
// like nginx: it loads its files on reload, refuses a pair that does not match, and serves what it loaded last.
#pragma once

#include "daemon/deploy/host.hpp"
#include "tests/support/fault_plan.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace certd::test {

class FakeHost final : public Host {
   public:
    explicit FakeHost(Clock& clock) : clock_(clock) {}

    Task<Result<std::optional<InstalledFile>>> read(std::string path) override;
    Task<Result<void>> install(std::vector<InstalledFile> files) override;  // each rename is an operation of its own
    Task<Result<void>> remove(std::string path) override;
    Task<Result<ProcessResult>> run(Command command) override;
    // Runs it as usual, with the files of the view in place meanwhile.
    Task<Result<ProcessResult>> rehearse(RehearsalView view, std::optional<Command> command) override;
    Task<Result<Served>> probe(ProbeRequest request) override;
    Task<Result<std::string>> ask(LocalQuestion question) override;

    void plan(FaultPlan plan) { faults_.plan(std::move(plan)); }
    std::size_t operations() const { return faults_.count(); }
    bool fired() const { return faults_.fired(); }

    void put(const std::string& path, std::string content, mode_t mode = 0644);
    std::string content(const std::string& path) const;  // "" when missing
    std::size_t count(const std::string& entry) const;   // of a line of the log
    std::string steps() const;                           // the log without reads and probes, "; " between

    std::map<std::string, InstalledFile> files;
    std::vector<std::string> log;  // "install /a /b", "remove /a", "run nginx -t", "probe 127.0.0.1:443 example.com",
                                   // "ask /socket FIRST LINE"
    std::vector<Command> commands;
    std::vector<RehearsalView> views;                                 // of rehearsals
    std::function<Result<ProcessResult>(const Command&)> on_run;      // unset: everything exits with 0
    std::function<Result<Served>(const ProbeRequest&)> on_probe;      // unset: net.connect
    std::function<Result<std::string>(const LocalQuestion&)> on_ask;  // unset: net.connect
    std::function<void(std::size_t)> on_operation;                    // before each, with its number
    std::optional<std::size_t> hang_at;                               // the operation that ends only by cancellation

   private:
    Task<std::optional<Problem>> admit(bool changes, std::string what);

    Clock& clock_;
    FaultCounter faults_;
};

// "service test" and "service reload" as commands, and every address as its endpoint.
class FakeService {
   public:
    FakeService(FakeHost& host, std::string certificate_path, std::string key_path);
    FakeService(const FakeService&) = delete;
    FakeService& operator=(const FakeService&) = delete;

    void start();                // loads what is there
    std::string serves() const;  // fingerprint, "" when nothing

    // A second pair, as nginx takes with a second ssl_certificate; shown to clients that ask for RSA.
    void add_rsa(std::string certificate_path, std::string key_path);
    std::string serves_rsa() const;

    bool config_broken = false;  // test and reload fail with nginx's words
    bool keeps_old = false;      // a reload is accepted and has no effect

   private:
    Result<ProcessResult> run(const Command& command);
    bool load();

    struct Pair {
        std::string certificate_path, key_path;
        std::optional<Chain> running;
    };
    FakeHost& host_;
    std::vector<Pair> pairs_;  // the second one is RSA
};

ProcessResult exited(int code, std::string output = {});

}  // namespace certd::test
