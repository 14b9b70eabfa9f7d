// Header look-up, the media type, and Link headers (RFC 8288 §3) read leniently but never wrongly.
#include "libacme/net/http.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

namespace certd {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

// Reads one Link header value from left to right.
class LinkScanner {
   public:
    explicit LinkScanner(std::string_view text) : rest_(text) {}

    bool at_end() {
        while (!rest_.empty() && (is_blank(rest_.front()) || rest_.front() == ','))
            rest_.remove_prefix(1);
        return rest_.empty();
    }

    // One link-value; what cannot be read is passed over up to the next comma.
    void read_into(std::vector<Link>& links) {
        if (rest_.front() != '<') return skip_value();
        const auto end = rest_.find('>');
        if (end == std::string_view::npos) return rest_.remove_prefix(rest_.size());
        const std::string target(trim(rest_.substr(1, end - 1)));
        rest_.remove_prefix(end + 1);
        std::optional<std::string> relation;
        while (take(';')) {
            auto [name, value] = read_parameter();
            if (!relation && equals_ignoring_case(name, "rel")) relation = std::move(value);  // only the first counts
        }
        if (!rest_.empty() && rest_.front() != ',') return skip_value();
        if (relation) add(links, target, *relation);
    }

   private:
    bool take(char c) {
        skip_blanks();
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        skip_blanks();
        return true;
    }

    void skip_blanks() {
        while (!rest_.empty() && is_blank(rest_.front()))
            rest_.remove_prefix(1);
    }

    // Commas within quotes belong to the value.
    void skip_value() {
        while (!rest_.empty() && rest_.front() != ',') {
            if (rest_.front() == '"') {
                read_quoted();
            } else {
                rest_.remove_prefix(1);
            }
        }
    }

    std::pair<std::string_view, std::string> read_parameter() {
        const auto name = read_until("=;,");
        if (!take('=')) return {trim(name), {}};
        if (!rest_.empty() && rest_.front() == '"') {
            auto value = read_quoted();
            skip_blanks();
            return {trim(name), std::move(value)};
        }
        return {trim(name), std::string(trim(read_until(";,")))};
    }

    std::string_view read_until(std::string_view ends) {
        const auto length = std::min(rest_.find_first_of(ends), rest_.size());
        const auto text = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return text;
    }

    std::string read_quoted() {
        std::string value;
        rest_.remove_prefix(1);
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            value += rest_.front();
            rest_.remove_prefix(1);
        }
        if (!rest_.empty()) rest_.remove_prefix(1);
        return value;
    }

    // rel may name several relations, separated by spaces; registered names have no case (RFC 8288 §2.1.1).
    static void add(std::vector<Link>& links, const std::string& target, const std::string& relations) {
        for (const auto relation : split(relations, ' ')) {
            if (!trim(relation).empty()) links.push_back({target, lower_ascii(trim(relation))});
        }
    }

    std::string_view rest_;
};

}  // namespace

std::optional<std::string_view> HttpHeaders::find(std::string_view name) const {
    for (const auto& [field, value] : fields) {
        if (equals_ignoring_case(field, name)) return value;
    }
    return std::nullopt;
}

std::vector<std::string_view> HttpHeaders::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& [field, value] : fields) {
        if (equals_ignoring_case(field, name)) values.push_back(value);
    }
    return values;
}

std::vector<Link> links(const HttpHeaders& headers) {
    std::vector<Link> found;
    for (const auto value : headers.all("Link")) {
        for (LinkScanner scanner(value); !scanner.at_end();)
            scanner.read_into(found);
    }
    return found;
}

std::string media_type(const HttpHeaders& headers) {
    const auto value = headers.find("Content-Type").value_or("");
    return lower_ascii(trim(value.substr(0, value.find(';'))));
}

}  // namespace certd
