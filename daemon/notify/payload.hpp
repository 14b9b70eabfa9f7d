// Messages in the forms of their receivers. Pure.
#pragma once

#include "config/notify.hpp"
#include "daemon/notify/message.hpp"

#include <string>

namespace certd {

// The template with its placeholders filled in, each escaped as the inside of a JSON string. Throws
// Failure(internal.unexpected) for a template that the configuration should not have accepted.
std::string fill_json_template(const std::string& body, const Message& message);

// Of an incoming webhook: one text, in which nothing of the message is markup.
Json slack_payload(const Message& message);

// Events API v2: the end of an incident resolves it, anything else triggers, with a key that stays the same over its
// life. A test resolves what it would have triggered.
Json pagerduty_payload(const Message& message, const std::string& routing_key);

// A whole message (RFC 5322, RFC 2045) with lines that end in CRLF. Later messages about an incident refer to its
// first, so that mail programs show them together.
std::string mail_text(const config::NotifyEmail& email, const Message& message, Time now);

}  // namespace certd
