// The parts of a certificate in the forms that services want them in.
#pragma once

#include "config/model.hpp"
#include "daemon/store/store.hpp"

#include <string>

namespace certd {

// What an install step writes. Reads the password of a PKCS#12 file, and takes some milliseconds for it: blocking.
// Problems deploy.install with the cause, among them those of read_secret.
Result<std::string> encoded(const config::InstallStep& step, const CertificateFiles& files);

}  // namespace certd
