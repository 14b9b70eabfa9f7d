#include "tests/support/nginx.hpp"

#include <fmt/format.h>

#include <csignal>
#include <stdexcept>

namespace certd::test {

Nginx::Nginx(std::filesystem::path directory, std::uint16_t http_port)
    : directory_(std::move(directory)), http_port_(http_port), tls_port_(free_port()) {
    start();
}

Nginx::Nginx(std::filesystem::path directory, std::string address, std::uint16_t tls_port)
    : directory_(std::move(directory)), address_(std::move(address)), tls_port_(tls_port) {
    start();
}

void Nginx::start() {
    std::filesystem::create_directories(directory_ / "tmp");
    std::filesystem::create_directories(webroot());
    make_placeholder(fullchain(), privkey());
    mend_configuration();
    child_ = std::make_unique<Child>(std::vector<std::string>{program("nginx"), "-e", directory_ / "error.log", "-p",
                                                              directory_, "-c", "nginx.conf", "-g", "daemon off;"},
                                     ChildOptions{{}, directory_ / "output.log", {}, {}, {}});
    if (!eventually(10s, [&] { return !served("placeholder").empty(); })) {
        throw std::runtime_error("nginx did not start:\n" + read_file(directory_ / "output.log") +
                                 read_file(directory_ / "error.log"));
    }
}

std::string Nginx::configuration() const {
    const std::string http =
        http_port_ == 0 ? "" : fmt::format("server {{ listen 127.0.0.1:{}; root webroot; }}", http_port_);
    return fmt::format(R"(user root;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi; scgi_temp_path tmp/scgi;
    server {{
        listen {}:{} ssl;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate fullchain.pem;
        ssl_certificate_key privkey.pem;
        {}
        return 200 "served\n";
    }}
    {}
}}
)",
                       address_, tls_port_,
                       has_rsa_ ? "ssl_certificate rsa-fullchain.pem; ssl_certificate_key rsa-privkey.pem;" : "", http);
}

void Nginx::add_rsa() {
    make_placeholder(rsa_fullchain(), rsa_privkey(), "rsa", "rsa_keygen_bits:2048");
    has_rsa_ = true;
    mend_configuration();
}

void Nginx::break_configuration() const {
    write_file(directory_ / "nginx.conf", configuration() + "this is no nginx directive;\n");
}

void Nginx::mend_configuration() const {
    write_file(directory_ / "nginx.conf", configuration());
}

std::string Nginx::endpoint() const {
    return fmt::format("{}:{}", address_, tls_port_);
}

std::string Nginx::test_command() const {
    return fmt::format("[{}, -t, -q, -e, stderr, -p, {}, -c, nginx.conf]", program("nginx"), directory_.string());
}

void Nginx::reload() const {
    child_->signal(SIGHUP);
}

std::string Nginx::reload_command() const {
    return fmt::format("[{}, -e, error.log, -p, {}, -c, nginx.conf, -s, reload]", program("nginx"),
                       directory_.string());
}

std::string Nginx::served(const std::string& server_name) const {
    return served(server_name, "");
}

std::string Nginx::served(const std::string& server_name, const std::string& options) const {
    return served_fingerprint(endpoint(), server_name, options);
}

}  // namespace certd::test
