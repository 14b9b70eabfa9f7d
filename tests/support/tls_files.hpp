// Certificates as files and as they are served, made and read with OpenSSL's own command line.
#pragma once

#include <filesystem>
#include <string>

namespace certd::test {

// A self-signed certificate for nobody, so that a server can start before something better is deployed.
void make_placeholder(const std::filesystem::path& certificate, const std::filesystem::path& key);

// SHA-256 of the first certificate in a PEM file, lower-case hex.
std::string fingerprint_of_file(const std::filesystem::path& path);

// SHA-256 of the leaf served at "HOST:PORT" for this name, lower-case hex; empty: no answer. `start_tls`: a protocol of
// s_client -starttls, or empty.
std::string served_fingerprint(const std::string& endpoint, const std::string& server_name,
                               const std::string& start_tls = {});

}  // namespace certd::test
