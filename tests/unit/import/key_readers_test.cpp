// Who reads a key, from the modes of its file and of the directories before it.
#include "daemon/import/key_readers.hpp"

#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::certbot;

namespace {

constexpr gid_t ssl = 110, web = 33;

FileStatus with(mode_t mode, uid_t owner = 0, gid_t group = 0) {
    FileStatus status;
    status.mode = mode;
    status.owner = owner;
    status.group = group;
    return status;
}

std::optional<KeyReaders> readers(const FileStatus& key, const std::vector<FileStatus>& way) {
    Result<std::optional<KeyReaders>> found = key_readers(key, way, 0);
    REQUIRE(found);
    return *found;
}

const std::vector<FileStatus> open_way = {with(0755), with(0755), with(0755)};

}  // namespace

TEST_CASE("a key that only root reads, or gets to, has no other readers") {
    CHECK_FALSE(readers(with(0600), open_way));
    CHECK_FALSE(readers(with(0644), {with(0755), with(0700), with(0755)}));
    CHECK_FALSE(readers(with(0640, 0, ssl), {with(0700), with(0755), with(0755)}));
    CHECK_FALSE(readers(with(0600, 109), {with(0755), with(0755), with(0700)}));
}

TEST_CASE("behind open directories a copy has the key's owner, group and mode, but for writing") {
    CHECK(readers(with(0640, 0, ssl), open_way) == KeyReaders{0640, 0, ssl});
    CHECK(readers(with(0664, 0, ssl), open_way) == KeyReaders{0644, 0, ssl});
    CHECK(readers(with(0600, 109), open_way) == KeyReaders{0600, 109, 0});
    CHECK(readers(with(0440, 109, ssl), open_way) == KeyReaders{0440, 109, ssl});
}

TEST_CASE("what a directory keeps others from is kept by the copy's own mode") {
    const std::vector<FileStatus> way = {with(0755), with(0750, 0, ssl), with(0750, 0, ssl)};
    CHECK(readers(with(0644), way) == KeyReaders{0640, 0, ssl});
    CHECK(readers(with(0640, 0, ssl), way) == KeyReaders{0640, 0, ssl});
}

TEST_CASE("readers who have to be in two groups cannot be had by one file, and are told") {
    const std::vector<FileStatus> ways[] = {{with(0750, 0, web), with(0750, 0, ssl)}, {with(0750, 0, web), with(0755)}};
    for (const std::vector<FileStatus>& way : ways) {
        Result<std::optional<KeyReaders>> found = key_readers(with(0640, 0, ssl), way, 0);
        REQUIRE_FALSE(found);
        CHECK(found.error().code == "import.files");
        CHECK(found.error().what.find("(mode 0640) depends on the modes of several directories") != std::string::npos);
    }
}
