// Secrets: where they may be, and who may read them.
#include "libacme/base/secret.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <filesystem>
#include <fstream>

using namespace certd;
using namespace certd::test;

namespace {

struct Secrets {
    TempDirectory directory;

    std::string path(const std::string& name) const { return (directory.path() / name).string(); }
    std::string secret(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        std::ofstream(path(name), std::ios::trunc) << text;
        std::filesystem::permissions(path(name), static_cast<std::filesystem::perms>(mode));
        return path(name);
    }
};

}  // namespace

TEST_CASE("a secret is read without the white space around it") {
    Secrets bed;
    CHECK(read_secret(bed.secret("token", "\n  s3cret \r\n"), "").value() == "s3cret");
    CHECK(read_secret(bed.secret("token", "s3cret", 0640), "").value() == "s3cret");
    CHECK(read_secret("credential:token", bed.directory.path().string()).value() == "s3cret");
}

TEST_CASE("a secret that everybody may read, or others may change, is refused") {
    Secrets bed;
    for (mode_t mode : {0604, 0644, 0660, 0601}) {
        CAPTURE(mode);
        auto read = read_secret(bed.secret("token", "s3cret", mode), "");
        REQUIRE_FALSE(read);
        CHECK(read.error().code == "storage.permissions");
        CHECK(read.error().what.find("s3cret") == std::string::npos);
    }
}

TEST_CASE("a secret that is missing, empty, too large or no file is a problem") {
    Secrets bed;
    CHECK(read_secret(bed.path("none"), "").error().code == "storage.missing");
    CHECK(read_secret(bed.secret("empty", " \n"), "").error().code == "config.secret");
    CHECK(read_secret(bed.secret("large", std::string(70'000, 'x')), "").error().code == "config.secret");
    CHECK(read_secret(bed.directory.path().string(), "").error().code == "config.secret");
    CHECK(read_secret("credential:token", "").error().what ==
          "There is no credential token: certd was not started with any");
}
