// Sealing and checking of the state directory's JSON files.
#include "daemon/store/document.hpp"

#include "libacme/crypto/digest.hpp"

namespace certd {

namespace {

constexpr std::string_view opening = "{\n  \"checksum\": \"";
constexpr std::string_view closing = "\",\n";
constexpr std::size_t digest_size = 64;
constexpr std::size_t sealed_from = opening.size() + digest_size + closing.size();
constexpr std::size_t limit = std::size_t{16} << 20;

}  // namespace

tl::unexpected<Problem> corrupt(const Path& path, const std::string& fault) {
    return failure("storage.corrupt", path.string() + " is damaged: " + fault);
}

std::string seal(const Json& object) {
    std::string text = to_pretty_text(object);
    text.erase(0, 2);  // "{\n"
    return std::string(opening).append(sha256_hex(text)).append(closing).append(text);
}

Result<Json> unseal(std::string_view text, const Path& path) {
    if (text.size() < sealed_from || !text.starts_with(opening) ||
        text.substr(opening.size() + digest_size, closing.size()) != closing) {
        return corrupt(path, "it has no checksum in its first line");
    }
    if (sha256_hex(text.substr(sealed_from)) != text.substr(opening.size(), digest_size)) {
        return corrupt(path, "its checksum does not match");
    }
    Result<Json> json = parse_json(text, {limit, 64});
    if (!json) return corrupt(path, json.error().what);
    return json;
}

Result<std::optional<Json>> read_document(FileSystem& files, const Path& path) {
    Result<std::string> text = files.read(path, limit);
    if (!text && text.error().code == "storage.missing") return std::optional<Json>();
    if (!text) return failure(std::move(text).error());
    return unseal(*text, path).map([](Json&& json) { return std::optional(std::move(json)); });
}

Result<void> write_document(FileSystem& files, const Path& path, const Json& object) {
    return durable_write(files, path, seal(object));
}

}  // namespace certd
