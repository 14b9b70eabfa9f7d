// A real sshd on a loopback address and port of its own, with certd-host as the forced command: another machine, as far
// as certd can tell. Starting one takes some ten milliseconds, so that a test can have twenty.
#pragma once

#include "tests/support/child.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace certd::test {

// A key pair for logging in, made by ssh-keygen.
class SshKey {
   public:
    explicit SshKey(std::filesystem::path file);
    std::string path() const { return file_.string(); }
    std::string public_key() const;  // "ssh-ed25519 AAAA…"

   private:
    std::filesystem::path file_;
};

class Sshd {
   public:
    // Everything of it is in `directory`, which is made. `client`: whose public key it lets in. `address`: 127.x.y.z.
    Sshd(std::filesystem::path directory, const SshKey& client, std::string address = "127.0.0.1");

    static std::string user();       // whom it lets in: the test's own
    std::string host() const;        // "127.0.0.1:4711", as a target names it
    std::string known_host() const;  // its line of a known_hosts file, with the newline
    std::filesystem::path directory() const { return directory_; }
    std::filesystem::path state() const { return directory_ / "state"; }  // of certd-host

    // Lines of its host.conf; at first it allows nothing.
    void allow_path(const std::string& path);
    void allow_command(const std::string& command);
    void forbid_all();

    void force(const std::string& command) const;  // in place of certd-host
    void force_certd_host() const;
    void deny() const;         // no key is let in any more
    void take_new_host_key();  // as a new installation does

    void freeze() const;  // it takes connections and says nothing
    void thaw() const;
    void freeze_all() const;  // and so do the connections that there are
    void thaw_all() const;
    void stop();
    void start();
    std::string log() const { return read_file(directory_ / "sshd.log"); }

   private:
    void write_configuration() const;
    void allow(const std::string& line);

    std::filesystem::path directory_;
    std::string client_key_, address_;
    std::uint16_t port_;
    std::string host_conf_;
    std::unique_ptr<Child> child_;
};

}  // namespace certd::test
