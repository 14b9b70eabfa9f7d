// Certificates as files and as they are served, made and read with OpenSSL's own command line.
#pragma once

#include <filesystem>
#include <string>

namespace certd::test {

// A self-signed certificate for nobody, so that a server can start before something better is deployed.
// `algorithm` and `option` are words of OpenSSL's -newkey and -pkeyopt.
void make_placeholder(const std::filesystem::path& certificate, const std::filesystem::path& key,
                      const std::string& algorithm = "ec", const std::string& option = "ec_paramgen_curve:prime256v1");

// SHA-256 of the first certificate in a PEM file, lower-case hex.
std::string fingerprint_of_file(const std::filesystem::path& path);

// SHA-256 of the leaf served at "HOST:PORT" for this name, lower-case hex; empty: no answer. `options`: further ones of
// s_client ("-starttls smtp").
std::string served_fingerprint(const std::string& endpoint, const std::string& server_name,
                               const std::string& options = {});

}  // namespace certd::test
