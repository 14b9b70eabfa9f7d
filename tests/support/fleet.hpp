// Many machines: each a real sshd with certd-host behind it and a real nginx, on a loopback address of its own. They
// share one file system, so that what they all call /proc/self/fd/8 is a directory that the forced command opens.
#pragma once

#include "tests/support/nginx.hpp"
#include "tests/support/sshd.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace certd::test {

struct Machine {
    Machine(const std::filesystem::path& directory, const SshKey& key, const std::string& address,
            std::uint16_t tls_port);
    void run_by(const std::string& command) const;  // in place of certd-host
    std::string certd_host() const;
    bool has_pair() const;  // the files installed belong together
    std::string served() const { return nginx.served("a.example.test"); }

    std::filesystem::path place;
    Nginx nginx;
    Sshd sshd;
};

class Fleet {
   public:
    // Everything of them is in `directory`. `rollout`: as YAML, "{ canary: 1 }".
    Fleet(std::filesystem::path directory, std::size_t count, std::string rollout,
          std::string ssh_limits = "connect_timeout: 3s");

    std::string target() const;                                                    // "fleet", indented by two spaces
    Machine& operator[](std::size_t number) { return *machines_.at(number - 1); }  // from 1
    std::size_t size() const { return machines_.size(); }
    std::size_t serving(const std::string& fingerprint) const;
    bool all_have_pairs() const;

   private:
    std::filesystem::path directory_;
    SshKey key_;
    std::uint16_t tls_port_;
    std::string rollout_, ssh_limits_;
    std::vector<std::unique_ptr<Machine>> machines_;
};

// An executable file with these lines of shell.
void write_script(const std::filesystem::path& path, const std::string& text);

}  // namespace certd::test
