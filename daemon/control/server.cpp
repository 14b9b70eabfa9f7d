// The way of a control request: route → role → arguments → handler; whatever fails becomes a problem document.
#include "daemon/control/server.hpp"

#include "daemon/control/routes.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::control {

namespace {

constexpr std::size_t body_limit = 64 * 1024;

struct Match {
    const Route* route = nullptr;
    std::string name;     // what stood for {name}
    std::string allowed;  // methods of the path when the method is not one of them
};

bool matches(std::string_view pattern, std::string_view path, std::string& name) {
    std::vector<std::string_view> wanted = split(pattern, '/'), given = split(path, '/');
    if (wanted.size() != given.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] == "{name}") {
            name = given[i];
        } else if (wanted[i] != given[i]) {
            return false;
        }
    }
    return true;
}

Match find_route(const std::vector<Route>& table, const ServerRequest& request) {
    Match match;
    for (const Route& route : table) {
        if (!matches(route.pattern, request.path, match.name)) continue;
        if (route.method == request.method) {
            match.route = &route;
            return match;
        }
        match.allowed += (match.allowed.empty() ? "" : ", ") + std::string(route.method);
    }
    return match;
}

// Problems of a request that has no route.
Problem unrouted(const ServerRequest& request, const std::string& allowed) {
    if (allowed.empty())
        return problem("control.notFound", fmt::format("There is nothing at {}", escape_untrusted(request.path, 256)));
    return problem("control.methodNotAllowed", fmt::format("{} allows {}, not {}", escape_untrusted(request.path, 256),
                                                           allowed, escape_untrusted(request.method, 32)));
}

void check_role(const Route& route, Role role, const Peer& peer) {
    if (role >= route.least) return;
    std::string who = peer.uid ? fmt::format("uid {}", *peer.uid) : std::string("A peer without credentials");
    fail("control.forbidden", fmt::format("{} has the role {}; {} {} needs {}", who, to_string(role), route.method,
                                          route.pattern, to_string(route.least)));
}

void check_parameters(const Route& route, std::string_view query) {
    for (std::string_view parameter : split(query, '&')) {
        std::string_view key = parameter.substr(0, parameter.find('='));
        if (key.empty() && parameter.empty()) continue;
        if (std::ranges::find(route.parameters, key) == route.parameters.end()) {
            fail("control.badRequest",
                 fmt::format("{} has no parameter \"{}\"", route.pattern, escape_untrusted(key, 64)));
        }
    }
}

Json body_of(const ServerRequest& request) {
    if (request.method != "POST" || trim(request.body).empty()) return Json::object();
    Result<Json> body = parse_json(request.body, {body_limit, 16});
    if (!body) fail("control.badRequest", "The body of the request is not JSON: " + body.error().what);
    if (!body->is_object()) fail("control.badRequest", "The body of the request is not a JSON object");
    return std::move(*body);
}

LineageName lineage_of(const std::string& text) {
    Result<LineageName> name = LineageName::parse(text);
    if (!name) fail("control.noSuchLineage", fmt::format("There is no lineage {}", escape_untrusted(text, 128)));
    return std::move(*name);
}

}  // namespace

void Exchange::record(std::string_view verb) {
    audit.accepted(
        {request.peer, std::string(verb), lineage ? lineage->text() : std::string(), secret ? Json() : body});
}

std::string Exchange::asker(std::string_view command) const {
    if (!request.peer.uid) return fmt::format("an unknown user: {}", command);
    return fmt::format("uid {}: {}", *request.peer.uid, command);
}

struct ControlHandler::State {
    State(asio::any_io_executor executor, Operations& daemon, AccessRules access, Clock& time)
        : operations(daemon),
          rules(std::move(access)),
          clock(time),
          calls(std::move(executor)),
          audit(daemon.events(), time) {}

    Operations& operations;
    AccessRules rules;
    Clock& clock;
    Calls calls;
    Audit audit;

    Task<> serve(ServerRequest request, Responder& responder) {
        Answer answer(responder);
        Match match = find_route(routes(), request);
        std::optional<Problem> refused;
        if (match.route == nullptr)
            refused = unrouted(request, match.allowed);
        else
            refused = co_await answer_route(match, request, answer);
        if (!refused) co_return;
        HttpHeaders extra;
        if (!match.route && !match.allowed.empty()) extra.add("Allow", match.allowed);
        co_await answer.problem(std::move(*refused), std::move(extra));
    }

    // The Problem that can still be answered with; a failure amid an answer is thrown on and ends the connection.
    Task<std::optional<Problem>> answer_route(Match match, ServerRequest request, Answer& answer) {
        Exchange exchange{operations,         calls, audit, clock, answer, std::move(request), std::nullopt, Json(),
                          match.route->secret};
        const Route& route = *match.route;
        std::exception_ptr error;
        bool sound = false;
        try {
            check_role(route, role_of(rules, exchange.request.peer), exchange.request.peer);
            check_parameters(route, exchange.request.query);
            exchange.body = body_of(exchange.request);
            if (!match.name.empty() || route.pattern.find("{name}") != std::string_view::npos)
                exchange.lineage = lineage_of(match.name);
            sound = true;
            co_await route.handle(exchange);
        } catch (...) {
            error = std::current_exception();
        }
        if (!error) co_return std::nullopt;
        if (answer.begun()) std::rethrow_exception(error);
        Problem refused = problem_of(error);
        bool of_arguments = !sound || refused.code == "control.badRequest";
        if (!route.verb.empty() && of_arguments) {
            audit.refused(
                {exchange.request.peer, std::string(route.verb), match.name, route.secret ? Json() : exchange.body},
                refused);
        }
        co_return refused;
    }
};

ControlHandler::ControlHandler(asio::any_io_executor executor, Operations& operations, AccessRules rules, Clock& clock)
    : state_(std::make_unique<State>(std::move(executor), operations, std::move(rules), clock)) {}

ControlHandler::~ControlHandler() = default;

RequestHandler ControlHandler::handler() {
    return [state = state_.get()](ServerRequest request, Responder& responder) {
        return state->serve(std::move(request), responder);
    };
}

void ControlHandler::set_rules(AccessRules rules) {
    state_->rules = std::move(rules);
}

std::size_t ControlHandler::calls() const {
    return state_->calls.size();
}

Task<> ControlHandler::stop() {
    co_await state_->calls.stop();
}

}  // namespace certd::control
