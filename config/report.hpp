// Collects the findings about several sources and puts the source line beside each.
#pragma once

#include "config/diagnostic.hpp"
#include "config/source.hpp"

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace certd::config {

class Report {
   public:
    // The sources in the order in which their findings are listed. The text is kept until the report is destroyed.
    const Source& add(Source source);

    void error(const Location& where, std::string message, std::string hint = {}, std::string code = "config.invalid");
    void warning(const Location& where, std::string message, std::string hint = {});
    bool has_errors() const { return has_errors_; }
    // "12", or "conf.d/a.yaml:12" for a place in another file than `from`: how one finding points to a second place.
    static std::string refer(const Location& other, const Location& from);

    std::vector<Diagnostic> take();  // by file, line and column

   private:
    void add(Diagnostic::Level level, const Location& where, std::string message, std::string hint, std::string code);

    struct Ranked {
        std::size_t source;  // its place among the sources; behind all of them for a file that could not be read
        Diagnostic diagnostic;
    };

    std::deque<Source> sources_;
    std::unordered_map<const std::string*, std::size_t> ranks_;  // by the file of a Location, which a source shares
    std::vector<Ranked> found_;
    bool has_errors_ = false;
};

}  // namespace certd::config
