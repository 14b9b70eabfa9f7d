// Pipeline: jobs that change nothing.
#include "daemon/renew/pipeline.hpp"

#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

std::string summary(const std::vector<RehearsedPlace>& rehearsed) {
    if (rehearsed.empty()) return "there is no target to rehearse a deployment to";
    std::string text = "its deployment was rehearsed, nothing was changed";
    for (const RehearsedPlace& place : rehearsed)
        text += "; " + describe(place);
    return text;
}

}  // namespace

Task<Result<JobOutcome>> Pipeline::rehearse(const Order& order, LineageRecord& record) {
    IssueOrder issue{order.config, record.spec, order.request.ca, record.newest, order.job, true};
    issue.on_ordering = order.ordering;
    Result<NewCertificate> made = co_await renewal_.issue(std::move(issue));
    if (order.issued) order.issued(made ? std::nullopt : std::optional(made.error()));
    if (!made) co_return failure(made.error());
    auto rehearsed = co_await rehearse_at(order, record, std::move(made->files), std::move(made->facts));
    if (!rehearsed) co_return failure(rehearsed.error());
    std::string message =
        fmt::format("A certificate was issued by {} and thrown away; {}", order.request.ca.text, summary(*rehearsed));
    co_return JobOutcome{"rehearsed", {}, std::move(message), *std::move(rehearsed)};
}

Task<Result<JobOutcome>> Pipeline::rehearse_deploy(const Order& order, LineageRecord& record) {
    VersionNumber version = order.request.version;
    LineageName name = name_of(record);
    auto facts = co_await offload(workers_, [&] { return store_.version(name, version); });
    if (!facts) co_return failure(facts.error());
    auto files = co_await offload(workers_, [&] { return store_.read_version(name, version); });
    if (!files) co_return failure(files.error());
    auto rehearsed = co_await rehearse_at(order, record, *std::move(files), *std::move(facts));
    if (!rehearsed) co_return failure(rehearsed.error());
    std::string message = fmt::format("Version {}: {}", version.value, summary(*rehearsed));
    co_return JobOutcome{"rehearsed", version, std::move(message), *std::move(rehearsed)};
}

Task<Result<std::vector<RehearsedPlace>>> Pipeline::rehearse_at(const Order& order, const LineageRecord& record,
                                                                VersionFiles files, VersionFacts facts) {
    DeployOrder deployment;
    deployment.config = order.config;
    deployment.spec = record.spec;
    deployment.version = order.request.version;
    deployment.places = order.places(record);
    deployment.current = record.state.targets;
    deployment.job = order.job;
    co_return co_await deployer_.rehearse(std::move(deployment), std::move(files), std::move(facts));
}

}  // namespace certd
