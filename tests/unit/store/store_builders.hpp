// Builders for the store tests: versions, orders and states that can be told apart, and a store in memory.
#pragma once

#include "daemon/store/store.hpp"
#include "tests/support/memory_file_system.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace certd::test {

// The value, or an exception that says what went wrong.
template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(describe(result.error()));
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline const Path root = "/var/lib/certd";

inline LineageName name_of(const std::string& text = "example.com") {
    return LineageName::parse(text).value();
}

inline Time at(std::int64_t seconds_since) {
    return Time(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)) + seconds(seconds_since);
}

inline std::string key_text(int serial) {
    return fmt::format("-----BEGIN PRIVATE KEY-----\nkey {}\n-----END PRIVATE KEY-----\n", serial);
}

// The certificate of `serial`, made with key_text(serial).
inline NewVersion version_of(int serial) {
    NewVersion version;
    version.facts.names = {{Identifier::Type::dns, "example.com"}};
    version.facts.ca = {"local"};
    version.facts.directory_url = "https://ca.example/directory";
    version.facts.serial = std::to_string(serial);
    version.facts.fingerprint = fmt::format("{:064}", serial);
    version.facts.issuer = "CN=Test";
    version.facts.not_before = version.facts.issued_at = at(serial);
    version.facts.not_after = at(serial) + days(90);
    version.files.privkey = key_text(serial);
    version.files.cert = fmt::format("cert {}\n", serial);
    version.files.chain = fmt::format("chain {}\n", serial);
    version.files.fullchain = version.files.cert + version.files.chain;
    return version;
}

inline acme::OrderRecord order_of(int serial, const std::string& url = "") {
    acme::OrderRecord order;
    order.ca = "local";
    order.directory_url = "https://ca.example/directory";
    order.account_url = "https://ca.example/account/1";
    order.names = {{Identifier::Type::dns, "example.com"}, {Identifier::Type::ip, "192.0.2.1"}};
    order.key_pem = key_text(serial);
    order.csr_der = {0x30, 0x00, static_cast<std::uint8_t>(serial)};
    order.order_url = url;
    order.created = at(serial);
    return order;
}

inline LineageState state_of(std::uint32_t version) {
    LineageState state;
    state.live = state.newest = {version};
    state.history = {{at(version), fmt::format("issued version {}", version), ""}};
    return state;
}

inline bool same(const VersionFiles& left, const VersionFiles& right) {
    return left.privkey == right.privkey && left.cert == right.cert && left.chain == right.chain &&
           left.fullchain == right.fullchain;
}

inline bool same(const acme::OrderRecord& left, const acme::OrderRecord& right) {
    return left.ca == right.ca && left.directory_url == right.directory_url && left.account_url == right.account_url &&
           left.names == right.names && left.key_type == right.key_type && left.key_pem == right.key_pem &&
           left.csr_der == right.csr_der && left.order_url == right.order_url && left.created == right.created;
}

// Directories above the state directory, durable.
inline void make_parents(MemoryFileSystem& files) {
    must(make_directories(files, root.parent_path()));
}

// An opened store on a file system in memory.
struct World {
    MemoryFileSystem files;
    Store store{files, root};

    World() {
        make_parents(files);
        must(store.open());
    }
    VersionNumber add(int serial, const std::string& name = "example.com") {
        return store.add_version(name_of(name), version_of(serial)).value().number;
    }
    // Version `serial` of the default lineage, live and recorded.
    VersionNumber issue(int serial) {
        VersionNumber number = add(serial);
        must(store.set_live(name_of(), number));
        must(store.save_state(name_of(), state_of(number.value)));
        return number;
    }
    Path version_path(std::uint32_t number) const { return store.version_directory(name_of(), {number}); }
};

// Every name below `directory`, to find what was left over.
inline std::vector<Path> all_paths(FileSystem& files, const Path& directory) {
    std::vector<Path> paths;
    for (const std::string& name : must(files.list(directory))) {
        Path path = directory / name;
        paths.push_back(path);
        if (files.inspect(path).value().kind != FileStatus::Kind::directory) continue;
        for (Path& below : all_paths(files, path))
            paths.push_back(std::move(below));
    }
    return paths;
}

inline std::size_t count_temps(FileSystem& files) {
    std::size_t count = 0;
    for (const Path& path : all_paths(files, root))
        count += path.filename().string().starts_with(".tmp-");
    return count;
}

}  // namespace certd::test
