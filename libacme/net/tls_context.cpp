// Loading of trust anchors, and the settings of TLS contexts.
#include "libacme/net/tls_context.hpp"

#include "libacme/net/tls_stream.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace certd {
namespace {

using BioPointer = std::unique_ptr<BIO, decltype(&BIO_free)>;
using CertificatePointer = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr std::uintmax_t bundle_limit = std::uintmax_t{8} << 20;

TrustStore new_store() {
    X509_STORE* store = X509_STORE_new();
    if (store == nullptr) throw std::bad_alloc();
    return TrustStore(store, &X509_STORE_free);
}

[[noreturn]] void fail_bundle(const std::string& path, const std::string& reason) {
    ERR_clear_error();
    fail("tls.caBundle", "Cannot use the CA bundle " + path + " (" + reason + ")");
}

// The end of a PEM file shows as "no start line"; any other error is damage.
bool at_clean_end() {
    const auto error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

std::filesystem::path from_environment(const char* name, const char* fallback) {
    const char* value = ::secure_getenv(name);
    return value != nullptr ? value : fallback;
}

bool has_hashed_names(const std::filesystem::path& directory) {
    std::error_code ignored;
    for (auto entry = std::filesystem::directory_iterator(directory, ignored);
         entry != std::filesystem::directory_iterator(); entry.increment(ignored)) {
        if (entry->path().extension() == ".0") return true;
    }
    return false;
}

TrustStore find_system_trust() {
    auto store = new_store();
    const auto directory = from_environment(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
    if (has_hashed_names(directory)) {
        X509_STORE_load_path(store.get(), directory.c_str());
    } else {
        for (const std::filesystem::path& file :
             {from_environment(X509_get_default_cert_file_env(), X509_get_default_cert_file()),
              std::filesystem::path("/etc/ssl/certs/ca-certificates.crt"),
              std::filesystem::path("/etc/pki/tls/certs/ca-bundle.crt")}) {
            if (X509_STORE_load_file(store.get(), file.c_str()) == 1) break;
        }
    }
    ERR_clear_error();  // without any anchor every server is untrusted, which says it better
    return store;
}

boost::asio::ssl::context new_context(int least_version, int security_level) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    if (context == nullptr) throw std::bad_alloc();
    SSL_CTX_set_min_proto_version(context, least_version);
    SSL_CTX_set_security_level(context, security_level);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    return boost::asio::ssl::context(context);
}

}  // namespace

TrustStore load_ca_bundle(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) fail_bundle(path, error.message());
    if (size > bundle_limit) fail_bundle(path, "larger than 8 MiB");
    ERR_clear_error();
    const BioPointer file(BIO_new_file(path.c_str(), "r"), &BIO_free);
    if (!file) fail_bundle(path, std::strerror(errno));

    auto store = new_store();
    std::size_t count = 0;
    for (;; ++count) {
        const CertificatePointer certificate(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr), &X509_free);
        if (!certificate) break;
        if (X509_STORE_add_cert(store.get(), certificate.get()) != 1) fail_bundle(path, "a certificate cannot be used");
    }
    if (!at_clean_end()) fail_bundle(path, "damaged after " + std::to_string(count) + " certificates");
    if (count == 0) fail_bundle(path, "it holds no PEM certificate");
    ERR_clear_error();
    X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

TrustStore system_trust() {
    static const TrustStore store = find_system_trust();
    return store;
}

boost::asio::ssl::context verifying_context(const TrustStore& trust) {
    auto context = new_context(TLS1_2_VERSION, 2);
    SSL_CTX* handle = context.native_handle();
    SSL_CTX_set1_cert_store(handle, trust.get());
    SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nullptr);
    static constexpr std::array<unsigned char, 9> http11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(handle, http11.data(), http11.size());
    SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(handle, &TlsStream::on_new_session);
    return context;
}

boost::asio::ssl::context observing_context() {
    auto context = new_context(TLS1_VERSION, 0);
    SSL_CTX_set_cipher_list(context.native_handle(), "ALL:!aNULL:@SECLEVEL=0");
    SSL_CTX_set_verify(context.native_handle(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_session_cache_mode(context.native_handle(), SSL_SESS_CACHE_OFF);
    return context;
}

}  // namespace certd
