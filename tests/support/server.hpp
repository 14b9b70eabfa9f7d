// Real servers other than nginx, on high ports and with files of their own: Apache, haproxy, postfix and dovecot.
#pragma once

#include "tests/support/child.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace certd::test {

enum class ServerKind { apache, haproxy, postfix, dovecot };

class Server {
   public:
    // `directory` must be reachable for the server's own users.
    Server(ServerKind kind, std::filesystem::path directory);

    std::string name() const;    // as a certd service
    std::string target() const;  // the members of a certd target for this server, as one YAML flow mapping
    void break_configuration() const;
    void mend_configuration() const;
    // What OpenSSL's own client sees for this name, once for each way to ask.
    std::vector<std::string> served(const std::string& server_name) const;
    std::string log() const;

   private:
    struct Address {
        std::string protocol;  // a key of `verify`
        std::uint16_t port;
    };
    std::string configuration() const;
    std::filesystem::path configuration_file() const;
    std::string install() const;
    std::string test_command() const;
    std::string reload_command() const;
    std::vector<std::string> command() const;  // that runs it in the foreground
    void prepare() const;

    ServerKind kind_;
    std::filesystem::path directory_;
    std::vector<Address> addresses_;
    std::unique_ptr<Child> child_;
};

}  // namespace certd::test
