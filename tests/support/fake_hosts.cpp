#include "tests/support/fake_hosts.hpp"

#include <fmt/format.h>

namespace certd::test {

FakeHosts::Machine& FakeHosts::operator[](const std::string& name) {
    auto& machine = machines_[name];
    if (!machine) machine = std::make_unique<Machine>(clock_, certificate_path_, key_path_);
    return *machine;
}

std::shared_ptr<Host> FakeHosts::open(const config::Target&, const std::string& name, Delivery delivery) {
    if (delivery.version) {
        deliveries.push_back(
            fmt::format("{} {}{}", name, delivery.version.value, delivery.backwards ? " backwards" : ""));
    }
    return {std::shared_ptr<Host>(), &(*this)[name].host};
}

}  // namespace certd::test
