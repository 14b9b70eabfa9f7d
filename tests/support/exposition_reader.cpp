// One line after the other; what spans lines (order, histograms) is looked at when a family ends.
#include "tests/support/exposition_reader.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace certd::test {

namespace {

double number_of(const std::string& text) {
    if (text == "+Inf") return std::numeric_limits<double>::infinity();
    return std::stod(text);
}

class Reader {
   public:
    explicit Reader(bool open) : open_(open) {}

    MetricsPage read(const std::string& text) {
        if (!text.ends_with('\n')) wrong("there is no final line feed");
        std::istringstream lines(text);
        while (std::getline(lines, line_)) {
            if (ended_) wrong("something follows # EOF");
            if (line_ == "# EOF" && open_) {
                ended_ = true;
            } else if (line_.starts_with("# ")) {
                metadata();
            } else {
                sample();
            }
        }
        line_ = "(end)";
        if (open_ && !ended_) wrong("# EOF is missing");
        end_histogram();
        return std::move(page_);
    }

   private:
    [[noreturn]] void wrong(const std::string& why) const { throw std::runtime_error(line_ + ": " + why); }

    void metadata() {
        static const std::regex form(R"re(# (HELP|TYPE|UNIT) ([a-z_:][a-z0-9_:]*) (.+))re");
        std::smatch match;
        if (!std::regex_match(line_, match, form)) wrong("neither a sample nor HELP, TYPE or UNIT");
        const std::string kind = match[1], name = match[2], value = match[3];
        if (kind == "HELP") {
            end_histogram();
            current_ = name;
            if (!page_.families.try_emplace(name).second) wrong("a family comes twice");
            page_.families[name].help = value;
            return;
        }
        if (name != current_) wrong("metadata of another family");
        MetricsPage::Family& family = page_.families[name];
        if (kind == "UNIT") {
            if (!open_) wrong("UNIT is OpenMetrics'");
            if (!name.ends_with("_" + value)) wrong("the name does not end in the unit");
            family.unit = value;
            return;
        }
        static const std::regex types("gauge|counter|histogram"), open_types("gauge|counter|histogram|info|unknown");
        if (!std::regex_match(value, open_ ? open_types : types)) wrong("an unknown type");
        if (!family.type.empty()) wrong("a second TYPE");
        if (open_ && value == "counter" && name.ends_with("_total")) wrong("a counter's family has no _total");
        family.type = value;
    }

    void sample() {
        static const std::regex form(
            R"re(([a-z_:][a-z0-9_:]*)(\{([a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*)\})? (NaN|[+-]Inf|-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?))re");
        std::smatch match;
        if (!std::regex_match(line_, match, form)) wrong("not a sample");
        const std::string name = match[1], labels = match[3], value = match[4];
        const MetricsPage::Family& family = page_.families[current_];
        if (current_.empty() || family.type.empty()) wrong("a sample before its TYPE");
        const std::string suffix = suffix_of(name);
        check_suffix(family.type, suffix);
        const double number = number_of(value);
        if (family.type == "counter" && !(number >= 0)) wrong("a counter below zero");
        if (family.type == "info" && number != 1) wrong("an info that is not 1");
        if (!page_.samples.emplace(name + match[2].str(), number).second) wrong("a sample comes twice");
        if (family.type == "histogram") histogram(suffix, labels, number);
    }

    std::string suffix_of(const std::string& name) const {
        if (!name.starts_with(current_)) wrong("a sample of another family");
        return name.substr(current_.size());
    }

    void check_suffix(const std::string& type, const std::string& suffix) const {
        std::string wanted;
        if (open_ && type == "counter") wanted = "_total";
        if (open_ && type == "info") wanted = "_info";
        if (type == "histogram") {
            if (suffix != "_bucket" && suffix != "_sum" && suffix != "_count") wrong("no sample of a histogram");
        } else if (suffix != wanted) {
            wrong("the name does not fit the type");
        }
    }

    void histogram(const std::string& suffix, const std::string& labels, double value) {
        static const std::regex bound(R"re((.*?),?le="([^"]+)")re");
        std::smatch match;
        if (suffix != "_bucket") {
            if (labels != series_) wrong("a histogram's samples are apart");
            if (suffix == "_count" && last_ != value) wrong("the last bucket is not the count");
            if (suffix == "_count") end_histogram();
            return;
        }
        if (!std::regex_match(labels, match, bound)) wrong("a bucket without le");
        if (open_ && match[2] != "+Inf" && match[2].str().find('.') == std::string::npos) wrong("le is no float");
        const double le = number_of(match[2]);
        if (!bound_ || match[1] != series_) {
            end_histogram();
            series_ = match[1];
        } else if (le <= *bound_ || value < last_) {
            wrong("buckets are not in order");
        }
        bound_ = le;
        last_ = value;
    }

    void end_histogram() {
        if (bound_ && !std::isinf(*bound_)) wrong("a histogram without +Inf");
        bound_.reset();
        series_.clear();
        last_ = 0;
    }

    bool open_, ended_ = false;
    std::string line_, current_, series_;
    std::optional<double> bound_;
    double last_ = 0;
    MetricsPage page_;
};

}  // namespace

MetricsPage read_prometheus(const std::string& text) {
    return Reader(false).read(text);
}

MetricsPage read_openmetrics(const std::string& text) {
    return Reader(true).read(text);
}

}  // namespace certd::test
