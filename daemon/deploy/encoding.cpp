#include "daemon/deploy/encoding.hpp"

#include "daemon/deploy/parts.hpp"
#include "libacme/base/secret.hpp"
#include "libacme/crypto/pem.hpp"
#include "libacme/crypto/pkcs12.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

namespace {

std::string der_of(config::Part part, const CertificateFiles& files) {
    if (part == config::Part::cert) return std::string(as_text(value_or_fail(parse_chain(files.cert)).front().der()));
    // Keys are stored as PKCS#8; one of another form is brought into it.
    const std::string pem = value_or_fail(PrivateKey::from_pem(files.privkey)).pem();
    const auto blocks = read_pem_blocks(pem, "PRIVATE KEY", 1);
    if (!blocks || blocks->empty()) fail("crypto.keyMalformed", "The private key is not PKCS#8");
    return std::string(as_text(blocks->front()));
}

std::string pkcs12_of(const config::InstallStep& step, const CertificateFiles& files) {
    const PrivateKey key = value_or_fail(PrivateKey::from_pem(files.privkey));
    const Chain chain = value_or_fail(parse_chain(files.fullchain));
    std::string password = value_or_fail(read_secret(step.password_file));
    const auto names = chain.front().names();
    const Bytes file = make_pkcs12(key, chain, names.empty() ? "certd" : names.front().value, password);
    std::fill(password.begin(), password.end(), '\0');
    return std::string(as_text(file));
}

}  // namespace

Result<std::string> encoded(const config::InstallStep& step, const CertificateFiles& files) {
    try {
        if (step.part == config::Part::pkcs12) return pkcs12_of(step, files);
        if (step.format == config::Format::der) return der_of(step.part, files);
        return content_of(step.part, files);
    } catch (const Failure& failed) {
        Problem result = problem("deploy.install", fmt::format("Cannot make {}: {}", step.path, failed.problem().what));
        result.hint = failed.problem().hint;
        result.parts.push_back(failed.problem());
        return failure(std::move(result));
    }
}

}  // namespace certd
