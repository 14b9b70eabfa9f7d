// What a rollout is doing, put together from its events.
#include "daemon/observe/rollout_board.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

Event event(EventType type, Json data = Json::object(), std::string host = {}) {
    Event made;
    made.type = type;
    made.lineage = "shop";
    made.target = "fleet";
    made.host = std::move(host);
    made.job = 7;
    made.at = Time{days(20000)};
    made.data = std::move(data);
    return made;
}

struct Board {
    RolloutBoard board;
    Board() {
        take(EventType::rollout_started,
             Json::object({{"version", 5}, {"sequence", Json::array({"web1", "web2", "web3"})}}));
    }
    void take(EventType type, Json data = Json::object(), std::string host = {}) {
        board.take(event(type, std::move(data), std::move(host)));
    }
    const RolloutProgress& seen() const { return *board.find("shop", "fleet"); }
};

}  // namespace

TEST_CASE("a rollout begins with its hosts in their order") {
    Board board;
    CHECK(board.seen().job == 7);
    CHECK(board.seen().version == 5);
    CHECK(board.seen().hosts == std::vector<std::string>{"web1", "web2", "web3"});
    CHECK(board.seen().started == Time{days(20000)});
    CHECK_FALSE(board.seen().ended);
    CHECK(board.board.find("shop", "other") == nullptr);
    CHECK(board.board.find("blog", "fleet") == nullptr);
}

TEST_CASE("phase, batch and pause are those of the latest step") {
    Board board;
    board.take(EventType::rollout_step, Json::object({{"phase", "pausing"},
                                                      {"batch", 2},
                                                      {"batches", 5},
                                                      {"until", to_json(std::optional(Time{days(20001)}))}}));
    CHECK(board.seen().phase == "pausing");
    CHECK(board.seen().batch == 2);
    CHECK(board.seen().batches == 5);
    CHECK(board.seen().paused_until == Time{days(20001)});
    board.take(EventType::rollout_step, Json::object({{"phase", "batch"}, {"batch", 2}, {"batches", 5}}));
    CHECK(board.seen().phase == "batch");
    CHECK_FALSE(board.seen().paused_until);
}

TEST_CASE("each host has a step while something is done there, and none after it") {
    const EventType end = GENERATE(EventType::deploy_committed, EventType::deploy_failed, EventType::deploy_rolled_back,
                                   EventType::deploy_rollback_failed);
    Board board;
    board.take(EventType::deploy_step, Json::object({{"step", "install"}}), "web1");
    board.take(EventType::deploy_step, Json::object({{"step", "verify"}}), "web2");
    board.take(EventType::deploy_step, Json::object({{"command", "nginx -t"}, {"output", "ok"}}), "web1");
    CHECK(board.seen().steps == std::map<std::string, std::string>{{"web1", "install"}, {"web2", "verify"}});
    board.take(end, Json::object(), "web1");
    CHECK(board.seen().steps == std::map<std::string, std::string>{{"web2", "verify"}});
}

TEST_CASE("a way back that left the new files ends the host's work too") {
    Board board;
    board.take(EventType::deploy_step, Json::object({{"step", "restore"}}), "web1");
    board.take(EventType::deploy_step, Json::object({{"verified", false}}), "web1");
    CHECK(board.seen().steps.empty());
}

TEST_CASE("once it has ended the outcome stands, and nothing more is taken in") {
    Board board;
    board.take(EventType::deploy_step, Json::object({{"step", "verify"}}), "web2");
    board.take(EventType::rollout_finished, Json::object({{"outcome", "stopped"}}));
    board.take(EventType::deploy_step, Json::object({{"step", "install"}}), "web3");
    CHECK(board.seen().ended);
    CHECK(board.seen().phase == "stopped");
    CHECK(board.seen().steps.empty());
}

TEST_CASE("events of another job are not of this rollout") {
    Board board;
    Event other = event(EventType::deploy_step, Json::object({{"step", "install"}}), "web1");
    other.job = 8;
    board.board.take(other);
    CHECK(board.seen().steps.empty());
}

TEST_CASE("a lineage that is gone takes its rollouts along") {
    Board board;
    Event gone = event(EventType::lineage_removed);
    gone.target.clear();
    board.board.take(gone);
    CHECK(board.board.find("shop", "fleet") == nullptr);
}
