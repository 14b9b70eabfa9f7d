#include "config/trust.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/config/fixture.hpp"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

using namespace certd;
using namespace certd::config;
using namespace certd::config::test;

namespace fs = std::filesystem;

namespace {

// A configuration directory with certd.yaml and conf.d/.
class Directory {
   public:
    Directory() { fs::create_directory(path("conf.d")); }
    std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name)) << text;
        REQUIRE(::chmod(path(name).c_str(), 0644) == 0);
    }
    Loaded load() const { return config::load(path("certd.yaml")); }
    // The findings with their files, without the directory.
    Lines said() const {
        Loaded loaded = load();
        Lines lines = findings(loaded);
        for (std::size_t i = 0; i < lines.size(); ++i)
            lines[i] = fs::relative(loaded.diagnostics[i].file, directory_.path()).string() + ":" + lines[i];
        for (std::string& line : lines) {
            for (std::string prefix = directory_.path().string() + "/"; line.find(prefix) != std::string::npos;)
                line.erase(line.find(prefix), prefix.size());
        }
        return lines;
    }

   private:
    certd::test::TempDirectory directory_;
};

struct stat status_with(mode_t mode, uid_t owner) {
    struct stat status {};
    status.st_mode = mode;
    status.st_uid = owner;
    status.st_gid = 7;
    return status;
}

}  // namespace

TEST_CASE("a file that is about to be written, or taken away, is judged with the others") {
    Directory directory;
    directory.write("certd.yaml", base + web);
    directory.write("conf.d/mine.yaml", "lineages: { b.example.com: { targets: [web] } }\n");
    auto with = [&](const std::string& text) {
        return config::load_with(directory.path("certd.yaml"), {{directory.path("conf.d/mine.yaml"), text}});
    };
    Loaded other = with("lineages: { c.example.com: { targets: [web] } }\n");
    REQUIRE(other.config);
    CHECK(other.config->lineages.contains("c.example.com"));
    CHECK(!other.config->lineages.contains("b.example.com"));
    CHECK(with("").config);
    CHECK(!with("lineages: { c.example.com: { targets: [nowhere] } }\n").config);
    // There may be none yet beside it.
    Loaded alone = config::load_with(directory.path("none.yaml"), {});
    REQUIRE(!alone.config);  // conf.d speaks of a target that certd.yaml has
    fs::remove(directory.path("conf.d/mine.yaml"));
    CHECK(config::load_with(directory.path("none.yaml"), {}).config);
}

TEST_CASE("files in conf.d are merged with certd.yaml in the order of their names") {
    Directory directory;
    directory.write("certd.yaml", base);
    directory.write("conf.d/20-more.yaml", "lineages: { b.example.com: { targets: [web] } }\nlog: { level: debug }\n");
    directory.write("conf.d/10-first.yaml",
                    web + "cas: { other: { directory: \"https://other.example/\", agree_tos: true } }\n");
    directory.write("conf.d/.hidden.yaml", "nonsense");
    directory.write("conf.d/README", "nonsense");
    Loaded loaded = directory.load();
    INFO(render(loaded.diagnostics, false));
    REQUIRE(loaded.config);
    CHECK(loaded.diagnostics.empty());
    CHECK(loaded.config->lineages.size() == 2);
    CHECK(loaded.config->cas.size() == 2);
    CHECK(loaded.config->log.level == "debug");
    CHECK(*loaded.config->lineages.at("b.example.com")->location.file == directory.path("conf.d/20-more.yaml"));
}

TEST_CASE("the same name or key in two files is an error that names both places") {
    Directory directory;
    directory.write("certd.yaml", base + web);
    directory.write(
        "conf.d/a.yaml",
        "defaults: { key: rsa-2048 }\ncas: { main: { directory: \"https://x.example/\", agree_tos: true } }\n");
    directory.write(
        "conf.d/b.yaml",
        "targets: { web: { verify: { tls: [\"h:1\"] } } }\nlineages: { example.com: { targets: [web] } }\n");
    CHECK(directory.said() == Lines{"conf.d/a.yaml:1:1 error: The key 'defaults' is here for the second time; it is on "
                                    "certd.yaml:2 already (keep one of the two)",
                                    "conf.d/a.yaml:2:8 error: The CA 'main' is here for the second time; it is on "
                                    "certd.yaml:1 already (keep one of the two)",
                                    "conf.d/b.yaml:1:12 error: The target 'web' is here for the second time; it is on "
                                    "certd.yaml:4 already (keep one of the two)",
                                    "conf.d/b.yaml:2:13 error: The lineage 'example.com' is here for the second time; "
                                    "it is on certd.yaml:5 already (keep one of the two)"});
    CHECK_FALSE(directory.load().config);
}

TEST_CASE("errors of all files come at once, with the file of each") {
    Directory directory;
    directory.write("certd.yaml", base + web + "log: { levl: info }\n");
    directory.write("conf.d/a.yaml", "state_dir: x\n");
    directory.write("conf.d/b.yaml", "control: [\n");
    CHECK(directory.said() == Lines{"certd.yaml:6:8 error: Unknown key 'levl' in log (did you mean 'level'?)",
                                    "conf.d/a.yaml:1:12 error: state_dir must be an absolute path, not 'x'",
                                    "conf.d/b.yaml:1:10 error: This list has no end (add the missing ']' or ',')"});
}

TEST_CASE("a fragment with a near-miss of a name is pointed out") {
    Directory directory;
    directory.write("certd.yaml", base + web);
    directory.write("conf.d/more.yml", "lineages: {}\n");
    CHECK(directory.said() ==
          Lines{"conf.d/more.yml:0:0 warning: The file is not read: its name does not end in .yaml (rename it)"});
}

TEST_CASE("a configuration that is missing, a directory or a FIFO is refused without waiting") {
    Directory directory;
    Loaded missing = directory.load();
    REQUIRE(missing.diagnostics.size() == 1);
    CHECK_FALSE(missing.config);
    CHECK(to_problem(missing.diagnostics).code == "config.missing");
    CHECK(missing.diagnostics[0].message ==
          "Cannot read " + directory.path("certd.yaml") + ": No such file or directory");
    CHECK(render(missing.diagnostics, false).starts_with(directory.path("certd.yaml") + ": error: Cannot read "));

    CHECK_FALSE(load(directory.path("conf.d")).config);
    REQUIRE(::mkfifo(directory.path("certd.yaml").c_str(), 0600) == 0);
    CHECK(directory.said().at(0).starts_with("certd.yaml:0:0 error: certd.yaml is not a regular file"));
}

TEST_CASE("a configuration that others can write is refused") {
    Directory directory;
    directory.write("certd.yaml", base + web);
    directory.write("conf.d/a.yaml", "log: {}\n");
    REQUIRE(directory.load().config);
    auto refused = [&](const std::string& name, mode_t mode, mode_t back) {
        REQUIRE(::chmod(directory.path(name).c_str(), mode) == 0);
        Loaded loaded = directory.load();
        Lines said = directory.said();
        REQUIRE(::chmod(directory.path(name).c_str(), back) == 0);
        CHECK_FALSE(loaded.config);
        CHECK(to_problem(loaded.diagnostics).code == "config.permissions");
        return said.empty() ? "" : said[0];
    };
    CHECK(refused("certd.yaml", 0646, 0644) ==
          "certd.yaml:0:0 error: certd.yaml can be changed by everybody (chown root 'certd.yaml' and chmod go-w "
          "'certd.yaml')");
    CHECK(refused("certd.yaml", 0664, 0644)
              .starts_with("certd.yaml:0:0 error: certd.yaml can be changed by members of group "));
    CHECK(refused("conf.d/a.yaml", 0666, 0644)
              .starts_with("conf.d/a.yaml:0:0 error: conf.d/a.yaml can be changed by everybody"));
    CHECK(refused("conf.d", 0777, 0755).starts_with("conf.d:0:0 error: conf.d can be changed by everybody"));
    CHECK(refused("conf.d", 0775, 0755).starts_with("conf.d:0:0 error: conf.d can be changed by members of group "));
    CHECK(refused(".", 0777, 0700).starts_with("certd.yaml:0:0 error: "));
    CHECK(directory.load().config);
}

TEST_CASE("a symlink to the configuration is followed and its destination is what must be trusted") {
    Directory directory;
    fs::create_directory(directory.path("real"));
    directory.write("real/certd.yaml", base + web);
    fs::create_symlink("real/certd.yaml", directory.path("certd.yaml"));
    directory.write("conf.d/a.yaml", "log: { level: debug }\n");
    REQUIRE(directory.load().config);
    CHECK(directory.load().config->log.level == "debug");
    REQUIRE(::chmod(directory.path("real").c_str(), 0777) == 0);
    CHECK(to_problem(directory.load().diagnostics).code == "config.permissions");
}

TEST_CASE("only root and our own user may own what we trust") {
    const uid_t self = 1000;
    CHECK(foreign_writer(status_with(S_IFREG | 0644, 0), self).empty());
    CHECK(foreign_writer(status_with(S_IFREG | 0600, self), self).empty());
    CHECK(foreign_writer(status_with(S_IFREG | 0400, 33), self) == "its owner, user 33");
    CHECK(foreign_writer(status_with(S_IFREG | 0620, 0), self) == "members of group 7");
    CHECK(foreign_writer(status_with(S_IFREG | 0602, 0), self) == "everybody");
    CHECK(foreign_writer(status_with(S_IFDIR | S_ISVTX | 0777, 0), self).empty());
    CHECK(foreign_writer(status_with(S_IFDIR | S_ISVTX | 0777, 33), self) == "its owner, user 33");
}

TEST_CASE("a file of somebody else is refused") {
    if (::geteuid() != 0) return;  // only root can give a file away
    Directory directory;
    directory.write("certd.yaml", base + web);
    REQUIRE(::chown(directory.path("certd.yaml").c_str(), 65534, 65534) == 0);
    CHECK(
        directory.said().at(0).starts_with("certd.yaml:0:0 error: certd.yaml can be changed by its owner, user 65534"));
}

TEST_CASE("a CA bundle that cannot be used keeps the configuration from loading") {
    Directory directory;
    directory.write("certd.yaml", "cas:\n  main: { directory: \"https://ca.example/\", agree_tos: true, ca_bundle: " +
                                      directory.path("ca.pem") +
                                      " }\ndefaults: { cas: [main] }\nhttp_challenge: { listen: \"[::]:80\" }\n" + web);
    CHECK(directory.said() == Lines{"certd.yaml:2:73 error: Cannot read ca.pem: No such file or directory (ca_bundle "
                                    "must name a readable PEM file)"});
    directory.write("ca.pem", "garbage\n");
    CHECK(directory.said() == Lines{"certd.yaml:2:73 error: ca.pem holds no certificate in PEM form"});
    directory.write("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    CHECK(directory.said() == Lines{});
    REQUIRE(::chmod(directory.path("ca.pem").c_str(), 0666) == 0);
    CHECK(to_problem(directory.load().diagnostics).code == "config.permissions");
}

TEST_CASE("a file above 16 MiB is refused unread") {
    Directory directory;
    directory.write("certd.yaml", "");
    fs::resize_file(directory.path("certd.yaml"), std::size_t{17} << 20);
    CHECK(directory.said().at(0).starts_with("certd.yaml:0:0 error: certd.yaml is larger than 16 MiB"));
}

TEST_CASE("ten thousand lineages load") {
    std::string text = base + "targets: { web: { verify: { tls: [\"127.0.0.1:443\"] } } }\nlineages:\n";
    for (int i = 0; i < 10'000; ++i) {
        text += fmt::format(
            "  site{0}.example.com:\n    names: [site{0}.example.com, www.site{0}.example.com]\n    targets: [web]\n",
            i);
    }
    Loaded loaded = load_text(text);
    CHECK(loaded.diagnostics.empty());
    REQUIRE(loaded.config);
    CHECK(loaded.config->lineages.size() == 10'000);
    CHECK(loaded.config->lineages.at("site9999.example.com")->names.at(1).value == "www.site9999.example.com");
}
