// Exchanges with a name server that does not do what it should (faults S8, F27).
#include "libacme/dns/exchange.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_dns.hpp"
#include "tests/support/run_task.hpp"

using namespace certd;
using namespace certd::dns;
using namespace certd::test;

namespace {

using Asked = FakeDns::Asked;
using Octets = std::vector<Bytes>;

Message good(const Asked& question) {
    Message reply = reply_to(question.message);
    reply.answers = {record("a.example.org", Type::txt, "value")};
    return reply;
}

Task<Reply> ask(const FakeDns& server, Duration timeout, Duration resend = milliseconds(100)) {
    static SystemClock clock;
    Message message = query(Name::parse("a.example.org").value(), Type::txt, false);
    ExchangeOptions options;
    options.timeout = timeout;
    options.first_resend = resend;
    Bytes octets = to_wire(message);
    return exchange(clock, server.endpoint(), std::move(message), std::move(octets), std::move(options));
}

}  // namespace

TEST_CASE("an answer is returned with its records") {
    FakeDns server([](const Asked& question) { return Octets{to_wire(good(question))}; });
    Reply reply = run_task(ask(server, seconds(5), seconds(5)));
    CHECK(text_of(reply.message.answers.at(0)) == "value");
    CHECK(server.questions().size() == 1);
    CHECK_FALSE(server.questions()[0].message.recursion_desired);
}

TEST_CASE("what is no answer to the question is passed over until the answer comes") {
    FakeDns server([](const Asked& question) {
        Message wrong_id = good(question), wrong_name = good(question), no_reply = good(question);
        wrong_id.id ^= 1U;
        wrong_name.questions[0].name = Name::parse("b.example.org").value();
        no_reply.is_reply = false;
        Message two_questions = good(question), none = good(question), other_opcode = good(question);
        two_questions.questions.push_back(two_questions.questions[0]);
        none.questions.clear();
        other_opcode.opcode = Opcode::update;
        return Octets{Bytes{1, 2, 3},         to_wire(wrong_id), to_wire(wrong_name),   to_wire(no_reply),
                      to_wire(two_questions), to_wire(none),     to_wire(other_opcode), to_wire(good(question))};
    });
    CHECK(run_task(ask(server, seconds(5))).message.answers.size() == 1);
}

TEST_CASE("a lost question is asked again") {
    FakeDns server(
        [](const Asked& question) { return question.number < 2 ? Octets{} : Octets{to_wire(good(question))}; });
    CHECK(run_task(ask(server, seconds(5))).message.answers.size() == 1);
    auto questions = server.questions();
    REQUIRE(questions.size() >= 3);
    CHECK(questions[0].octets == questions[2].octets);
}

TEST_CASE("silence and answers to something else end in time with a problem that names the server") {
    FakeDns silent([](const Asked&) { return Octets{}; });
    Problem problem = problem_from(ask(silent, milliseconds(250)));
    CHECK(problem.code == "dns.noAnswer");
    CHECK(problem.what ==
          "The name server " + text_of(silent.endpoint()) + " gave no answer about a.example.org within 250ms");
    FakeDns liar([](const Asked& question) {
        Message wrong = good(question);
        wrong.id ^= 1U;
        return Octets{to_wire(wrong)};
    });
    problem = problem_from(ask(liar, milliseconds(700)));
    CHECK(problem.code == "dns.noAnswer");
    CHECK(problem.what.ends_with("(what came did not answer the question)"));
}

TEST_CASE("an answer cut short is asked for again over TCP") {
    std::string large(64'000, 'x');
    FakeDns server([&](const Asked& question) {
        Message reply = reply_to(question.message);
        reply.truncated = !question.over_tcp;
        if (question.over_tcp) reply.answers = {record("a.example.org", Type::txt, large)};
        Bytes octets = to_wire(reply);
        // A record that was begun: the head says one answer and there is none.
        if (!question.over_tcp) octets[7] = 1;
        return Octets{octets};
    });
    Reply reply = run_task(ask(server, seconds(5)));
    CHECK(text_of(reply.message.answers.at(0)) == large);
    CHECK(server.questions().back().over_tcp);
}

TEST_CASE("an answer cut short by a server without TCP, or one that is silent there, is a problem") {
    auto cut = [](const Asked& question) {
        Message reply = reply_to(question.message);
        reply.truncated = true;
        return question.over_tcp ? Octets{} : Octets{to_wire(reply)};
    };
    FakeDns without(cut, false);
    CHECK(problem_from(ask(without, seconds(2))).code == "dns.noAnswer");
    FakeDns closing(cut);
    CHECK(problem_from(ask(closing, seconds(2))).code == "dns.noAnswer");
    FakeDns endless([](const Asked& question) {
        Message reply = reply_to(question.message);
        reply.truncated = true;  // over TCP too
        return Octets{to_wire(reply)};
    });
    CHECK(problem_from(ask(endless, seconds(2))).code == "dns.noAnswer");
}

TEST_CASE("servers are named with their port unless it is the usual one") {
    CHECK(text_of(Endpoint(asio::ip::make_address("192.0.2.1"), 53)) == "192.0.2.1");
    CHECK(text_of(Endpoint(asio::ip::make_address("::1"), 5353)) == "[::1]:5353");
}
