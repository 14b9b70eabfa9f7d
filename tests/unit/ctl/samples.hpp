// Lineages and times for the rendering tests.
#pragma once

#include "ctl/api/types.hpp"
#include "ctl/layout.hpp"

namespace certd::test {

// 2026-11-23 10:04:00 UTC.
inline Time sample_now() {
    return parse_rfc3339("2026-11-23T10:04:00Z").value();
}

inline ctl::Style plain(std::size_t width, bool unicode = true) {
    ctl::Style style;
    style.width = width;
    style.unicode = unicode;
    style.local_time = false;
    return style;
}

inline api::Lineage ok_lineage(std::string name = "example.com") {
    api::Lineage lineage;
    lineage.name = std::move(name);
    lineage.names = lineage.issued_names = {lineage.name, "www." + lineage.name};
    lineage.state = "waiting";
    lineage.health = "ok";
    lineage.ca = "letsencrypt";
    lineage.key_type = "ecdsa-p256";
    lineage.version = 4;
    lineage.serial = "03ab";
    lineage.fingerprint_sha256 = std::string(64, 'a');
    lineage.not_before = sample_now() - days(31);
    lineage.not_after = sample_now() + days(59) + hours(3);
    lineage.next = {"issue", sample_now() + days(29) + hours(4), {"2/3 of the lifetime"}};
    lineage.served = "yes";
    lineage.versions = {{4, *lineage.not_after, "live", "03ab", std::string(64, 'a')}};
    lineage.targets = {
        {"web", "local", "deployed", 4, std::string(64, 'a'), sample_now() - hours(3), std::nullopt, std::nullopt}};
    return lineage;
}

inline Problem nginx_problem() {
    return problem("deploy.test", "The test command of target web failed: nginx -t exited with 1",
                   "nginx: [emerg] unexpected \"}\" in /etc/nginx/nginx.conf:12");
}

inline api::Lineage failed_lineage(std::string name = "shop.example.net") {
    api::Lineage lineage = ok_lineage(std::move(name));
    lineage.state = "deploy-failed";
    lineage.health = "warning";
    lineage.not_after = sample_now() + hours(40);
    lineage.next = {"deploy", sample_now() + minutes(5), {"deployment of version 5 failed"}};
    lineage.served = "partly";
    lineage.failures = 2;
    lineage.last_problem = nginx_problem();
    return lineage;
}

}  // namespace certd::test
