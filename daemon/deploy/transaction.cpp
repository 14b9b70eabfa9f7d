// Two short lists, the way forward and the way back, and which of their entries apply.
#include "daemon/deploy/transaction.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace certd {

namespace {

constexpr std::array<std::string_view, 15> names = {
    "back-up",       "flip-live",       "install",         "exec",    "test",
    "reload",        "verify",          "commit",          "restore", "unflip-live",
    "exec-restored", "reload-restored", "verify-restored", "close",   "done"};

DeployStep following(DeployStep step) {
    return static_cast<DeployStep>(static_cast<int>(step) + 1);
}
bool is_forward(DeployStep step) {
    return step <= DeployStep::commit;
}

}  // namespace

std::string_view to_string(DeployStep step) {
    return names.at(static_cast<std::size_t>(step));
}

Transaction::Transaction(TransactionFacts facts)
    : facts_(std::move(facts)), ends_(facts_.targets.size()), live_is_version_(facts_.live_is_version) {
    if (!facts_.targets.empty()) {
        begin(0);
    } else {
        go(live_is_version_ ? DeployStep::done : DeployStep::flip_live);
    }
}

DeployAction Transaction::report(Ended ended) {
    const DeployStep step = now_.step;
    if (facts_.targets.empty()) {
        live_is_version_ = ended == Ended::well;
        return go(DeployStep::done);
    }
    if (!is_forward(step)) {
        note_back(step, ended);
        return back_after(step);
    }
    if (ended != Ended::well) return turn_back(step);
    note_forward(step);
    return step == DeployStep::commit ? finish_target() : forward_after(step);
}

DeployAction Transaction::report_backed_up(Before before) {
    current_.before = before;
    return forward_after(DeployStep::back_up);
}

DeployAction Transaction::begin(std::size_t target) {
    current_ = {};
    now_.target = target;
    return go(DeployStep::back_up);
}

DeployAction Transaction::go(DeployStep step) {
    now_.step = step;
    return now_;
}

DeployAction Transaction::forward_after(DeployStep step) {
    do
        step = following(step);
    while (!lies_ahead(step));
    return go(step);
}

bool Transaction::lies_ahead(DeployStep step) const {
    switch (step) {
        case DeployStep::flip_live:
            return !live_is_version_;
        case DeployStep::install:
            return shape().install;
        case DeployStep::exec:
            return shape().exec;
        case DeployStep::test:
            return shape().test;
        case DeployStep::reload:
            return shape().reload;
        case DeployStep::verify:
            return shape().verify;
        default:
            return true;
    }
}

void Transaction::note_forward(DeployStep step) {
    if (step == DeployStep::flip_live) live_is_version_ = flipped_ = true;
    if (step == DeployStep::install) current_.installed = true;
    if (step == DeployStep::commit) end().committed = true;
}

DeployAction Transaction::turn_back(DeployStep failed) {
    // Half an installation must not stay, and going back to an expired certificate is the last resort: try once more.
    if (failed == DeployStep::install && current_.before.expired && !std::exchange(current_.install_retried, true) &&
        !cancelled_) {
        return go(DeployStep::install);
    }
    if (failed == DeployStep::flip_live) flipped_ = true;  // perhaps: an error does not tell
    if (failed == DeployStep::install) current_.installed = true;
    current_.failed_at = end().failed_at = failed;
    current_.kept = reason_to_keep(failed);
    return back_after(DeployStep::commit);
}

// Why the new content stays where it is in spite of the failure, if it does.
std::optional<Restoration> Transaction::reason_to_keep(DeployStep failed) const {
    if (failed <= DeployStep::install) return std::nullopt;
    switch (current_.before.paths) {
        case Before::Paths::absent:
            return Restoration::left;
        case Before::Paths::present:
            if (current_.before.expired) return Restoration::refused;
            return std::nullopt;
        case Before::Paths::none:
            break;
    }
    if (flipped_ && facts_.previous == TransactionFacts::Previous::expired) return Restoration::refused;
    if (!may_unflip()) return Restoration::left;
    return std::nullopt;
}

// `live` goes back only while no target of the order uses the version (contrib/docs/decisions/0005).
bool Transaction::may_unflip() const {
    const bool used = std::ranges::any_of(ends_, &TargetEnd::committed);
    return flipped_ && !used && facts_.previous == TransactionFacts::Previous::valid;
}

DeployAction Transaction::back_after(DeployStep step) {
    if (step == DeployStep::close) return finish_target();
    do
        step = following(step);
    while (step != DeployStep::done && !lies_on_way_back(step));
    if (step == DeployStep::close || step == DeployStep::done) end().restoration = judge();
    return step == DeployStep::done ? finish_target() : go(step);
}

bool Transaction::lies_on_way_back(DeployStep step) const {
    const bool depends = current_.depends_restored;
    switch (step) {
        case DeployStep::restore:
            return current_.installed && !current_.kept;
        case DeployStep::unflip_live:
            return may_unflip() && current_.kept != Restoration::refused;
        case DeployStep::exec_restored:
            return depends && attempted(DeployStep::exec);
        case DeployStep::reload_restored:
            return depends && attempted(DeployStep::reload);
        case DeployStep::verify_restored:
            return depends && !cancelled_ && shape().verify &&
                   (attempted(DeployStep::reload) || attempted(DeployStep::verify));
        case DeployStep::close:
            return !current_.put_back_failed;  // else the journal is still needed
        default:
            return false;
    }
}

// The step itself may be the one that failed; commit implies all before it.
bool Transaction::attempted(DeployStep step) const {
    if (!current_.failed_at || *current_.failed_at < step) return false;
    switch (step) {
        case DeployStep::exec:
            return shape().exec;
        case DeployStep::reload:
            return shape().reload;
        case DeployStep::verify:
            return shape().verify;
        default:
            return true;
    }
}

void Transaction::note_back(DeployStep step, Ended ended) {
    const bool well = ended == Ended::well;
    switch (step) {
        case DeployStep::restore:
            current_.put_back_failed |= !well;
            current_.depends_restored = well && current_.before.paths == Before::Paths::present;
            break;
        case DeployStep::unflip_live:
            current_.put_back_failed |= !well;
            if (!well) break;
            live_is_version_ = flipped_ = false;
            if (current_.before.paths == Before::Paths::none) current_.depends_restored = true;
            break;
        case DeployStep::exec_restored:
            current_.doubt |= !well;
            break;
        case DeployStep::reload_restored:
            // A service that refused both reloads has not moved; one that took the first is left with the new
            // certificate.
            current_.doubt |= !well && current_.failed_at != DeployStep::reload;
            break;
        case DeployStep::verify_restored:
            if (ended != Ended::unknown) current_.old_is_served = well;
            break;
        default:
            break;
    }
}

Restoration Transaction::judge() const {
    if (current_.put_back_failed) return Restoration::failed;
    if (current_.failed_at <= DeployStep::flip_live) return Restoration::none;
    if (current_.kept) return *current_.kept;
    if (current_.old_is_served) return *current_.old_is_served ? Restoration::verified : Restoration::failed;
    if (current_.doubt) return Restoration::failed;
    const bool may_serve_new = attempted(DeployStep::reload) || attempted(DeployStep::verify);
    return may_serve_new ? Restoration::unverified : Restoration::done;
}

DeployAction Transaction::finish_target() {
    const std::size_t following_target = now_.target + 1;
    if (cancelled_ || following_target == facts_.targets.size()) return go(DeployStep::done);
    return begin(following_target);
}

}  // namespace certd
