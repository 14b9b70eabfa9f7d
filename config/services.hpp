// What is known of the usual servers: how each tests its configuration, takes up new files and is asked what it serves.
#pragma once

#include "config/model.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace certd::config {

struct Service {
    std::string_view name;
    std::vector<std::string> test;     // empty: the server has no such command
    std::string_view unit;             // to reload; empty: see `restart`
    std::vector<std::string> restart;  // of a server that cannot take up new files while it runs
    std::vector<VerifyAddress> addresses;
};

// In order of their names, as the schema lists them. Debian's names of programs and units.
const std::vector<Service>& services();
const Service* find_service(std::string_view name);

// Sets test, reload and addresses (of each host, where there are hosts); what the configuration says itself is read
// afterwards.
void fill_in(const Service& service, Target& target);

// Whether the command line of haproxy's runtime API carries the path as one word.
bool haproxy_takes_path(std::string_view path);

}  // namespace certd::config
