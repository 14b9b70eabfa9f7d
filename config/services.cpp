// The table of services.
#include "config/services.hpp"

#include <algorithm>

namespace certd::config {

const std::vector<Service>& services() {
    static const std::vector<Service> all{
        {"apache", {"apache2ctl", "configtest"}, "apache2.service", {}, {{StartTls::none, "127.0.0.1:443"}}},
        // doveconf reads the whole configuration, and fails where dovecot would not start.
        {"dovecot", {"doveconf", "-n"}, "dovecot.service", {}, {{StartTls::none, "127.0.0.1:993"}}},
        // -bV reads the configuration before it prints the version.
        {"exim", {"exim4", "-bV"}, "exim4.service", {}, {{StartTls::smtp, "127.0.0.1:25"}}},
        {"haproxy",
         {"haproxy", "-c", "-q", "-f", "/etc/haproxy/haproxy.cfg"},
         "haproxy.service",
         {},
         {{StartTls::none, "127.0.0.1:443"}}},
        {"nginx", {"nginx", "-t", "-q"}, "nginx.service", {}, {{StartTls::none, "127.0.0.1:443"}}},
        {"postfix", {"postfix", "check"}, "postfix.service", {}, {{StartTls::smtp, "127.0.0.1:25"}}},
        // A certificate it cannot use is told in its log at the reload, and the old one kept: verification finds it.
        {"postgresql", {}, "postgresql.service", {}, {{StartTls::postgres, "127.0.0.1:5432"}}},
        // slapd reads its certificate when it starts, and only then. Without -u its databases are opened, or made by
        // root.
        {"slapd",
         {"slaptest", "-Q", "-u"},
         {},
         {"systemctl", "restart", "slapd.service"},
         {{StartTls::ldap, "127.0.0.1:389"}}},
    };
    return all;
}

const Service* find_service(std::string_view name) {
    const auto known = std::ranges::find(services(), name, &Service::name);
    return known != services().end() ? &*known : nullptr;
}

void fill_in(const Service& service, Target& target) {
    target.test.argv = service.test;
    target.reload.systemd_unit = service.unit;
    target.reload.command.argv = service.restart;
    target.verify.addresses = service.addresses;
    if (target.hosts.empty()) return;
    for (VerifyAddress& address : target.verify.addresses)
        address.address.erase(0, address.address.find(':'));  // that port of each host
}

bool haproxy_takes_path(std::string_view path) {
    return path.starts_with('/') && std::ranges::all_of(path, [](char letter) {
               return letter > 0x20 && letter < 0x7F && letter != '\\' && letter != ';' && letter != '*' &&
                      letter != '<' && letter != '"' && letter != '\'';
           });
}

}  // namespace certd::config
