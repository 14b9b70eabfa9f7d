// The text of one configuration file: its name, its lines, and whether it is text at all. No YAML here.
#pragma once

#include "config/diagnostic.hpp"
#include "config/model.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd::config {

constexpr std::size_t file_size_limit = std::size_t{16} << 20;
constexpr std::size_t line_length_limit = std::size_t{64}
                                          << 10;  // longer: no hand wrote it, and the YAML scanner buffers it whole

class Source {
   public:
    Source(std::string name, std::string text);

    const std::string& name() const { return *name_; }
    std::string_view text() const { return text_; }
    // Line `number` from 1, without its line end; empty beyond the last line.
    std::string_view line(std::uint32_t number) const;
    // `line` and `column` count from 1; columns are octets, as editors and compilers count them.
    Location at(std::uint32_t line, std::uint32_t column) const { return {name_, line, column}; }

    struct Fault {
        std::uint32_t line, column;
        std::string message;
    };
    // Too large, a line too long, control characters or invalid UTF-8: what must never reach the YAML scanner.
    std::optional<Fault> fault() const;

   private:
    std::shared_ptr<const std::string> name_;
    std::string text_;
    std::vector<std::size_t> starts_;  // offset of each line
};

// `value` in quotation marks for a message, cut to a readable length. Not escaped: that is done where it is shown.
std::string in_quotes(std::string_view value);

}  // namespace certd::config
