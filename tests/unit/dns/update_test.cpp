// Signed updates against a server that forges, forgets, refuses and ignores (faults F28, F29).
#include "libacme/dns/update.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_dns.hpp"
#include "tests/support/run_task.hpp"

using namespace certd;
using namespace certd::dns;
using namespace certd::test;

namespace {

using Asked = FakeDns::Asked;
using Octets = std::vector<Bytes>;
const Name zone = Name::parse("example.org").value();
const Name name = Name::parse("_acme-challenge.example.org").value();
const TsigKey key{Name::parse("k.example").value(), HmacHash::sha256, Bytes(32, 5)};

Time now() {
    return SystemClock().now();
}

// The MAC at the end of a signed question: it stands before id, error and the length of other data.
Bytes mac_of(const Asked& question) {
    const Bytes& data = question.message.additionals.at(0).data;
    return {data.end() - 6 - 32, data.end() - 6};
}

bool is_update(const Asked& question) {
    return question.message.opcode == Opcode::update;
}

Bytes signed_reply(const Asked& question, Rcode rcode = Rcode::no_error, std::uint16_t error = 0,
                   std::optional<Time> server_time = {}) {
    Message reply = reply_to(question.message);
    reply.rcode = rcode;
    return sign(to_wire(reply), key, now(), mac_of(question), error, server_time).octets;
}

// What a look after the update shows.
Octets shown(const Asked& question, std::vector<Record> records) {
    return {to_wire(answer_from(records, question.message))};
}

Task<> add(const FakeDns& server, Duration timeout = seconds(5)) {
    static SystemClock clock;
    return add_text(clock, {zone, {server.endpoint()}, timeout}, key, name, "value", 60);
}

}  // namespace

TEST_CASE("an update adds one value under a signature, and looks whether it is there") {
    FakeDns server([](const Asked& question) {
        return is_update(question) ? Octets{signed_reply(question)}
                                   : shown(question, {record(name.text(), Type::txt, "other"),
                                                      record(name.text(), Type::txt, "value")});
    });
    run_task(add(server));
    auto questions = server.questions();
    REQUIRE(questions.size() == 2);
    const Message& update = questions[0].message;
    CHECK(update.questions == std::vector<dns::Question>{{zone, Type::soa, Class::in}});
    CHECK(update.answers.empty());
    REQUIRE(update.authorities.size() == 1);
    CHECK(update.authorities[0] == Record{name, Type::txt, Class::in, 60, text_data("value")});
    CHECK(verify(questions[0].octets, update, key, {}, now()).kind == TsigVerdict::Kind::good);
    CHECK(questions[1].message.questions[0] == dns::Question{name, Type::txt, Class::in});
}

TEST_CASE("only the own value is taken away") {
    FakeDns server([](const Asked& question) { return Octets{signed_reply(question)}; });
    SystemClock clock;
    run_task(remove_text(clock, {zone, {server.endpoint()}, seconds(5)}, key, name, "value"));
    auto questions = server.questions();
    REQUIRE(questions.size() == 1);
    CHECK(questions[0].message.authorities.at(0) == Record{name, Type::txt, Class::none, 0, text_data("value")});
}

TEST_CASE("forged, unsigned and cut replies are passed over until the server's own comes") {
    FakeDns server([](const Asked& question) {
        if (!is_update(question)) return shown(question, {record(name.text(), Type::txt, "value")});
        Bytes unsigned_reply = to_wire(reply_to(question.message));
        TsigKey forger = key;
        forger.secret[0] ^= 1U;
        Bytes forged = sign(unsigned_reply, forger, now(), mac_of(question)).octets;
        Bytes other_request = sign(unsigned_reply, key, now(), Bytes(32, 1)).octets;
        return Octets{unsigned_reply, forged, other_request, signed_reply(question)};
    });
    run_task(add(server));
}

TEST_CASE("replies without a good signature never count as success") {
    auto only = [](std::function<Bytes(const Asked&)> reply) {
        FakeDns server([&](const Asked& question) { return Octets{reply(question)}; });
        return problem_from(add(server, milliseconds(700)));
    };
    Problem bare = only([](const Asked& question) { return to_wire(reply_to(question.message)); });
    CHECK(bare.code == "dns.notSigned");
    CHECK(bare.what.ends_with("was not confirmed with the key k.example: its replies are not signed"));
    CHECK(only([](const Asked& question) {
              TsigKey forger = key;
              forger.secret[0] ^= 1U;
              return sign(to_wire(reply_to(question.message)), forger, now(), mac_of(question)).octets;
          }).what.ends_with("the signatures of its replies are wrong"));
    CHECK(only([](const Asked& question) {
              return sign(to_wire(reply_to(question.message)), key, now() - hours(1), mac_of(question)).octets;
          }).what.ends_with("signed with a time too far from ours"));
}

TEST_CASE("a server that does not know the key is quoted") {
    FakeDns server([](const Asked& question) {
        Message reply = reply_to(question.message);
        reply.rcode = Rcode::not_auth;
        Message with = read_message(sign(to_wire(reply), key, now(), {}, 17).octets).value();
        Bytes& data = with.additionals[0].data;
        data[22] = 0;  // no MAC (RFC 8945 §5.3.2)
        data.erase(data.begin() + 23, data.begin() + 23 + 32);
        return Octets{to_wire(with)};
    });
    Problem problem = problem_from(add(server, milliseconds(700)));
    CHECK(problem.code == "dns.notSigned");
    CHECK(problem.remote == "BADKEY");
}

TEST_CASE("clocks that differ are both shown") {
    FakeDns server([](const Asked& question) {
        return Octets{signed_reply(question, Rcode::not_auth, 18, Time(seconds(1'700'000'000)))};
    });
    Problem problem = problem_from(add(server));
    CHECK(problem.code == "dns.clockSkew");
    CHECK(problem.what.find("there 2023-11-14T22:13:20Z") != std::string::npos);
    CHECK(problem.what.find("here it is 20") != std::string::npos);
}

TEST_CASE("a refusal is final and quoted") {
    FakeDns server([](const Asked& question) { return Octets{signed_reply(question, Rcode::refused)}; });
    Problem problem = problem_from(add(server));
    CHECK(problem.code == "dns.updateRefused");
    CHECK(problem.remote == "REFUSED");
    CHECK(server.questions().size() == 1);
}

TEST_CASE("an update that was accepted and not done is noticed") {
    FakeDns alias([](const Asked& question) {
        return is_update(question) ? Octets{signed_reply(question)}
                                   : shown(question, {record(name.text(), Type::cname, "x.example.net")});
    });
    Problem problem = problem_from(add(alias));
    CHECK(problem.code == "dns.updateIgnored");
    CHECK(problem.what.ends_with("did not do it: a CNAME stands there"));
    FakeDns lazy([](const Asked& question) {
        return is_update(question) ? Octets{signed_reply(question)} : shown(question, {});
    });
    CHECK(problem_from(add(lazy)).what.ends_with("the TXT value is not there"));
}

TEST_CASE("a primary that does not answer is followed by its next address") {
    FakeDns silent([](const Asked&) { return Octets{}; });
    FakeDns server([](const Asked& question) {
        return is_update(question) ? Octets{signed_reply(question)}
                                   : shown(question, {record(name.text(), Type::txt, "value")});
    });
    SystemClock clock;
    run_task(
        add_text(clock, {zone, {silent.endpoint(), server.endpoint()}, milliseconds(700)}, key, name, "value", 60));
    CHECK(problem_from(add(silent, milliseconds(200))).code == "dns.noAnswer");
}
