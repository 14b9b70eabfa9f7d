// A decorator over another file system, usually the real one, that fails or "dies" at operation k.
#pragma once

#include "libacme/base/file_system.hpp"
#include "tests/support/fault_plan.hpp"

#include <utility>

namespace certd::test {

class FaultyFileSystem final : public FileSystem {
   public:
    explicit FaultyFileSystem(FileSystem& files) : files_(files) {}

    void plan(FaultPlan plan) { faults_.plan(std::move(plan)); }
    std::size_t operations() const { return faults_.count(); }
    bool fired() const { return faults_.fired(); }

    Result<std::string> read(const Path& path, std::size_t limit) override {
        if (auto fault = refuse(false, "read " + path.string())) return failure(*fault);
        return files_.read(path, limit);
    }
    Result<void> create(const Path& path, std::string_view content, const FileAttributes& attributes) override {
        if (faults_.plan().torn && faults_.count() == faults_.plan().crash_at) {
            (void)files_.create(path, content.substr(0, content.size() / 2), attributes);
        }
        if (auto fault = refuse(true, "create " + path.string())) return failure(*fault);
        return files_.create(path, content, attributes);
    }
    Result<void> change(const Change& change) override {
        if (auto fault = refuse(true, "change")) return failure(*fault);
        return files_.change(change);
    }
    Result<std::vector<std::string>> list(const Path& directory) override {
        if (auto fault = refuse(false, "list " + directory.string())) return failure(*fault);
        return files_.list(directory);
    }
    Result<FileStatus> inspect(const Path& path) override {
        if (auto fault = refuse(false, "inspect " + path.string())) return failure(*fault);
        return files_.inspect(path);
    }

   private:
    std::optional<Problem> refuse(bool changes, const std::string& what) {
        switch (faults_.next(changes)) {
            case FaultCounter::Verdict::crash:
                throw SimulatedCrash{faults_.count()};
            case FaultCounter::Verdict::fail:
                return faults_.injected(what);
            case FaultCounter::Verdict::go_on:
                break;
        }
        return std::nullopt;
    }

    FileSystem& files_;
    FaultCounter faults_;
};

}  // namespace certd::test
