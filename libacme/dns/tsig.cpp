// TSIG records and the octets their MAC covers.
#include "libacme/dns/tsig.hpp"

#include "libacme/base/text.hpp"
#include "libacme/dns/wire.hpp"

#include <fmt/format.h>

namespace certd::dns {

namespace {

constexpr std::uint16_t fudge = 300;  // seconds (RFC 8945 §10)
constexpr std::uint16_t bad_time = 18;
constexpr std::size_t id_at = 0, additionals_at = 10, header_size = 12;

struct Algorithm {
    HmacHash hash;
    std::string_view name;  // as it is sent (RFC 8945 §6)
};
constexpr std::string_view md5_alias = "hmac-md5";
constexpr Algorithm algorithms[] = {{HmacHash::sha256, "hmac-sha256"}, {HmacHash::sha384, "hmac-sha384"},
                                    {HmacHash::sha512, "hmac-sha512"}, {HmacHash::sha224, "hmac-sha224"},
                                    {HmacHash::sha1, "hmac-sha1"},     {HmacHash::md5, "hmac-md5.sig-alg.reg.int"}};

Name name_of(HmacHash hash) {
    for (const Algorithm& algorithm : algorithms) {
        if (algorithm.hash == hash) return *Name::parse(algorithm.name);
    }
    return {};
}

// The data of a TSIG record (RFC 8945 §4.2).
struct Data {
    Name algorithm;
    std::uint64_t time = 0;  // seconds since 1970
    std::uint16_t fudge = 0;
    Bytes mac;
    std::uint16_t original_id = 0;
    std::uint16_t error = 0;
    Bytes other;
};

std::optional<Data> read_data(ByteView octets) {
    Cursor cursor(octets);
    Data data;
    data.algorithm = cursor.name();
    data.time = cursor.u48();
    data.fudge = cursor.u16();
    ByteView mac = cursor.octets(cursor.u16());
    data.mac.assign(mac.begin(), mac.end());
    data.original_id = cursor.u16();
    data.error = cursor.u16();
    ByteView other = cursor.octets(cursor.u16());
    data.other.assign(other.begin(), other.end());
    if (cursor.failed() || cursor.left() > 0) return std::nullopt;
    return data;
}

Bytes write_data(const Data& data) {
    Writer out;
    out.name(data.algorithm);
    out.u48(data.time);
    out.u16(data.fudge);
    out.u16(static_cast<std::uint16_t>(data.mac.size()));
    out.octets(data.mac);
    out.u16(data.original_id);
    out.u16(data.error);
    out.u16(static_cast<std::uint16_t>(data.other.size()));
    out.octets(data.other);
    return out.take();
}

void put_u16(Bytes& octets, std::size_t at, std::size_t value) {
    octets[at] = static_cast<std::uint8_t>(value >> 8U & 0xFFU);
    octets[at + 1] = static_cast<std::uint8_t>(value & 0xFFU);
}

// RFC 8945 §4.3.3: the request's MAC in a reply, the message as it was before the TSIG record, the record's variables.
Bytes mac_of(ByteView message, const TsigKey& key, const Data& data, ByteView request_mac) {
    Writer covered;
    if (!request_mac.empty()) {
        covered.u16(static_cast<std::uint16_t>(request_mac.size()));
        covered.octets(request_mac);
    }
    covered.octets(message);
    covered.name(key.name);
    covered.u16(static_cast<std::uint16_t>(Class::any));
    covered.u32(0);
    covered.name(data.algorithm);
    covered.u48(data.time);
    covered.u16(data.fudge);
    covered.u16(data.error);
    covered.u16(static_cast<std::uint16_t>(data.other.size()));
    covered.octets(data.other);
    return hmac(key.algorithm, key.secret, covered.written());
}

std::uint64_t seconds_of(Time time) {
    return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

}  // namespace

std::optional<HmacHash> tsig_algorithm(std::string_view text) {
    auto name = Name::parse(text);
    if (name && *name == Name::parse(md5_alias)) return HmacHash::md5;
    for (const Algorithm& algorithm : algorithms) {
        if (name && *name == Name::parse(algorithm.name)) return algorithm.hash;
    }
    return std::nullopt;
}

SignedMessage sign(Bytes message, const TsigKey& key, Time now, ByteView request_mac, std::uint16_t error,
                   std::optional<Time> server_time) {
    Data data;
    data.algorithm = name_of(key.algorithm);
    data.time = seconds_of(now);
    data.fudge = fudge;
    data.original_id = static_cast<std::uint16_t>(message.at(id_at) << 8 | message.at(id_at + 1));
    data.error = error;
    if (server_time) {
        Writer other;
        other.u48(seconds_of(*server_time));
        data.other = other.take();
    }
    data.mac = mac_of(message, key, data, request_mac);

    Bytes octets = write_data(data);
    Writer record;
    record.name(key.name);
    record.u16(static_cast<std::uint16_t>(Type::tsig));
    record.u16(static_cast<std::uint16_t>(Class::any));
    record.u32(0);
    record.u16(static_cast<std::uint16_t>(octets.size()));
    record.octets(octets);
    put_u16(message, additionals_at, (message.at(additionals_at) << 8U | message.at(additionals_at + 1)) + 1U);
    message.insert(message.end(), record.written().begin(), record.written().end());
    return {std::move(message), std::move(data.mac)};
}

TsigVerdict verify(ByteView octets, const Message& message, const TsigKey& key, ByteView request_mac, Time now) {
    using Kind = TsigVerdict::Kind;
    TsigVerdict verdict;
    if (message.additionals.empty() || message.additionals.back().type != Type::tsig) return verdict;
    const Record& record = message.additionals.back();
    auto data = read_data(record.data);
    // RFC 8945 §4.2: class ANY, TTL 0. The MAC covers what they must be, not what was sent.
    if (!data || record.klass != Class::any || record.ttl != 0) return {Kind::wrong_mac, 0, {}};
    verdict.error = data->error;
    if (data->mac.empty()) return verdict;  // RFC 8945 §5.3.2: about BADKEY and BADSIG, and anybody could have sent it
    if (record.name != key.name || data->algorithm != name_of(key.algorithm)) return {Kind::wrong_key, data->error, {}};

    Bytes before(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(message.last_record_at));
    if (before.size() < header_size) return {Kind::wrong_mac, 0, {}};
    put_u16(before, id_at, data->original_id);
    put_u16(before, additionals_at, message.additionals.size() - 1);
    Bytes expected = mac_of(before, key, *data, request_mac);
    if (!equal_in_constant_time(expected, data->mac)) return {Kind::wrong_mac, data->error, {}};

    if (data->error == bad_time && data->other.size() == 6) {
        auto server_seconds = static_cast<std::int64_t>(Cursor(data->other).u48());
        verdict.server_time = Time(std::chrono::seconds(server_seconds));
    }
    // RFC 8945 §5.2.3: the time is judged only once the MAC is known to be right.
    std::uint64_t here = seconds_of(now);
    std::uint64_t apart = here > data->time ? here - data->time : data->time - here;
    verdict.kind = apart > data->fudge ? Kind::wrong_time : Kind::good;
    return verdict;
}

std::string tsig_error_text(std::uint16_t error) {
    switch (error) {
        case 16:
            return "BADSIG";
        case 17:
            return "BADKEY";
        case bad_time:
            return "BADTIME";
        case 22:
            return "BADTRUNC";
        default:
            return fmt::format("error {}", error);
    }
}

}  // namespace certd::dns
