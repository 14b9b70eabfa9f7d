// From files to a Config, or to every error at once. yaml-cpp is used by document.cpp alone.
#pragma once

#include "config/diagnostic.hpp"
#include "config/model.hpp"

#include <string>
#include <vector>

namespace certd::config {

struct Loaded {
    ConfigPtr config;                     // null when there is an error
    std::vector<Diagnostic> diagnostics;  // errors and warnings in order of file and position
};

// Whether the files that a configuration names are looked at.
enum class Disk { look, leave };

// `path` and the `conf.d/*.yaml` beside it, merged in name order. Reads files; blocking.
Loaded load(const std::string& path);

// A file of conf.d that is given as a text: it stands in for the one of this path, which need not be there.
struct Fragment {
    std::string path;
    std::string text;
};
// The same with `fragments`; there may be no file at `path`. For what is about to be written or taken away. Blocking.
Loaded load_with(const std::string& path, const std::vector<Fragment>& fragments);

// The same for a text in memory, for tests and embedded samples. Files that it names are looked at only on request.
Loaded load_text(const std::string& text, const std::string& file_name = "certd.yaml", Disk disk = Disk::leave);

// The reference page of all keys, generated from the schema.
std::string reference_page();

}  // namespace certd::config
