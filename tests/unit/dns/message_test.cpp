// Names and messages: what is written is read back, and octets of strangers end in a Problem (faults S8).
#include "libacme/dns/message.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_dns.hpp"

using namespace certd;
using namespace certd::dns;
using certd::test::record;

namespace {

Name name(std::string_view text) {
    return Name::parse(text).value();
}

Bytes octets(std::initializer_list<int> values) {
    Bytes bytes;
    for (int value : values)
        bytes.push_back(static_cast<std::uint8_t>(value));
    return bytes;
}

// A reply's head with these counts, and what follows it.
Bytes reply_with(int questions, int answers, const Bytes& rest) {
    Bytes wire = octets({0x12, 0x34, 0x84, 0, 0, questions, 0, answers, 0, 0, 0, 0});
    wire.insert(wire.end(), rest.begin(), rest.end());
    return wire;
}

}  // namespace

TEST_CASE("names are compared without case and know their zones") {
    CHECK(name("_ACME-Challenge.Example.ORG.") == name("_acme-challenge.example.org"));
    CHECK(name("a.example.org").text() == "a.example.org");
    CHECK(name("a.example.org").absolute_text() == "a.example.org.");
    CHECK(name("a.example.org").parent() == name("example.org"));
    CHECK(name("a.example.org").is_at_or_below(name("example.org")));
    CHECK(name("example.org").is_at_or_below(name("example.org")));
    CHECK(name("example.org").is_at_or_below(Name()));
    CHECK_FALSE(name("badexample.org").is_at_or_below(name("example.org")));
    CHECK_FALSE(name("org").is_at_or_below(name("example.org")));
    CHECK(name(".").is_root());
    CHECK(Name().parent().is_root());
}

TEST_CASE("what is no name is refused") {
    for (const std::string& text :
         {std::string("a..b"), std::string(".a"), std::string(64, 'a'), std::string("a b.org"), std::string("a\0b", 3),
          std::string("tök.org"), std::string("a\\.b")}) {
        CAPTURE(text);
        CHECK_FALSE(Name::parse(text));
    }
    std::string long_name;
    for (int i = 0; i < 64; ++i)
        long_name += "abc.";
    CHECK_FALSE(Name::parse(long_name));
    CHECK(Name::from_wire(octets({1, 7, 0}))->text() == "\\007");
}

TEST_CASE("a message is read back as it was written") {
    Message message = query(name("www.example.org"), Type::txt, true);
    message.is_reply = message.authoritative = true;
    message.rcode = Rcode::nx_domain;
    message.answers = {record("www.example.org", Type::txt, std::string(600, 'x')),
                       record("www.example.org", Type::a, "192.0.2.1")};
    message.authorities = {record("example.org", Type::soa, "ns.example.org"),
                           record("example.org", Type::ns, "ns.example.org")};
    message.additionals = {record("ns.example.org", Type::aaaa, "2001:db8::1")};
    auto read = read_message(to_wire(message));
    REQUIRE(read);
    CHECK(read->questions == message.questions);
    CHECK(read->answers == message.answers);
    CHECK(read->authorities == message.authorities);
    CHECK(read->additionals == message.additionals);
    CHECK(read->rcode == Rcode::nx_domain);
    CHECK(text_of(read->answers[0]) == std::string(600, 'x'));
    CHECK(address_of(read->answers[1]) == "192.0.2.1");
    CHECK(primary_of(read->authorities[0]) == name("ns.example.org"));
    CHECK(target_of(read->authorities[1]) == name("ns.example.org"));
    CHECK(address_of(read->additionals[0]) == "2001:db8::1");
}

TEST_CASE("compressed names are written out, also those inside of data") {
    // www.example.org CNAME <pointer to example.org>
    Bytes rest = octets({3, 'w', 'w', 'w',  7,  'e', 'x', 'a', 'm', 'p', 'l', 'e', 3,  'o', 'r', 'g',  0, 0,
                         5, 0,   1,   0xC0, 12, 0,   5,   0,   1,   0,   0,   0,   60, 0,   2,   0xC0, 16});
    auto read = read_message(reply_with(1, 1, rest));
    REQUIRE(read);
    CHECK(read->answers.at(0).name == name("www.example.org"));
    CHECK(target_of(read->answers.at(0)) == name("example.org"));
}

TEST_CASE("pointers that loop, lead forward or out of the message are refused") {
    for (int target : {12, 13, 14, 200}) {
        CAPTURE(target);
        auto read = read_message(reply_with(1, 0, octets({0xC0, target, 0, 16, 0, 1})));
        REQUIRE_FALSE(read);
        CHECK(read.error().code == "dns.malformed");
    }
    // Two names that point at each other.
    CHECK_FALSE(read_message(reply_with(2, 0, octets({0xC0, 18, 0, 1, 0, 1, 0xC0, 12, 0, 1, 0, 1}))));
    // A label, then a pointer back to that label.
    CHECK_FALSE(read_message(reply_with(1, 0, octets({1, 'a', 0xC0, 12, 0, 1, 0, 1}))));
    // Reserved kinds of labels (RFC 6891 §5).
    CHECK_FALSE(read_message(reply_with(1, 0, octets({0x41, 'a', 0, 0, 1, 0, 1}))));
}

TEST_CASE("a message cut off anywhere, with other octets or wrong counts never leads beyond its end") {
    Message message = query(name("example.org"), Type::soa, true);
    message.answers = {record("example.org", Type::soa, "ns.example.org"), record("example.org", Type::txt, "text")};
    Bytes wire = to_wire(message);
    for (std::size_t length = 0; length < wire.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(read_message(ByteView(wire).first(length)));
    }
    for (std::size_t at = 0; at < wire.size(); ++at) {
        for (int value : {0x00, 0x3F, 0x40, 0xC0, 0xFF}) {
            Bytes changed = wire;
            changed[at] = static_cast<std::uint8_t>(value);
            if (auto read = read_message(changed)) {
                for (const Record& answer : read->answers) {
                    static_cast<void>(text_of(answer));
                    static_cast<void>(primary_of(answer));
                    static_cast<void>(target_of(answer));
                    static_cast<void>(address_of(answer));
                }
            }
        }
    }
    wire.push_back(0);
    CHECK_FALSE(read_message(wire));
    CHECK_FALSE(read_message(reply_with(255, 255, {})));
}

TEST_CASE("the character-strings of a TXT record are one text") {
    CHECK(text_of(record("a.org", Type::txt, "")) == "");
    CHECK(text_data(std::string(256, 'x')).size() == 258);
    Record damaged = record("a.org", Type::txt, "abc");
    damaged.data[0] = 9;
    CHECK_FALSE(text_of(damaged));
    CHECK_FALSE(text_of(record("a.org", Type::a, "192.0.2.1")));
    Record large = record("a.org", Type::txt, std::string(64 * 1000, 'x'));
    CHECK(text_of(large)->size() == 64 * 1000);
}

TEST_CASE("types and codes have names") {
    CHECK(to_string(Type::txt) == "TXT");
    CHECK(to_string(static_cast<Type>(4711)) == "TYPE4711");
    CHECK(to_string(Rcode::not_auth) == "NOTAUTH");
    CHECK(to_string(static_cast<Rcode>(15)) == "RCODE15");
}
