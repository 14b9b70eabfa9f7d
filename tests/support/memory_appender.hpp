// An Appender over MemoryFileSystem.
#pragma once

#include "libacme/base/append.hpp"
#include "tests/support/memory_file_system.hpp"

#include <string>

namespace certd::test {

// Appends in memory; the look at the file counts as the operation that fails or at which the process dies.
class MemoryAppender final : public Appender {
   public:
    explicit MemoryAppender(MemoryFileSystem& files) : files_(files) {}

    Result<void> append(const Path& path, std::string_view content) override {
        std::size_t operation = files_.operations();
        Result<std::string> read = files_.read(path, std::size_t{1} << 30);
        if (!read) return failure(read.error());
        const std::string& before = *read;
        if (operation + 1 == tear_at)
            files_.overwrite(path, before + std::string(content.substr(0, content.size() / 2)));
        if (Result<FileStatus> status = files_.inspect(path); !status) return failure(status.error());
        files_.overwrite(path, before + std::string(content));
        return {};
    }
    std::size_t tear_at = FaultPlan::never;

   private:
    MemoryFileSystem& files_;
};

}  // namespace certd::test
