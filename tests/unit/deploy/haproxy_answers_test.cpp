// Answers as haproxy 2.6.12 gave them, and what is not one.
#include "daemon/deploy/haproxy_answers.hpp"

#include "tests/unit/deploy/world.hpp"

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

const std::string path = "/etc/haproxy/certs/shop.pem";

// The certificate that the recorded answers show.
HaproxyCertificate recorded() {
    return {path, "", "3269822008b3fba58f5575cf78c6d10e8bde50eb", "b4dcfb249012e0746758c39e0a2146f1ef0a1262"};
}

std::string shown(const std::string& file) {
    return "Filename: " + file +
           "\nStatus: Used\nSerial: 3269822008B3FBA58F5575CF78C6D10E8BDE50EB\nnotBefore: Nov 27 20:52:06 2026 GMT\n"
           "notAfter: Dec 27 20:52:06 2026 GMT\nSubject Alternative Name: \nAlgorithm: EC256\n"
           "SHA1 FingerPrint: B4DCFB249012E0746758C39E0A2146F1EF0A1262\nSubject: /CN=b.example.test\n"
           "Issuer: /CN=b.example.test\nOCSP Response Key: \n\n";
}

template <class T>
std::string code_of(const Result<T>& result) {
    return result ? "" : result.error().code;
}

}  // namespace

TEST_CASE("what is sent holds the PEM blocks alone: no empty line, no comment, no carriage return") {
    const Material material = make_material(1, virtual_start, virtual_start + days(90));
    const std::string& key = material.files.privkey;
    const std::string& leaf = material.files.fullchain;
    const std::string plain = key + leaf;
    const auto clean = haproxy_certificate(path, plain);
    REQUIRE(clean);
    CHECK(clean->pem == plain);
    std::string messy =
        "Bag Attributes\n    friendlyName: shop; show info\n\n" + key + "\n \n\t\n# chain\n" + leaf + "\n\n\n";
    std::string with_returns;
    for (const char c : messy)
        with_returns += c == '\n' ? std::string("\r\n") : std::string(1, c);
    for (const std::string& text : {messy, with_returns}) {
        const auto sent = haproxy_certificate(path, text);
        REQUIRE(sent);
        CHECK(sent->pem == plain);
        CHECK(haproxy_set(*sent) == "set ssl cert " + path + " <<\n" + plain + "\n");
        CHECK(sent->serial == clean->serial);
    }
    CHECK(clean->sha1.size() == 40);
}

TEST_CASE("a file without a certificate, or with a name that is no word, is not sent") {
    CHECK(code_of(haproxy_certificate(path, "")) == "haproxy.refused");
    CHECK(code_of(haproxy_certificate(path, "hello\n")) == "haproxy.refused");
    const Material material = make_material(1, virtual_start, virtual_start + days(90));
    const auto refused = haproxy_certificate("/etc/a b.pem", material.files.fullchain);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what == "haproxy's command line cannot name /etc/a b.pem");
}

TEST_CASE("the listing tells what is loaded and which transaction is open") {
    const auto plain = parse_haproxy_listing("# filename\n/a.pem\n/b.pem.rsa\n\n");
    REQUIRE(plain);
    CHECK(plain->loaded == std::vector<std::string>{"/a.pem", "/b.pem.rsa"});
    CHECK(plain->pending.empty());
    const auto open = parse_haproxy_listing("# transaction\n*/a.pem\n# filename\n/a.pem\n\n");
    REQUIRE(open);
    CHECK(open->pending == std::vector<std::string>{"/a.pem"});
    const auto none = parse_haproxy_listing("# filename\n\n");
    REQUIRE(none);
    CHECK(none->loaded.empty());
}

TEST_CASE("a listing that is cut off or not one is no listing") {
    for (const char* wrong : {"", "\n", "\n\n", "# filename\n/a.pem\n", "# filename\n/a.pem", "/a.pem\n\n",
                              "# filename\n# other\n\n", "# transaction\n/a.pem\n# filename\n/a.pem\n\n",
                              "# transaction\n*\n# filename\n/a.pem\n\n", "HTTP/1.0 400 Bad request\r\n\r\n",
                              "Unknown command, but maybe one of the following ones is a better match:\n  quit\n\n"}) {
        CAPTURE(wrong);
        CHECK(code_of(parse_haproxy_listing(wrong)) == "haproxy.answer");
    }
    // Of a socket with level user.
    CHECK(code_of(parse_haproxy_listing("Can't allocate memory!\n\n")) == "haproxy.denied");
    CHECK(code_of(parse_haproxy_listing("Permission denied\n\n")) == "haproxy.denied");
}

TEST_CASE("a certificate is known by its serial number and fingerprint under its path") {
    CHECK(haproxy_shows(shown(path), recorded()) == Result<bool>(true));
    CHECK(haproxy_shows(shown("*" + path), recorded()) == Result<bool>(true));
    HaproxyCertificate other = recorded();
    other.sha1.back() = '3';
    CHECK(haproxy_shows(shown(path), other) == Result<bool>(false));
    other = recorded();
    other.serial += "0";
    CHECK(haproxy_shows(shown(path), other) == Result<bool>(false));
    CHECK(haproxy_shows("Can't display the certificate: Not found or the certificate is a bundle!\n\n", recorded()) ==
          Result<bool>(false));
}

TEST_CASE("zeros in front of a serial number make no difference") {
    HaproxyCertificate certificate = recorded();
    certificate.serial = "9f";
    const auto answer = [](const std::string& serial) {
        return "Filename: " + path + "\nSerial: " + serial +
               "\nSHA1 FingerPrint: B4DCFB249012E0746758C39E0A2146F1EF0A1262\n\n";
    };
    CHECK(haproxy_shows(answer("009F"), certificate) == Result<bool>(true));
    CHECK(haproxy_shows(answer("9F00"), certificate) == Result<bool>(false));
}

TEST_CASE("what shows another file, or not all that is asked, shows nothing") {
    for (const std::string& wrong :
         {shown("/other.pem"), shown(path).substr(0, shown(path).size() - 1), std::string(), std::string("\n\n"),
          "Filename: " + path + "\nSerial: 1\n\n",
          "Filename: " + path + "\nSHA1 FingerPrint: B4DCFB249012E0746758C39E0A2146F1EF0A1262\n\n",
          "Filename: " + path + "\nSerial: 1\nSHA1 FingerPrint: B4\n\n"}) {
        CAPTURE(wrong);
        CHECK(code_of(haproxy_shows(wrong, recorded())) == "haproxy.answer");
    }
}

TEST_CASE("the answer to set names the transaction that has the certificate now") {
    const auto created = parse_haproxy_set("Transaction created for certificate " + path + "!\n\n", recorded());
    REQUIRE(created);
    CHECK(created->kind == HaproxySet::Kind::created);
    CHECK(created->path == path);
    // 2.6 gives what is set for one file to the transaction of another that is open.
    const auto updated = parse_haproxy_set("Transaction updated for certificate /other.pem!\n\n", recorded());
    REQUIRE(updated);
    CHECK(updated->kind == HaproxySet::Kind::updated);
    CHECK(updated->path == "/other.pem");
}

TEST_CASE("a certificate that is not set is told why, in haproxy's own words") {
    const auto refused = parse_haproxy_set(
        "unable to load certificate from file '" + path + "'.\nCan't load the payload\nCan't update " + path + "!\n\n",
        recorded());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "haproxy.refused");
    CHECK(refused.error().remote ==
          "unable to load certificate from file '" + path + "'.\nCan't load the payload\nCan't update " + path + "!");
    const auto denied = parse_haproxy_set("Permission denied\n\n", recorded());
    REQUIRE_FALSE(denied);
    CHECK(denied.error().code == "haproxy.denied");
    CHECK(denied.error().what == "The level of haproxy's socket is too low");
    // More than tune.bufsize: the connection ends without a word.
    const auto too_large = parse_haproxy_set("", recorded());
    REQUIRE_FALSE(too_large);
    CHECK(too_large.error().code == "haproxy.tooLarge");
    CHECK(too_large.error().what == "haproxy did not take the 45 octets of the command for " + path);
    CHECK(code_of(parse_haproxy_set("Transaction created for certificate " + path + "!", recorded())) ==
          "haproxy.answer");
    CHECK(code_of(parse_haproxy_set("fine\n\n", recorded())) == "haproxy.answer");
}

TEST_CASE("only Success! is a commit") {
    using Commit = Result<HaproxyCommit>;
    CHECK(parse_haproxy_commit("Committing " + path + ".\nSuccess!\n\n", path) == Commit(HaproxyCommit::done));
    CHECK(parse_haproxy_commit("Committing " + path + "...\nSuccess!\n\n", path) == Commit(HaproxyCommit::done));
    CHECK(parse_haproxy_commit("No ongoing transaction! !\nCan't commit " + path + "!\n\n", path) ==
          Commit(HaproxyCommit::nothing_open));
    CHECK(parse_haproxy_commit("The ongoing transaction is about '/o.pem' but you are trying to set '" + path +
                                   "'\nCan't commit " + path + "!\n\n",
                               path) == Commit(HaproxyCommit::other_open));
    const auto mismatch = parse_haproxy_commit(
        "inconsistencies between private key and certificate loaded '" + path + "'.\nCan't commit " + path + "!\n\n",
        path);
    REQUIRE_FALSE(mismatch);
    CHECK(mismatch.error().code == "haproxy.refused");
    CHECK(mismatch.error().what == "haproxy refused to commit " + path);
    for (const std::string& words :
         {"Committing " + path + ".\nno memory\nFailed!\n\n", "Committing " + path + ".\nCan't do it\nSuccess!\n\n"}) {
        CHECK(code_of(parse_haproxy_commit(words, path)) == "haproxy.refused");
    }
    for (const std::string& words :
         {std::string(), std::string("Success!\n\n"), "Committing " + path + ".\nSuccess!\n",
          "Committing " + path + ".\n\n", std::string("Committing /other.pem.\nSuccess!\n\n")}) {
        CHECK(code_of(parse_haproxy_commit(words, path)) == "haproxy.answer");
    }
    CHECK(code_of(parse_haproxy_commit("Permission denied\n\n", path)) == "haproxy.denied");
}

TEST_CASE("an abort is believed in haproxy's words only") {
    CHECK(haproxy_aborted("Transaction aborted for certificate '" + path + "'!\n\n"));
    CHECK(haproxy_aborted("No ongoing transaction!\n\n"));
    CHECK(haproxy_aborted("The ongoing transaction is about '/o.pem' but you are trying to abort a transaction for '" +
                          path + "'\n\n"));
    CHECK_FALSE(haproxy_aborted("Permission denied\n\n"));
    CHECK_FALSE(haproxy_aborted(""));
}

TEST_CASE("the level of the socket must be admin") {
    CHECK(parse_haproxy_level("admin\n\n"));
    CHECK(code_of(parse_haproxy_level("operator\n\n")) == "haproxy.denied");
    CHECK(code_of(parse_haproxy_level("user\n\n")) == "haproxy.denied");
    CHECK(code_of(parse_haproxy_level("")) == "haproxy.answer");
}
