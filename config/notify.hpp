// Who is told of incidents, and how: the sections of `notify`.
#pragma once

#include "libacme/base/log.hpp"
#include "libacme/base/problem.hpp"
#include "libacme/base/time.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace certd::config {

// Where a request goes. Exactly one of `url` and `url_file` is set; the latter's content is a secret.
struct WebAddress {
    std::string url;
    std::string url_file;     // a path, or "credential:NAME"
    bool allow_http = false;  // to this machine only
    std::optional<std::string> ca_bundle;
    bool operator==(const WebAddress&) const = default;
};

struct NotifyWebhook {
    WebAddress address;
    std::vector<std::string> headers;  // "Name: value"
    std::string headers_file;          // the same, one per line, for those that are secrets; empty: none
    std::string body;                  // a template of JSON; empty: everything that is known
    bool operator==(const NotifyWebhook&) const = default;
};

struct NotifySlack {
    WebAddress address;
    bool operator==(const NotifySlack&) const = default;
};

struct NotifyPagerDuty {
    std::string routing_key_file;
    WebAddress address{.url = "https://events.pagerduty.com/v2/enqueue", .url_file = {}, .ca_bundle = {}};
    bool operator==(const NotifyPagerDuty&) const = default;
};

enum class MailTls { starttls, tls, none };

struct NotifyEmail {
    std::string from;
    std::vector<std::string> to;
    std::string smtp;  // "HOST:PORT"; empty: see sendmail
    MailTls tls = MailTls::starttls;
    std::string username, password_file;  // both or none
    std::optional<std::string> ca_bundle;
    std::vector<std::string> sendmail;  // argv of a command that reads the message
    bool operator==(const NotifyEmail&) const = default;
};

struct NotifyExec {
    std::vector<std::string> command;
    Duration timeout = seconds(30);
    std::string user;  // empty: certd's own
    bool operator==(const NotifyExec&) const = default;
};

// A dead man's switch: fetched only while certd makes progress.
struct NotifyHeartbeat {
    WebAddress address;
    Duration every = minutes(5);
    bool operator==(const NotifyHeartbeat&) const = default;
};

struct Notifier {
    std::string name;
    std::variant<std::monostate, NotifyWebhook, NotifySlack, NotifyPagerDuty, NotifyEmail, NotifyExec, NotifyHeartbeat>
        kind;
    std::vector<std::string> events;  // kinds of incidents; empty: all
    Severity severity = Severity::warning;
    Duration after = Duration::zero();  // how long an incident lasts before this one is told: escalation
    Duration remind = days(1);          // zero: never
    Duration settle = minutes(5);       // how long it must be over before its end is told
    bool operator==(const Notifier&) const = default;
};

using Notifiers = std::map<std::string, std::shared_ptr<const Notifier>>;  // by name

}  // namespace certd::config
