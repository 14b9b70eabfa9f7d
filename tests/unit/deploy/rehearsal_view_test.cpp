// What the private view of a rehearsal is made of, and where its files really are.
#include "daemon/deploy/rehearsal_view.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <string>
#include <tuple>
#include <vector>

#include <unistd.h>

using namespace certd;
namespace fs = std::filesystem;

namespace {

ViewedFile file_in(const std::string& directory, const std::string& name, const std::string& content = "x") {
    return {{directory, 0755, 0, 0, {}, {}, {}}, {name, content, 0600, {}, {}}};
}

InstalledFile installed(const fs::path& path) {
    return {path.string(), "x", {0640, uid_t{1}, gid_t{2}}};
}

}  // namespace

TEST_CASE("a view lays over each directory once, those above first, with what is mounted below") {
    const Shadow shadow =
        assemble("/state/rehearsal",
                 {file_in("/etc/ssl/web", "key.pem"), file_in("/etc/ssl", "all.pem", "1"),
                  file_in("/etc/ssl/web", "cert.pem"), file_in("/etc/ssl", "all.pem", "2"),
                  file_in("/state/live", "shop/rsa-2048/key.pem"), file_in("/state/live", "shop/key.pem")},
                 {"/", "/etc", "/etc/ssl/web/a", "/etc/ssl/web/a/b", "/etc/ssl/webby", "/etc/ssl/web/a"});
    CHECK(shadow.place == "/state/rehearsal");
    REQUIRE(shadow.directories.size() == 3);
    const auto& [ssl, web, live] = std::tie(shadow.directories[0], shadow.directories[1], shadow.directories[2]);
    CHECK(ssl.path == "/etc/ssl");
    REQUIRE(ssl.files.size() == 1);
    CHECK(ssl.files[0].content == "2");
    CHECK(ssl.mounts == std::vector<std::string>{"web/a", "webby"});
    CHECK(web.path == "/etc/ssl/web");
    CHECK(web.files.size() == 2);
    CHECK(web.mounts == std::vector<std::string>{"a"});
    CHECK(live.folders == std::vector<std::string>{"shop", "shop/rsa-2048"});
    CHECK(live.mounts.empty());
}

TEST_CASE("mount points are read from the kernel's list, odd characters in them too") {
    CHECK(parse_mount_points("22 1 0:5 / / rw - ext4 /dev/vda rw\n"
                             "35 22 0:30 /sub /srv/my\\040keys\\134 rw,relatime shared:1 - tmpfs none rw\n"
                             "damaged line\n") == std::vector<std::string>{"/", "/srv/my keys\\"});
}

TEST_CASE("the files of a view are where their symlinks lead, even to a file that is not there yet") {
    const test::TempDirectory temporary;
    const fs::path root = fs::canonical(temporary.path());
    for (const char* name : {"tls", "keys", "live", "rehearsal"})
        fs::create_directory(root / name);
    fs::create_symlink("../keys/shop.pem", root / "tls/key.pem");
    fs::create_directory_symlink(root / "tls", root / "alias");
    RehearsalView view{{installed(root / "alias/key.pem"), installed(root / "alias/cert.pem")},
                       (root / "live").string(),
                       {{"shop/privkey.pem", "k", {}}},
                       (root / "rehearsal").string()};
    const auto shadow = shadow_of(view);
    REQUIRE(shadow);
    REQUIRE(shadow->directories.size() == 3);
    CHECK(shadow->directories[0].path == (root / "keys").string());
    CHECK(shadow->directories[0].owner == ::geteuid());
    CHECK(shadow->directories[0].files == std::vector<Shadow::File>{{"shop.pem", "x", 0640, 1, 2}});
    CHECK(shadow->directories[1].files == std::vector<Shadow::File>{{"shop/privkey.pem", "k", 0600, {}, {}}});
    CHECK(shadow->directories[2].files == std::vector<Shadow::File>{{"cert.pem", "x", 0640, 1, 2}});

    fs::create_symlink("round.pem", root / "tls/round.pem");
    view.files = {installed(root / "tls/round.pem")};
    CHECK(shadow_of(view).error().what == (root / "tls/round.pem").string() + " is a chain of too many symlinks");
    view.files = {installed(root / "none/key.pem")};
    CHECK(shadow_of(view).error().what ==
          "Cannot install " + (root / "none/key.pem").string() + ": there is no directory " + (root / "none").string());
    CHECK(shadow_of(view).error().code == "deploy.install");
    view.files = {installed("/key.pem")};
    CHECK(shadow_of(view).error().code == "deploy.notRehearsed");
}

TEST_CASE("a directory that certd may not write to is found in a rehearsal, although its view could be written") {
    const test::TempDirectory temporary;
    // Read-only for root as well.
    RehearsalView view{
        {installed("/proc/sys/kernel/key.pem")}, temporary.path().string(), {}, temporary.path().string()};
    const auto shadow = shadow_of(view);
    if (::geteuid() == 0 && shadow) return;  // where not even this is refused to root
    REQUIRE_FALSE(shadow);
    CHECK(shadow.error().what.find("certd may not write to /proc/sys/kernel") != std::string::npos);
}
