// Strict reading and writing of PEM blocks.
#include "libacme/crypto/pem.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

namespace {

constexpr std::string_view begin_marker = "-----BEGIN ";
constexpr std::string_view end_marker = "-----END ";
constexpr std::string_view dashes = "-----";

// Lines of a text, counted from 1, without LF or CRLF.
class Lines {
   public:
    explicit Lines(std::string_view text) : rest_(text) {}
    bool next(std::string_view& line) {
        if (rest_.empty()) return false;
        std::size_t end = std::min(rest_.find('\n'), rest_.size());
        line = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        ++number_;
        return true;
    }
    int number() const { return number_; }

   private:
    std::string_view rest_;
    int number_ = 0;
};

bool is_marker(std::string_view line, std::string_view kind, std::string_view label) {
    return line.size() == kind.size() + label.size() + dashes.size() && line.starts_with(kind) &&
           line.substr(kind.size(), label.size()) == label && line.ends_with(dashes);
}

tl::expected<Bytes, std::string> read_body(Lines& lines, std::string_view label) {
    std::string body;
    int start = lines.number();
    for (std::string_view line; lines.next(line);) {
        if (!is_marker(line, end_marker, label)) {
            if (line.starts_with('-'))
                return tl::unexpected(fmt::format("line {}: a marker inside a block", lines.number()));
            body += line;
            continue;
        }
        auto octets = parse_base64(body);
        if (!octets || octets->empty()) {
            return tl::unexpected(fmt::format("line {}: the block's content is not base64", start));
        }
        return std::move(*octets);
    }
    return tl::unexpected(fmt::format("line {}: the block has no end", start));
}

}  // namespace

std::string pem_block(std::string_view label, ByteView der) {
    std::string body = base64(der);
    std::string text = fmt::format("{}{}{}\n", begin_marker, label, dashes);
    text.reserve(text.size() * 2 + body.size() + body.size() / 64 + 1);
    for (std::size_t at = 0; at < body.size(); at += 64) {
        text.append(body, at, 64);
        text += '\n';
    }
    return text + fmt::format("{}{}{}\n", end_marker, label, dashes);
}

tl::expected<std::vector<Bytes>, std::string> read_pem_blocks(std::string_view text, std::string_view label,
                                                              std::size_t limit) {
    std::vector<Bytes> blocks;
    Lines lines(text);
    for (std::string_view line; lines.next(line);) {
        if (line.empty()) continue;
        if (!is_marker(line, begin_marker, label)) {
            return tl::unexpected(fmt::format("line {}: only blocks labelled {} may be here", lines.number(), label));
        }
        if (blocks.size() == limit) return tl::unexpected(fmt::format("more than {} blocks", limit));
        auto body = read_body(lines, label);
        if (!body) return tl::unexpected(body.error());
        blocks.push_back(std::move(*body));
    }
    return blocks;
}

}  // namespace certd
