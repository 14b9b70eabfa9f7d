// A notification as a person reads it, and as the facts that programs read. Composed when it is due; what others said
// (a CA, a command) is escaped and marked as theirs. Pure.
#pragma once

#include "daemon/notify/decisions.hpp"

#include <string>
#include <vector>

namespace certd {

// Each member is a placeholder of templates and a member of the JSON that webhooks and commands get
// (contrib/docs/NOTIFICATIONS.md).
struct Message {
    std::string event;     // "opened", "reminder", "escalated", "recovered", "test"
    std::string id;        // the same for all messages about one incident, and for no other
    std::string incident;  // its key
    std::string kind, severity;
    std::string lineage, target;
    std::string title;    // "deployment to web failed"
    std::string subject;  // "[certd] example.com: deployment to web failed"
    std::string body;     // lines of text
    std::string at, since;
    std::string duration;               // how long it has lasted, or lasted: "12m 3s"
    std::string code, problem, remote;  // ours; and text of others
    std::string cause, remedy;          // from the catalogue
    std::string served, served_until;
    std::string next;
    std::string hostname;
    std::string explain;  // the command that tells more
    bool operator==(const Message&) const = default;
};

struct Sender {
    std::string hostname;
    std::string version;
};

Message compose(Notice notice, const Incident& incident, Time now, const Sender& sender);
// Many at once, as one message: what went wrong with one service shows in hundreds of lineages.
struct News {
    Notice notice = Notice::opened;
    Incident incident;
};
Message compose_digest(const std::vector<News>& news, Time now, const Sender& sender);
Message test_message(const std::string& notifier, Time now, const Sender& sender);

Json to_json(const Message& message);
Result<Message> message_from_json(const Json& json);  // problem storage.corrupt

}  // namespace certd
