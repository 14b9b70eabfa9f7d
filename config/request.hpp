// Certificate requests that operators give (`csr`): read from their file, and held against the lineage.
#pragma once

#include "config/model.hpp"

#include <string>
#include <vector>

namespace certd::config {

struct ReadRequest {
    CertificateRequest request;
    KeyType key_type = KeyType::ecdsa_p256;
};

// The request in the file at `path`, which none but root and certd may be able to change: whoever can puts a key of his
// own into the certificate. Must be for exactly `names`. Whatever is wrong is the request's problem (config.csr), and
// no error of the configuration: other lineages are not held up by it. Blocking.
ReadRequest read_request(const std::string& path, std::vector<Identifier> names);

}  // namespace certd::config
