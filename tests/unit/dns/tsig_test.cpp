// TSIG against values computed by another implementation (Python's hmac over the octets of RFC 8945 §4.3), and
// forgeries.
#include "libacme/dns/tsig.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_dns.hpp"

using namespace certd;
using namespace certd::dns;
using Kind = TsigVerdict::Kind;

namespace {

const Time signed_at{seconds(1'700'000'000)};

TsigKey key(HmacHash hash = HmacHash::sha256) {
    TsigKey made{Name::parse("K.example").value(), hash, {}};
    for (std::uint8_t i = 0; i < 32; ++i)
        made.secret.push_back(i);
    return made;
}

Bytes request() {
    Message message = query(Name::parse("example.org").value(), Type::soa, false);
    message.id = 0x1234;
    message.opcode = Opcode::update;
    message.authorities = {test::record("_acme-challenge.example.org", Type::txt, "hello")};
    return to_wire(message);
}

struct Vector {
    HmacHash hash;
    std::string mac, reply;
};
const std::vector<Vector> vectors = {
    {HmacHash::sha256, "462f7593f0df6211f2e1649c20bb46986a9d35464a47c649a90b909d41f1d63f",
     "1234a8000001000000000001076578616d706c65036f72670000060001016b076578616d706c650000fa00ff00000000003d0b686d61632d7"
     "36861"
     "3235360000006553f100012c0020441ff4821ad275cfd4ff7bf05c89ca0672916e8c1b14ce0e3b6c02c5add2a682123400000000"},
    {HmacHash::sha384,
     "f8b16952633e1ba86bc1ea21ddd93f852a39f8f9e11108f2aa82c939c2e71eb5392da3e7647888689c63d56c26e82d2e",
     "1234a8000001000000000001076578616d706c65036f72670000060001016b076578616d706c650000fa00ff00000000004d0b686d61632d7"
     "36861"
     "3338340000006553f100012c0030fa20bb52611be6dee89d084fb8c5cf756c172b22c752b94359e89c78b77e336ac657309778dece417a2dd"
     "17a"
     "51f5e5dc123400000000"},
    {HmacHash::sha512,
     "4c957b42aaed70cce3984830a182a8609ec02baf8383b36891df4e9be4a8cf4baa4338808961ebe559dc5bba10191cf4fefbf419ea52aa937"
     "3e26e1"
     "8af914151",
     "1234a8000001000000000001076578616d706c65036f72670000060001016b076578616d706c650000fa00ff00000000005d0b686d61632d7"
     "36861"
     "3531320000006553f100012c00402d494696c9b784964465442112bf66d1d635ecce6b4be10a06c2587adfa48bfad7d47539e845e94d35e59"
     "dd7"
     "0ab1b3c01c60af046e83860d159c4bc8304894af123400000000"},
    {HmacHash::sha224, "cad81d6fc0bc1d62b709981090a93f88987b2371cac9b83235222e37",
     "1234a8000001000000000001076578616d706c65036f72670000060001016b076578616d706c650000fa00ff0000000000390b686d6163"
     "2d7368613232340000006553f100012c001c964bad28a9319dfdba72433a810183f4f2207f6bce9d9023d98f21a9123400000000"},
    {HmacHash::sha1, "829f6a8fd5d8629337d81c9f1756ad9689999b56",
     "1234a8000001000000000001076578616d706c65036f72670000060001016b076578616d706c650000fa00ff00000000002f09686d6163"
     "2d736861310000006553f100012c001475a0c166be337096f8ff0b29ab423241d38ee1cb123400000000"},
    {HmacHash::md5, "c8613c62aacc7589b8e6cb5caa03ab55",
     "1234a8000001000000000001076578616d706c65036f72670000060001016b076578616d706c650000fa00ff00000000003a08686d6163"
     "2d6d6435077369672d616c670372656703696e740000006553f100012c0010572600959245c8101989c64df1c68113123400000000"}};

TsigVerdict judge(const Bytes& octets, const TsigKey& with, ByteView request_mac, Time now = signed_at) {
    return verify(octets, read_message(octets).value(), with, request_mac, now);
}

Bytes reply_octets() {
    Message question = read_message(request()).value();
    return to_wire(test::reply_to(question));
}

}  // namespace

TEST_CASE("requests are signed as another implementation signs them, and its replies are accepted") {
    for (const Vector& vector : vectors) {
        CAPTURE(vector.mac);
        SignedMessage made = sign(request(), key(vector.hash), signed_at);
        CHECK(hex(made.mac) == vector.mac);
        Bytes reply = parse_hex(vector.reply).value();
        CHECK(judge(reply, key(vector.hash), made.mac).kind == Kind::good);
        // The same reply to another request is none.
        CHECK(judge(reply, key(vector.hash), Bytes(made.mac.size(), 7)).kind == Kind::wrong_mac);
    }
    SignedMessage made = sign(request(), key(), signed_at);
    CHECK(hex(made.octets)
              .ends_with("012c0020462f7593f0df6211f2e1649c20bb46986a9d35464a47c649a90b909d41f1d63f123400000000"));
    CHECK(judge(made.octets, key(), {}).kind == Kind::good);
}

TEST_CASE("a reply changed in any octet is not accepted") {
    Bytes mac(32, 9);
    Bytes reply = sign(reply_octets(), key(), signed_at, mac).octets;
    REQUIRE(judge(reply, key(), mac).kind == Kind::good);
    for (std::size_t at = 0; at < reply.size(); ++at) {
        Bytes changed = reply;
        changed[at] ^= 1U;
        auto message = read_message(changed);
        if (!message) continue;
        CAPTURE(at);
        // The id in the head is not covered: the original id stands in the record (RFC 8945 §4.2).
        bool covered = at > 1;
        CHECK((verify(changed, *message, key(), mac, signed_at).kind == Kind::good) != covered);
    }
}

TEST_CASE("a MAC cut short, another key, another algorithm and no signature are told apart") {
    Bytes mac(32, 9);
    Bytes reply = sign(reply_octets(), key(), signed_at, mac).octets;
    TsigKey other = key();
    other.secret[0] ^= 1U;
    CHECK(judge(reply, other, mac).kind == Kind::wrong_mac);
    other = key();
    other.name = Name::parse("other.example").value();
    CHECK(judge(reply, other, mac).kind == Kind::wrong_key);
    CHECK(judge(reply, key(HmacHash::sha512), mac).kind == Kind::wrong_key);
    CHECK(judge(reply_octets(), key(), mac).kind == Kind::unsigned_message);

    Message cut = read_message(reply).value();
    Bytes& data = cut.additionals.back().data;
    // algorithm (13), time (6), fudge (2), then the size of the MAC and the MAC
    data[22] = 16;
    data.erase(data.begin() + 23 + 16, data.begin() + 23 + 32);
    CHECK(judge(to_wire(cut), key(), mac).kind == Kind::wrong_mac);
    data[22] = 0;
    data.erase(data.begin() + 23, data.begin() + 23 + 16);
    data[26] = 17;
    TsigVerdict bare = judge(to_wire(cut), key(), mac);
    CHECK(bare.kind == Kind::unsigned_message);
    CHECK(bare.error == 17);
    data.pop_back();
    CHECK(judge(to_wire(cut), key(), mac).kind == Kind::wrong_mac);
}

TEST_CASE("a signature is good for five minutes on either side") {
    Bytes mac(32, 9);
    Bytes reply = sign(reply_octets(), key(), signed_at, mac).octets;
    CHECK(judge(reply, key(), mac, signed_at + minutes(5)).kind == Kind::good);
    CHECK(judge(reply, key(), mac, signed_at - minutes(5)).kind == Kind::good);
    CHECK(judge(reply, key(), mac, signed_at + minutes(5) + seconds(1)).kind == Kind::wrong_time);
    CHECK(judge(reply, key(), mac, signed_at - hours(1)).kind == Kind::wrong_time);
}

TEST_CASE("BADTIME tells the server's clock") {
    Bytes mac(32, 9);
    Bytes reply = sign(reply_octets(), key(), signed_at, mac, 18, signed_at + hours(1)).octets;
    TsigVerdict verdict = judge(reply, key(), mac);
    CHECK(verdict.kind == Kind::good);
    CHECK(verdict.error == 18);
    CHECK(verdict.server_time == signed_at + hours(1));
    CHECK(tsig_error_text(18) == "BADTIME");
}

TEST_CASE("algorithms are known by name") {
    CHECK(tsig_algorithm("hmac-sha256") == HmacHash::sha256);
    CHECK(tsig_algorithm("HMAC-SHA512.") == HmacHash::sha512);
    for (const char* md5 : {"hmac-md5", "HMAC-MD5.", "hmac-md5.sig-alg.reg.int."})
        CHECK(tsig_algorithm(md5) == HmacHash::md5);
    CHECK(tsig_algorithm("hmac-sha1") == HmacHash::sha1);
    CHECK(tsig_algorithm("hmac-sha224") == HmacHash::sha224);
    CHECK_FALSE(tsig_algorithm("gss-tsig"));
}
