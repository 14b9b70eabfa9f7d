// A real haproxy, master and worker, with a runtime API, on high ports and with files of its own; and a relay to stand
// between certd and that API.
#pragma once

#include "tests/support/child.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace certd::test {

struct HaproxyOptions {
    std::string level = "admin";  // of the socket that is certd's
    std::size_t bufsize = 16384;
    std::string crt = "shop.pem";                   // as the configuration names it
    std::vector<std::string> files = {"shop.pem"};  // that this means
};

class Haproxy {
   public:
    // Begins with a self-signed certificate in each file, with empty lines between its blocks.
    Haproxy(std::filesystem::path directory, HaproxyOptions options = {});

    void configure(HaproxyOptions options);  // and reload()
    void reload() const;                     // until the new worker has taken the old one's place
    std::filesystem::path socket() const { return directory_ / "api.sock"; }
    std::filesystem::path file(const std::string& name = "shop.pem") const { return directory_ / name; }
    std::string endpoint() const;          // "127.0.0.1:PORT"
    std::string foreign_endpoint() const;  // where it shows another certificate, whatever happens
    std::string reload_command() const;    // for certd, a piece of YAML
    std::size_t reloads() const;           // by that command
    std::string worker() const;            // its process id
    // As another client, over a socket of level admin that is not certd's. Each command has a connection of its own.
    std::string ask(const std::string& command) const;
    // Whether it shows the certificate that is in the file, and no transaction is open.
    bool agrees(const std::string& name = "shop.pem") const;
    std::string served(const std::string& options = {}) const;  // SHA-256
    std::string log() const { return read_file(directory_ / "output.log"); }

   private:
    void write_configuration() const;
    std::filesystem::path directory_;
    HaproxyOptions options_;
    std::uint16_t port_, foreign_port_;
    std::unique_ptr<Child> child_;
};

// Passes each command on, and what it is answered with back; `after` is called in between.
class HaproxyRelay {
   public:
    using After = std::function<void(const std::string& command)>;
    HaproxyRelay(std::filesystem::path at, std::filesystem::path to, After after);
    ~HaproxyRelay();

   private:
    void serve();
    std::filesystem::path to_;
    After after_;
    std::atomic<bool> ended_ = false;
    int listener_ = -1;
    std::thread thread_;
};

}  // namespace certd::test
