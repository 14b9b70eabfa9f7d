// RawServer: one accepting thread, one thread per connection, everything woken by shutdown() at the end.
#include "tests/support/raw_server.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

namespace certd::test {
namespace {

using ContextPointer = std::shared_ptr<SSL_CTX>;

void require(bool condition, const char* what) {
    if (!condition) throw std::runtime_error(std::string("RawServer: ") + what);
}

int connect_to_loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

void use_identity(SSL_CTX* context, const TlsIdentity& identity) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> chain(
        BIO_new_mem_buf(identity.chain_pem.data(), static_cast<int>(identity.chain_pem.size())), &BIO_free);
    for (bool leaf = true;; leaf = false) {
        X509* certificate = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr);
        if (certificate == nullptr) {
            require(!leaf, "no certificate");
            break;
        }
        if (leaf) {
            require(SSL_CTX_use_certificate(context, certificate) == 1, "certificate refused");
            X509_free(certificate);
        } else {
            SSL_CTX_add0_chain_cert(context, certificate);
        }
    }
    ERR_clear_error();
    const std::unique_ptr<BIO, decltype(&BIO_free)> pem(
        BIO_new_mem_buf(identity.key_pem.data(), static_cast<int>(identity.key_pem.size())), &BIO_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(pem.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
    require(key && SSL_CTX_use_PrivateKey(context, key.get()) == 1, "key refused");
}

ContextPointer make_context(const TlsIdentity& identity, const RawServerOptions& options) {
    ContextPointer context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
    if (options.security_level >= 0) {
        SSL_CTX_set_security_level(context.get(), options.security_level);
        SSL_CTX_set_cipher_list(context.get(), ("ALL:@SECLEVEL=" + std::to_string(options.security_level)).c_str());
    }
    if (options.greatest_version != 0) {
        SSL_CTX_set_min_proto_version(context.get(), 0);
        SSL_CTX_set_max_proto_version(context.get(), options.greatest_version);
    }
    constexpr unsigned char id[] = "raw";
    SSL_CTX_set_session_id_context(context.get(), id, sizeof id - 1);
    use_identity(context.get(), identity);
    if (options.second) use_identity(context.get(), *options.second);
    return context;
}

}  // namespace

struct RawServer::State {
    RawServerOptions options;
    std::function<RawScript(std::size_t)> script;
    ContextPointer context;
    std::vector<std::pair<std::string, ContextPointer>> contexts_by_name;
    int listening = -1;
    std::uint16_t port = 0;
    std::thread acceptor;

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable stopped_changed;
    bool stopped = false;
    std::vector<std::thread> threads;
    std::vector<int> open;
    std::size_t accepted = 0;
    std::size_t resumed = 0;
    std::vector<std::string> requests;
    std::vector<std::string> server_names;

    void listen();
    void accept_for_ever();
    static int choose_identity(SSL* ssl, int*, void* state);
    static int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char*,
                               unsigned, void* state);
};

namespace {

// Plays one script on one connection; only its own thread touches it.
class Player {
   public:
    Player(RawServer::State& state, int fd) : state_(state), fd_(fd) {}
    ~Player() { drop_tls(); }

    bool start_tls() {
        ssl_ = SSL_new(state_.context.get());
        SSL_set_fd(ssl_, fd_);
        if (SSL_accept(ssl_) != 1) return false;
        const std::lock_guard lock(state_.mutex);
        if (SSL_session_reused(ssl_) == 1) ++state_.resumed;
        return true;
    }

    // False ends the script.
    bool operator()(raw::Receive) {
        std::string request;
        std::size_t wanted = std::string::npos;
        while (request.size() < wanted) {
            char buffer[4096];
            const auto got = read(buffer, sizeof buffer);
            if (got <= 0) return false;
            request.append(buffer, static_cast<std::size_t>(got));
            if (wanted == std::string::npos) wanted = whole_size(request);
        }
        const std::lock_guard lock(state_.mutex);
        state_.requests.push_back(std::move(request));
        return true;
    }
    bool operator()(const raw::Expect& step) {
        std::string got(step.octets.size(), '\0');
        std::size_t filled = 0;
        while (filled < got.size()) {
            const auto more = read(got.data() + filled, got.size() - filled);
            if (more <= 0) return false;
            filled += static_cast<std::size_t>(more);
        }
        return got == step.octets;
    }
    bool operator()(const raw::Send& step) { return write(step.octets); }
    bool operator()(const raw::Drip& step) {
        for (std::size_t i = 0;; i = (i + 1) % step.octets.size()) {
            if (!write(step.octets.substr(i, 1)) || !wait(step.pause)) return false;
        }
    }
    bool operator()(raw::Pause step) { return wait(step.duration); }
    bool operator()(raw::Hold) {
        char buffer[4096];
        while (read(buffer, sizeof buffer) > 0) {}
        return false;
    }
    bool operator()(raw::Close) {
        if (ssl_ != nullptr) SSL_shutdown(ssl_);
        ::shutdown(fd_, SHUT_WR);
        return false;
    }
    bool operator()(raw::Reset) {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        return false;
    }
    bool operator()(raw::StartTls) { return start_tls(); }
    bool operator()(raw::Relay step) {
        const int other = connect_to_loopback(step.port);
        if (other < 0) return false;
        while (copy_either_way(other)) {}
        ::close(other);
        return false;
    }

    // Without RST, so that what was sent is also read.
    void finish() {
        ::shutdown(fd_, SHUT_WR);
        drop_tls();
        char buffer[4096];
        timeval limit{0, 200'000};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        while (::recv(fd_, buffer, sizeof buffer, 0) > 0) {}
    }

   private:
    void drop_tls() {
        SSL_free(ssl_);
        ssl_ = nullptr;
    }

    static std::size_t whole_size(const std::string& request) {
        const auto head_end = request.find("\r\n\r\n");
        if (head_end == std::string::npos) return std::string::npos;
        const auto field = request.find("Content-Length: ");
        const bool has_body = field != std::string::npos && field < head_end;
        return head_end + 4 + (has_body ? std::strtoul(request.c_str() + field + 16, nullptr, 10) : 0);
    }

    long read(char* buffer, std::size_t size) {
        if (ssl_ != nullptr) return SSL_read(ssl_, buffer, static_cast<int>(size));
        return ::recv(fd_, buffer, size, 0);
    }

    bool write(std::string_view data) {
        while (!data.empty()) {
            const long written = ssl_ != nullptr ? SSL_write(ssl_, data.data(), static_cast<int>(data.size()))
                                                 : ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
            if (written <= 0) return false;
            data.remove_prefix(static_cast<std::size_t>(written));
        }
        return true;
    }

    bool wait(std::chrono::milliseconds duration) {
        std::unique_lock lock(state_.mutex);
        return !state_.stopped_changed.wait_for(lock, duration, [this] { return state_.stopped; });
    }

    bool copy_either_way(int other) const {
        pollfd ends[] = {{fd_, POLLIN, 0}, {other, POLLIN, 0}};
        if (::poll(ends, 2, -1) < 0) return false;
        for (int i = 0; i < 2; ++i) {
            if (ends[i].revents == 0) continue;
            char buffer[16384];
            const auto got = ::recv(ends[i].fd, buffer, sizeof buffer, 0);
            if (got <= 0) return false;
            if (::send(ends[1 - i].fd, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) return false;
        }
        return true;
    }

    RawServer::State& state_;
    int fd_;
    SSL* ssl_ = nullptr;
};

void play(RawServer::State& state, int fd, const RawScript& script) {
    // OpenSSL writes without MSG_NOSIGNAL.
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);

    Player player(state, fd);
    bool reset = false;
    bool going = !state.options.identity || state.options.clear_at_first || player.start_tls();
    for (std::size_t i = 0; going && i < script.size(); ++i) {
        reset = std::holds_alternative<raw::Reset>(script[i]);
        going = std::visit(player, script[i]);
    }
    if (going) player(raw::Close{});
    if (!reset) player.finish();
}

}  // namespace

void RawServer::State::listen() {
    listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    require(::bind(listening, generic, size) == 0 && ::listen(listening, SOMAXCONN) == 0, "cannot listen");
    ::getsockname(listening, generic, &size);
    port = ntohs(address.sin_port);
}

void RawServer::State::accept_for_ever() {
    for (;;) {
        const int fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
        const std::lock_guard lock(mutex);
        if (stopped || fd < 0) {
            if (fd >= 0) ::close(fd);
            return;
        }
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        open.push_back(fd);
        threads.emplace_back([this, fd, steps = script(accepted++)] {
            play(*this, fd, steps);
            const std::lock_guard closing(mutex);
            open.erase(std::find(open.begin(), open.end(), fd));
            ::close(fd);
        });
    }
}

// Called for each ClientHello, with or without a name, and before anything is sent: a client that knows our certificate
// has been noted.
int RawServer::State::choose_identity(SSL* ssl, int*, void* argument) {
    auto& state = *static_cast<State*>(argument);
    const char* sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const std::string name = sent != nullptr ? sent : "";
    for (const auto& [known, context] : state.contexts_by_name) {
        if (known == name) SSL_set_SSL_CTX(ssl, context.get());
    }
    const std::lock_guard lock(state.mutex);
    state.server_names.push_back(name);
    return SSL_TLSEXT_ERR_OK;
}

int RawServer::State::choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char*,
                                      unsigned, void* state) {
    const auto& protocol = static_cast<State*>(state)->options.alpn;
    *chosen = reinterpret_cast<const unsigned char*>(protocol.data());
    *length = static_cast<unsigned char>(protocol.size());
    return SSL_TLSEXT_ERR_OK;
}

RawServer::RawServer(RawServerOptions options, std::function<RawScript(std::size_t)> script)
    : state_(std::make_unique<State>()) {
    state_->options = std::move(options);
    state_->script = std::move(script);
    const auto& settings = state_->options;
    if (settings.identity) {
        state_->context = make_context(*settings.identity, settings);
        for (const auto& [name, identity] : settings.by_name) {
            state_->contexts_by_name.emplace_back(name, make_context(identity, settings));
        }
        SSL_CTX_set_tlsext_servername_callback(state_->context.get(), &State::choose_identity);
        SSL_CTX_set_tlsext_servername_arg(state_->context.get(), state_.get());
        if (!settings.alpn.empty())
            SSL_CTX_set_alpn_select_cb(state_->context.get(), &State::choose_protocol, state_.get());
    }
    state_->listen();
    state_->acceptor = std::thread([state = state_.get()] { state->accept_for_ever(); });
}

RawServer::RawServer(RawServerOptions options, RawScript script)
    : RawServer(std::move(options), [script = std::move(script)](std::size_t) { return script; }) {}

RawServer::~RawServer() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopped = true;
        for (const int fd : state_->open)
            ::shutdown(fd, SHUT_RDWR);
    }
    state_->stopped_changed.notify_all();
    ::shutdown(state_->listening, SHUT_RDWR);
    state_->acceptor.join();
    for (auto& thread : state_->threads)
        thread.join();
    ::close(state_->listening);
}

std::uint16_t RawServer::port() const {
    return state_->port;
}

std::string RawServer::url(const std::string& target, const std::string& host) const {
    return "https://" + host + ":" + std::to_string(port()) + target;
}

std::size_t RawServer::connections() const {
    const std::lock_guard lock(state_->mutex);
    return state_->accepted;
}

std::size_t RawServer::resumptions() const {
    const std::lock_guard lock(state_->mutex);
    return state_->resumed;
}

std::vector<std::string> RawServer::requests() const {
    const std::lock_guard lock(state_->mutex);
    return state_->requests;
}

std::vector<std::string> RawServer::server_names() const {
    const std::lock_guard lock(state_->mutex);
    return state_->server_names;
}

std::string http_answer(int status, const std::string& body, const std::string& extra_headers) {
    return "HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           extra_headers + "\r\n" + body;
}

}  // namespace certd::test
