// How TLS is asked for at an address: at once, or in the words of a protocol.
#pragma once

#include <optional>
#include <string_view>

namespace certd {

enum class StartTls { none, smtp, imap, pop3, ftp, ldap, postgres };

std::string_view start_tls_name(StartTls protocol);  // "smtp"; "tls" for none
std::optional<StartTls> start_tls_from(std::string_view name);

}  // namespace certd
