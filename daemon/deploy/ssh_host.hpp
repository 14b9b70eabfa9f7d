// Another machine as a Host: each operation is one request to contrib/host/certd-host by the system's ssh, over a
// connection that is kept open for the next one. It is looked at from here, as its clients do.
//
// Owners and groups of files to install are sent by name, as that host knows them; numbers go on the way back.
//
// Problems: host.unreachable, host.key, host.denied, host.protocol, host.refused, host.stale; storage.* and
// deploy.install for files, as LocalHost has them.
#pragma once

#include "daemon/deploy/host.hpp"
#include "daemon/deploy/hosts.hpp"
#include "daemon/deploy/ssh_session.hpp"

#include <memory>
#include <string>
#include <vector>

namespace certd {

class SshHost final : public Host {
   public:
    SshHost(Clock& clock, SshSession session, Delivery delivery)
        : clock_(clock), session_(std::move(session)), delivery_(std::move(delivery)) {}

    Task<Result<std::optional<InstalledFile>>> read(std::string path) override;
    Task<Result<void>> install(std::vector<InstalledFile> files) override;
    Task<Result<void>> put_back(std::vector<InstalledFile> files) override;
    Task<Result<void>> remove(std::string path) override;
    // The environment's CERTD_* and RENEWED_* go along, and the input; the user is the one who was logged in.
    Task<Result<ProcessResult>> run(Command command) override;
    // Whether the host lets certd write the files, has room for them, and lets it run the commands of the view.
    Task<Result<ProcessResult>> rehearse(RehearsalView view, std::optional<Command> command) override;
    Task<Result<Served>> probe(ProbeRequest request) override;

   private:
    Clock& clock_;
    SshSession session_;
    Delivery delivery_;
};

// All that is reached by ssh.
class SshHosts final : public Hosts {
   public:
    // `sockets`: a directory for the sockets of connections that are kept, made when first needed; without one, or
    // with a path too long for a socket, each request makes a connection of its own.
    SshHosts(Clock& clock, Workers& workers, FileSystem& files, ProcessRunner& runner, Path sockets);

    // Throws Failure(control.noSuchTarget) when the target has no such host.
    std::shared_ptr<Host> open(const config::Target& target, const std::string& name, Delivery delivery) override;

    // Ends the connections that are kept; within a few seconds, after which ssh ends them by itself.
    Task<> close();

   private:
    std::shared_ptr<SshShared> shared_;
};

// Where an address of `verify` is on a host: ":443" is that port of the host itself.
std::string address_at(const config::RemoteHost& host, const std::string& address);

}  // namespace certd
