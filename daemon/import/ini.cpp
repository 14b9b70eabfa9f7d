// A reader of lines: one function for each thing that may stand in one.
#include "daemon/import/ini.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

std::string_view without_leading_blanks(std::string_view text) {
    return text.substr(std::min(text.size(), text.find_first_not_of(" \t")));
}

class Reader {
   public:
    Reader(std::string_view text, const std::string& file) : lines_(split(text, '\n')), file_(file) {}

    Result<IniSection> read() {
        while (next_line()) {
            std::string_view line = without_leading_blanks(line_);
            if (line.empty() || line.front() == '#') continue;
            Result<void> taken = line.front() == '[' ? take_section(line) : take_value(line);
            if (!taken) return failure(std::move(taken).error());
        }
        return std::move(root_);
    }

   private:
    bool next_line() {
        if (number_ == lines_.size()) return false;
        line_ = lines_[number_++];
        if (line_.ends_with('\r')) line_.remove_suffix(1);
        return true;
    }

    tl::unexpected<Problem> wrong(std::uint32_t line, std::string_view what) const {
        return failure("import.syntax", fmt::format("{}:{}: {}", file_, line, what));
    }
    tl::unexpected<Problem> wrong(std::string_view what) const {
        return wrong(static_cast<std::uint32_t>(number_), what);
    }

    // The section being read, by the path of indices that leads to it.
    IniSection& current() {
        IniSection* section = &root_;
        for (std::size_t depth = 0; depth < depth_; ++depth)
            section = &section->sections.back();
        return *section;
    }

    // "[[webroot_map]]": as many brackets as it is deep.
    Result<void> take_section(std::string_view line) {
        std::size_t depth = std::min(line.find_first_not_of('['), line.size());
        std::string_view rest = without_leading_blanks(line.substr(depth));
        std::string name;
        if (!rest.empty() && (rest.front() == '"' || rest.front() == '\'')) {
            std::optional<std::string> quoted = take_quoted(rest);
            if (!quoted) return wrong("the quotation mark has no counterpart");
            name = std::move(*quoted);
        } else {
            std::size_t end = std::min(rest.find(']'), rest.size());
            name = trim(rest.substr(0, end));
            rest.remove_prefix(end);
        }
        rest = without_leading_blanks(rest);
        std::size_t closing = std::min(rest.find_first_not_of(']'), rest.size());
        if (closing != depth) return wrong("the brackets around the section's name do not match");
        if (!is_end(rest.substr(closing))) return wrong("there is text behind the section's name");
        if (depth > depth_ + 1) return wrong("the section is nested too deep for its place");
        if (depth > ini_depth_limit) return wrong("sections are nested too deep");
        depth_ = depth - 1;
        IniSection& parent = current();
        if (parent.find(name) != nullptr) return wrong(fmt::format("the section {} is here twice", name));
        parent.sections.push_back({std::move(name), {}, {}});
        depth_ = depth;
        return {};
    }

    Result<void> take_value(std::string_view line) {
        std::string key;
        if (line.front() == '"' || line.front() == '\'') {
            std::optional<std::string> quoted = take_quoted(line);
            if (!quoted) return wrong("the quotation mark has no counterpart");
            key = std::move(*quoted);
            line = without_leading_blanks(line);
            if (!line.starts_with('=')) return wrong("'=' is missing");
        } else {
            std::size_t equals = line.find('=');
            if (equals == std::string_view::npos) return wrong("neither a section nor KEY = VALUE");
            key = trim(line.substr(0, equals));
            line.remove_prefix(equals);
        }
        line.remove_prefix(1);
        if (key.empty()) return wrong("the key is missing");
        IniValue value;
        value.line = static_cast<std::uint32_t>(number_);
        line = without_leading_blanks(line);
        bool is_triple = line.starts_with("\"\"\"") || line.starts_with("'''");
        Result<void> read = is_triple ? take_triple(line, value) : take_items(line, value);
        if (!read) return read;
        if (!current().values.emplace(std::move(key), std::move(value)).second)
            return wrong("the key is here for the second time");
        return {};
    }

    // One value in three quotation marks, over any number of lines.
    Result<void> take_triple(std::string_view line, IniValue& value) {
        std::string_view mark = line.substr(0, 3);
        line.remove_prefix(3);
        std::string text;
        for (;;) {
            if (std::size_t end = line.find(mark); end != std::string_view::npos) {
                text += line.substr(0, end);
                line.remove_prefix(end + 3);
                break;
            }
            text += line;
            text += '\n';
            if (!next_line()) return wrong(value.line, "the three quotation marks have no counterpart");
            line = line_;
        }
        if (!is_end(line)) return wrong("there is text behind the value");
        value.items.push_back(std::move(text));
        return {};
    }

    // "a", 'b, c', d: what a comma follows is a list, also of one.
    Result<void> take_items(std::string_view line, IniValue& value) {
        for (;;) {
            line = without_leading_blanks(line);
            if (line.empty() || line.front() == '#') break;
            if (line.front() == ',') {
                bool is_empty_list = value.items.empty() && is_end(line.substr(1));
                if (!is_empty_list) return wrong("a comma without a value in front of it");
                value.is_list = true;
                return {};
            }
            if (line.front() == '"' || line.front() == '\'') {
                std::optional<std::string> quoted = take_quoted(line);
                if (!quoted) return wrong("the quotation mark has no counterpart");
                value.items.push_back(std::move(*quoted));
            } else {
                std::size_t end = std::min(line.find_first_of(",#"), line.size());
                value.items.emplace_back(trim(line.substr(0, end)));
                line.remove_prefix(end);
                if (has_interpolation(value.items.back())) return wrong("%(NAME)s is not replaced: write its value");
            }
            line = without_leading_blanks(line);
            if (!line.starts_with(',')) break;
            value.is_list = true;
            line.remove_prefix(1);
        }
        if (!is_end(line)) return wrong("there is text behind the value");
        if (value.items.empty()) value.items.emplace_back();
        return {};
    }

    // ConfigObj knows no way to write the mark itself inside. Removes what it has read from `text`.
    static std::optional<std::string> take_quoted(std::string_view& text) {
        std::size_t end = text.find(text.front(), 1);
        if (end == std::string_view::npos) return std::nullopt;
        std::string content(text.substr(1, end - 1));
        text.remove_prefix(end + 1);
        return content;
    }

    static bool has_interpolation(std::string_view text) {
        std::size_t open = text.find("%(");
        return open != std::string_view::npos && text.find(")s", open) != std::string_view::npos;
    }

    static bool is_end(std::string_view rest) {
        rest = without_leading_blanks(rest);
        return rest.empty() || rest.front() == '#';
    }

    std::vector<std::string_view> lines_;
    const std::string& file_;
    std::size_t number_ = 0;  // of the line that was read last, from 1
    std::string_view line_;
    IniSection root_;
    std::size_t depth_ = 0;
};

}  // namespace

const IniSection* IniSection::find(std::string_view section) const {
    auto found = std::ranges::find(sections, section, &IniSection::name);
    return found == sections.end() ? nullptr : &*found;
}

Result<IniSection> parse_ini(std::string_view text, const std::string& file) {
    if (text.size() > ini_size_limit) return failure("import.syntax", file + " is larger than 1 MiB");
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (text.find('\0') != std::string_view::npos)
        return failure("import.syntax", file + " is no text: it holds a NUL character");
    return Reader(text, file).read();
}

}  // namespace certd::certbot
