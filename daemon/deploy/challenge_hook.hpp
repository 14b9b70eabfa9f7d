// Commands that answer challenges: run with the environment of certbot's manual hooks, and the same as JSON on standard
// input. Nothing of the CA reaches them but a token and names that were checked (faults S1).
#pragma once

#include "config/challenge_commands.hpp"
#include "daemon/deploy/host.hpp"

#include <map>
#include <string>
#include <vector>

namespace certd {

struct ChallengeFacts {
    std::string domain;  // the name being proven, without "*."
    std::string value;   // of the TXT record, or the body of the HTTP answer
    std::string token;   // of the challenge; checked
    std::string place;  // where the value belongs: "_acme-challenge.example.org.", "http://example.org/.well-known/…"
    std::vector<std::string> all_names;
    std::size_t remaining = 0;
};

class ChallengeHook {
   public:
    struct Words {
        std::string whose;            // "of the DNS provider office", for problems
        std::string key, name;        // first in the JSON: "provider", "office"
        std::string place, variable;  // the place's key, and its variable: "record", "CERTD_RECORD"
        bool by_http = false;         // certbot's hooks tell the challenges apart by $CERTBOT_TOKEN
        mode_t umask = 077;
    };
    // `commands` outlive this object.
    ChallengeHook(Host& host, const config::ChallengeCommands& commands, Words words)
        : host_(host), commands_(commands), words_(std::move(words)) {}

    // Each throws Failure(hook.failed) with the command's own words.
    Task<> present(ChallengeFacts facts);
    Task<> cleanup(ChallengeFacts facts);   // told what `present` wrote for the same value
    Task<bool> wait(ChallengeFacts facts);  // false: there is no such command

   private:
    Task<std::string> run(std::string event, std::vector<std::string> argv, ChallengeFacts facts,
                          std::string auth_output);
    std::string input_of(const std::string& event, const ChallengeFacts& facts) const;
    std::vector<std::string> environment_of(const ChallengeFacts& facts, const std::string& auth_output) const;

    Host& host_;
    const config::ChallengeCommands& commands_;
    Words words_;
    std::map<std::string, std::string> outputs_;  // of `present`, by value
};

}  // namespace certd
