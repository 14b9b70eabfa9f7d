// Octets in network order, written and read. Internal to this folder.
#pragma once

#include "libacme/dns/name.hpp"

#include <cstdint>
#include <optional>

namespace certd::dns {

class Writer {
   public:
    void u16(std::uint16_t value) {
        octets_.push_back(static_cast<std::uint8_t>(value >> 8U));
        octets_.push_back(static_cast<std::uint8_t>(value & 0xFFU));
    }
    void u32(std::uint32_t value) {
        u16(static_cast<std::uint16_t>(value >> 16U));
        u16(static_cast<std::uint16_t>(value & 0xFFFFU));
    }
    void u48(std::uint64_t value) {
        u16(static_cast<std::uint16_t>(value >> 32U));
        u32(static_cast<std::uint32_t>(value & 0xFFFF'FFFFU));
    }
    void octets(ByteView octets) { octets_.insert(octets_.end(), octets.begin(), octets.end()); }
    void name(const Name& name) { octets(as_bytes(name.wire())); }
    const Bytes& written() const { return octets_; }
    Bytes take() { return std::move(octets_); }

   private:
    Bytes octets_;
};

// Reads within one message. What would go beyond its end sets failed() and yields zeroes.
class Cursor {
   public:
    explicit Cursor(ByteView message, std::size_t at = 0) : message_(message), at_(at) {}

    std::uint16_t u16();
    std::uint32_t u32();
    std::uint64_t u48();
    ByteView octets(std::size_t count);
    Name name();  // pointers are followed

    std::size_t at() const { return at_; }
    std::size_t left() const { return message_.size() - at_; }
    bool failed() const { return failed_; }
    void fail() { failed_ = true; }

   private:
    ByteView message_;
    std::size_t at_;
    bool failed_ = false;
};

}  // namespace certd::dns
