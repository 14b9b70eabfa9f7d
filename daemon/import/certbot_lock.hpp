// certbot's own lock, so that the two never work on one directory at the same time: a lock on .certbot.lock in it,
// which certbot removes when it ends.
#pragma once

#include "libacme/base/descriptor.hpp"
#include "libacme/base/file_system.hpp"

namespace certd::certbot {

class CertbotLock {
   public:
    // Problem import.certbotRunning while a certbot holds it.
    static Result<CertbotLock> acquire(const Path& root);
    // The same question without leaving a trace.
    static Result<void> check(const Path& root);
    CertbotLock(CertbotLock&& other) noexcept;
    CertbotLock& operator=(CertbotLock&&) = delete;
    ~CertbotLock();

   private:
    CertbotLock(Path path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
    Path path_;
    Descriptor file_;
};

}  // namespace certd::certbot
