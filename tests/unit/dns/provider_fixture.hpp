// What the tests of dns-01 share: providers, a host that runs real programs, and changes to ask an editor for.
#pragma once

#include "daemon/dns/editors.hpp"
#include "libacme/async/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_directory.hpp"

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include <sys/stat.h>

namespace certd::test {

// Runs programs and can do nothing else.
class ProgramHost final : public Host {
   public:
    explicit ProgramHost(Clock& clock) : runner_(clock) {}
    Task<Result<std::optional<InstalledFile>>> read(std::string) override { co_return failure(unused()); }
    Task<Result<void>> install(std::vector<InstalledFile>) override { co_return failure(unused()); }
    Task<Result<void>> remove(std::string) override { co_return failure(unused()); }
    Task<Result<ProcessResult>> run(Command command) override {
        try {
            co_return co_await runner_.run(std::move(command));
        } catch (const Failure& failed) {
            co_return failure(failed.problem());
        }
    }
    Task<Result<Served>> probe(ProbeRequest) override { co_return failure(unused()); }

   private:
    static Problem unused() { return problem("internal.unexpected", "not this host"); }
    RealProcessRunner runner_;
};

struct DnsBed {
    SystemClock clock;
    Workers workers{0};
    ProgramHost host{clock};
    TempDirectory directory;

    DnsSeams seams() { return {clock, workers, host}; }
    std::string path(const std::string& name) const { return (directory.path() / name).string(); }

    // A file of mode 0600, as secrets are.
    std::string secret(const std::string& name, const std::string& content, mode_t mode = 0600) const {
        std::ofstream(path(name)) << content;
        ::chmod(path(name).c_str(), mode);
        return path(name);
    }
    std::string content(const std::string& name) const {
        std::ifstream file(path(name));
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }
};

template <class Kind>
std::shared_ptr<config::DnsProvider> provider_of(Kind kind) {
    auto provider = std::make_shared<config::DnsProvider>();
    provider->name = "office";
    provider->kind = std::move(kind);
    return provider;
}

inline DnsChange txt_change(std::string value = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM") {
    DnsChange made;
    made.domain = "example.org";
    made.challenge = made.record = dns::Name::parse("_acme-challenge.example.org").value();
    made.value = std::move(value);
    made.token = "-token_";
    made.all_names = {"example.org", "*.example.org"};
    made.remaining = 1;
    return made;
}

}  // namespace certd::test
