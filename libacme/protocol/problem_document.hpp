// Error answers of a CA as Problems: RFC 7807 documents with the ACME types of RFC 8555 §6.7, or whatever came instead.
#pragma once

#include "libacme/base/ids.hpp"
#include "libacme/base/json.hpp"
#include "libacme/net/http.hpp"

#include <optional>
#include <string>

namespace certd::acme {

// A response outside 2xx: code acme.<type> with subproblems as parts, else acme.http. `what` is our text of the
// operation. A Retry-After, in seconds or as a date, becomes not_before (at most 31 days away).
Problem problem_of_response(const HttpResponse& response, std::string what, Time now);

// The `error` member of an order or a challenge.
Problem problem_of_document(const Json& document, std::string what);

// The instant that the Retry-After header asks for, the latest when it is repeated; nullopt when absent or not
// understood.
std::optional<Time> retry_after(const HttpHeaders& headers, Time now);

// The answer to newOrder by which a CA says in words only that it has paused the names (acme-facts §7.1), as
// acme.paused with the page for people in front of its words; any other Problem as it is.
Problem typed_if_paused(Problem problem);
// That page: an https URL, escaped; empty when there is none.
std::string unpause_url(const Problem& problem);

// Whether a part made of a subproblem is about this name (RFC 8555 §6.7.1).
bool is_part_about(const Problem& part, const Identifier& name);

// A Failure that is an answer of the CA, with its status.
class ErrorResponse final : public Failure {
   public:
    ErrorResponse(int status, Problem problem) : Failure(std::move(problem)), status_(status) {}
    int status() const noexcept { return status_; }

   private:
    int status_;
};

// No answer or a temporary refusal (5xx, 429): asking the same again may do.
bool is_transient(const Failure& failure);
// The CA says that there is no such order, authorization or certificate for this account.
bool is_gone(const Failure& failure);
// The exchange broke off: the CA may have carried the request out or not.
bool is_lost(const Failure& failure);

// One Problem for several names: the only one itself, else the first one's code with all of them as parts.
Problem combine(std::vector<Problem> parts, std::string what);

}  // namespace certd::acme
