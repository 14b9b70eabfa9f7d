#include "daemon/observe/deploy_timing.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

class Deployment {
   public:
    explicit Deployment(DeployTiming& timing, std::string host = "local") : timing_(timing), host_(std::move(host)) {}
    Deployment& after(Duration time) {
        now_ += time;
        return *this;
    }
    Deployment& tell(EventType type, const std::string& step = {}) {
        return tell_data(type, step.empty() ? Json::object() : Json::object({{"step", step}}));
    }
    Deployment& tell_data(EventType type, Json data, std::optional<Problem> problem = std::nullopt) {
        Event event;
        event.type = type;
        event.at = now_;
        event.job = 7;
        event.target = "web";
        event.host = host_;
        event.data = std::move(data);
        event.problem = std::move(problem);
        timing_.on_event(event);
        return *this;
    }
    Deployment& step(const std::string& name) { return tell(EventType::deploy_step, name); }

   private:
    DeployTiming& timing_;
    std::string host_;
    Time now_{days(20000)};
};

}  // namespace

TEST_CASE("a step has ended well when the next one begins, and the last one with the commit") {
    DeployTiming timing;
    Deployment(timing)
        .step("install")
        .after(seconds(2))
        .step("reload")
        .tell(EventType::deploy_step)  // what a command said is no step
        .after(seconds(5))
        .tell(EventType::deploy_committed);
    CHECK(timing.counts[{"install", "begun"}] == 1);
    CHECK(timing.counts[{"install", "ok"}] == 1);
    CHECK(timing.counts[{"reload", "ok"}] == 1);
    CHECK(timing.steps["install"].sum == 2);
    CHECK(timing.steps["reload"].sum == 5);
    CHECK(timing.deployments.count == 1);
    CHECK(timing.deployments.sum == 7);
}

TEST_CASE("a step that failed is no step that went well, and the way back is counted by itself") {
    DeployTiming timing;
    Deployment(timing)
        .step("test")
        .after(seconds(1))
        .tell(EventType::deploy_failed, "test")
        .step("restore")
        .after(seconds(3))
        .tell(EventType::deploy_rolled_back);
    CHECK(timing.counts[{"test", "failed"}] == 1);
    CHECK_FALSE(timing.counts.contains({"test", "ok"}));
    CHECK(timing.counts[{"restore", "ok"}] == 1);
    CHECK(timing.deployments.count == 0);
}

TEST_CASE("a way back that failed counts its step as failed") {
    DeployTiming timing;
    Deployment(timing)
        .tell(EventType::deploy_failed, "verify")
        .step("reload-restored")
        .tell(EventType::deploy_rollback_failed);
    CHECK(timing.counts[{"reload-restored", "failed"}] == 1);
}

TEST_CASE("what is told of the inside of a step does not end it") {
    DeployTiming timing;
    Deployment(timing)
        .step("reload")
        .after(seconds(2))
        .tell_data(EventType::deploy_step, Json::object({{"step", "haproxy-fallback"}, {"within_step", true}}),
                   problem("haproxy.answer", "It said nothing"))
        .after(seconds(3))
        .step("verify")
        .tell(EventType::deploy_committed);
    CHECK(timing.counts[{"haproxy-fallback", "failed"}] == 1);
    CHECK(timing.steps["reload"].count == 1);
    CHECK(timing.steps["reload"].sum == 5);
    Deployment(timing)
        .step("reload")
        .after(seconds(2))
        .tell_data(EventType::deploy_step,
                   Json::object({{"step", "haproxy"}, {"within_step", true}, {"took_ms", 2000}}))
        .step("verify");
    CHECK(timing.counts[{"haproxy", "ok"}] == 1);
    CHECK(timing.steps["haproxy"].sum == 2);
    CHECK(timing.counts[{"reload", "ok"}] == 2);
    CHECK_FALSE(timing.counts.contains({"haproxy", "begun"}));
}

TEST_CASE("a reload that was done in two ways is one step, which fails as a whole") {
    DeployTiming timing;
    Deployment(timing)
        .step("reload")
        .tell_data(EventType::deploy_step, Json::object({{"step", "haproxy-fallback"}, {"within_step", true}}))
        .after(seconds(1))
        .tell(EventType::deploy_failed, "reload");
    CHECK_FALSE(timing.counts.contains({"reload", "ok"}));
    CHECK(timing.counts[{"reload", "failed"}] == 1);
}

TEST_CASE(
    "a way back that left the new files in place has ended, and the next deployment there is timed from its own") {
    DeployTiming timing;
    Deployment(timing)
        .tell(EventType::deploy_failed, "verify")
        .step("restore")
        .after(seconds(1))
        .tell_data(EventType::deploy_step, Json::object({{"verified", false}}))
        .after(hours(1))
        .step("install")
        .after(seconds(4))
        .tell(EventType::deploy_committed);
    CHECK(timing.counts[{"restore", "ok"}] == 1);
    CHECK(timing.steps["restore"].sum == 1);
    CHECK(timing.deployments.sum == 4);
}

TEST_CASE("hosts that are deployed to at the same time are timed apart") {
    DeployTiming timing;
    Deployment one(timing, "web1"), other(timing, "web2");
    one.step("install");
    other.step("install");
    one.after(seconds(1)).tell(EventType::deploy_committed);
    other.after(seconds(9)).tell(EventType::deploy_committed);
    CHECK(timing.steps["install"].count == 2);
    CHECK(timing.steps["install"].sum == 10);
}
