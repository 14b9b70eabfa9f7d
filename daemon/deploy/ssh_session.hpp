// How requests come to another machine: the system's ssh, its options and what its words mean.
#pragma once

#include "config/model.hpp"
#include "daemon/deploy/host_protocol.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/async/process.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace certd {

// What all sessions of this daemon share.
struct SshShared {
    Clock& clock;
    Workers& workers;
    FileSystem& files;
    ProcessRunner& runner;
    Path sockets;                                                      // empty: no connection is kept
    bool directory_checked = false;                                    // whether `sockets` is there
    std::map<std::string, std::vector<std::string>> connections = {};  // by socket: the command that ends it
};

class SshSession {
   public:
    SshSession(std::shared_ptr<SshShared> shared, config::RemoteHost host, config::Ssh ssh)
        : shared_(std::move(shared)), host_(std::move(host)), ssh_(std::move(ssh)) {}

    const config::RemoteHost& host() const { return host_; }
    Duration request_timeout() const { return ssh_.request_timeout; }

    // The answer of a host that did it; anything else is a Problem that begins with `doing`:
    // "Installing files". `limit`: for the host to do it, beyond the time to connect. Throws only cancellation.
    Task<Result<HostAnswer>> ask(std::string doing, HostRequest request, std::string token, Duration limit,
                                 std::size_t answer_limit) const;

    Problem malformed(const std::string& doing, std::string_view output) const;  // host.protocol

   private:
    Task<> prepare_directory() const;
    std::vector<std::string> arguments() const;
    std::string socket() const;
    Problem problem_with(const std::string& doing, const HostAnswer& answer) const;
    Problem no_answer(const std::string& doing, const ProcessResult& result, Duration limit) const;

    std::shared_ptr<SshShared> shared_;
    config::RemoteHost host_;
    config::Ssh ssh_;
};

// Ends the connections that are kept open.
Task<> end_connections(std::shared_ptr<SshShared> shared);

std::string new_host_token();

// host.key, host.denied, host.unreachable or host.protocol, by the last words of an ssh that brought no answer.
std::string_view code_of_ssh(int exit_code, std::string_view words);

}  // namespace certd
