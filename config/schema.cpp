// The table of keys. A new key is one row here, one line in build.cpp and one case in
// tests/unit/config/schema_test.cpp.
#include "config/schema.hpp"

#include "libacme/base/text.hpp"
#include "libacme/base/time.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
constexpr std::string_view key_types = "ecdsa-p256|ecdsa-p384|rsa-2048|rsa-3072|rsa-4096";
constexpr std::string_view no_must_staple = "OCSP has ended and CAs refuse must-staple certificates; take the key out";

// clang-format off
constexpr std::array table = {
    Row{.path = "state_dir", .type = Type::path, .default_text = "/var/lib/certd",
        .doc = "Directory for accounts, orders, keys and certificates; one daemon per directory."},
    Row{.path = "parallel_orders", .type = Type::integer, .default_text = "8",
        .doc = "Orders in progress at the same time, over all CAs.", .low = 1, .high = 64},
    Row{.path = "jitter", .type = Type::duration, .default_text = "1h",
        .doc = "At most this, or 1/50 of the lifetime when that is less, is added to a renewal time; the same for a lineage's version at every start.", .low = 0, .high = 7 * day},
    Row{.path = "resolvers", .type = Type::resolver, .many = true, .default_text = "those of /etc/resolv.conf",
        .doc = "Recursive servers that `certctl check` and DNS challenges look names up at."},

    Row{.path = "control", .type = Type::section, .doc = "The socket certctl talks to."},
    Row{.path = "control.socket", .type = Type::path, .default_text = "/run/certd/control.sock",
        .doc = "Path of the Unix socket."},
    Row{.path = "control.group", .type = Type::account_or_none, .default_text = "certd",
        .doc = "Members of this group are operators: they may read, renew, deploy, roll back, pause and reload. \"\": root only."},
    Row{.path = "control.viewers", .type = Type::account, .many = true, .default_text = "[]",
        .doc = "Groups whose members may read only."},
    Row{.path = "control.admins", .type = Type::account, .many = true, .default_text = "[]",
        .doc = "Groups whose members may do everything; root always may."},

    Row{.path = "metrics", .type = Type::section, .doc = "Prometheus metrics over TCP; they are on the control socket in any case."},
    Row{.path = "metrics.listen", .type = Type::listen, .default_text = "not listening",
        .doc = "Address and port of the metrics listener, e.g. \"127.0.0.1:9402\"."},
    Row{.path = "metrics.token_file", .type = Type::secret_file, .default_text = "none",
        .doc = "File with the token that callers of the metrics listener must present (Authorization: Bearer …; in a browser https://…/?token=… once); without it everybody who reaches the port may read. /healthz is for everybody."},
    Row{.path = "metrics.page", .type = Type::boolean, .default_text = "true",
        .doc = "Whether the metrics listener shows the status page too; on an address that is not of this machine only with a token."},
    Row{.path = "metrics.textfile", .type = Type::path, .default_text = "none",
        .doc = "File to write the metrics to as well, for node_exporter's textfile collector: its name must end in .prom."},
    Row{.path = "metrics.textfile_interval", .type = Type::duration, .default_text = "1m",
        .doc = "How often the file is written.", .low = second, .high = day},

    Row{.path = "http_challenge", .type = Type::section, .doc = "certd's own answers to http-01 challenges."},
    Row{.path = "http_challenge.listen", .type = Type::listen, .many = true, .default_text = "[]",
        .doc = "Where to listen, e.g. \"[::]:80\" for IPv6 and IPv4; \"systemd:NAME\" takes a socket passed by systemd."},
    Row{.path = "http_challenge.mode", .type = Type::choice, .default_text = "when-needed",
        .doc = "Whether the port is bound only while a challenge waits for its validation.", .words = "when-needed|always"},

    Row{.path = "tls_challenge", .type = Type::section, .doc = "certd's own answers to tls-alpn-01 challenges."},
    Row{.path = "tls_challenge.listen", .type = Type::listen, .many = true, .default_text = "[]",
        .doc = "Where to listen, e.g. \"[::]:443\", or behind a proxy that splits off ALPN acme-tls/1; \"systemd:NAME\" takes a socket passed by systemd."},
    Row{.path = "tls_challenge.mode", .type = Type::choice, .default_text = "when-needed",
        .doc = "Whether the port is bound only while a challenge waits for its validation.", .words = "when-needed|always"},

    Row{.path = "log", .type = Type::section, .doc = "What is logged, and where."},
    Row{.path = "log.level", .type = Type::choice, .default_text = "info",
        .doc = "The least severity that is logged.", .words = "debug|info|notice|warning|error|critical"},
    Row{.path = "log.file", .type = Type::path, .default_text = "standard error",
        .doc = "A log file, rotated by certd itself."},
    Row{.path = "log.max_size", .type = Type::size, .default_text = "10MB",
        .doc = "Size at which the log file is rotated.", .low = 100'000, .high = 10'000'000'000},
    Row{.path = "log.max_files", .type = Type::integer, .default_text = "5",
        .doc = "Rotated files that are kept.", .low = 1, .high = 100},
    Row{.path = "log.format", .type = Type::choice, .default_text = "text",
        .doc = "One line of text, or one JSON object, per event.", .words = "text|json"},

    Row{.path = "audit", .type = Type::section, .doc = "The journal of what was done, and who asked for it: `certctl history`, `certctl audit verify`."},
    Row{.path = "audit.keep", .type = Type::duration, .default_text = "400d",
        .doc = "How long it is kept at least; a file goes when its last line is older.", .low = day, .high = 10'000 * day},
    Row{.path = "audit.max_size", .type = Type::size, .default_text = "10MB",
        .doc = "Size at which the next file is begun; so is one after an eighth of `keep`.", .low = 100'000, .high = 50'000'000},

    Row{.path = "revocation", .type = Type::section, .doc = "Whether certificates in use were revoked: such a one is replaced at once."},
    Row{.path = "revocation.crl", .type = Type::boolean, .default_text = "true",
        .doc = "Whether the certificates that lineages use are looked up in the CRL that they name. Those that name none (short-lived ones, say) are not looked up."},
    Row{.path = "revocation.interval", .type = Type::duration, .default_text = "6h",
        .doc = "How often a CRL is fetched at least; when its CA announces the next one for an earlier time, it is fetched then.", .low = hour, .high = 7 * day},
    Row{.path = "revocation.max_size", .type = Type::size, .default_text = "64MB",
        .doc = "Size of a CRL above which it is not read.", .low = 100'000, .high = 500'000'000},

    Row{.path = "dns_providers", .type = Type::sections,
        .doc = "Who changes DNS records for the dns-01 challenge, by a name of your choice; each has exactly one of rfc2136, exec, lego_exec, httpreq, acme_dns, cloudflare and route53."},
    Row{.path = "dns_providers.*.rfc2136", .type = Type::section, .doc = "Signed updates of the zone's primary name server (RFC 2136, RFC 8945), e.g. BIND, Knot DNS or PowerDNS."},
    Row{.path = "dns_providers.*.rfc2136.server", .type = Type::name_server, .many = true, .default_text = "the primary that the zone's SOA record names",
        .doc = "Where to send updates, e.g. a hidden primary; the first that answers is asked."},
    Row{.path = "dns_providers.*.rfc2136.key_name", .type = Type::host, .doc = "Name of the TSIG key, as the server has it.", .need = Need::required},
    Row{.path = "dns_providers.*.rfc2136.algorithm", .type = Type::choice, .default_text = "hmac-sha256",
        .doc = "Algorithm of the TSIG key. The last two are weak and give a warning.", .words = "hmac-sha256|hmac-sha384|hmac-sha512|hmac-sha224|hmac-sha1|hmac-md5"},
    Row{.path = "dns_providers.*.rfc2136.secret_file", .type = Type::secret,
        .doc = "File with the key's secret in base64, or with the key statement that tsig-keygen writes.", .need = Need::required},
    Row{.path = "dns_providers.*.rfc2136.ttl", .type = Type::duration, .default_text = "1m",
        .doc = "Time to live of the records.", .low = second, .high = day},
    Row{.path = "dns_providers.*.exec", .type = Type::section, .doc = "Commands with the environment of certbot's manual hooks, and the same as JSON on standard input."},
    Row{.path = "dns_providers.*.exec.present", .type = Type::command, .doc = "Adds a TXT record, e.g. [/etc/certd/dns-hook, present].", .need = Need::required},
    Row{.path = "dns_providers.*.exec.cleanup", .type = Type::command, .doc = "Takes it away again, e.g. [/etc/certd/dns-hook, cleanup].", .need = Need::required},
    Row{.path = "dns_providers.*.exec.wait", .type = Type::command, .default_text = "certd asks the authoritative servers itself",
        .doc = "Returns once the record can be seen by the CA, in place of certd's own look."},
    Row{.path = "dns_providers.*.lego_exec", .type = Type::section, .doc = "A program in the form of lego's exec provider."},
    Row{.path = "dns_providers.*.lego_exec.command", .type = Type::command,
        .doc = "Called with three more arguments: present or cleanup, the record's name, its value.", .need = Need::required},
    Row{.path = "dns_providers.*.{exec,lego_exec}.timeout", .type = Type::duration, .default_text = "5m",
        .doc = "After this a command and its children are killed, which counts as failure; cleaning up has 30s at most.", .low = second, .high = 5 * minute},
    Row{.path = "dns_providers.*.{exec,lego_exec}.user", .type = Type::account, .default_text = "certd's own user", .doc = "User who runs the commands."},
    Row{.path = "dns_providers.*.httpreq", .type = Type::section, .doc = "A web service in the form of lego's httpreq provider: POST {fqdn, value} to ENDPOINT/present and ENDPOINT/cleanup."},
    Row{.path = "dns_providers.*.httpreq.endpoint", .type = Type::api_url, .doc = "URL of the service; http only on this machine.", .need = Need::required},
    Row{.path = "dns_providers.*.httpreq.username_file", .type = Type::secret, .default_text = "no authentication",
        .doc = "File with the user name for basic authentication."},
    Row{.path = "dns_providers.*.httpreq.password_file", .type = Type::secret, .default_text = "no authentication",
        .doc = "File with the password for basic authentication."},
    Row{.path = "dns_providers.*.acme_dns", .type = Type::section, .doc = "An acme-dns server to which _acme-challenge of each name is delegated by a CNAME."},
    Row{.path = "dns_providers.*.acme_dns.server", .type = Type::api_url, .doc = "URL of the server; http only on this machine.", .need = Need::required},
    Row{.path = "dns_providers.*.acme_dns.accounts_file", .type = Type::secret,
        .doc = "JSON file with the registration of each name: {\"example.com\": {\"username\", \"password\", \"fulldomain\", \"subdomain\"}}.", .need = Need::required},
    Row{.path = "dns_providers.*.cloudflare", .type = Type::section, .doc = "Zones at Cloudflare."},
    Row{.path = "dns_providers.*.cloudflare.token_file", .type = Type::secret,
        .doc = "File with an API token that may read the zone and edit its DNS records.", .need = Need::required},
    Row{.path = "dns_providers.*.cloudflare.endpoint", .type = Type::https_url, .default_text = "https://api.cloudflare.com/client/v4",
        .doc = "URL of the API."},
    Row{.path = "dns_providers.*.route53", .type = Type::section, .doc = "Zones at Amazon Route 53."},
    Row{.path = "dns_providers.*.route53.access_key_file", .type = Type::secret, .doc = "File with the access key id.", .need = Need::required},
    Row{.path = "dns_providers.*.route53.secret_key_file", .type = Type::secret, .doc = "File with the secret access key.", .need = Need::required},
    Row{.path = "dns_providers.*.route53.session_token_file", .type = Type::secret, .default_text = "no session token",
        .doc = "File with the session token of temporary credentials."},
    Row{.path = "dns_providers.*.route53.zone_id", .type = Type::text, .default_text = "the public zone with the longest matching name",
        .doc = "Id of the hosted zone."},
    Row{.path = "dns_providers.*.route53.endpoint", .type = Type::https_url, .default_text = "https://route53.amazonaws.com",
        .doc = "URL of the API."},
    Row{.path = "dns_providers.*.propagation", .type = Type::section, .doc = "When a record counts as visible: all authoritative servers show it, twice in a row."},
    Row{.path = "dns_providers.*.propagation.timeout", .type = Type::duration, .default_text = "2m",
        .doc = "Until when they must.", .low = second, .high = 25 * minute},
    Row{.path = "dns_providers.*.propagation.interval", .type = Type::duration, .default_text = "5s",
        .doc = "Longest pause between two looks; the first ones follow quicker.", .low = 100, .high = minute},
    Row{.path = "dns_providers.*.propagation.quorum", .type = Type::integer, .default_text = "0",
        .doc = "So many servers are enough; 0: all of them.", .low = 0, .high = 64},
    Row{.path = "dns_providers.*.propagation.servers", .type = Type::name_server, .many = true, .default_text = "the servers that the zone's NS records name",
        .doc = "The servers to ask, e.g. the public ones of a zone that is another one inside."},
    Row{.path = "dns_providers.*.propagation.resolvers", .type = Type::resolver, .many = true, .default_text = "[]",
        .doc = "Recursive servers that must show the record too, once the authoritative ones do, e.g. public ones that the CA is likely to ask. The timeout holds for each of the two waits, half an hour for both."},
    Row{.path = "dns_providers.*.resolvers", .type = Type::resolver, .many = true, .default_text = "the top-level resolvers",
        .doc = "Recursive servers that CNAMEs, zones and name servers are looked up at."},
    Row{.path = "dns_providers.*.domains", .type = Type::host, .many = true, .default_text = "all domains",
        .doc = "Domains the provider may be used for, with everything below them; other names are refused before a secret is read."},
    Row{.path = "dns_providers.*.ca_bundle", .type = Type::path, .default_text = "the system's trust store",
        .doc = "PEM file with the roots that an https endpoint's certificate must chain to."},

    Row{.path = "cas", .type = Type::sections, .doc = "The certificate authorities, by a name of your choice."},
    Row{.path = "cas.*.directory", .type = Type::https_url, .doc = "URL of the ACME directory.", .need = Need::required},
    Row{.path = "cas.*.contact", .type = Type::email, .many = true, .default_text = "[]",
        .doc = "E-mail addresses of the account."},
    Row{.path = "cas.*.agree_tos", .type = Type::boolean, .default_text = "false",
        .doc = "That you agree to the CA's terms of service; CAs refuse an account without."},
    Row{.path = "cas.*.ca_bundle", .type = Type::path, .default_text = "the system's trust store",
        .doc = "PEM file with the roots the ACME server's own TLS certificate must chain to, for a private CA."},
    Row{.path = "cas.*.proxy", .type = Type::proxy_url, .default_text = "no proxy",
        .doc = "HTTP proxy for connections to this CA, e.g. http://proxy.internal:3128."},
    Row{.path = "cas.*.account_key", .type = Type::choice, .default_text = "ecdsa-p256",
        .doc = "Type of a new account's key.", .words = key_types},
    Row{.path = "cas.*.limits", .type = Type::choice, .default_text = "none",
        .doc = "Rate limits certd keeps within: orders wait that would exceed them, except past the emergency point.", .words = "none|letsencrypt"},
    Row{.path = "cas.*.parallel_orders", .type = Type::integer, .default_text = "4",
        .doc = "Orders in progress at this CA at the same time.", .low = 1, .high = 64},
    Row{.path = "cas.*.preferred_chain", .type = Type::text, .default_text = "the CA's default chain",
        .doc = "The chain to choose among those the CA offers: by the common name of its topmost issuer, by the SHA-256 fingerprint of a certificate in it, or `shortest`; if none fits, the default chain is used."},
    Row{.path = "cas.*.external_account", .type = Type::section, .default_text = "none",
        .doc = "External account binding (RFC 8555 §7.3.4): what the CA gave out for creating an account."},
    Row{.path = "cas.*.external_account.kid", .type = Type::text, .doc = "The key identifier.", .need = Need::required},
    Row{.path = "cas.*.external_account.mac_key_file", .type = Type::secret_file,
        .doc = "File with the MAC key in base64url or base64, padded or not; `credential:NAME` reads it from $CREDENTIALS_DIRECTORY (systemd's LoadCredential=).", .need = Need::required},
    Row{.path = "cas.*.external_account.algorithm", .type = Type::choice, .default_text = "HS256",
        .doc = "How the binding is authenticated.", .words = "HS256|HS384|HS512"},
    Row{.path = "cas.*.staging", .type = Type::name, .default_text = "none",
        .doc = "Another CA of the configuration, this one's staging: after a failed validation or order the next attempt goes there first, and here only when it passes. Its certificates are thrown away, so no lineage may use it."},
    Row{.path = "{cas.*,defaults,lineages.*}.profile", .type = Type::text, .default_text = "the CA's default",
        .doc = "Kind of certificate to ask for, among those the CA advertises; if it does not, its default is used. A lineage's goes before that of defaults, which goes before the CA's."},
    Row{.path = "{cas.*,defaults,lineages.*}.required_profile", .type = Type::text, .default_text = "none",
        .doc = "The same in place of profile, but nothing is ordered from a CA that does not advertise it."},
    Row{.path = "cas.*.eab", .doc = "write external_account: { kid: …, mac_key_file: … }", .need = Need::refused},
    Row{.path = "cas.*.insecure", .doc = "certd always verifies the CA's certificate; give a private CA's root as ca_bundle", .need = Need::refused},
    Row{.path = "cas.*.verify_tls", .doc = "certd always verifies the CA's certificate; give a private CA's root as ca_bundle", .need = Need::refused},
    Row{.path = "cas.*.email", .doc = "write contact: [ops@example.com]", .need = Need::refused},
    Row{.path = "cas.*.{url,server}", .doc = "write directory: https://…", .need = Need::refused},

    Row{.path = "defaults", .type = Type::section, .doc = "What lineages use unless they say otherwise."},
    Row{.path = "defaults.dry_run_ca", .type = Type::name, .default_text = "none",
        .doc = "CA for `certctl renew --dry-run`, e.g. a staging or local one."},
    Row{.path = "{defaults,lineages.*}.cas", .type = Type::name, .many = true, .default_text = "none",
        .doc = "CAs in order of preference; a later one is tried after repeated failure. Every lineage needs at least one."},
    Row{.path = "{defaults,lineages.*}.key", .type = Type::choice, .default_text = "ecdsa-p256",
        .doc = "Type of the certificate's key, a new one for each version unless reuse_key is given.", .words = key_types},
    Row{.path = "{defaults,lineages.*}.keys", .type = Type::choice, .many = true, .default_text = "[ecdsa-p256]",
        .doc = "In place of key, for services that hold certificates of both kinds: [ecdsa-p256, rsa-2048]. A version has one certificate for each, all deployed together; the first key's files are the version's own, the others are in a directory named like the key type.", .words = key_types},
    Row{.path = "{defaults,lineages.*}.reuse_key", .type = Type::section, .default_text = "a new key for each version",
        .doc = "Use the certificate's key again for the next versions, for keys that are pinned somewhere (DANE, apps). By default every version gets a key of its own, which is the safe rule: a key that leaked is of use only as long as one certificate lives, and nobody has to remember to change it."},
    Row{.path = "{defaults,lineages.*}.reuse_key.max_age", .type = Type::duration,
        .doc = "How old a key may be when it is used again; the first renewal after that makes a new one. 0s: never, whatever defaults say. A key whose certificate was revoked for key-compromise, one whose age is not known, and one of another type than wanted now are not used again; dry runs and staging CAs never see it.",
        .need = Need::required, .low = 0, .high = 3650 * day},
    Row{.path = "{defaults,lineages.*}.challenge", .type = Type::section, .default_text = "http-01 through http_challenge.listen, when that is set",
        .doc = "How names are proven: one or several ways in order of preference; after one has failed the next attempt begins with the next."},
    Row{.path = "lineages.*.name_challenges", .type = Type::by_name, .default_text = "none",
        .doc = "Ways for some of the names, each written as `challenge` is: by a name of the lineage, or by \".example.com\" for all that end so. The name itself goes before endings, longer ones before shorter."},
    Row{.path = "{defaults,lineages.*}.challenge.http-01", .type = Type::section,
        .doc = "Over HTTP on port 80. `http-01: {}` answers from http_challenge.listen itself."},
    Row{.path = "{defaults,lineages.*}.challenge.http-01.webroot", .type = Type::path, .default_text = "answered by http_challenge.listen",
        .doc = "Document root of a web server that serves /.well-known/acme-challenge/ of all names."},
    Row{.path = "{defaults,lineages.*}.challenge.http-01.exec", .type = Type::section,
        .doc = "Commands that put the answer where it is served, with the environment of certbot's manual hooks and the same as JSON on standard input (contrib/docs/HOOKS.md)."},
    Row{.path = "{defaults,lineages.*}.challenge.http-01.exec.present", .type = Type::command, .doc = "Puts the answer in place, e.g. [/etc/certd/http-hook, present].", .need = Need::required},
    Row{.path = "{defaults,lineages.*}.challenge.http-01.exec.cleanup", .type = Type::command, .doc = "Takes it away again, e.g. [/etc/certd/http-hook, cleanup].", .need = Need::required},
    Row{.path = "{defaults,lineages.*}.challenge.http-01.exec.wait", .type = Type::command, .default_text = "the answer counts as served once `present` has ended",
        .doc = "Returns once the answer can be fetched by the CA."},
    Row{.path = "{defaults,lineages.*}.challenge.http-01.exec.timeout", .type = Type::duration, .default_text = "5m",
        .doc = "After this a command and its children are killed, which counts as failure; cleaning up has 30s at most.", .low = second, .high = 5 * minute},
    Row{.path = "{defaults,lineages.*}.challenge.http-01.exec.user", .type = Type::account, .default_text = "certd's own user", .doc = "User who runs the commands."},
    Row{.path = "{defaults,lineages.*}.challenge.dns-01", .type = Type::section,
        .doc = "By a TXT record at _acme-challenge.NAME; wildcards can be proven by this and the other DNS challenges only."},
    Row{.path = "{defaults,lineages.*}.challenge.dns-01.provider", .type = Type::name,
        .doc = "Who changes the record: one of dns_providers.", .need = Need::required},
    Row{.path = "{defaults,lineages.*}.challenge.tls-alpn-01", .type = Type::section,
        .doc = "In a TLS handshake on port 443. `tls-alpn-01: {}` answers from tls_challenge.listen."},
    Row{.path = "{defaults,lineages.*}.challenge.dns-account-01", .type = Type::section,
        .doc = "As dns-01, by a record of the account's own: _LABEL._acme-challenge.NAME, which `certctl check` names. Several accounts can prove one name, each with a CNAME of its own."},
    Row{.path = "{defaults,lineages.*}.challenge.dns-account-01.provider", .type = Type::name,
        .doc = "Who changes the record: one of dns_providers.", .need = Need::required},
    Row{.path = "{defaults,lineages.*}.challenge.dns-persist-01", .type = Type::section,
        .doc = "By a TXT record at _validation-persist.NAME that you publish once, as `certctl check` and `certctl explain` show it; certd only looks for it."},
    Row{.path = "{defaults,lineages.*}.challenge.dns-persist-01.servers", .type = Type::name_server, .many = true, .default_text = "the servers that the zone's NS records name",
        .doc = "The servers that must show it, e.g. the public ones of a zone that is another one inside."},
    Row{.path = "{defaults,lineages.*}.keep_versions", .type = Type::integer, .default_text = "5",
        .doc = "Versions kept on disk; the live and the previous one always are.", .low = 2, .high = 1000},
    Row{.path = "{defaults,lineages.*}.next_key", .type = Type::boolean, .default_text = "false",
        .doc = "The key of the next version is made as soon as a version is issued, so that its pin or TLSA record (`certctl status NAME` shows both) can be published before it is in use."},
    Row{.path = "{defaults,lineages.*}.allow_subset_of_names", .type = Type::boolean, .default_text = "false",
        .doc = "Names that the CA refuses do not hold up the others: the certificate is issued without them, and they are asked for again by themselves. A name that the live certificate has is given up only shortly before that ends."},
    Row{.path = "{defaults,lineages.*}.pre_issue", .type = Type::hooks, .default_text = "[]",
        .doc = "Commands before an order is placed; if one fails none is placed."},
    Row{.path = "{defaults,lineages.*}.post_issue", .type = Type::hooks, .default_text = "[]",
        .doc = "Commands after a certificate was issued, and beside pre_issue also when none was, so that what those stopped is started again (then without CERTD_VERSION); a failure is reported and does not hold up deployment."},
    Row{.path = "{defaults,lineages.*}.renewal_hooks", .type = Type::section,
        .doc = "certbot's hook directories, run unchanged (contrib/docs/HOOKS.md): pre before an order, deploy when `live` names the new version, post after both. A lineage's `renewal_hooks: {}` turns those of the defaults off."},
    Row{.path = "{defaults,lineages.*}.renewal_hooks.directory", .type = Type::path, .default_text = "none",
        .doc = "With pre, deploy and post below it, e.g. /etc/letsencrypt/renewal-hooks; only root and certd may be able to change it and what is in it."},
    Row{.path = "{defaults,lineages.*}.renewal_hooks.timeout", .type = Type::duration, .default_text = "5m",
        .doc = "After this a script and its children are killed, which counts as failure.", .low = second, .high = day},
    Row{.path = "{defaults,lineages.*}.renewal_hooks.user", .type = Type::account, .default_text = "certd's own user",
        .doc = "User who runs the scripts. Others than root and certd's own cannot read what RENEWED_LINEAGE names."},
    Row{.path = "{defaults,lineages.*}.renewal_hooks.working_directory", .type = Type::path, .default_text = "/",
        .doc = "Where the scripts begin."},
    Row{.path = "{defaults,lineages.*}.{must_staple,ocsp_must_staple}", .doc = no_must_staple, .need = Need::refused},
    Row{.path = "{defaults,lineages.*}.{renew_before,renew_before_days}",
        .doc = "certd renews when the CA suggests it (ARI), else at 2/3 of the lifetime; take the key out", .need = Need::refused},
    Row{.path = "{defaults,lineages.*}.key_type", .doc = "write key: ecdsa-p256", .need = Need::refused},

    Row{.path = "targets", .type = Type::sections, .doc = "The places where certificates are used, by a name of your choice."},
    Row{.path = "targets.*.install", .type = Type::steps, .default_text = "[]",
        .doc = "Files to write. The old content is kept until the new certificate is seen to be served."},
    Row{.path = "targets.*.install[].part", .type = Type::choice,
        .doc = "What to write; combined is the key followed by the full chain, pkcs12 all of it in one encrypted file (AES-256, HMAC-SHA-256) for Java, Windows and appliances.", .need = Need::required,
        .words = "cert|chain|fullchain|privkey|combined|pkcs12"},
    Row{.path = "targets.*.install[].format", .type = Type::choice, .default_text = "pem",
        .doc = "`der`: the certificate, or the private key as PKCS#8, in binary form; of cert and privkey only.", .words = "pem|der"},
    Row{.path = "targets.*.install[].password_file", .type = Type::secret_file, .default_text = "none",
        .doc = "File with the password of a pkcs12, which needs one; `credential:NAME` reads it from $CREDENTIALS_DIRECTORY (systemd's LoadCredential=). The same key, certificate and password make the same file."},
    Row{.path = "targets.*.install[].key", .type = Type::choice, .default_text = "the first of the lineage's keys",
        .doc = "Which of the lineage's certificates, by the type of its key.", .words = key_types},
    Row{.path = "targets.*.install[].path", .type = Type::path, .doc = "Where to write it.", .need = Need::required},
    Row{.path = "targets.*.install[].mode", .type = Type::mode, .default_text = "\"0644\", or \"0600\" for privkey, combined and pkcs12",
        .doc = "Permissions from the moment of creation, in octal, quoted or not."},
    Row{.path = "targets.*.install[].owner", .type = Type::account, .default_text = "certd's own user",
        .doc = "User who owns the file."},
    Row{.path = "targets.*.install[].group", .type = Type::account, .default_text = "certd's own group",
        .doc = "Group of the file."},
    Row{.path = "targets.*.service", .type = Type::choice, .default_text = "none",
        .doc = "A server whose test, reload and verification are known (contrib/docs/SERVICES.md); each can be given all the same.",
        .words = "apache|dovecot|exim|haproxy|nginx|postfix|postgresql|slapd"},
    Row{.path = "targets.*.exec", .type = Type::hooks, .default_text = "[]",
        .doc = "Commands after the files are installed and before the test, e.g. to convert formats or to hand the certificate to a service that is not on this machine."},
    Row{.path = "targets.*.exec[].input", .type = Type::choice, .default_text = "facts",
        .doc = "JSON on the command's standard input: `facts` about the version, or the `bundle`, which has its files as well, the private key among them: cert, chain, fullchain and privkey in PEM (contrib/examples).", .words = "facts|bundle"},
    Row{.path = "targets.*.test", .type = Type::command, .default_text = "none",
        .doc = "Command that checks the service's configuration, e.g. [nginx, -t]; if it fails nothing is reloaded."},
    Row{.path = "targets.*.rehearse", .type = Type::command, .default_text = "the test",
        .doc = "Command in place of the test in a rehearsal (`--dry-run`, contrib/docs/REHEARSAL.md), for a service whose test needs other words there, or what exec commands make of the files. It sees the new files at their paths; $CERTD_SHADOW is a directory to write into."},
    Row{.path = "targets.*.reload", .type = Type::reload, .default_text = "none",
        .doc = "How the service takes up the new files: a systemd unit, a command, e.g. [nginx, -s, reload], or haproxy's runtime API."},
    Row{.path = "targets.*.reload.haproxy", .type = Type::path, .default_text = "none",
        .doc = "Socket of haproxy's runtime API (`stats socket … level admin`), e.g. /run/haproxy/admin.sock: haproxy takes up the files of part combined without a reload. `systemd` or `command` beside it is what is run when that fails (contrib/docs/SERVICES.md)."},
    Row{.path = "targets.*.reload.systemd", .type = Type::unit, .default_text = "none",
        .doc = "Unit to reload, e.g. nginx.service; it must be active afterwards."},
    Row{.path = "targets.*.reload.command", .type = Type::command, .default_text = "none",
        .doc = "The same command in the long form, in place of a unit."},
    Row{.path = "targets.*.verify", .type = Type::section, .doc = "How to see that the new certificate is served."},
    Row{.path = "targets.*.verify.tls", .type = Type::endpoint, .many = true, .default_text = "[]",
        .doc = "Addresses that must serve it over TLS, e.g. \"127.0.0.1:443\"; of a target with hosts \":443\" is that port of each host. So with the next ones."},
    Row{.path = "targets.*.verify.smtp", .type = Type::endpoint, .many = true, .default_text = "[]",
        .doc = "Addresses that must serve it over SMTP with STARTTLS, e.g. \"127.0.0.1:25\"."},
    Row{.path = "targets.*.verify.imap", .type = Type::endpoint, .many = true, .default_text = "[]",
        .doc = "Addresses that must serve it over IMAP with STARTTLS, e.g. \"127.0.0.1:143\"."},
    Row{.path = "targets.*.verify.pop3", .type = Type::endpoint, .many = true, .default_text = "[]",
        .doc = "Addresses that must serve it over POP3 with STARTTLS, e.g. \"127.0.0.1:110\"."},
    Row{.path = "targets.*.verify.ftp", .type = Type::endpoint, .many = true, .default_text = "[]",
        .doc = "Addresses that must serve it over FTP with STARTTLS, e.g. \"127.0.0.1:21\"."},
    Row{.path = "targets.*.verify.ldap", .type = Type::endpoint, .many = true, .default_text = "[]",
        .doc = "Addresses that must serve it over LDAP with STARTTLS, e.g. \"127.0.0.1:389\"."},
    Row{.path = "targets.*.verify.postgres", .type = Type::endpoint, .many = true, .default_text = "[]",
        .doc = "Addresses that must serve it over PostgreSQL after its SSLRequest, e.g. \"127.0.0.1:5432\"."},
    Row{.path = "targets.*.verify.server_names", .type = Type::host, .many = true, .default_text = "each name of the lineage",
        .doc = "Server names (SNI) to ask for."},
    Row{.path = "targets.*.verify.timeout", .type = Type::duration, .default_text = "30s",
        .doc = "Until when every address must serve it.", .low = second, .high = hour},
    Row{.path = "targets.*.verify.interval", .type = Type::duration, .default_text = "500ms",
        .doc = "Pause between two looks while the old one is still served.", .low = 50, .high = minute},
    Row{.path = "targets.*.verify.every", .type = Type::duration, .default_text = "12h",
        .doc = "How often certd looks whether it is still served; where it is not, it is deployed again, or told of where the target is only watched.", .low = second, .high = 30 * day},
    Row{.path = "targets.*.verify.grace", .type = Type::duration, .default_text = "24h",
        .doc = "Of a target that is only watched: how long after a deployment it may go on serving what it served before.", .low = 0, .high = 30 * day},
    Row{.path = "targets.*.verify.accept", .type = Type::choice, .default_text = "ours",
        .doc = "Of a target that is only watched: `ours` is the live version and nothing else, `trusted` also any other certificate for the name that leads to a root of the system or of ca_bundle and is not near its end, e.g. one that a CDN gets by itself.", .words = "ours|trusted"},
    Row{.path = "targets.*.verify.ca_bundle", .type = Type::path, .default_text = "the system's trust store",
        .doc = "Of a target that is only watched: PEM file with further roots that certificates may lead to, for a private CA."},
    Row{.path = "targets.*.reads_live", .type = Type::boolean, .default_text = "false",
        .doc = "The service reads STATE_DIR/live/NAME itself and takes up a new version without a reload: the deployment waits until it is served, and goes back otherwise. Without it a target that has nothing but `verify` is only watched: it is in nobody's hands here, what it serves is looked at and told, and no deployment waits for it."},
    Row{.path = "targets.*.maintenance", .type = Type::window, .many = true, .default_text = "any time",
        .doc = "When the target may be deployed to, in this machine's local time: `Sat 02:00-05:00`, `Mon-Fri 01:00-03:00`, `22:00-04:00`. Certificates are issued all the same. What waits is deployed at the latest when 1/6 of the lifetime is left of what the target serves, with an alarm; `certctl deploy` does not wait."},
    Row{.path = "targets.*.command_timeout", .type = Type::duration, .default_text = "1m",
        .doc = "Time limit of test, rehearse and reload.", .low = second, .high = hour},
    Row{.path = "targets.*.hosts", .type = Type::remote_host, .many = true, .default_text = "[], this machine",
        .doc = "Other machines to deploy to over ssh (contrib/docs/HOSTS.md), e.g. web1.internal or \"10.0.0.7:2222\"."},
    Row{.path = "targets.*.ssh", .type = Type::section, .doc = "How certd's ssh logs in at the hosts."},
    Row{.path = "targets.*.ssh.user", .type = Type::account, .default_text = "what ssh takes by itself",
        .doc = "User to log in as."},
    Row{.path = "targets.*.ssh.identity_file", .type = Type::path, .default_text = "what ssh takes by itself",
        .doc = "Private key to log in with, and the only one that is offered; readable by nobody else."},
    Row{.path = "targets.*.ssh.known_hosts", .type = Type::path, .default_text = "what ssh takes by itself",
        .doc = "File with the hosts' keys. A host that is not in it, or has another key, is refused."},
    Row{.path = "targets.*.ssh.connect_timeout", .type = Type::duration, .default_text = "10s",
        .doc = "Time for a host to answer and to agree on keys.", .low = second, .high = 10 * minute},
    Row{.path = "targets.*.ssh.request_timeout", .type = Type::duration, .default_text = "15s",
        .doc = "Time for a host to answer one request once it is connected, beside the time limit of a command that it runs. A host that takes longer than both is unreachable.", .low = second, .high = 10 * minute},
    Row{.path = "targets.*.rollout", .type = Type::section, .doc = "How a version comes to the hosts."},
    Row{.path = "targets.*.rollout.canary", .type = Type::integer, .default_text = "1",
        .doc = "Hosts that come first, one after another.", .low = 0, .high = 10'000},
    Row{.path = "targets.*.rollout.batch", .type = Type::integer, .default_text = "1",
        .doc = "Hosts at a time after that.", .low = 1, .high = 1000},
    Row{.path = "targets.*.rollout.max_failures", .type = Type::integer, .default_text = "0",
        .doc = "Hosts that may fail before on_failure is applied.", .low = 0, .high = 10'000},
    Row{.path = "targets.*.rollout.pause_between", .type = Type::duration, .default_text = "0s",
        .doc = "Pause after the canaries and after each batch.", .low = 0, .high = day},
    Row{.path = "targets.*.rollout.on_failure", .type = Type::choice, .default_text = "stop",
        .doc = "Then: rollback (the hosts that got the version go back as well), stop (no further host gets it) or continue.",
        .words = "rollback|stop|continue"},
    Row{.path = "targets.*.rollout.order", .type = Type::choice, .default_text = "listed",
        .doc = "Which hosts come first, and with that which are the canaries: listed (as in `hosts`), reversed, or shuffled (by lineage, version and host: another order for each version, the same after a restart). Hosts that failed with the same version come before all others, those that failed with an earlier one after them.",
        .words = "listed|reversed|shuffled"},

    Row{.path = "lineages", .type = Type::sections,
        .doc = "The certificates to keep, by name: [a-z0-9][a-z0-9._-]{0,63}, which becomes a directory name."},
    Row{.path = "lineages.*.names", .type = Type::identifier, .many = true, .default_text = "the lineage's own name",
        .doc = "DNS names and IP addresses of the certificate, at most 100; the first is the primary one."},
    Row{.path = "lineages.*.csr", .type = Type::path, .default_text = "certd makes key and request",
        .doc = "A certificate request, PEM or DER, for a key that certd does not have and never sees: certificates are issued for exactly this request, versions have no privkey.pem, and no target can install a key. Its subject alternative names must be the lineage's names; its key decides on the type of key. Read at start and reload (`certctl reload` after it was changed): another key in it makes the lineage due. Only root and certd may be able to change the file."},
    Row{.path = "lineages.*.targets", .type = Type::name, .many = true, .default_text = "[]",
        .doc = "Where the certificate is deployed, in this order."},
    Row{.path = "lineages.*.domains", .doc = "write names: [example.com, www.example.com]", .need = Need::refused},

    Row{.path = "{targets.*.exec,defaults.pre_issue,defaults.post_issue,lineages.*.pre_issue,lineages.*.post_issue}[].command",
        .type = Type::command, .doc = "What to run.", .need = Need::required},
    Row{.path = "{targets.*.exec,defaults.pre_issue,defaults.post_issue,lineages.*.pre_issue,lineages.*.post_issue}[].timeout",
        .type = Type::duration, .default_text = "5m", .doc = "After this the command and its children are killed, which counts as failure.",
        .low = second, .high = day},
    Row{.path = "{targets.*.exec,defaults.pre_issue,defaults.post_issue,lineages.*.pre_issue,lineages.*.post_issue}[].user",
        .type = Type::account, .default_text = "certd's own user", .doc = "User who runs it."},
    Row{.path = "{targets.*.exec,defaults.pre_issue,defaults.post_issue,lineages.*.pre_issue,lineages.*.post_issue}[].working_directory",
        .type = Type::path, .default_text = "/", .doc = "Where the command begins."},
    Row{.path = "{targets.*.exec,defaults.pre_issue,defaults.post_issue,lineages.*.pre_issue,lineages.*.post_issue}[].shell",
        .doc = "write command: { shell: \"…\" }", .need = Need::refused},

    Row{.path = "notify", .type = Type::sections,
        .doc = "Who is told of incidents, by a name of your choice (contrib/docs/NOTIFICATIONS.md); each has exactly one of webhook, slack, pagerduty, email, exec and heartbeat."},
    Row{.path = "notify.*.events", .type = Type::choice, .many = true, .default_text = "every kind",
        .doc = "The kinds of incidents it is told of.",
        .words = "renewal|blocked|deployment|rollback|rollout|served|expiring|expired|stalled|attention|ca|account|damaged|storage|clock|config|delivery"},
    Row{.path = "notify.*.severity", .type = Type::choice, .default_text = "warning",
        .doc = "The least severity it is told of.", .words = "notice|warning|error|critical"},
    Row{.path = "notify.*.after", .type = Type::duration, .default_text = "0s",
        .doc = "Tells only of incidents that have lasted so long: an escalation, where another notifier was told at once.", .low = 0, .high = 30 * day},
    Row{.path = "notify.*.remind", .type = Type::duration, .default_text = "1d",
        .doc = "Pause between reminders of an incident that lasts; 0s: none.", .low = 0, .high = 30 * day},
    Row{.path = "notify.*.settle", .type = Type::duration, .default_text = "5m",
        .doc = "How long an incident must be over before its end is told; one that comes back sooner is the same one.", .low = 0, .high = day},
    Row{.path = "notify.*.webhook", .type = Type::section, .doc = "A POST of JSON to a URL."},
    Row{.path = "notify.*.slack", .type = Type::section, .doc = "An incoming webhook of Slack, Mattermost or the like."},
    Row{.path = "notify.*.pagerduty", .type = Type::section, .doc = "PagerDuty's Events API v2: an incident is triggered and resolved."},
    Row{.path = "notify.*.heartbeat", .type = Type::section, .doc = "A dead man's switch: a URL that is fetched only while certd makes progress."},
    Row{.path = "notify.*.{webhook,heartbeat,pagerduty}.url", .type = Type::api_url, .default_text = "see url_file; of pagerduty: https://events.pagerduty.com/v2/enqueue",
        .doc = "Where the request goes; redirects are not followed."},
    Row{.path = "notify.*.{webhook,heartbeat,slack}.url_file", .type = Type::secret, .default_text = "see url",
        .doc = "File with the URL, where the URL itself is a secret; it is never shown."},
    Row{.path = "notify.*.{webhook,slack,pagerduty,heartbeat}.allow_http", .type = Type::boolean, .default_text = "false",
        .doc = "Allows an http:// URL of 127.0.0.1, [::1] or localhost."},
    Row{.path = "notify.*.{webhook,slack,pagerduty,heartbeat,email}.ca_bundle", .type = Type::path, .default_text = "the system's CAs",
        .doc = "PEM file with the CAs that the server's certificate must come from."},
    Row{.path = "notify.*.webhook.headers", .type = Type::text, .many = true, .default_text = "[]",
        .doc = "Further headers, e.g. \"X-Team: web\"."},
    Row{.path = "notify.*.webhook.headers_file", .type = Type::secret, .default_text = "none",
        .doc = "File with further headers, one per line, e.g. with `Authorization: Bearer …`."},
    Row{.path = "notify.*.webhook.body", .type = Type::json_template, .default_text = "everything that is known",
        .doc = "JSON with placeholders such as `{{subject}}` within strings; escaped where they are filled in."},
    Row{.path = "notify.*.pagerduty.routing_key_file", .type = Type::secret, .doc = "File with the integration key of the service.", .need = Need::required},
    Row{.path = "notify.*.email", .type = Type::section, .doc = "Mail by SMTP, or by a command such as sendmail."},
    Row{.path = "notify.*.email.from", .type = Type::email, .doc = "Sender.", .need = Need::required},
    Row{.path = "notify.*.email.to", .type = Type::email, .many = true, .doc = "Recipients.", .need = Need::required},
    Row{.path = "notify.*.email.smtp", .type = Type::endpoint, .default_text = "see sendmail",
        .doc = "Mail server, e.g. \"mail.example.com:587\"."},
    Row{.path = "notify.*.email.tls", .type = Type::choice, .default_text = "starttls",
        .doc = "STARTTLS (port 587), TLS from the start (port 465), or none, to this machine only. The server's certificate is verified.", .words = "starttls|tls|none"},
    Row{.path = "notify.*.email.username", .type = Type::text, .default_text = "no authentication", .doc = "User name for AUTH PLAIN or LOGIN."},
    Row{.path = "notify.*.email.password_file", .type = Type::secret, .default_text = "no authentication", .doc = "File with the password."},
    Row{.path = "notify.*.email.sendmail", .type = Type::command, .default_text = "see smtp",
        .doc = "Command that reads the message, e.g. [/usr/sbin/sendmail, -i, -t]."},
    Row{.path = "notify.*.exec", .type = Type::section, .doc = "A command that reads the notification as JSON."},
    Row{.path = "notify.*.exec.command", .type = Type::command, .doc = "What to run.", .need = Need::required},
    Row{.path = "notify.*.exec.timeout", .type = Type::duration, .default_text = "30s",
        .doc = "After this the command and its children are killed, which counts as failure.", .low = second, .high = 10 * minute},
    Row{.path = "notify.*.exec.user", .type = Type::account, .default_text = "certd's own user", .doc = "User who runs it."},
    Row{.path = "notify.*.heartbeat.every", .type = Type::duration, .default_text = "5m",
        .doc = "Pause between two requests.", .low = 10 * second, .high = day},

    Row{.path = "cluster", .doc = "running several daemons as a cluster", .need = Need::later},
    Row{.path = "{certificates,certs}", .doc = "write lineages:", .need = Need::refused},
};
// clang-format on

std::string_view type_word(Type type) {
    switch (type) {
        case Type::section:
            return "mapping";
        case Type::sections:
            return "mapping from names";
        case Type::by_name:
            return "mapping from names for certificates";
        case Type::secret_file:
            return "absolute path or credential:NAME";
        case Type::steps:
            return "list of mappings";
        case Type::boolean:
            return "true or false";
        case Type::integer:
            return "number";
        case Type::size:
            return "size";
        case Type::duration:
            return "duration";
        case Type::choice:
            return "choice";
        case Type::text:
            return "text";
        case Type::name:
            return "name";
        case Type::identifier:
            return "DNS name or IP address";
        case Type::path:
            return "absolute path";
        case Type::mode:
            return "octal mode";
        case Type::account:
            return "user or group";
        case Type::account_or_none:
            return "group, or \"\" for none";
        case Type::email:
            return "e-mail address";
        case Type::https_url:
            return "https URL";
        case Type::proxy_url:
            return "http URL";
        case Type::listen:
            return "ADDRESS:PORT";
        case Type::endpoint:
            return "HOST:PORT";
        case Type::remote_host:
            return "HOST or HOST:PORT";
        case Type::host:
            return "server name";
        case Type::name_server:
            return "HOST or HOST:PORT";
        case Type::resolver:
            return "ADDRESS or ADDRESS:PORT";
        case Type::secret:
            return "absolute path or credential:NAME";
        case Type::api_url:
            return "https URL, or http URL of this machine";
        case Type::unit:
            return "systemd unit";
        case Type::window:
            return "days and time";
        case Type::json_template:
            return "JSON with placeholders";
        case Type::command:
            return "command";
        case Type::hooks:
            return "command or list of commands";
        case Type::reload:
            return "command or mapping";
    }
    return "";
}

std::string format_size(std::int64_t octets) {
    for (auto [unit, factor] : {std::pair{"GB", 1'000'000'000}, {"MB", 1'000'000}, {"kB", 1'000}}) {
        if (octets % factor == 0) return fmt::format("{}{}", octets / factor, unit);
    }
    return fmt::format("{}B", octets);
}

std::string describe_range(const Row& row) {
    switch (row.type) {
        case Type::integer:
            return fmt::format(" from {} to {}", row.low, row.high);
        case Type::size:
            return fmt::format(" from {} to {}", format_size(row.low), format_size(row.high));
        case Type::duration:
            return fmt::format(" from {} to {}", format_duration(Duration(row.low)),
                               format_duration(Duration(row.high)));
        default:
            return "";
    }
}

void insert(SchemaNode& root, std::string_view path, const Row& row) {
    SchemaNode* node = &root;
    auto any = [&] {
        if (!node->any) node->any = std::make_unique<SchemaNode>();
        node = node->any.get();
    };
    for (std::string_view step : split(path, '.')) {
        bool items = step.ends_with("[]");
        if (items) step.remove_suffix(2);
        if (step == "*") {
            any();
        } else {
            node = &node->keys[std::string(step)];
        }
        if (items) any();
    }
    node->row = &row;
}

SchemaNode build_schema() {
    SchemaNode root;
    for (const Row& row : table) {
        for (const std::string& path : expand(row.path)) {
            insert(root, path, row);
            // Each entry of name_challenges is a challenge of its own.
            constexpr std::string_view challenge = "lineages.*.challenge";
            if (path.starts_with(challenge)) {
                insert(root, "lineages.*.name_challenges.*" + path.substr(challenge.size()), row);
            }
        }
    }
    return root;
}

}  // namespace

std::span<const Row> rows() {
    return table;
}

std::vector<std::string> expand(std::string_view path) {
    std::size_t open = path.find('{'), close = path.find('}');
    if (open == std::string_view::npos) return {std::string(path)};
    std::vector<std::string> result;
    for (std::string_view alternative : split(path.substr(open + 1, close - open - 1), ',')) {
        std::string head = std::string(path.substr(0, open)) + std::string(alternative);
        for (const std::string& tail : expand(path.substr(close + 1)))
            result.push_back(head + tail);
    }
    return result;
}

const SchemaNode& schema() {
    static const SchemaNode root = build_schema();
    return root;
}

std::string list_words(std::string_view words) {
    std::string result;
    std::vector<std::string_view> parts = split(words, '|');
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) result += i + 1 == parts.size() ? " or " : ", ";
        result += parts[i];
    }
    return result;
}

std::string describe_type(const Row& row) {
    std::string type =
        row.type == Type::choice ? list_words(row.words) : std::string(type_word(row.type)) + describe_range(row);
    return row.many ? "list of: " + type : type;
}

}  // namespace certd::config
