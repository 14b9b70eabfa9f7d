// TestAuthority: one root, leaves directly below it.
#include "tests/support/test_authority.hpp"

#include <chrono>
#include <fstream>

namespace certd::test {
namespace {

Certificate make_root(const PrivateKey& key, const std::string& common_name, TestAuthority::Validity validity) {
    CertificateTemplate root;
    root.common_name = common_name;
    root.not_before = validity.from;
    root.not_after = validity.to;
    root.ca = true;
    root.public_key_der = key.public_key_der();
    return issue_certificate(root, key, nullptr);
}

}  // namespace

TestAuthority::Validity TestAuthority::usual_validity() {
    const auto now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
    return {now - hours(1), now + days(30)};
}

TestAuthority::TestAuthority(const std::string& common_name)
    : key_(PrivateKey::generate(KeyType::ecdsa_p256)),
      certificate_(
          make_root(key_, common_name, {usual_validity().from - days(3650), usual_validity().to + days(3650)})) {}

TlsIdentity TestAuthority::issue(const std::vector<std::string>& names, Validity validity, KeyType key_type) const {
    const auto key = PrivateKey::generate(key_type);
    CertificateTemplate leaf;
    leaf.common_name = names.front();
    for (const auto& name : names)
        leaf.names.push_back(parse_identifier(name).value_or(Identifier{Identifier::Type::dns, name}));
    leaf.not_before = validity.from;
    leaf.not_after = validity.to;
    leaf.public_key_der = key.public_key_der();
    return {issue_certificate(leaf, key_, &certificate_).pem(), key.pem()};
}

std::string TestAuthority::bundle() const {
    return certificate_.pem();
}

std::string TestAuthority::write_bundle(const std::filesystem::path& directory) const {
    const auto path = directory / "ca.pem";
    std::ofstream(path) << bundle();
    return path.string();
}

}  // namespace certd::test
