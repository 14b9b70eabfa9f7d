// One function per answer.
#include "daemon/deploy/haproxy_update.hpp"

#include "config/services.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

// A command that does not fit is seen in two ways: an empty answer, or a connection that is closed under our hands.
Problem not_set(const Problem& cause, const HaproxyCertificate& certificate) {
    if (cause.code != "net.closed") return haproxy_unreachable(cause);
    Problem result = parse_haproxy_set("", certificate).error();
    result.parts.push_back(cause);
    return result;
}

}  // namespace

std::string HaproxyUpdate::command() const {
    switch (step_) {
        case HaproxyStep::list:
            return haproxy_list();
        case HaproxyStep::look_at_pending:
            return haproxy_show_pending(certificate_.path);
        case HaproxyStep::set:
            return haproxy_set(certificate_);
        case HaproxyStep::commit:
            return haproxy_commit(certificate_.path);
        case HaproxyStep::look:
            return haproxy_show(certificate_.path);
        case HaproxyStep::abort:
            return haproxy_abort(abort_path_.empty() ? certificate_.path : abort_path_);
        case HaproxyStep::pause:
        case HaproxyStep::done:
            break;
    }
    return {};
}

void HaproxyUpdate::answered(std::string_view answer) {
    switch (step_) {
        case HaproxyStep::list:
            return listed(answer);
        case HaproxyStep::look_at_pending:
            return pending_shown(answer);
        case HaproxyStep::set:
            return set(answer);
        case HaproxyStep::commit:
            return committed(answer);
        case HaproxyStep::look:
            return shown(answer);
        case HaproxyStep::abort:
            return aborted(haproxy_aborted(answer), answer);
        case HaproxyStep::pause:
        case HaproxyStep::done:
            break;
    }
}

void HaproxyUpdate::not_answered(const Problem& cause) {
    switch (step_) {
        case HaproxyStep::set:
            return drop({}, not_set(cause, certificate_));
        case HaproxyStep::commit:
            return drop({}, haproxy_unreachable(cause));
        case HaproxyStep::abort:
            return aborted(false, cause.what);
        default:
            return finish(haproxy_unreachable(cause));
    }
}

void HaproxyUpdate::paused() {
    step_ = HaproxyStep::list;
}

void HaproxyUpdate::cancel() {
    const bool may_be_open = step_ == HaproxyStep::set || step_ == HaproxyStep::commit || step_ == HaproxyStep::abort;
    step_ = may_be_open ? HaproxyStep::abort : HaproxyStep::done;
}

void HaproxyUpdate::listed(std::string_view answer) {
    const auto listing = parse_haproxy_listing(answer);
    if (!listing) return finish(listing.error());
    resumed_ = false;
    if (std::ranges::find(listing->loaded, certificate_.path) == listing->loaded.end()) {
        return finish(
            certd::problem("haproxy.unknown", fmt::format("haproxy has no certificate {}", certificate_.path)));
    }
    if (listing->pending.empty()) {
        step_ = HaproxyStep::set;
    } else if (listing->pending.front() == certificate_.path) {
        step_ = HaproxyStep::look_at_pending;
    } else {
        wait_for_other(listing->pending.front());
    }
}

void HaproxyUpdate::pending_shown(std::string_view answer) {
    const auto is_this = haproxy_shows(answer, certificate_);
    if (!is_this) return finish(is_this.error());
    resumed_ = *is_this;
    if (!resumed_) return wait_for_other(certificate_.path);
    step_ = HaproxyStep::set;
}

void HaproxyUpdate::set(std::string_view answer) {
    const auto seen = parse_haproxy_set(answer, certificate_);
    if (!seen) {
        const bool open = resumed_ || seen.error().code == "haproxy.answer";
        return open ? drop({}, seen.error()) : finish(seen.error());
    }
    const bool ours = seen->path == certificate_.path && (seen->kind == HaproxySet::Kind::created || resumed_);
    if (ours) {
        step_ = HaproxyStep::commit;
        return;
    }
    // Somebody began between our look and our set, and now holds our certificate in place of theirs: what they would
    // commit is wrong, so that they had better begin anew.
    drop(config::haproxy_takes_path(seen->path) ? seen->path : certificate_.path,
         certd::problem("haproxy.busy", fmt::format("Another program opened a transaction for {} in haproxy while {} "
                                                    "was set; both are dropped",
                                                    escape_untrusted(seen->path, 200), certificate_.path)));
}

void HaproxyUpdate::committed(std::string_view answer) {
    const auto seen = parse_haproxy_commit(answer, certificate_.path);
    if (!seen) return drop({}, seen.error());
    if (*seen == HaproxyCommit::done) {
        step_ = HaproxyStep::look;
    } else {
        begin_again(fmt::format("The transaction for {} is gone from haproxy before its commit, as after a reload",
                                certificate_.path));
    }
}

void HaproxyUpdate::shown(std::string_view answer) {
    const auto is_this = haproxy_shows(answer, certificate_);
    if (!is_this) return finish(is_this.error());
    if (!*is_this)
        return begin_again(fmt::format("haproxy does not show the certificate committed for {}", certificate_.path));
    step_ = HaproxyStep::done;
}

void HaproxyUpdate::aborted(bool well, std::string_view answer) {
    if (!well && problem_) {
        problem_->parts.push_back(certd::problem("haproxy.answer", "The transaction in haproxy could not be aborted",
                                                 std::string(trim(answer))));
    }
    step_ = HaproxyStep::done;
}

void HaproxyUpdate::wait_for_other(const std::string& path) {
    if (++waited_ > busy_pauses) {
        return finish(certd::problem("haproxy.busy", fmt::format("Another program has a transaction for {} open in "
                                                                 "haproxy",
                                                                 escape_untrusted(path, 200))));
    }
    step_ = HaproxyStep::pause;
}

void HaproxyUpdate::begin_again(std::string why) {
    if (begun_ == attempts) return finish(certd::problem("haproxy.notTaken", std::move(why)));
    ++begun_;
    step_ = HaproxyStep::pause;
}

void HaproxyUpdate::drop(std::string path, Problem why) {
    abort_path_ = std::move(path);
    problem_ = std::move(why);
    step_ = HaproxyStep::abort;
}

void HaproxyUpdate::finish(Problem why) {
    problem_ = std::move(why);
    step_ = HaproxyStep::done;
}

}  // namespace certd
