// The members of each type of the control API: one list per type, from which encoding, decoding and strict checking
// follow. A list calls `field(key, member, shown)` for each member; Shown::table marks those the status table needs.
#pragma once

#include "ctl/api/types.hpp"

#include <concepts>
#include <type_traits>

namespace certd::api {

enum class Shown { table, full };

template <class T, class Type>
concept Is = std::same_as<std::remove_const_t<T>, Type>;

template <class Field>
void fields(Is<Next> auto& value, Field&& field) {
    field("action", value.action, Shown::table);
    field("at", value.at, Shown::table);
    field("reasons", value.reasons, Shown::full);
}

template <class Field>
void fields(Is<Ari> auto& value, Field&& field) {
    field("start", value.start, Shown::full);
    field("end", value.end, Shown::full);
    field("selected", value.selected, Shown::full);
    field("explanation_url", value.explanation_url, Shown::full);
}

template <class Field>
void fields(Is<Revocation> auto& value, Field&& field) {
    field("status", value.status, Shown::full);
    field("url", value.url, Shown::full);
    field("checked_at", value.checked_at, Shown::full);
    field("good_until", value.good_until, Shown::full);
    field("next_check", value.next_check, Shown::full);
    field("revoked_at", value.revoked_at, Shown::full);
    field("reason", value.reason, Shown::full);
    field("problem", value.problem, Shown::full);
}

template <class Field>
void fields(Is<Target> auto& value, Field&& field) {
    field("target", value.target, Shown::full);
    field("host", value.host, Shown::full);
    field("state", value.state, Shown::full);
    field("version", value.version, Shown::full);
    field("served_fingerprint", value.served_fingerprint, Shown::full);
    field("verified_at", value.verified_at, Shown::full);
    field("problem", value.problem, Shown::full);
    field("next_attempt", value.next_attempt, Shown::full);
    field("verdict", value.verdict, Shown::full);
    field("grace_until", value.grace_until, Shown::full);
    field("looked_at", value.looked_at, Shown::full);
    field("served_not_after", value.served_not_after, Shown::full);
    field("served_subject", value.served_subject, Shown::full);
    field("served_issuer", value.served_issuer, Shown::full);
    field("step", value.step, Shown::full);
}

template <class Field>
void fields(Is<ServedGroup> auto& value, Field&& field) {
    field("version", value.version, Shown::full);
    field("fingerprint", value.fingerprint, Shown::full);
    field("hosts", value.hosts, Shown::full);
}

template <class Field>
void fields(Is<Rollout> auto& value, Field&& field) {
    field("target", value.target, Shown::full);
    field("version", value.version, Shown::full);
    field("phase", value.phase, Shown::full);
    field("running", value.running, Shown::full);
    field("batch", value.batch, Shown::full);
    field("batches", value.batches, Shown::full);
    field("started", value.started, Shown::full);
    field("paused_until", value.paused_until, Shown::full);
    field("next_attempt", value.next_attempt, Shown::full);
    field("total", value.total, Shown::full);
    field("serving", value.serving, Shown::full);
    field("failed", value.failed, Shown::full);
    field("pending", value.pending, Shown::full);
    field("hosts", value.hosts, Shown::full);
    field("failed_hosts", value.failed_hosts, Shown::full);
    field("served", value.served, Shown::full);
}

template <class Field>
void fields(Is<Version> auto& value, Field&& field) {
    field("version", value.version, Shown::full);
    field("not_after", value.not_after, Shown::full);
    field("status", value.status, Shown::full);
    field("serial", value.serial, Shown::full);
    field("fingerprint_sha256", value.fingerprint_sha256, Shown::full);
}

template <class Field>
void fields(Is<KeyCertificate> auto& value, Field&& field) {
    field("key_type", value.key_type, Shown::full);
    field("serial", value.serial, Shown::full);
    field("fingerprint_sha256", value.fingerprint_sha256, Shown::full);
    field("not_before", value.not_before, Shown::full);
    field("not_after", value.not_after, Shown::full);
    field("key_created", value.key_created, Shown::full);
    field("key_until", value.key_until, Shown::full);
    field("pin", value.pin, Shown::full);
    field("tlsa", value.tlsa, Shown::full);
}

template <class Field>
void fields(Is<NextKey> auto& value, Field&& field) {
    field("key_type", value.key_type, Shown::full);
    field("created", value.created, Shown::full);
    field("pin", value.pin, Shown::full);
    field("tlsa", value.tlsa, Shown::full);
}

template <class Field>
void fields(Is<RefusedName> auto& value, Field&& field) {
    field("name", value.name, Shown::full);
    field("problem", value.problem, Shown::full);
    field("since", value.since, Shown::full);
    field("failures", value.failures, Shown::full);
    field("covered", value.covered, Shown::full);
    field("next_attempt", value.next_attempt, Shown::full);
}

template <class Field>
void fields(Is<HookRun> auto& value, Field&& field) {
    field("at", value.at, Shown::full);
    field("hook", value.hook, Shown::full);
    field("command", value.command, Shown::full);
    field("target", value.target, Shown::full);
    field("host", value.host, Shown::full);
    field("exit_status", value.exit_status, Shown::full);
    field("signal", value.signal, Shown::full);
    field("timed_out", value.timed_out, Shown::full);
    field("took_ms", value.took_ms, Shown::full);
    field("output", value.output, Shown::full);
    field("code", value.code, Shown::full);
}

template <class Field>
void fields(Is<Lineage> auto& value, Field&& field) {
    field("name", value.name, Shown::table);
    field("names", value.names, Shown::full);
    field("issued_names", value.issued_names, Shown::full);
    field("state", value.state, Shown::table);
    field("health", value.health, Shown::table);
    field("ca", value.ca, Shown::full);
    field("key_type", value.key_type, Shown::full);
    field("version", value.version, Shown::table);
    field("serial", value.serial, Shown::full);
    field("fingerprint_sha256", value.fingerprint_sha256, Shown::full);
    field("not_before", value.not_before, Shown::full);
    field("not_after", value.not_after, Shown::table);
    field("csr", value.csr, Shown::full);
    field("certificates", value.certificates, Shown::full);
    field("next_keys", value.next_keys, Shown::full);
    field("tlsa_owners", value.tlsa_owners, Shown::full);
    field("next", value.next, Shown::table);
    field("last_success", value.last_success, Shown::full);
    field("last_problem", value.last_problem, Shown::table);
    field("failures", value.failures, Shown::table);
    field("ari", value.ari, Shown::full);
    field("revocation", value.revocation, Shown::full);
    field("targets", value.targets, Shown::full);
    field("versions", value.versions, Shown::full);
    field("refused_names", value.refused_names, Shown::full);
    field("hooks", value.hooks, Shown::full);
    field("served", value.served, Shown::table);
    field("step", value.step, Shown::table);
    field("rollouts", value.rollouts, Shown::full);
    field("last_event", value.last_event, Shown::full);
}

template <class Field>
void fields(Is<HistoryEntry> auto& value, Field&& field) {
    field("at", value.at, Shown::full);
    field("what", value.what, Shown::full);
    field("code", value.code, Shown::full);
}

template <class Field>
void fields(Is<Decision> auto& value, Field&& field) {
    field("at", value.at, Shown::full);
    field("kind", value.kind, Shown::full);
    field("decision", value.decision, Shown::full);
    field("due", value.due, Shown::full);
    field("reasons", value.reasons, Shown::full);
    field("facts", value.facts, Shown::full);
    field("by", value.by, Shown::full);
}

template <class Field>
void fields(Is<Explanation> auto& value, Field&& field) {
    field("lineage", value.lineage, Shown::full);
    field("why", value.why, Shown::full);
    field("then", value.then, Shown::full);
    field("cause", value.cause, Shown::full);
    field("remedy", value.remedy, Shown::full);
    field("history", value.history, Shown::full);
    field("decisions", value.decisions, Shown::full);
}

template <class Field>
void fields(Is<PlanEntry> auto& value, Field&& field) {
    field("lineage", value.lineage, Shown::full);
    field("action", value.action, Shown::full);
    field("at", value.at, Shown::full);
    field("reasons", value.reasons, Shown::full);
}

template <class Field>
void fields(Is<LimitUse> auto& value, Field&& field) {
    field("ca", value.ca, Shown::full);
    field("kind", value.kind, Shown::full);
    field("key", value.key, Shown::full);
    field("used", value.used, Shown::full);
    field("capacity", value.capacity, Shown::full);
    field("next", value.next, Shown::full);
    field("full_at", value.full_at, Shown::full);
    field("page", value.page, Shown::full);
}

template <class Field>
void fields(Is<CheckFinding> auto& value, Field&& field) {
    field("check", value.check, Shown::full);
    field("name", value.name, Shown::full);
    field("result", value.result, Shown::full);
    field("text", value.text, Shown::full);
    field("hint", value.hint, Shown::full);
}

template <class Field>
void fields(Is<Account> auto& value, Field&& field) {
    field("ca", value.ca, Shown::full);
    field("directory", value.directory, Shown::full);
    field("url", value.url, Shown::full);
    field("contact", value.contact, Shown::full);
    field("key_type", value.key_type, Shown::full);
    field("thumbprint", value.thumbprint, Shown::full);
    field("terms_of_service", value.terms_of_service, Shown::full);
    field("problem", value.problem, Shown::full);
}

template <class Field>
void fields(Is<OrderList> auto& value, Field&& field) {
    field("offered", value.offered, Shown::full);
    field("complete", value.complete, Shown::full);
    field("urls", value.urls, Shown::full);
}

template <class Field>
void fields(Is<Incident> auto& value, Field&& field) {
    field("key", value.key, Shown::full);
    field("kind", value.kind, Shown::full);
    field("severity", value.severity, Shown::full);
    field("title", value.title, Shown::full);
    field("lineage", value.lineage, Shown::full);
    field("since", value.since, Shown::full);
    field("over", value.over, Shown::full);
    field("problem", value.problem, Shown::full);
    field("told", value.told, Shown::full);
}

template <class Field>
void fields(Is<Notifier> auto& value, Field&& field) {
    field("name", value.name, Shown::full);
    field("kind", value.kind, Shown::full);
    field("to", value.to, Shown::full);
    field("severity", value.severity, Shown::full);
    field("queued", value.queued, Shown::full);
    field("delivered", value.delivered, Shown::full);
    field("failed", value.failed, Shown::full);
    field("dropped", value.dropped, Shown::full);
    field("last_delivery", value.last_delivery, Shown::full);
    field("problem", value.problem, Shown::full);
    field("next_attempt", value.next_attempt, Shown::full);
}

template <class Field>
void fields(Is<Notifications> auto& value, Field&& field) {
    field("notifiers", value.notifiers, Shown::full);
    field("incidents", value.incidents, Shown::full);
}

template <class Field>
void fields(Is<NotifyTest> auto& value, Field&& field) {
    field("notifier", value.notifier, Shown::full);
    field("delivered", value.delivered, Shown::full);
    field("answer", value.answer, Shown::full);
    field("problem", value.problem, Shown::full);
}

template <class Field>
void fields(Is<DaemonStatus> auto& value, Field&& field) {
    field("version", value.version, Shown::full);
    field("started", value.started, Shown::full);
    field("now", value.now, Shown::full);
    field("pid", value.pid, Shown::full);
    field("lineages", value.lineages, Shown::full);
    field("running", value.running, Shown::full);
    field("config_file", value.config_file, Shown::full);
    field("config_problem", value.config_problem, Shown::full);
    field("notify_problem", value.notify_problem, Shown::full);
}

template <class Field>
void fields(Is<RehearsedPlace> auto& value, Field&& field) {
    field("target", value.target, Shown::full);
    field("host", value.host, Shown::full);
    field("steps", value.steps, Shown::full);
    field("not_rehearsed", value.not_rehearsed, Shown::full);
}

template <class Field>
void fields(Is<JobResult> auto& value, Field&& field) {
    field("lineage", value.lineage, Shown::full);
    field("outcome", value.outcome, Shown::full);
    field("version", value.version, Shown::full);
    field("message", value.message, Shown::full);
    field("rehearsed", value.rehearsed, Shown::full);
}

template <class Field>
void fields(Is<JobStarted> auto& value, Field&& field) {
    field("lineage", value.lineage, Shown::full);
    field("job", value.job, Shown::full);
    field("joined", value.joined, Shown::full);
}

template <class Field>
void fields(Is<Event> auto& value, Field&& field) {
    field("id", value.id, Shown::full);
    field("at", value.at, Shown::full);
    field("type", value.type, Shown::full);
    field("severity", value.severity, Shown::full);
    field("lineage", value.lineage, Shown::full);
    field("target", value.target, Shown::full);
    field("host", value.host, Shown::full);
    field("job", value.job, Shown::full);
    field("message", value.message, Shown::full);
    field("problem", value.problem, Shown::full);
    field("data", value.data, Shown::full);
}

template <class Field>
void fields(Is<RenewRequest> auto& value, Field&& field) {
    field("force", value.force, Shown::full);
    field("dry_run", value.dry_run, Shown::full);
    field("wait", value.wait, Shown::full);
}

template <class Field>
void fields(Is<RollbackRequest> auto& value, Field&& field) {
    field("to", value.to, Shown::full);
    field("wait", value.wait, Shown::full);
}

template <class Field>
void fields(Is<DeployRequest> auto& value, Field&& field) {
    field("target", value.target, Shown::full);
    field("host", value.host, Shown::full);
    field("dry_run", value.dry_run, Shown::full);
    field("wait", value.wait, Shown::full);
}

template <class Field>
void fields(Is<RevokeRequest> auto& value, Field&& field) {
    field("version", value.version, Shown::full);
    field("reason", value.reason, Shown::full);
    field("with", value.with, Shown::full);
}

template <class Field>
void fields(Is<NotifyTestRequest> auto& value, Field&& field) {
    field("name", value.name, Shown::full);
}

template <class Field>
void fields(Is<ImportRequest> auto& value, Field&& field) {
    field("key", value.key, Shown::full);
}

template <class Field>
void fields(Is<NoArguments> auto&, Field&&) {}

// A type of this list, as a member of another one.
template <class T>
concept HasFields = requires(T& value) { fields(value, [](const char*, auto&, Shown) {}); };

}  // namespace certd::api
