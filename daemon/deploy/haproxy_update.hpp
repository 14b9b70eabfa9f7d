// The way of one certificate into haproxy's memory: see that nobody else is at it, set it in a transaction, commit, and
// look whether it is there. Pure: told of answers, it says what to ask next. It leaves no transaction of its own open.
#pragma once

#include "daemon/deploy/haproxy_answers.hpp"
#include "libacme/base/time.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace certd {

enum class HaproxyStep {
    list,             // is a transaction open? haproxy holds one, and gives it to whoever sets next
    look_at_pending,  // is the one that is open for this file what an interrupted run of ours left?
    set,
    commit,
    look,   // the proof
    abort,  // of what could not be committed
    pause,  // another program has its transaction open, or a reload came in between
    done
};

class HaproxyUpdate {
   public:
    explicit HaproxyUpdate(HaproxyCertificate certificate) : certificate_(std::move(certificate)) {}

    HaproxyStep next() const { return step_; }
    std::string command() const;  // of the next step, unless it is pause or done

    void answered(std::string_view answer);
    void not_answered(const Problem& cause);  // net.*: the question or its answer did not come through
    void paused();
    // Nothing more but what must not be left behind: next is abort or done.
    void cancel();

    // With done; none: haproxy shows the certificate under its path. Codes haproxy.*.
    const std::optional<Problem>& problem() const { return problem_; }

    static constexpr Duration pause = milliseconds(250);
    static constexpr std::size_t busy_pauses = 8;  // for another program to end its transaction
    static constexpr std::size_t attempts = 4;

   private:
    void listed(std::string_view answer);
    void pending_shown(std::string_view answer);
    void set(std::string_view answer);
    void committed(std::string_view answer);
    void shown(std::string_view answer);
    void aborted(bool well, std::string_view answer);

    void wait_for_other(const std::string& path);
    void begin_again(std::string why);
    void drop(std::string path, Problem why);
    void finish(Problem why);

    HaproxyCertificate certificate_;
    HaproxyStep step_ = HaproxyStep::list;
    bool resumed_ = false;    // the transaction is one of ours from before
    std::string abort_path_;  // empty: the certificate's own
    std::size_t waited_ = 0, begun_ = 1;
    std::optional<Problem> problem_;
};

}  // namespace certd
