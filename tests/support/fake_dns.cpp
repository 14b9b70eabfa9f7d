#include "tests/support/fake_dns.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace certd::test {

using dns::Message;
using dns::Name;
using dns::Record;
using dns::Type;

struct FakeDns::State {
    Answer answer;
    int udp = -1, tcp = -1, stop = -1;
    std::uint16_t port = 0;
    mutable std::mutex mutex;
    std::vector<Asked> questions;
    std::thread thread;

    std::vector<Bytes> ask(Bytes octets, bool over_tcp) {
        auto message = dns::read_message(octets);
        if (!message) return {};
        Asked question;
        {
            std::lock_guard lock(mutex);
            question = {std::move(octets), std::move(*message), over_tcp, questions.size()};
            questions.push_back(question);
        }
        return answer(question);
    }

    void serve_udp() {
        Bytes buffer(65535);
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        ssize_t got = ::recvfrom(udp, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
        if (got < 0) return;
        for (const Bytes& octets : ask({buffer.begin(), buffer.begin() + got}, false))
            ::sendto(udp, octets.data(), octets.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
    }

    void serve_tcp() {
        int client = ::accept4(tcp, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        timeval limit{5, 0};
        ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        std::array<std::uint8_t, 2> length{};
        if (::recv(client, length.data(), 2, MSG_WAITALL) == 2) {
            Bytes octets(static_cast<std::size_t>(length[0] << 8 | length[1]));
            if (::recv(client, octets.data(), octets.size(), MSG_WAITALL) == static_cast<ssize_t>(octets.size())) {
                for (const Bytes& reply : ask(std::move(octets), true)) {
                    Bytes framed = {static_cast<std::uint8_t>(reply.size() >> 8U),
                                    static_cast<std::uint8_t>(reply.size() & 0xFFU)};
                    framed.insert(framed.end(), reply.begin(), reply.end());
                    ::send(client, framed.data(), framed.size(), MSG_NOSIGNAL);
                }
            }
        }
        ::close(client);
    }

    void run() {
        for (;;) {
            std::array<pollfd, 3> waits = {pollfd{stop, POLLIN, 0}, pollfd{udp, POLLIN, 0}, pollfd{tcp, POLLIN, 0}};
            if (::poll(waits.data(), tcp < 0 ? 2 : 3, -1) < 0) continue;
            if (waits[0].revents != 0) return;
            if (waits[1].revents != 0) serve_udp();
            if (tcp >= 0 && waits[2].revents != 0) serve_tcp();
        }
    }
};

FakeDns::FakeDns(Answer answer, bool with_tcp) : state_(std::make_unique<State>()) {
    state_->answer = std::move(answer);
    state_->stop = ::eventfd(0, EFD_CLOEXEC);
    // The same port for both: if TCP's is taken, another one is drawn.
    for (int tries = 0; tries < 50; ++tries) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* plain = reinterpret_cast<sockaddr*>(&address);
        state_->udp = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        state_->tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool bound = ::bind(state_->udp, plain, size) == 0 && ::getsockname(state_->udp, plain, &size) == 0 &&
                     ::bind(state_->tcp, plain, size) == 0;
        state_->port = ntohs(address.sin_port);
        if (bound && (!with_tcp || ::listen(state_->tcp, 8) == 0)) {
            if (!with_tcp) {
                ::close(state_->tcp);
                state_->tcp = -1;
            }
            state_->thread = std::thread([state = state_.get()] { state->run(); });
            return;
        }
        ::close(state_->udp);
        ::close(state_->tcp);
    }
    throw std::runtime_error("no port for the fake name server");
}

FakeDns::~FakeDns() {
    const std::uint64_t one = 1;
    if (::write(state_->stop, &one, sizeof one) == sizeof one) state_->thread.join();
    ::close(state_->stop);
    ::close(state_->udp);
    if (state_->tcp >= 0) ::close(state_->tcp);
}

Endpoint FakeDns::endpoint() const {
    return {asio::ip::address_v4::loopback(), state_->port};
}

std::vector<FakeDns::Asked> FakeDns::questions() const {
    std::lock_guard lock(state_->mutex);
    return state_->questions;
}

Message reply_to(const Message& question) {
    Message reply;
    reply.id = question.id;
    reply.is_reply = true;
    reply.opcode = question.opcode;
    reply.authoritative = true;
    reply.recursion_desired = question.recursion_desired;
    reply.questions = question.questions;
    return reply;
}

Record record(const std::string& name, Type type, const std::string& data) {
    Record made;
    made.name = Name::parse(name).value();
    made.type = type;
    made.ttl = 60;
    auto append = [&](std::string_view octets) { made.data.insert(made.data.end(), octets.begin(), octets.end()); };
    if (type == Type::txt) {
        made.data = dns::text_data(data);
    } else if (type == Type::a) {
        made.data.resize(4);
        ::inet_pton(AF_INET, data.c_str(), made.data.data());
    } else if (type == Type::aaaa) {
        made.data.resize(16);
        ::inet_pton(AF_INET6, data.c_str(), made.data.data());
    } else if (type == Type::caa) {
        std::size_t tag = data.find(' ') + 1, value = data.find(' ', tag) + 1;
        made.data = {static_cast<std::uint8_t>(std::stoi(data)), static_cast<std::uint8_t>(value - 1 - tag)};
        append(data.substr(tag, value - 1 - tag));
        append(data.substr(value));
    } else {
        append(Name::parse(data).value().wire());
        if (type == Type::soa) append(Name::parse("hostmaster.example").value().wire() + std::string(20, '\1'));
    }
    return made;
}

Message answer_from(const std::vector<Record>& records, const Message& question) {
    Message reply = reply_to(question);
    const dns::Question& asked = question.questions.at(0);
    bool exists = false;
    const Record* soa = nullptr;
    for (const Record& record : records) {
        bool deeper = soa == nullptr || record.name.wire().size() > soa->name.wire().size();
        if (record.type == Type::soa && asked.name.is_at_or_below(record.name) && deeper) soa = &record;
        exists = exists || record.name.is_at_or_below(asked.name);
        if (record.name == asked.name && (record.type == asked.type || record.type == Type::cname))
            reply.answers.push_back(record);
    }
    if (!exists) reply.rcode = dns::Rcode::nx_domain;
    if (reply.answers.empty() && soa != nullptr) reply.authorities.push_back(*soa);
    return reply;
}

}  // namespace certd::test
