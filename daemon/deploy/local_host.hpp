// This machine as a Host: files through the FileSystem seam on worker threads, programs through the ProcessRunner.
//
// A symlink at an installed path is an operator's decision where the file lives: the file it leads to is replaced, the
// link stays. Directories are never created.
#pragma once

#include "daemon/deploy/host.hpp"
#include "libacme/async/offload.hpp"

namespace certd {

class LocalHost final : public Host {
   public:
    LocalHost(Clock& clock, Workers& workers, FileSystem& files, ProcessRunner& runner)
        : clock_(clock), workers_(workers), files_(files), runner_(runner) {}

    Task<Result<std::optional<InstalledFile>>> read(std::string path) override;
    Task<Result<void>> install(std::vector<InstalledFile> files) override;
    Task<Result<void>> remove(std::string path) override;
    Task<Result<ProcessResult>> run(Command command) override;
    Task<Result<ProcessResult>> rehearse(RehearsalView view, std::optional<Command> command) override;
    Task<Result<Served>> probe(ProbeRequest request) override;
    Task<Result<std::string>> ask(LocalQuestion question) override;

   private:
    Clock& clock_;
    Workers& workers_;
    FileSystem& files_;
    ProcessRunner& runner_;
};

}  // namespace certd
