// Writing messages, and what stands in the data of single records.
#include "libacme/dns/message.hpp"

#include "libacme/crypto/digest.hpp"
#include "libacme/dns/wire.hpp"

#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace certd::dns {

namespace {

void write(Writer& out, const std::vector<Record>& records) {
    for (const Record& record : records) {
        out.name(record.name);
        out.u16(static_cast<std::uint16_t>(record.type));
        out.u16(static_cast<std::uint16_t>(record.klass));
        out.u32(record.ttl);
        out.u16(static_cast<std::uint16_t>(record.data.size()));
        out.octets(record.data);
    }
}

}  // namespace

Bytes to_wire(const Message& message) {
    Writer out;
    out.u16(message.id);
    unsigned flags = (message.is_reply ? 0x8000U : 0U) | static_cast<unsigned>(message.opcode) << 11U |
                     (message.authoritative ? 0x0400U : 0U) | (message.truncated ? 0x0200U : 0U) |
                     (message.recursion_desired ? 0x0100U : 0U) | static_cast<unsigned>(message.rcode);
    out.u16(static_cast<std::uint16_t>(flags));
    out.u16(static_cast<std::uint16_t>(message.questions.size()));
    out.u16(static_cast<std::uint16_t>(message.answers.size()));
    out.u16(static_cast<std::uint16_t>(message.authorities.size()));
    out.u16(static_cast<std::uint16_t>(message.additionals.size()));
    for (const Question& question : message.questions) {
        out.name(question.name);
        out.u16(static_cast<std::uint16_t>(question.type));
        out.u16(static_cast<std::uint16_t>(question.klass));
    }
    write(out, message.answers);
    write(out, message.authorities);
    write(out, message.additionals);
    return out.take();
}

Message query(const Name& name, Type type, bool recursion_desired) {
    Message message;
    Bytes id = random_bytes(2);
    message.id = static_cast<std::uint16_t>(id[0] << 8 | id[1]);
    message.recursion_desired = recursion_desired;
    message.questions.push_back({name, type, Class::in});
    return message;
}

std::optional<Name> target_of(const Record& record) {
    bool points =
        record.type == Type::cname || record.type == Type::ns || record.type == Type::ptr || record.type == Type::dname;
    return points ? Name::from_wire(record.data) : std::nullopt;
}

std::optional<Name> primary_of(const Record& record) {
    if (record.type != Type::soa) return std::nullopt;
    std::size_t end = 0;
    while (end < record.data.size() && record.data[end] != 0)
        end += record.data[end] + std::size_t{1};
    if (end >= record.data.size()) return std::nullopt;
    return Name::from_wire(ByteView(record.data).first(end + 1));
}

std::optional<std::string> text_of(const Record& record) {
    if (record.type != Type::txt || record.data.empty()) return std::nullopt;
    std::string text;
    ByteView rest = record.data;
    while (!rest.empty()) {
        std::size_t length = rest[0];
        if (rest.size() <= length) return std::nullopt;
        text += as_text(rest.subspan(1, length));
        rest = rest.subspan(1 + length);
    }
    return text;
}

std::optional<std::string> address_of(const Record& record) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (record.type == Type::a && record.data.size() == 4) {
        return ::inet_ntop(AF_INET, record.data.data(), text.data(), text.size());
    }
    if (record.type == Type::aaaa && record.data.size() == 16) {
        return ::inet_ntop(AF_INET6, record.data.data(), text.data(), text.size());
    }
    return std::nullopt;
}

Bytes text_data(std::string_view text) {
    Bytes data;
    do {
        std::string_view part = text.substr(0, 255);
        data.push_back(static_cast<std::uint8_t>(part.size()));
        data.insert(data.end(), part.begin(), part.end());
        text.remove_prefix(part.size());
    } while (!text.empty());
    return data;
}

std::string to_string(Type type) {
    switch (type) {
        case Type::a:
            return "A";
        case Type::ns:
            return "NS";
        case Type::cname:
            return "CNAME";
        case Type::soa:
            return "SOA";
        case Type::ptr:
            return "PTR";
        case Type::mx:
            return "MX";
        case Type::txt:
            return "TXT";
        case Type::aaaa:
            return "AAAA";
        case Type::dname:
            return "DNAME";
        case Type::opt:
            return "OPT";
        case Type::tsig:
            return "TSIG";
        case Type::any:
            return "ANY";
        case Type::caa:
            return "CAA";
    }
    return fmt::format("TYPE{}", static_cast<unsigned>(type));
}

std::string to_string(Rcode rcode) {
    static constexpr std::array<std::string_view, 11> names = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                               "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                               "NXRRSET", "NOTAUTH", "NOTZONE"};
    auto number = static_cast<std::size_t>(rcode);
    return number < names.size() ? std::string(names.at(number)) : fmt::format("RCODE{}", number);
}

}  // namespace certd::dns
