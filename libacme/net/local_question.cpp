// ask_local: connect, write, read to the end.
#include "libacme/net/local_question.hpp"

#include "libacme/async/timeout.hpp"
#include "libacme/base/problem.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cerrno>
#include <tuple>

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace certd {
namespace {

using Socket = asio::local::stream_protocol::socket;

constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;

[[noreturn]] void broken(std::string_view code, const std::string& what, const boost::system::error_code& error) {
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    fail(code, fmt::format("{} ({})", what, error.message()));
}

// Close-on-exec from birth, which asio's own open() is not.
boost::system::error_code open_socket(Socket& socket) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return {errno, boost::system::system_category()};
    boost::system::error_code error;
    socket.assign(asio::local::stream_protocol(), fd, error);
    if (error) ::close(fd);
    return error;
}

Task<> connect(Socket& socket, const std::string& path) {
    const std::string what = "Cannot connect to the socket " + path;
    if (path.empty() || path.size() > longest_path)
        fail("net.connect", fmt::format("{}: a path of a socket has 1 to {} octets", what, longest_path));
    boost::system::error_code error = open_socket(socket);
    if (!error) {
        std::tie(error) = co_await socket.async_connect(asio::local::stream_protocol::endpoint(path),
                                                        asio::as_tuple(asio::use_awaitable));
    }
    if (error) broken("net.connect", what, error);
}

// Who is not read to the end may have answered all the same, so that a failure to write is no end yet.
Task<std::string> converse(Socket& socket, const LocalQuestion& question) {
    const auto [unsent, written] =
        co_await asio::async_write(socket, asio::buffer(question.text), asio::as_tuple(asio::use_awaitable));
    if (unsent == asio::error::operation_aborted) broken("net.closed", question.socket, unsent);
    std::string answer;
    std::array<char, 8192> buffer{};
    for (;;) {
        const auto [error, count] =
            co_await socket.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
        if (error == asio::error::eof) break;
        if (error) broken("net.closed", "The connection to " + question.socket + " broke", error);
        if (answer.size() + count > question.answer_limit) {
            fail("net.tooLarge",
                 fmt::format("The answer of {} has more than {} octets", question.socket, question.answer_limit));
        }
        answer.append(buffer.data(), count);
    }
    co_return answer;
}

Task<std::string> ask(LocalQuestion question) {
    Socket socket(co_await asio::this_coro::executor);
    co_await connect(socket, question.socket);
    co_return co_await converse(socket, question);
}

}  // namespace

Task<std::string> ask_local(Clock& clock, LocalQuestion question) {
    const Duration limit = question.timeout;
    std::string late = fmt::format("{} did not answer within {}", question.socket, format_duration(limit));
    co_return co_await with_timeout(clock, limit, "net.timeout", std::move(late), ask(std::move(question)));
}

}  // namespace certd
