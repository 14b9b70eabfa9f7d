// The names of StartTls.
#include "libacme/base/start_tls.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace certd {
namespace {

using Name = std::pair<StartTls, std::string_view>;
constexpr std::array<Name, 7> names{{{StartTls::none, "tls"},
                                     {StartTls::smtp, "smtp"},
                                     {StartTls::imap, "imap"},
                                     {StartTls::pop3, "pop3"},
                                     {StartTls::ftp, "ftp"},
                                     {StartTls::ldap, "ldap"},
                                     {StartTls::postgres, "postgres"}}};

}  // namespace

std::string_view start_tls_name(StartTls protocol) {
    return std::ranges::find(names, protocol, &Name::first)->second;
}

std::optional<StartTls> start_tls_from(std::string_view name) {
    const auto* known = std::ranges::find(names, name, &Name::second);
    return known != names.end() ? std::optional(known->first) : std::nullopt;
}

}  // namespace certd
