// The rounds in which renewals use certbot's hook directories. The agent that owns the scripts in `post`: they run
// when the last renewal of a round is through, however that came about, and at the next start when certd ended before.
#pragma once

#include "config/model.hpp"
#include "daemon/deploy/deployer.hpp"
#include "daemon/lineage/hook_round.hpp"
#include "daemon/observe/event.hpp"
#include "daemon/store/store.hpp"
#include "libacme/async/gate.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/async/task_group.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace certd {

class HookRounds {
    struct State;
    struct Open;

   public:
    struct Seams {
        Clock& clock;
        Workers& workers;
        Store& store;
        Deployer& deployer;
        EventSink events;
    };
    HookRounds(asio::any_io_executor executor, Seams seams);

    // A renewal's place in a round. Whoever lets go of it without end() has failed.
    class Place {
       public:
        Place() = default;
        Place(Place&&) noexcept;
        Place& operator=(Place&&) noexcept;
        ~Place() { leave(HookUser::Outcome::failed, {}); }
        explicit operator bool() const { return open_ != nullptr; }

       private:
        friend class HookRounds;
        void leave(HookUser::Outcome outcome, std::vector<Identifier> names);
        std::shared_ptr<State> state_;
        std::shared_ptr<Open> open_;
        std::size_t user_ = 0;
        std::uint64_t job_ = 0;
    };

    // Joins the round of the directory. The first runs the scripts in `pre`, and each has what they ended with: after a
    // failure nobody may go on. When the round takes nobody any more, the next one is waited for. Throws on
    // cancellation. Problems hook.failed, hook.directory, process.unsafe, storage.*.
    Task<Result<Place>> begin(config::RenewalHooks hooks, std::string lineage, std::vector<Identifier> names,
                              std::uint64_t job);
    // Leaves the round, and waits until the scripts in `post` have run; nothing for a place that was left already.
    // `names`: of the certificate, when there is one now.
    Task<> end(Place place, HookUser::Outcome outcome, std::vector<Identifier> names = {});

    // Reads which rounds were cut off. Once, before start().
    Task<> load();
    // From now on the scripts in `post` are run. `settled` is awaited after those of a round, with its lineages.
    void start(std::function<Task<>(std::vector<std::string> lineages)> settled);
    // Gives rounds that are over until `deadline` (monotonic) to come to their end; the next start makes up for others.
    Task<> stop(Duration deadline);

   private:
    Task<> run();
    Task<> begin_round(std::shared_ptr<Open> open, std::uint64_t job);
    Task<Result<void>> run_pre(std::shared_ptr<Open> open, std::uint64_t job);
    Task<> end_round(std::shared_ptr<Open> open);
    Task<Result<void>> save();
    void tell(EventType type, Severity severity, const HookRound& round, std::string message,
              std::optional<Problem> problem = std::nullopt);

    Seams seams_;
    std::shared_ptr<State> state_;
    std::function<Task<>(std::vector<std::string>)> settled_;
    Gate disk_{1};
    TaskGroup tasks_;
};

}  // namespace certd
