// A real certd in a directory of its own, and certctl talking to it.
#pragma once

#include "libacme/base/json.hpp"
#include "tests/support/child.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace certd::test {

std::string certd_program();    // as built; $CERTD_PROGRAM overrides
std::string certctl_program();  // $CERTCTL_PROGRAM

class Daemon {
   public:
    // Files in `directory`: certd.yaml, state/, control.sock, certd.log.
    explicit Daemon(std::filesystem::path directory);

    void configure(const std::string& yaml) const;  // writes certd.yaml
    void start(ChildOptions options = {});          // and waits until it answers; throws with its log
    void launch(ChildOptions options = {}, std::vector<std::string> wrapper = {});  // does not wait
    bool wait_ready(Limit limit = 30s);
    Child& process() { return *child_; }
    void terminate();  // SIGTERM; throws when it takes longer than 10 s
    void kill();       // SIGKILL

    Output ctl(std::vector<std::string> arguments, RunOptions options = {}) const;
    // The JSON document of a successful or unhealthy (exit code 4) `certctl … --json`.
    Json json(std::vector<std::string> arguments) const;
    Json lineage(const std::string& name) const;
    std::string state(const std::string& name) const { return lineage(name).string_or("state"); }
    bool reaches(const std::string& name, const std::string& state, Limit limit = 60s) const;
    std::uint32_t version(const std::string& name) const;  // the live one; 0: none
    std::string metrics() const;                           // over the control socket
    double metric(const std::string& sample) const;        // the value of a line's exact name{labels}; 0 when absent

    std::filesystem::path directory() const { return directory_; }
    std::filesystem::path configuration_file() const { return directory_ / "certd.yaml"; }
    std::filesystem::path state_directory() const { return directory_ / "state"; }
    std::filesystem::path socket() const { return directory_ / "control.sock"; }
    std::filesystem::path live(const std::string& name) const { return state_directory() / "live" / name; }
    std::string log() const;

   private:
    std::filesystem::path directory_;
    std::unique_ptr<Child> child_;
};

}  // namespace certd::test
