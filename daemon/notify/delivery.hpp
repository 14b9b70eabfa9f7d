// Handing a message to its receiver: by HTTP, by mail, to a command. Secrets are read when they are needed and appear
// in no answer and no problem.
#pragma once

#include "config/notify.hpp"
#include "daemon/notify/message.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/async/process.hpp"

#include <memory>
#include <string>

namespace certd {

constexpr Duration delivery_limit = seconds(20);  // of a request or a mail; a command has its own

struct DeliverySeams {
    Clock& clock;
    Workers& workers;
    ProcessRunner& processes;
};

using NotifierPtr = std::shared_ptr<const config::Notifier>;

// What the receiver answered, as one escaped line. For a heartbeat the message does not matter: its URL is fetched.
// Throws Failure(notify.refused | notify.mail | notify.exec | net.* | tls.* | process.* | config.secret | storage.*).
Task<std::string> deliver(DeliverySeams seams, NotifierPtr notifier, Message message);

// For people, without secrets.
std::string_view kind_of(const config::Notifier& notifier);  // "email"
std::string receiver_of(const config::Notifier& notifier);   // "ops@example.com by mail.example.com:587"

}  // namespace certd
