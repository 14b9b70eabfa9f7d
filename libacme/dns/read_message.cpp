// Reading messages: every length and pointer is somebody else's.
#include "libacme/dns/message.hpp"
#include "libacme/dns/wire.hpp"

#include <fmt/format.h>

namespace certd::dns {

std::uint16_t Cursor::u16() {
    ByteView two = octets(2);
    return two.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(two[0] << 8 | two[1]);
}

std::uint32_t Cursor::u32() {
    std::uint32_t high = u16();
    return high << 16U | u16();
}

std::uint64_t Cursor::u48() {
    std::uint64_t high = u16();
    return high << 32U | u32();
}

ByteView Cursor::octets(std::size_t count) {
    if (failed_ || left() < count) {
        failed_ = true;
        return {};
    }
    ByteView read = message_.subspan(at_, count);
    at_ += count;
    return read;
}

// RFC 1035 §4.1.4. A pointer may lead only to before the part of the name it ends, so that the walk gets ever nearer to
// the beginning and cannot loop.
Name Cursor::name() {
    Bytes wire;
    std::size_t at = at_, part_begin = at_;
    bool jumped = false;
    while (!failed_) {
        if (at >= message_.size()) break;
        std::uint8_t length = message_[at];
        if ((length & 0xC0U) == 0xC0U) {
            if (at + 1 >= message_.size()) break;
            std::size_t target = (length & 0x3FU) << 8U | message_[at + 1];
            if (!jumped) at_ = at + 2;
            jumped = true;
            if (target >= part_begin) break;
            at = part_begin = target;
            continue;
        }
        if (length > 63 || message_.size() - at <= length || wire.size() + length + 1 > 255) break;
        ByteView label = message_.subspan(at, length + std::size_t{1});
        wire.insert(wire.end(), label.begin(), label.end());
        at += label.size();
        if (length > 0) continue;
        if (!jumped) at_ = at;
        auto name = Name::from_wire(wire);
        if (!name) break;
        return *name;
    }
    failed_ = true;
    return {};
}

namespace {

constexpr std::size_t soa_numbers = 20;

// The data with the names in it written out; what it has beyond them is kept as it is.
Bytes read_data(Cursor& cursor, Type type, std::size_t length) {
    std::size_t end = cursor.at() + length;
    if (cursor.left() < length) {
        cursor.fail();
        return {};
    }
    Writer data;
    switch (type) {
        case Type::cname:
        case Type::ns:
        case Type::ptr:
        case Type::dname:
            data.name(cursor.name());
            break;
        case Type::mx:
            data.u16(cursor.u16());
            data.name(cursor.name());
            break;
        case Type::soa:
            data.name(cursor.name());
            data.name(cursor.name());
            data.octets(cursor.octets(soa_numbers));
            break;
        default:
            data.octets(cursor.octets(length));
    }
    if (cursor.at() != end) cursor.fail();
    return data.take();
}

std::vector<Record> read_records(Cursor& cursor, std::size_t count, std::size_t& last_record_at) {
    std::vector<Record> records;
    for (std::size_t i = 0; i < count && !cursor.failed(); ++i) {
        last_record_at = cursor.at();
        Record record;
        record.name = cursor.name();
        record.type = static_cast<Type>(cursor.u16());
        record.klass = static_cast<Class>(cursor.u16());
        record.ttl = cursor.u32();
        std::size_t length = cursor.u16();
        record.data = read_data(cursor, record.type, length);
        records.push_back(std::move(record));
    }
    return records;
}

}  // namespace

Result<Message> read_message(ByteView wire) {
    Cursor cursor(wire);
    Message message;
    message.id = cursor.u16();
    std::uint16_t flags = cursor.u16();
    message.is_reply = (flags & 0x8000U) != 0;
    message.opcode = static_cast<Opcode>(flags >> 11U & 0xFU);
    message.authoritative = (flags & 0x0400U) != 0;
    message.truncated = (flags & 0x0200U) != 0;
    message.recursion_desired = (flags & 0x0100U) != 0;
    message.rcode = static_cast<Rcode>(flags & 0xFU);
    std::size_t questions = cursor.u16(), answers = cursor.u16(), authorities = cursor.u16(), more = cursor.u16();
    for (std::size_t i = 0; i < questions && !cursor.failed(); ++i) {
        Question question;
        question.name = cursor.name();
        question.type = static_cast<Type>(cursor.u16());
        question.klass = static_cast<Class>(cursor.u16());
        message.questions.push_back(std::move(question));
    }
    message.answers = read_records(cursor, answers, message.last_record_at);
    message.authorities = read_records(cursor, authorities, message.last_record_at);
    message.additionals = read_records(cursor, more, message.last_record_at);
    if (cursor.failed()) return failure("dns.malformed", "A DNS message is damaged");
    if (cursor.left() > 0) return failure("dns.malformed", "A DNS message is followed by more octets");
    return message;
}

}  // namespace certd::dns
