// TrustedRoots: OpenSSL's verification of a chain, for the purpose of a TLS server.
#include "libacme/net/tls_path.hpp"

#include "libacme/crypto/openssl.hpp"
#include "libacme/net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

namespace certd {

namespace {

void free_stack(STACK_OF(X509) * stack) {
    sk_X509_pop_free(stack, X509_free);
}

using StackOwner = std::unique_ptr<STACK_OF(X509), openssl::Deleter<free_stack>>;
using VerificationOwner = std::unique_ptr<X509_STORE_CTX, openssl::Deleter<X509_STORE_CTX_free>>;

StackOwner stack_of_others(const Chain& chain) {
    StackOwner stack(sk_X509_new_null());
    if (!stack) throw std::bad_alloc();
    for (std::size_t i = 1; i < chain.size(); ++i) {
        openssl::CertificateOwner other = openssl::to_x509(chain[i]);
        if (sk_X509_push(stack.get(), other.get()) == 0) throw std::bad_alloc();
        static_cast<void>(other.release());
    }
    return stack;
}

std::string fault_at(X509_STORE* store, X509* leaf, STACK_OF(X509) * others, Time now) {
    VerificationOwner verification(X509_STORE_CTX_new());
    if (!verification || X509_STORE_CTX_init(verification.get(), store, leaf, others) != 1) throw std::bad_alloc();
    X509_STORE_CTX_set_default(verification.get(), "ssl_server");
    const auto at = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    X509_STORE_CTX_set_time(verification.get(), 0, static_cast<std::time_t>(at));
    if (X509_verify_cert(verification.get()) == 1) return {};
    return X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification.get()));
}

}  // namespace

TrustedRoots::TrustedRoots(const std::string& bundle) : stores_{system_trust()} {
    if (!bundle.empty()) stores_.push_back(load_ca_bundle(bundle));
}

std::string TrustedRoots::fault_of(const Chain& chain, Time now) const {
    if (chain.empty()) return "no certificate";
    std::string fault;
    try {
        const openssl::CertificateOwner leaf = openssl::to_x509(chain.front());
        const StackOwner others = stack_of_others(chain);
        for (const auto& store : stores_) {
            fault = fault_at(store.get(), leaf.get(), others.get(), now);
            if (fault.empty()) break;
        }
    } catch (const Failure& failed) {
        fault = failed.problem().what;
    }
    ERR_clear_error();
    return fault;
}

}  // namespace certd
