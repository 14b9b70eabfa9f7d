// Lineages that are issued for a certificate request of the operator.
#include "config/request.hpp"

#include "libacme/crypto/csr.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/crypto/pem.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/config/fixture.hpp"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

using namespace certd;
using namespace certd::config;
using namespace certd::config::test;

namespace {

struct RequestFile {
    certd::test::TempDirectory directory;
    std::string path = (directory.path() / "example.csr").string();
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p384);

    RequestFile() {
        write(pem_block("CERTIFICATE REQUEST",
                        make_csr(key, std::vector{Identifier{Identifier::Type::dns, "example.com"}})));
    }
    void write(const std::string& text) const {
        std::ofstream(path, std::ios::trunc) << text;
        REQUIRE(::chmod(path.c_str(), 0644) == 0);
    }
    // The configuration of example.com with the request, and of another lineage.
    Loaded load(const std::string& more = "", const std::string& targets =
                                                  "targets: { web: { verify: { tls: "
                                                  "[\"127.0.0.1:443\"] } } }\n") const {
        std::string text = base + targets + "lineages:\n  example.com: { csr: " + path + ", targets: [web]" + more +
                           " }\n  other.example.com: { targets: [web] }\n";
        return load_text(text, "certd.yaml", Disk::look);
    }
    // The only finding, with the path shortened.
    std::string finding(const Loaded& loaded) const {
        Lines lines = findings(loaded);
        REQUIRE(lines.size() == 1);
        std::string line = lines.front();
        for (std::size_t at; (at = line.find(path)) != std::string::npos;)
            line.replace(at, path.size(), "FILE");
        return line;
    }
};

}  // namespace

TEST_CASE("a request decides on the key's type, whatever the defaults say") {
    RequestFile file;
    Loaded loaded = file.load();
    CHECK(findings(loaded) == Lines{});
    REQUIRE(loaded.config);
    const Lineage& lineage = *loaded.config->lineages.at("example.com");
    REQUIRE(lineage.csr);
    CHECK_FALSE(lineage.csr->problem);
    CHECK(lineage.csr->path == file.path);
    CHECK(lineage.csr->key_sha256 == sha256_hex(file.key.public_key_der()));
    CHECK(lineage.csr->names == lineage.names);
    CHECK(lineage.keys == std::vector{KeyType::ecdsa_p384});
    CHECK_FALSE(loaded.config->lineages.at("other.example.com")->csr);
}

TEST_CASE("a request that cannot be used is the problem of its lineage, and the others go on") {
    RequestFile file;
    std::string expected;
    SECTION("missing") {
        std::filesystem::remove(file.path);
        expected =
            "5:23 warning: The certificate request FILE cannot be used: Cannot read FILE: No such file or "
            "directory (Mend the file and run `certctl reload`)";
    }
    SECTION("damaged") {
        file.write("something else");
        expected =
            "6:23 warning: The certificate request FILE cannot be used: The certificate request is neither PEM nor "
            "DER of one (Make the request anew)";
    }
    SECTION("for other names") {
        std::vector<Identifier> names = {{Identifier::Type::dns, "www.example.com"},
                                         {Identifier::Type::dns, "example.com"}};
        file.write(pem_block("CERTIFICATE REQUEST", make_csr(file.key, names)));
        expected =
            "6:23 warning: The certificate request FILE cannot be used: it asks for example.com, www.example.com, "
            "and the lineage has the names example.com (Make the request anew, or correct `names`; both must "
            "have the same ones)";
    }
    SECTION("open to everybody") {
        REQUIRE(::chmod(file.path.c_str(), 0666) == 0);
    }
    Loaded loaded = file.load();
    REQUIRE(loaded.config);
    const Lineage& lineage = *loaded.config->lineages.at("example.com");
    REQUIRE(lineage.csr);
    REQUIRE(lineage.csr->problem);
    CHECK(lineage.csr->problem->code == "config.csr");
    CHECK(lineage.csr->problem->retry == Retry::after_change);
    CHECK(lineage.csr->der.empty());
    std::string said = file.finding(loaded);
    if (!expected.empty()) CHECK(said.substr(said.find("warning")) == expected.substr(expected.find("warning")));
}

TEST_CASE("key, keys and reuse_key exclude a request") {
    RequestFile file;
    for (std::string more : {"key: rsa-2048", "keys: [rsa-2048]", "reuse_key: { max_age: 90d }"}) {
        CAPTURE(more);
        Loaded loaded = file.load(", " + more);
        CHECK_FALSE(loaded.config);
        std::string key = more.substr(0, more.find(':'));
        CHECK(file.finding(loaded).find(
                  "error: " + key + " and csr exclude each other: the key is the request's (take " + key + " out)") !=
              std::string::npos);
    }
}

TEST_CASE("a request has its names: none of them can be left out") {
    RequestFile file;
    Loaded loaded = file.load(", allow_subset_of_names: true");
    CHECK_FALSE(loaded.config);
    CHECK(file.finding(loaded).find("error: allow_subset_of_names and csr exclude each other") != std::string::npos);
    Loaded without = file.load(", allow_subset_of_names: false");
    REQUIRE(without.config);
    CHECK_FALSE(without.config->lineages.at("example.com")->allow_subset_of_names);
}

TEST_CASE("no target can install a key that certd does not have") {
    RequestFile file;
    for (std::string part : {"privkey", "combined"}) {
        std::string targets = "targets: { web: { install: [{ part: " + part +
                              ", path: /etc/x.pem }], verify: { tls: [\"127.0.0.1:443\"] } } }\n";
        Loaded loaded = file.load("", targets);
        CHECK_FALSE(loaded.config);
        CHECK(
            file.finding(loaded).find("error: The target 'web' installs the private key of the lineage 'example.com', "
                                      "which certd does not have: it is issued for the certificate request 'FILE' "
                                      "(install fullchain, cert or chain only)") != std::string::npos);
    }
}

TEST_CASE("a text in memory does not have the files it names looked at") {
    auto config = config_of(base + "targets: { web: { verify: { tls: [\"127.0.0.1:443\"] } } }\n" +
                            "lineages: { example.com: { csr: /no/such/file, targets: [web] } }\n");
    CHECK(config->lineages.at("example.com")->csr->path == "/no/such/file");
    CHECK_FALSE(config->lineages.at("example.com")->csr->problem);
}
