// UDP and TCP exchanges with name servers.
#include "libacme/dns/exchange.hpp"

#include "libacme/async/timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace certd::dns {

namespace {

using asio::ip::udp;
constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t udp_limit = 512;  // RFC 1035 §4.2.1; longer messages go over TCP
constexpr std::uint16_t dns_port = 53;

// The state of one exchange, and the coroutines that share it.
class Conversation {
   public:
    Conversation(Clock& clock, Endpoint server, Message message, Bytes octets, ExchangeOptions options)
        : clock_(clock),
          server_(std::move(server)),
          message_(std::move(message)),
          octets_(std::move(octets)),
          options_(std::move(options)),
          end_(clock.monotonic() + options_.timeout) {}

    Task<Reply> run() {
        if (octets_.size() <= udp_limit) {
            std::optional<Reply> reply = co_await ask_over_udp();
            if (!reply) fail_without_answer(ignored_);
            if (!reply->message.truncated) co_return std::move(*reply);
        }
        Duration left = end_ - clock_.monotonic();
        if (left <= Duration(0)) fail_without_answer("cut short over UDP");
        bool late = false;
        try {
            co_return co_await with_timeout(clock_, left, "dns.noAnswer", "", ask_over_tcp());
        } catch (const Failure& failure) {
            if (!failure.problem().what.empty()) throw;
            late = true;
        }
        if (late) fail_without_answer(ignored_.empty() ? "over TCP" : ignored_);
        co_return Reply{};
    }

   private:
    [[noreturn]] void fail_without_answer(const std::string& why) const {
        fail("dns.noAnswer",
             fmt::format("The name server {} gave no answer about {} within {}{}", text_of(server_), subject(),
                         format_duration(options_.timeout), why.empty() ? "" : " (" + why + ")"));
    }

    [[noreturn]] void fail_with(const boost::system::error_code& error) const {
        if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
        fail("dns.noAnswer", fmt::format("The name server {} cannot be asked about {} ({})", text_of(server_),
                                         subject(), error.message()));
    }

    std::string subject() const { return message_.questions.empty() ? "" : message_.questions.front().name.text(); }

    bool matches(const Message& reply) {
        // RFC 2136 §3.8 lets a server leave the zone section of an UPDATE's reply empty.
        bool update = message_.opcode == Opcode::update && reply.questions.empty();
        if (reply.is_reply && reply.id == message_.id && reply.opcode == message_.opcode &&
            (update || reply.questions == message_.questions)) {
            return true;
        }
        ignored_ = "what came did not answer the question";
        return false;
    }

    std::optional<Reply> judge(Bytes octets) {
        Result<Message> read = read_message(octets);
        if (!read) {
            ignored_ = "a damaged message came";
            // An answer cut short may end anywhere (RFC 2181 §9); its head is enough to turn to TCP.
            read = read_message(head_of(octets));
            if (!read || !read->truncated) return std::nullopt;
            read->questions = message_.questions;
        }
        if (!matches(*read)) return std::nullopt;
        Reply reply{std::move(*read), std::move(octets)};
        if (!reply.message.truncated && options_.accept && !options_.accept(reply)) {
            ignored_ = "no acceptable answer came";
            return std::nullopt;
        }
        return reply;
    }

    static Bytes head_of(const Bytes& octets) {
        Bytes head(octets.begin(),
                   octets.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(12, octets.size())));
        if (head.size() == 12) std::fill(head.begin() + 4, head.end(), std::uint8_t{0});
        return head;
    }

    Task<std::optional<Reply>> ask_over_udp() {
        udp::socket socket(co_await asio::this_coro::executor);
        boost::system::error_code error;
        udp::endpoint peer(server_.address(), server_.port());
        socket.open(peer.protocol(), error);
        // Connected, so that the kernel drops what others send.
        if (!error) socket.connect(peer, error);
        if (error) fail_with(error);
        std::optional<Reply> reply;
        for (Duration pause = options_.first_resend; !reply; pause *= 2) {
            Duration left = end_ - clock_.monotonic();
            if (left <= Duration(0)) break;
            auto [failed, sent] = co_await socket.async_send(asio::buffer(octets_), as_tuple);
            if (failed) fail_with(failed);
            try {
                co_await with_timeout(clock_, std::min(pause, left), "dns.noAnswer", "", receive(socket, reply));
            } catch (const Failure& failure) {
                if (!failure.problem().what.empty()) throw;
            }
        }
        co_return reply;
    }

    Task<> receive(udp::socket& socket, std::optional<Reply>& reply) {
        Bytes buffer(65535);
        while (!reply) {
            auto [error, size] = co_await socket.async_receive(asio::buffer(buffer), as_tuple);
            if (error) fail_with(error);
            reply = judge(Bytes(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)));
        }
    }

    // RFC 1035 §4.2.2: each message with its length before it.
    Task<Reply> ask_over_tcp() {
        asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
        if (auto [error] = co_await socket.async_connect(server_, as_tuple); error) fail_with(error);
        Bytes framed = {static_cast<std::uint8_t>(octets_.size() >> 8U),
                        static_cast<std::uint8_t>(octets_.size() & 0xFFU)};
        framed.insert(framed.end(), octets_.begin(), octets_.end());
        if (auto [error, sent] = co_await asio::async_write(socket, asio::buffer(framed), as_tuple); error)
            fail_with(error);
        for (;;) {
            std::array<std::uint8_t, 2> length{};
            if (auto [error, size] = co_await asio::async_read(socket, asio::buffer(length), as_tuple); error)
                end_of_stream(error);
            Bytes octets(static_cast<std::size_t>(length[0] << 8 | length[1]));
            if (auto [error, size] = co_await asio::async_read(socket, asio::buffer(octets), as_tuple); error)
                end_of_stream(error);
            std::optional<Reply> reply = judge(std::move(octets));
            if (reply && !reply->message.truncated) co_return std::move(*reply);
        }
    }

    [[noreturn]] void end_of_stream(const boost::system::error_code& error) const {
        if (error == asio::error::eof && !ignored_.empty()) fail_without_answer(ignored_);
        fail_with(error);
    }

    Clock& clock_;
    Endpoint server_;
    Message message_;
    Bytes octets_;
    ExchangeOptions options_;
    Duration end_;
    std::string ignored_;  // the last thing that came and was no answer
};

}  // namespace

Task<Reply> exchange(Clock& clock, Endpoint server, Message message, Bytes octets, ExchangeOptions options) {
    Conversation conversation(clock, std::move(server), std::move(message), std::move(octets), std::move(options));
    co_return co_await conversation.run();
}

std::string text_of(const Endpoint& server) {
    std::string address = server.address().to_string();
    if (server.port() == dns_port) return address;
    return server.address().is_v6() ? fmt::format("[{}]:{}", address, server.port())
                                    : fmt::format("{}:{}", address, server.port());
}

}  // namespace certd::dns
