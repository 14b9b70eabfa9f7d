// The key is written with its mode from birth, so nobody reads it in between who may not.
#include "daemon/import/copies.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace certd::certbot {

Path copies_directory(const Path& root, const std::string& name) {
    return root / "certd-live" / name;
}

Result<void> write_copies(FileSystem& files, const Path& directory, const KeyReaders& readers,
                          const CertificateFiles& version) {
    if (Result<void> made = make_directories(files, directory, 0755); !made) return made;
    const std::array<std::pair<std::string_view, const std::string*>, 4> texts = {{{"privkey", &version.privkey},
                                                                                   {"cert", &version.cert},
                                                                                   {"chain", &version.chain},
                                                                                   {"fullchain", &version.fullchain}}};
    for (const auto& [kind, text] : texts) {
        FileAttributes attributes{0644, {}, {}};
        if (kind == "privkey") attributes = {readers.mode, readers.owner, readers.group};
        Result<void> written = durable_write(files, directory / fmt::format("{}.pem", kind), *text, attributes);
        if (!written) return written;
    }
    return {};
}

}  // namespace certd::certbot
