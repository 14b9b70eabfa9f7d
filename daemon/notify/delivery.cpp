// One function for each kind of receiver.
#include "daemon/notify/delivery.hpp"

#include "daemon/notify/payload.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/base/secret.hpp"
#include "libacme/base/text.hpp"
#include "libacme/net/address.hpp"
#include "libacme/net/https_client.hpp"
#include "libacme/net/plain_http.hpp"
#include "libacme/net/smtp.hpp"
#include "libacme/net/tls_context.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t answer_shown = 200;

Task<std::string> secret_of(DeliverySeams seams, std::string source) {
    co_return value_or_fail(co_await offload(seams.workers, [&] { return read_secret(source); }));
}

void replace_all(std::string& text, const std::string& secret, std::string_view instead) {
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + instead.size()))
        text.replace(at, secret.size(), instead);
}

// A URL may be all that is needed to write there: what names it is taken out of what is shown.
void hide(std::string& text, const Url& url) {
    replace_all(text, url.text, url.origin() + "/…");
    if (url.target.size() > 1) replace_all(text, url.target, "/…");
}

void hide(Problem& problem, const Url& url) {
    hide(problem.what, url);
    hide(problem.remote, url);
    for (Problem& part : problem.parts)
        hide(part, url);
}

// One request to one address.
class WebRequest {
   public:
    WebRequest(DeliverySeams seams, config::WebAddress address, std::string who)
        : seams_(seams), address_(std::move(address)), who_(std::move(who)) {}

    Task<std::string> send(std::string method, HttpHeaders headers, std::string body) {
        std::string text = address_.url;
        if (!address_.url_file.empty()) text = co_await secret_of(seams_, address_.url_file);
        Result<Url> url = parse_url(text);
        // What the file holds is not repeated.
        if (!url) fail("net.url", fmt::format("The URL of {} is none", who_));
        HttpRequest request{std::move(method), *url, std::move(headers), std::move(body)};
        std::optional<Problem> refused;
        HttpResponse response;
        try {
            response = co_await exchange(std::move(request));
        } catch (const Failure& failure) {
            refused = failure.problem();
        }
        if (!refused && (response.status < 200 || response.status > 299)) refused = refusal(response);
        std::string answer = fmt::format("status {}", response.status);
        if (std::string_view said = trim(response.body); !said.empty())
            answer += fmt::format(": {}", escape_untrusted(said, answer_shown));
        hide(answer, *url);
        if (!refused) co_return answer;
        hide(*refused, *url);
        fail(std::move(*refused));
    }

   private:
    Task<HttpResponse> exchange(HttpRequest request) {
        if (request.url.scheme != "https") {
            if (!address_.allow_http || !is_loopback(request.url.host))
                fail("net.notHttps", fmt::format("The URL of {} is not https", who_));
            co_return co_await with_timeout(
                seams_.clock, delivery_limit, "net.timeout",
                fmt::format("No answer to {} within {}", who_, format_duration(delivery_limit)),
                exchange_in_the_clear(seams_.clock, std::move(request)));
        }
        HttpsClientOptions options;
        options.ca_bundle = address_.ca_bundle;
        options.connect_timeout = delivery_limit / 2;
        options.request_timeout = delivery_limit / 2;
        // It reads the bundle.
        auto client = co_await offload(seams_.workers,
                                       [&] { return std::make_unique<HttpsClient>(seams_.clock, std::move(options)); });
        co_return co_await client->send(std::move(request));
    }

    Problem refusal(const HttpResponse& response) const {
        std::string what = fmt::format("The receiver of {} answered with status {}", who_, response.status);
        if (response.status >= 300 && response.status < 400) what += "; redirects are not followed";
        Problem refused = problem("notify.refused", std::move(what), response.body.substr(0, 2000));
        if (auto wait = response.headers.find("Retry-After"))
            refused.not_before = parse_retry_after(*wait, seams_.clock.now());
        return refused;
    }

    DeliverySeams seams_;
    config::WebAddress address_;
    std::string who_;
};

HttpHeaders json_type() {
    HttpHeaders headers;
    headers.add("Content-Type", "application/json");
    return headers;
}

void add_header(HttpHeaders& headers, std::string_view line) {
    std::size_t colon = std::min(line.find(':'), line.size());
    std::string name(trim(line.substr(0, colon)));
    if (name.empty()) return;
    std::erase_if(headers.fields, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
    headers.add(std::move(name), std::string(trim(line.substr(std::min(colon + 1, line.size())))));
}

Task<std::string> deliver_webhook(DeliverySeams seams, config::NotifyWebhook webhook, std::string who,
                                  Message message) {
    HttpHeaders headers = json_type();
    for (const std::string& line : webhook.headers)
        add_header(headers, line);
    if (!webhook.headers_file.empty()) {
        std::string secret = co_await secret_of(seams, webhook.headers_file);
        for (std::string_view line : split(secret, '\n'))
            add_header(headers, line);
    }
    std::string body = webhook.body.empty() ? to_text(to_json(message)) : fill_json_template(webhook.body, message);
    WebRequest request(seams, webhook.address, std::move(who));
    co_return co_await request.send("POST", std::move(headers), std::move(body));
}

Task<std::string> deliver_slack(DeliverySeams seams, config::NotifySlack slack, std::string who, Message message) {
    WebRequest request(seams, slack.address, std::move(who));
    co_return co_await request.send("POST", json_type(), to_text(slack_payload(message)));
}

Task<std::string> deliver_pagerduty(DeliverySeams seams, config::NotifyPagerDuty pager, std::string who,
                                    Message message) {
    std::string key = co_await secret_of(seams, pager.routing_key_file);
    WebRequest request(seams, pager.address, std::move(who));
    co_return co_await request.send("POST", json_type(), to_text(pagerduty_payload(message, key)));
}

Task<std::string> deliver_heartbeat(DeliverySeams seams, config::NotifyHeartbeat heartbeat, std::string who) {
    WebRequest request(seams, heartbeat.address, std::move(who));
    co_return co_await request.send("GET", {}, {});
}

Task<std::string> run_command(DeliverySeams seams, Command command, std::string who) {
    std::string program = escape_untrusted(command.argv.front(), 200);
    Duration limit = command.timeout;
    ProcessResult result = co_await seams.processes.run(std::move(command));
    std::string said(trim(result.output));
    if (result.ok()) co_return said.empty() ? "status 0" : "status 0: " + escape_untrusted(said, answer_shown);
    std::string how = result.timed_out     ? fmt::format("did not end within {}", format_duration(limit))
                      : result.signal != 0 ? fmt::format("was ended by signal {}", result.signal)
                                           : fmt::format("exited with status {}", result.exit_code);
    fail("notify.exec", fmt::format("The command of {} ({}) {}", who, program, how), said);
}

Task<std::string> deliver_exec(DeliverySeams seams, config::NotifyExec exec, std::string who, Message message) {
    Command command;
    command.argv = exec.command;
    command.environment = base_environment();
    command.input = to_text(to_json(message)) + "\n";
    command.timeout = exec.timeout;
    if (!exec.user.empty()) command.user = exec.user;
    co_return co_await run_command(seams, std::move(command), std::move(who));
}

std::string with_line_feeds(std::string text) {
    std::erase(text, '\r');
    return text;
}

SmtpTls smtp_tls(config::MailTls tls) {
    switch (tls) {
        case config::MailTls::starttls:
            return SmtpTls::starttls;
        case config::MailTls::tls:
            return SmtpTls::tls;
        case config::MailTls::none:
            break;
    }
    return SmtpTls::none;
}

Task<std::string> deliver_email(DeliverySeams seams, config::NotifyEmail email, std::string who, Message message) {
    std::string text = mail_text(email, message, seams.clock.now());
    if (!email.sendmail.empty()) {
        Command command;
        command.argv = email.sendmail;
        command.environment = base_environment();
        command.input = with_line_feeds(std::move(text));
        command.timeout = delivery_limit;
        co_return co_await run_command(seams, std::move(command), std::move(who));
    }
    std::optional<HostPort> address = parse_host_port(email.smtp);
    if (!address) fail("notify.mail", fmt::format("{} has no mail server", who));
    SmtpServer server{*address, smtp_tls(email.tls), {}, email.username, {}, {}};
    if (email.ca_bundle)
        server.trust = co_await offload(seams.workers, [&] { return load_ca_bundle(*email.ca_bundle); });
    if (message.hostname.find('.') != std::string::npos) server.own_name = message.hostname;
    if (!email.password_file.empty()) server.password = co_await secret_of(seams, email.password_file);
    Envelope envelope{email.from, email.to, std::move(text)};
    std::string answer = co_await send_mail(seams.clock, delivery_limit, std::move(server), std::move(envelope));
    co_return escape_untrusted(answer, answer_shown);
}

std::string address_text(const config::WebAddress& address) {
    if (!address.url_file.empty()) return "the URL in " + address.url_file;
    return escape_untrusted(address.url.substr(0, address.url.find('?')), 200);
}

}  // namespace

Task<std::string> deliver(DeliverySeams seams, NotifierPtr notifier, Message message) {
    std::string who = "the notifier " + notifier->name;
    if (const auto* webhook = std::get_if<config::NotifyWebhook>(&notifier->kind))
        co_return co_await deliver_webhook(seams, *webhook, std::move(who), std::move(message));
    if (const auto* slack = std::get_if<config::NotifySlack>(&notifier->kind))
        co_return co_await deliver_slack(seams, *slack, std::move(who), std::move(message));
    if (const auto* pager = std::get_if<config::NotifyPagerDuty>(&notifier->kind))
        co_return co_await deliver_pagerduty(seams, *pager, std::move(who), std::move(message));
    if (const auto* email = std::get_if<config::NotifyEmail>(&notifier->kind))
        co_return co_await deliver_email(seams, *email, std::move(who), std::move(message));
    if (const auto* exec = std::get_if<config::NotifyExec>(&notifier->kind))
        co_return co_await deliver_exec(seams, *exec, std::move(who), std::move(message));
    if (const auto* heartbeat = std::get_if<config::NotifyHeartbeat>(&notifier->kind))
        co_return co_await deliver_heartbeat(seams, *heartbeat, std::move(who));
    fail("internal.unexpected", "A notifier of no kind");
}

std::string_view kind_of(const config::Notifier& notifier) {
    constexpr std::array<std::string_view, 7> names = {"",      "webhook", "slack",    "pagerduty",
                                                       "email", "exec",    "heartbeat"};
    return names.at(notifier.kind.index());
}

std::string receiver_of(const config::Notifier& notifier) {
    if (const auto* webhook = std::get_if<config::NotifyWebhook>(&notifier.kind)) return address_text(webhook->address);
    if (const auto* slack = std::get_if<config::NotifySlack>(&notifier.kind)) return address_text(slack->address);
    if (const auto* pager = std::get_if<config::NotifyPagerDuty>(&notifier.kind)) return address_text(pager->address);
    if (const auto* email = std::get_if<config::NotifyEmail>(&notifier.kind))
        return fmt::format("{} by {}", join(email->to, ", "),
                           email->sendmail.empty() ? email->smtp : email->sendmail.front());
    if (const auto* exec = std::get_if<config::NotifyExec>(&notifier.kind)) return exec->command.front();
    if (const auto* heartbeat = std::get_if<config::NotifyHeartbeat>(&notifier.kind))
        return fmt::format("{} every {}", address_text(heartbeat->address), format_duration(heartbeat->every));
    return {};
}

}  // namespace certd
