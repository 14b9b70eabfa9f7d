// The order of a deployment's steps and the way back from each of them (DESIGN §7). Pure: told how a step ended, it
// says which is next. No I/O, no clock, no names: targets are numbers.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace certd {

enum class DeployStep {
    back_up,
    flip_live,
    install,
    exec,
    test,
    reload,
    verify,
    commit,  // the way forward, per target
    restore,
    unflip_live,
    exec_restored,
    reload_restored,
    verify_restored,
    close,  // the way back
    done
};
std::string_view to_string(DeployStep step);  // "back-up"

// The step to do next, and on which target of the order.
struct DeployAction {
    DeployStep step = DeployStep::done;
    std::size_t target = 0;
    bool operator==(const DeployAction&) const = default;
};

// What a target consists of; the steps it lacks are left out.
struct TargetShape {
    bool install = false, exec = false, test = false, reload = false, verify = false;
};

// What the back-up found at the paths of a target.
struct Before {
    enum class Paths {
        none,    // the target installs nothing: it reads `live`
        absent,  // first deployment: not one of the paths exists
        present  // at least one does
    };
    Paths paths = Paths::none;
    bool expired = false;  // the old certificate has expired and the new one has not
};

struct TransactionFacts {
    enum class Previous { none, valid, expired };  // what `live` named before; expired: while the new one is valid
    std::vector<TargetShape> targets;
    Previous previous = Previous::none;
    bool live_is_version = false;  // `live` names the version to deploy already
};

// How far a target got back to what it was.
enum class Restoration {
    none,        // nothing had been changed
    done,        // put back; nothing had been reloaded
    verified,    // put back and seen served
    unverified,  // put back, but nobody can say what is served: no verification, or nothing was served before
    left,        // the new content stays: there was nothing before, or other targets serve it
    refused,     // the new content stays: the old certificate has expired
    failed       // not put back, or the old certificate is not served
};

struct TargetEnd {
    bool committed = false;
    std::optional<DeployStep> failed_at;  // unset with committed == false: never begun
    Restoration restoration = Restoration::none;
};

class Transaction {
   public:
    explicit Transaction(TransactionFacts facts);

    DeployAction next() const { return now_; }

    enum class Ended { well, badly, unknown };  // unknown: of verify_restored, there is nothing to compare with
    DeployAction report(Ended ended);
    DeployAction report_backed_up(Before before);  // of back_up, in place of report(well)

    // No further target is begun, and the way back does not wait for what is served.
    void cancel() { cancelled_ = true; }

    const std::vector<TargetEnd>& ends() const { return ends_; }
    bool live_is_version() const { return live_is_version_; }

   private:
    DeployAction begin(std::size_t target);
    DeployAction go(DeployStep step);
    DeployAction forward_after(DeployStep step);
    DeployAction turn_back(DeployStep failed);
    DeployAction back_after(DeployStep step);
    DeployAction finish_target();
    void note_forward(DeployStep step);
    void note_back(DeployStep step, Ended ended);
    bool lies_ahead(DeployStep step) const;
    bool lies_on_way_back(DeployStep step) const;
    bool attempted(DeployStep step) const;
    bool may_unflip() const;
    std::optional<Restoration> reason_to_keep(DeployStep failed) const;
    Restoration judge() const;
    const TargetShape& shape() const { return facts_.targets[now_.target]; }
    TargetEnd& end() { return ends_[now_.target]; }

    TransactionFacts facts_;
    std::vector<TargetEnd> ends_;
    DeployAction now_;
    bool live_is_version_ = false;
    bool flipped_ = false;  // by this order, and not flipped back
    bool cancelled_ = false;

    struct Current {  // of the target being worked on
        Before before;
        bool installed = false;  // or perhaps half
        bool install_retried = false;
        std::optional<DeployStep> failed_at;
        std::optional<Restoration> kept;  // the new content stays, and why
        bool depends_restored = false;    // what the service reads is the old content again
        bool put_back_failed = false;     // files or `live`
        bool doubt = false;               // a command of the way back failed
        std::optional<bool> old_is_served;
    };
    Current current_;
};

}  // namespace certd
