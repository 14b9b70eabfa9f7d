// Progress lines.
#include "ctl/progress.hpp"

#include "ctl/render.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

constexpr std::array<std::string_view, 10> spinner = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
constexpr std::array<std::string_view, 4> ascii_spinner = {"|", "/", "-", "\\"};

bool is_bad(const api::Event& event) {
    if (event.type == "rollout.finished" && event.data.string_or("outcome") != "complete") return true;
    return event.problem || event.severity == "error" || event.severity == "critical";
}

// An event that says what begins now, in contrast to one that says what has happened.
bool begins_step(const api::Event& event) {
    return event.type.ends_with(".step") && event.data["step"].if_string() && !event.data["took_ms"].number() &&
           !event.problem;
}

std::string text_of(const Style& style, const api::Event& event, bool with_problem) {
    std::string text = place_of(style, event) + clean(style, event.message.empty() ? event.type : event.message);
    if (event.problem && with_problem) text += ": " + problem_line(style, *event.problem);
    return text;
}

}  // namespace

std::string Progress::started(const std::string& lineage, const api::JobStarted& started, Duration now) {
    job(lineage, now);
    if (!started.joined) return {};
    return fmt::format("{}: joined the operation already running (job {})\n", clean(style_, lineage, 256), started.job);
}

std::string Progress::event(const std::string& lineage, const api::Event& event, Duration now) {
    Job& running = job(lineage, now);
    // The result comes next and says the same.
    if (!is_bad(event) && (event.type == "renewal.finished" || event.type == "rollback.finished")) return {};
    // That a whole renewal has failed is followed by its problem anyhow.
    std::string text = text_of(style_, event, !live_ || event.type != "renewal.failed");
    if (!live_) return line(mark_of(event), lineage, text, std::nullopt);
    std::string out = end_step(lineage, running, !is_bad(event), event.at, now);
    if (begins_step(event)) {
        running.step = std::move(text);
        running.step_at = event.at;
        running.step_since = now;
        return out;
    }
    std::optional<double> took = event.data["took_ms"].number();
    std::optional<Duration> length;
    if (took && *took >= 0 && *took < 1e12) length = Duration(static_cast<std::int64_t>(*took));
    return out + line(mark_of(event), lineage, text, length);
}

std::string Progress::succeeded(const std::string& lineage, const api::JobResult& result, Duration now) {
    Job& ended = job(lineage, now);
    std::string out = end_step(lineage, ended, true, std::nullopt, now);
    Duration took = now - ended.since;
    jobs_.erase(lineage);
    std::string text = clean(style_, result.message.empty() ? result.outcome : result.message);
    if (result.message.empty() && result.version != 0) text += fmt::format(", version {}", result.version);
    return out + line(Mark::done, lineage, text, took);
}

std::string Progress::failed(const std::string& lineage, const Problem& problem, Duration now) {
    std::string out = end_step(lineage, job(lineage, now), false, std::nullopt, now);
    jobs_.erase(lineage);
    std::string mark(style_.cross());
    std::string text = render_problem(style_, problem, lineage);
    return out + paint(style_, Colour::red, mark) + " " + text;
}

std::string Progress::live_line(Duration now, std::size_t width) const {
    if (jobs_.empty()) return {};
    auto tick = static_cast<std::size_t>(now / milliseconds(100));
    std::string_view mark =
        style_.unicode ? spinner.at(tick % spinner.size()) : ascii_spinner.at(tick % ascii_spinner.size());
    // The job whose step has begun last says what is shown.
    auto latest = std::ranges::max_element(jobs_, {}, [](const auto& entry) { return entry.second.step_since; });
    const auto& [lineage, job] = *latest;
    std::string text =
        fmt::format("{} {}: {}", mark, clean(style_, lineage, 256), job.step.empty() ? "working" : job.step);
    std::string tail = " " + format_approximate(now - (job.step.empty() ? job.since : job.step_since));
    if (jobs_.size() > 1) tail += fmt::format(" (and {} more)", jobs_.size() - 1);
    if (width == 0) return text + tail;
    // One column less than there are, or some terminals go to the next line.
    std::size_t room = width - 1 - std::min(width - 1, display_width(tail));
    return elide_end(style_, elide_end(style_, text, room) + tail, width - 1);
}

Progress::Job& Progress::job(const std::string& lineage, Duration now) {
    auto [found, added] = jobs_.try_emplace(lineage);
    if (added) found->second.since = found->second.step_since = now;
    return found->second;
}

std::string Progress::end_step(const std::string& lineage, Job& job, bool ok, std::optional<Time> at, Duration now) {
    if (job.step.empty()) return {};
    // The daemon's own times are better than those of arrival: several events may come at once.
    Duration took = at && job.step_at && *at >= *job.step_at ? *at - *job.step_at : now - job.step_since;
    std::string step = std::exchange(job.step, {});
    return line(ok ? Mark::done : Mark::failed, lineage, step, took);
}

Progress::Mark Progress::mark_of(const api::Event& event) const {
    if (is_bad(event)) return Mark::failed;
    return event.type.ends_with(".step") || event.type.ends_with(".started") ? Mark::note : Mark::done;
}

std::string Progress::line(Mark mark, const std::string& lineage, std::string_view text,
                           std::optional<Duration> took) const {
    std::string sign(mark == Mark::done     ? style_.tick()
                     : mark == Mark::failed ? style_.cross()
                     : style_.unicode       ? "·"
                                            : "-");
    std::string first = sign + " " + clean(style_, lineage, 256) + ": ";
    std::string body(text);
    if (took) body += " (" + format_approximate(*took) + ")";
    Colour colour = mark == Mark::done ? Colour::green : mark == Mark::failed ? Colour::red : Colour::dim;
    return paint(style_, colour, sign) + wrap(style_, first, body).substr(sign.size());
}

}  // namespace certd::ctl
