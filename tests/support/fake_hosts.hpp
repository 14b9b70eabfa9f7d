// Machines in memory, each with a service that reads its files.
#pragma once

#include "daemon/deploy/hosts.hpp"
#include "tests/support/fake_host.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace certd::test {

class FakeHosts final : public Hosts {
   public:
    struct Machine {
        Machine(Clock& clock, const std::string& certificate_path, const std::string& key_path)
            : host(clock), service(host, certificate_path, key_path) {}
        FakeHost host;
        FakeService service;
    };

    FakeHosts(Clock& clock, std::string certificate_path, std::string key_path)
        : clock_(clock), certificate_path_(std::move(certificate_path)), key_path_(std::move(key_path)) {}

    Machine& operator[](const std::string& name);
    std::shared_ptr<Host> open(const config::Target& target, const std::string& name, Delivery delivery) override;

    std::vector<std::string> deliveries;  // "web1 2", "web1 1 backwards", in the order of opening

   private:
    Clock& clock_;
    std::string certificate_path_, key_path_;
    std::map<std::string, std::unique_ptr<Machine>> machines_;
};

}  // namespace certd::test
