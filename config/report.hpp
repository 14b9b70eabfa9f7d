// Collects the findings about several sources and puts the source line beside each.
#pragma once

#include "config/diagnostic.hpp"
#include "config/source.hpp"

#include <deque>
#include <string>
#include <vector>

namespace certd::config {

class Report {
   public:
    // The sources in the order in which their findings are listed. The text is kept until the report is destroyed.
    const Source& add(Source source) { return sources_.emplace_back(std::move(source)); }

    void error(const Location& where, std::string message, std::string hint = {}, std::string code = "config.invalid");
    void warning(const Location& where, std::string message, std::string hint = {});
    bool has_errors() const { return config::has_errors(diagnostics_); }
    // "12", or "conf.d/a.yaml:12" for a place in another file than `from`: how one finding points to a second place.
    static std::string refer(const Location& other, const Location& from);

    std::vector<Diagnostic> take();  // by file, line and column

   private:
    void add(Diagnostic::Level level, const Location& where, std::string message, std::string hint, std::string code);

    std::deque<Source> sources_;
    std::vector<Diagnostic> diagnostics_;
};

}  // namespace certd::config
