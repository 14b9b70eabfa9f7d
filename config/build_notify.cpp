// The notifiers, one function per kind, and what the schema cannot say about them.
#include "config/build_notify.hpp"

#include "config/reader.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::array<std::string_view, 6> kinds = {"webhook", "slack", "pagerduty", "email", "exec", "heartbeat"};

class NotifierBuilder {
   public:
    NotifierBuilder(TreeNode key, TreeNode value, Report& report) : key_(key), reader_(value), report_(report) {
        notifier_->name = key.text();
        has_members_ = value.is_map();
    }

    std::shared_ptr<const Notifier> build() {
        std::string_view found;
        for (std::string_view kind : kinds) {
            if (!reader_.find(kind)) continue;
            if (!found.empty())
                error(reader_.find(kind)->location(), fmt::format("is both {} and {}", found, kind),
                      "make two notifiers of it");
            found = kind;
            read_kind(kind);
        }
        if (found.empty() && has_members_)
            error(key_.location(), "does not say how", fmt::format("add one of {}", fmt::join(kinds, ", ")));
        reader_.read("events", notifier_->events);
        if (auto severity = severity_from(reader_.scalar("severity"))) notifier_->severity = *severity;
        reader_.read("after", notifier_->after);
        reader_.read("remind", notifier_->remind);
        reader_.read("settle", notifier_->settle);
        return notifier_;
    }

   private:
    void error(const Location& where, std::string_view message, std::string hint = {}) {
        report_.error(where, fmt::format("The notifier {} {}", in_quotes(notifier_->name), message), std::move(hint));
    }

    void read_kind(std::string_view kind) {
        Reader section = reader_.section(kind);
        Location where = reader_.find(kind)->location();
        if (kind == "webhook") notifier_->kind = read_webhook(section, where);
        if (kind == "slack") notifier_->kind = NotifySlack{read_address(section, where, {})};
        if (kind == "pagerduty") notifier_->kind = read_pagerduty(section, where);
        if (kind == "email") notifier_->kind = read_email(section, where);
        if (kind == "exec") notifier_->kind = read_exec(section);
        if (kind == "heartbeat") notifier_->kind = read_heartbeat(section, where);
    }

    // `url`: what holds unless the configuration names another.
    WebAddress read_address(const Reader& section, const Location& where, std::string url) {
        WebAddress address{.url = std::move(url), .url_file = {}, .ca_bundle = {}};
        section.read("url", address.url);
        section.read("url_file", address.url_file);
        section.read("allow_http", address.allow_http);
        section.read("ca_bundle", address.ca_bundle);
        if (address.url.empty() && address.url_file.empty())
            error(where, "has no address", "add url, or url_file when the URL itself is a secret");
        if (section.find("url") && section.find("url_file"))
            error(where, "has both url and url_file", "keep one of them");
        if (address.url.starts_with("http://") && !address.allow_http)
            error(section.find("url")->location(), "sends in the clear",
                  "use https, or allow_http: true on this machine");
        return address;
    }

    NotifyWebhook read_webhook(const Reader& section, const Location& where) {
        NotifyWebhook webhook{
            .address = read_address(section, where, {}), .headers = {}, .headers_file = {}, .body = {}};
        section.read("headers", webhook.headers);
        section.read("headers_file", webhook.headers_file);
        section.read("body", webhook.body);
        for (const std::string& header : webhook.headers) {
            std::size_t colon = header.find(':');
            if (colon == std::string::npos || colon == 0 || header.find(' ') < colon)
                error(section.find("headers")->location(), fmt::format("has a malformed header {}", in_quotes(header)),
                      "write \"Name: value\"");
        }
        return webhook;
    }

    NotifyPagerDuty read_pagerduty(const Reader& section, const Location& where) {
        NotifyPagerDuty pager;
        section.read("routing_key_file", pager.routing_key_file);
        pager.address = read_address(section, where, pager.address.url);
        return pager;
    }

    NotifyEmail read_email(const Reader& section, const Location& where) {
        NotifyEmail email;
        section.read("from", email.from);
        section.read("to", email.to);
        section.read("smtp", email.smtp);
        if (section.scalar("tls") == "tls") email.tls = MailTls::tls;
        if (section.scalar("tls") == "none") email.tls = MailTls::none;
        section.read("username", email.username);
        section.read("password_file", email.password_file);
        section.read("ca_bundle", email.ca_bundle);
        CommandLine sendmail;
        section.read("sendmail", sendmail);
        email.sendmail = std::move(sendmail.argv);
        check_email(email, where);
        return email;
    }

    void check_email(const NotifyEmail& email, const Location& where) {
        if (email.smtp.empty() == email.sendmail.empty())
            error(where, email.smtp.empty() ? "does not say how mail is sent" : "has both smtp and sendmail",
                  "write smtp: \"mail.example.com:587\" or sendmail: [/usr/sbin/sendmail, -i, -t]");
        if (email.smtp.starts_with(':')) error(where, "lacks the host of its mail server");
        if (email.to.empty()) error(where, "has nobody to write to", "add to: [ops@example.com]");
        if (email.username.empty() != email.password_file.empty())
            error(where, "has a user name or a password, and not both");
        auto server = parse_host_port(email.smtp);
        bool near = server && (server->host == "127.0.0.1" || server->host == "::1" || server->host == "localhost");
        if (email.tls == MailTls::none && !email.smtp.empty() && !near)
            error(where, "sends in the clear to another machine", "write tls: starttls or tls: tls");
    }

    static NotifyExec read_exec(const Reader& section) {
        NotifyExec exec;
        CommandLine command;
        section.read("command", command);
        exec.command = std::move(command.argv);
        section.read("timeout", exec.timeout);
        section.read("user", exec.user);
        return exec;
    }

    NotifyHeartbeat read_heartbeat(const Reader& section, const Location& where) {
        NotifyHeartbeat heartbeat{.address = read_address(section, where, {})};
        section.read("every", heartbeat.every);
        for (std::string_view key : {"events", "severity", "after", "remind", "settle"}) {
            if (auto set = reader_.find(key))
                error(set->location(), fmt::format("is a heartbeat, for which {} means nothing", key),
                      "take the key out");
        }
        return heartbeat;
    }

    TreeNode key_;
    Reader reader_;
    Report& report_;
    bool has_members_ = false;
    std::shared_ptr<Notifier> notifier_ = std::make_shared<Notifier>();
};

}  // namespace

std::shared_ptr<const Notifier> build_notifier(TreeNode key, TreeNode value, Report& report) {
    return NotifierBuilder(key, value, report).build();
}

}  // namespace certd::config
