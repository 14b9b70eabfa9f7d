// Would clients accept a chain? Judged as a TLS client of this machine judges it, without a connection.
#pragma once

#include "libacme/crypto/certificate.hpp"

#include <memory>
#include <string>
#include <vector>

struct x509_store_st;

namespace certd {

class TrustedRoots {
   public:
    // Those of the system, and where `bundle` names a file those in it. Blocking. Throws Failure(tls.caBundle).
    explicit TrustedRoots(const std::string& bundle = {});

    // Why `chain`, as it was shown, leads to none of them at `now`, in OpenSSL's words: "unable to get local issuer
    // certificate". Empty: it does. The name is not looked at. Blocking: roots may be read from disk.
    std::string fault_of(const Chain& chain, Time now) const;

   private:
    std::vector<std::shared_ptr<x509_store_st>> stores_;
};

}  // namespace certd
