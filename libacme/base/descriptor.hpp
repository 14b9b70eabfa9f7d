// The owner of a file descriptor.
#pragma once

#include <utility>

#include <unistd.h>

namespace certd {

// Move-only; closes on destruction. Any negative value means none.
class Descriptor {
   public:
    explicit Descriptor(int value = -1) : value_(value) {}
    Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    ~Descriptor() {
        if (value_ >= 0) ::close(value_);
    }

    int get() const { return value_; }
    bool ok() const { return value_ >= 0; }
    int release() { return std::exchange(value_, -1); }
    int close() { return ::close(release()); }  // for who must know whether it succeeded: 0, or -1 and errno

   private:
    int value_;
};

}  // namespace certd
