#include "tests/support/tls_files.hpp"

#include "tests/support/child.hpp"

#include <cctype>
#include <stdexcept>

#include <fmt/format.h>

namespace certd::test {

namespace {

// "sha256 Fingerprint=AB:CD…" → "abcd…"
std::string plain_fingerprint(const std::string& text) {
    std::string digits;
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return {};
    for (const char c : text.substr(equals + 1)) {
        if (std::isxdigit(static_cast<unsigned char>(c)) != 0) {
            digits += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
    }
    return digits;
}

}  // namespace

void make_placeholder(const std::filesystem::path& certificate, const std::filesystem::path& key,
                      const std::string& algorithm, const std::string& option) {
    const Output made = run({program("openssl"), "req", "-x509", "-newkey", algorithm, "-pkeyopt", option, "-nodes",
                             "-days", "2", "-subj", "/CN=placeholder", "-keyout", key, "-out", certificate});
    if (made.exit_code != 0) throw std::runtime_error("openssl req: " + made.both());
}

std::string fingerprint_of_file(const std::filesystem::path& path) {
    return plain_fingerprint(run({program("openssl"), "x509", "-in", path, "-noout", "-fingerprint", "-sha256"}).out);
}

std::string served_fingerprint(const std::string& endpoint, const std::string& server_name,
                               const std::string& options) {
    const std::string command = fmt::format(
        "echo | openssl s_client -connect {} -servername {} {} 2>/dev/null | openssl x509 -noout -fingerprint -sha256",
        endpoint, server_name, options);
    return plain_fingerprint(run({"/bin/sh", "-c", command}).out);
}

}  // namespace certd::test
