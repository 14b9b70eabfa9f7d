// A name server on loopback, over UDP and TCP, that says what the test makes it say: from a table of records, or octet
// by octet. It runs on a thread of its own with blocking sockets, so that it shares nothing with the code under test.
#pragma once

#include "libacme/dns/message.hpp"
#include "libacme/net/resolve.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace certd::test {

class FakeDns {
   public:
    struct Asked {
        Bytes octets;
        dns::Message message;
        bool over_tcp = false;
        std::size_t number = 0;  // counted from 0
    };
    // What is sent back, one datagram or TCP message after another; nothing: silence.
    using Answer = std::function<std::vector<Bytes>(const Asked& question)>;

    explicit FakeDns(Answer answer, bool with_tcp = true);
    ~FakeDns();

    Endpoint endpoint() const;
    std::vector<Asked> questions() const;

    struct State;

   private:
    std::unique_ptr<State> state_;
};

// The head of a reply: same id, opcode and question.
dns::Message reply_to(const dns::Message& question);

// "a.example.org", "TXT", "text" and the like; types A, AAAA, NS, CNAME, SOA, TXT, and CAA: "128 issue ca.example".
dns::Record record(const std::string& name, dns::Type type, const std::string& data);

// What an authoritative server with these records would answer: aliases are not followed, the SOA of the deepest zone
// comes with empty answers.
dns::Message answer_from(const std::vector<dns::Record>& records, const dns::Message& question);

}  // namespace certd::test
