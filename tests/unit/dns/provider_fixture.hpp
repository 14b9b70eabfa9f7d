// What the tests of dns-01 share: providers, a host that runs real programs, and changes to ask an editor for.
#pragma once

#include "daemon/dns/editors.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/program_host.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_directory.hpp"

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include <sys/stat.h>

namespace certd::test {

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
