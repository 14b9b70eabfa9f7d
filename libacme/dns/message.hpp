// DNS messages (RFC 1035 §4, RFC 2136 §2) as values, and their octets. The reader takes octets from anybody: it ends
// with a Problem, never beyond the message, and in time proportional to its length.
#pragma once

#include "libacme/base/problem.hpp"
#include "libacme/dns/name.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace certd::dns {

enum class Type : std::uint16_t {
    a = 1,
    ns = 2,
    cname = 5,
    soa = 6,
    ptr = 12,
    mx = 15,
    txt = 16,
    aaaa = 28,
    dname = 39,
    opt = 41,
    tsig = 250,
    any = 255,
    caa = 257
};
enum class Class : std::uint16_t { in = 1, none = 254, any = 255 };
enum class Opcode : std::uint8_t { query = 0, update = 5 };
// RFC 1035 §4.1.1, RFC 2136 §2.2.
enum class Rcode : std::uint8_t {
    no_error = 0,
    form_err = 1,
    serv_fail = 2,
    nx_domain = 3,
    not_imp = 4,
    refused = 5,
    yx_domain = 6,
    yx_rrset = 7,
    nx_rrset = 8,
    not_auth = 9,
    not_zone = 10
};

std::string to_string(Type type);    // "TXT", "TYPE4711"
std::string to_string(Rcode rcode);  // "NXDOMAIN", "RCODE12"

struct Question {
    Name name;
    Type type = Type::a;
    Class klass = Class::in;
    bool operator==(const Question&) const = default;
};

struct Record {
    Name name;
    Type type = Type::a;
    Class klass = Class::in;
    std::uint32_t ttl = 0;  // seconds
    Bytes data;             // the names in CNAME, NS, PTR, DNAME, MX and SOA are written out, without pointers
    bool operator==(const Record&) const = default;
};

// In an UPDATE the sections are zone, prerequisites, updates and additional data (RFC 2136 §2).
struct Message {
    std::uint16_t id = 0;
    bool is_reply = false;
    Opcode opcode = Opcode::query;
    bool authoritative = false;
    bool truncated = false;
    bool recursion_desired = false;
    Rcode rcode = Rcode::no_error;
    std::vector<Question> questions;
    std::vector<Record> answers;
    std::vector<Record> authorities;
    std::vector<Record> additionals;
    // Where the last record begins in the octets that were read: TSIG signs what stands before it.
    std::size_t last_record_at = 0;
};

Bytes to_wire(const Message& message);                               // names are not compressed
Result<Message> read_message(ByteView wire);                         // problem dns.malformed
Message query(const Name& name, Type type, bool recursion_desired);  // with a random id

// The name a CNAME, NS, PTR or DNAME record points to; nullopt when the record is of another type or damaged.
std::optional<Name> target_of(const Record& record);
// The first name of an SOA record: the primary server (RFC 1035 §3.3.13).
std::optional<Name> primary_of(const Record& record);
// The character-strings of a TXT record, one after another as one text (RFC 7208 §3.3); at most 65,535 octets.
std::optional<std::string> text_of(const Record& record);
// "192.0.2.1" or "2001:db8::1" of an A or AAAA record.
std::optional<std::string> address_of(const Record& record);
// The data of a TXT record with this text, cut into character-strings of 255 octets.
Bytes text_data(std::string_view text);

}  // namespace certd::dns
