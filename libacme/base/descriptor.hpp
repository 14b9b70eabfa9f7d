// The owner of a file descriptor, and calls that a signal may interrupt.
#pragma once

#include <cerrno>
#include <string_view>
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

template <class Call>
auto retry_interrupted(Call call) {
    decltype(call()) result;
    do {
        result = call();
    } while (result < 0 && errno == EINTR);
    return result;
}

// To a file; false, with errno, when not everything could be written.
inline bool write_all(int file, std::string_view content) {
    while (!content.empty()) {
        const ssize_t written = retry_interrupted([&] { return ::write(file, content.data(), content.size()); });
        if (written <= 0) return false;
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace certd
