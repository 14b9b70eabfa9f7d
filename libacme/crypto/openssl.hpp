// OpenSSL's objects as owners, and the handles behind PrivateKey and Certificate. Internal: included only by
// libacme/crypto and the TLS part of libacme/net.
#pragma once

#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/key.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace certd {

namespace openssl {

template <auto free_function>
struct Deleter {
    template <class T>
    void operator()(T* object) const {
        free_function(object);
    }
};

using KeyOwner = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using KeyContextOwner = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using DigestOwner = std::unique_ptr<EVP_MD, Deleter<EVP_MD_free>>;
using DigestContextOwner = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using BignumOwner = std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>;
using SignatureOwner = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;
using BioOwner = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using CertificateOwner = std::unique_ptr<X509, Deleter<X509_free>>;
using NameOwner = std::unique_ptr<X509_NAME, Deleter<X509_NAME_free>>;

// The reasons in this thread's error queue, newest last, which is emptied by this.
std::string last_error();

// The certificate as OpenSSL parses it, e.g. for SSL_CTX_use_certificate. Costs 0.2 ms: for servers, not for checks.
// Throws Failure(crypto.certificateMalformed).
CertificateOwner to_x509(const Certificate& certificate);
Result<Certificate> from_x509(const X509* certificate);

enum class Hash { sha256, sha384, sha512, sha1 };
const EVP_MD* fetched(Hash hash);  // fetched from the provider once per process
Bytes digest(Hash hash, ByteView data);

// The public key of a SubjectPublicKeyInfo; nullptr when OpenSSL cannot read it. P-256, P-384 and RSA take a short cut
// past OpenSSL's generic decoders (0.02 instead of 0.2 ms).
KeyOwner read_public_key(ByteView subject_public_key_info);

// The type of a key, private or public, that certd takes; nullopt for others.
std::optional<KeyType> supported_type(EVP_PKEY* key);

// The private key of a PKCS#8 block that holds an ECDSA P-256 or P-384 key with its public part, as certd writes them;
// nullptr for all else, which is for OpenSSL's generic decoders (ten times slower). Whether the parts belong together
// is not checked.
KeyOwner read_ec_private_key(ByteView pkcs8);

// A key without public or private part, from which keys on the same curve are made; one per process and curve.
EVP_PKEY* curve_parameters(KeyType type);

// DER AlgorithmIdentifiers: of a public key of this type, and of the signatures that sign() makes with it.
ByteView key_algorithm(KeyType type);
ByteView signature_algorithm(KeyType type);

// The signature over `data` as X.509 carries it (ECDSA in DER). Throws Failure(crypto.key).
Bytes sign(const PrivateKey& key, ByteView data);

enum class Verdict { good, bad, unknown_algorithm };  // unknown: neither ECDSA nor RSA PKCS#1 v1.5 with SHA-2
Verdict verify(EVP_PKEY* key, ByteView algorithm, ByteView data, ByteView signature);

}  // namespace openssl

struct PrivateKey::Handle {
    openssl::KeyOwner key;
    KeyType type = KeyType::ecdsa_p256;
    Bytes public_key_der;  // SubjectPublicKeyInfo
    std::string jwk;
};

}  // namespace certd
