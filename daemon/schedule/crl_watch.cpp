// CrlWatch: whose certificates are in which list, the looks, and what is told of them.
#include "daemon/schedule/crl_watch.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd {

namespace {

const std::string lane;                     // one for all
constexpr std::size_t looks_at_a_time = 2;  // each may hold a whole list in memory
constexpr std::size_t read_at_a_time = 32;  // lineages, in one trip to the worker
constexpr Duration after_trouble = minutes(10);

bool is_rejected(const LineageState& state, VersionNumber version) {
    return std::ranges::find(state.rejected, version) != state.rejected.end();
}

std::vector<VersionNumber> versions_of(const LineageRecord& record) {
    std::vector<VersionNumber> versions;
    if (record.live) versions.push_back(record.live->number);
    if (record.newest && (versions.empty() || record.newest->number != versions.front()))
        versions.push_back(record.newest->number);
    return versions;
}

}  // namespace

std::string_view to_string(CrlSight::Status status) {
    constexpr std::array<std::string_view, 4> names{"good", "revoked", "unknown", "not-checked"};
    return names.at(static_cast<std::size_t>(status));
}

CrlWatch::CrlWatch(asio::any_io_executor executor, Parts parts)
    : parts_(std::move(parts)),
      queue_(looks_at_a_time),
      tasks_(std::move(executor), [this](const std::string&, std::exception_ptr error) {
          tell(Severity::error, "", "A look at a CRL ended unexpectedly", problem_of(error));
      }) {}

bool CrlWatch::is_on() const {
    return parts_.checks != nullptr && parts_.checks->can_look() && parts_.config()->revocation.crl;
}

void CrlWatch::place(const LineageRecord& record) {
    if (!is_on()) return;
    std::vector<VersionNumber> versions = versions_of(record);
    const std::string& name = record.spec->name;
    auto known = members_.find(name);
    if (known == members_.end() && versions.empty()) return;
    Member& member = known == members_.end() ? members_[name] : known->second;
    if (member.versions == versions && (member.read || unread_.contains(name))) return;
    member.versions = std::move(versions);
    member.read = false;
    unread_.insert(name);
}

void CrlWatch::reconsider() {
    if (!is_on()) {
        for (const auto& [url, source] : sources_)
            queue_.remove(url);
        pruned_ = pruned_ && sources_.empty();
        members_.clear();
        sources_.clear();
        unread_.clear();
        if (parts_.checks != nullptr && parts_.checks->can_look() && !pruned_) tasks_.spawn("prune", prune());
        return;
    }
    for (const auto& [url, source] : sources_)
        place_source(url, source);
}

std::optional<Time> CrlWatch::next() const {
    if (!unread_.empty() && !learning_) return parts_.clock.now();
    return queue_.next();
}

void CrlWatch::start_due() {
    if (!unread_.empty() && !learning_) {
        learning_ = true;
        tasks_.spawn("certificates", learn());
    }
    while (auto admitted = queue_.admit(parts_.clock.now())) {
        std::string url = admitted->lineage;
        tasks_.spawn(std::move(url), look(*std::move(admitted)));
    }
}

// A start may find thousands: a few at a time, so that nothing else waits long for the worker or the loop.
Task<> CrlWatch::learn() {
    struct AtWork {
        bool& flag;
        ~AtWork() { flag = false; }
    };
    {
        AtWork at_work{learning_};
        co_await read_unread();
        co_await prune();
    }
    for (const auto& [url, source] : sources_) {
        if (source.pending) place_source(url, source);
    }
    parts_.ended("");
}

Task<> CrlWatch::read_unread() {
    while (!unread_.empty()) {
        std::vector<std::pair<LineageName, std::vector<VersionNumber>>> batch;
        for (auto next = unread_.begin(); next != unread_.end() && batch.size() < read_at_a_time;) {
            if (auto member = members_.find(*next); member != members_.end())
                batch.emplace_back(value_or_fail(LineageName::parse(*next)), member->second.versions);
            next = unread_.erase(next);
        }
        auto read = co_await offload(parts_.workers, [&] {
            std::vector<std::vector<CrlSubject>> found;
            for (const auto& [name, versions] : batch)
                found.push_back(parts_.checks->subjects_of(name, versions));
            return found;
        });
        for (std::size_t i = 0; i < batch.size(); ++i) {
            auto member = members_.find(batch[i].first.text());
            bool current = member != members_.end() && member->second.versions == batch[i].second;
            if (current) take_subjects(member->first, member->second, std::move(read[i]));
        }
    }
}

void CrlWatch::take_subjects(const std::string& lineage, Member& member, std::vector<CrlSubject> subjects) {
    leave(lineage, member);
    member.read = true;
    for (CrlSubject& found : subjects) {
        Subject subject;
        subject.version = found.version;
        subject.serial = std::move(found.serial);
        subject.url = std::move(found.url);
        if (!subject.url.empty()) {
            subject.issuer = shared(std::move(found.issuer));
            Source& source = sources_[subject.url];
            source.members.insert(lineage);
            source.pending = true;
        }
        member.subjects.push_back(std::move(subject));
    }
}

std::shared_ptr<const Certificate> CrlWatch::shared(std::shared_ptr<const Certificate> issuer) {
    std::weak_ptr<const Certificate>& known = issuers_[issuer->fingerprint_sha256()];
    if (auto same = known.lock()) return same;
    known = issuer;
    return issuer;
}

void CrlWatch::leave(const std::string& lineage, Member& member) {
    for (const Subject& subject : member.subjects) {
        auto source = sources_.find(subject.url);
        if (source == sources_.end()) continue;
        source->second.members.erase(lineage);
        pruned_ = pruned_ && !source->second.members.empty();
    }
    member.subjects.clear();
    member.revoked.clear();
}

// Lists that nobody needs any more, and what an earlier run left behind. One that is being looked at goes later.
Task<> CrlWatch::prune() {
    if (pruned_) co_return;
    pruned_ = true;
    std::set<std::string> needed;
    for (const auto& [url, source] : sources_) {
        if (source.members.empty()) {
            queue_.place(lane, parts_.clock.now(), url);
        } else {
            needed.insert(url);
        }
    }
    std::erase_if(issuers_, [](const auto& known) { return known.second.expired(); });
    Result<void> done = co_await parts_.checks->prune(std::move(needed));
    if (!done) tell(Severity::warning, "", "CRLs that nobody needs any more could not be removed", done.error());
}

void CrlWatch::place_source(const std::string& url, const Source& source) {
    const Time now = parts_.clock.now();
    const Time next = next_crl_check(source.state, parts_.config()->revocation.interval);
    queue_.place(lane, source.pending || !source.loaded ? now : std::max(now, next), url);
}

Task<> CrlWatch::look(PollQueue::Admitted admitted) {
    const std::string url = admitted.lineage;
    bool settled = false;
    std::exception_ptr error;
    try {
        settled = co_await look_and_mark(url);
    } catch (...) {
        error = std::current_exception();
    }
    queue_.done(admitted);
    if (auto source = sources_.find(url); source != sources_.end()) {
        if (!settled) {
            queue_.place(lane, saturating_add(parts_.clock.now(), after_trouble), url);
        } else if (!source->second.members.empty()) {
            place_source(url, source->second);
        } else {
            sources_.erase(source);
        }
    }
    parts_.ended("");
    if (error) std::rethrow_exception(error);
}

void CrlWatch::drop_gone(const Source& source) {
    std::vector<std::string> gone;
    for (const std::string& lineage : source.members) {
        if (parts_.find(lineage) == nullptr) gone.push_back(lineage);
    }
    for (const std::string& lineage : gone) {
        leave(lineage, members_.at(lineage));
        members_.erase(lineage);
        unread_.erase(lineage);
    }
}

// nullopt: nobody needs the list any more.
std::optional<CrlChecks::Question> CrlWatch::question_about(const std::string& url) {
    Source& source = sources_.at(url);
    drop_gone(source);
    CrlChecks::Question question;
    config::ConfigPtr config = parts_.config();
    question.rules = config->revocation;
    question.state = source.state;
    source.pending = false;
    std::set<const Certificate*> issuers;
    for (const std::string& lineage : source.members) {
        for (const Subject& subject : members_.at(lineage).subjects) {
            if (subject.url != url) continue;
            question.serials.push_back(subject.serial);
            if (issuers.insert(subject.issuer.get()).second) question.issuers.push_back(*subject.issuer);
        }
        const LineageRecord* record = parts_.find(lineage);
        if (record == nullptr || !record->newest || !question.ca.name.text.empty()) continue;
        if (auto ca = config->cas.find(record->newest->ca); ca != config->cas.end()) question.ca = ca->second;
    }
    if (question.serials.empty()) return std::nullopt;
    return question;
}

// Whether nothing is left to be tried again. While it waits, all may be forgotten (reconsider), and known anew.
Task<bool> CrlWatch::look_and_mark(std::string url) {
    if (!sources_.at(url).loaded) {
        CrlState state = co_await offload(parts_.workers, [&] { return parts_.checks->load(url); });
        auto source = sources_.find(url);
        if (source == sources_.end()) co_return true;
        source->second.state = std::move(state);
        source->second.loaded = true;
    }
    std::optional<CrlChecks::Question> question = question_about(url);
    if (!question) {
        co_await prune();
        co_return true;
    }
    CrlChecks::Look look = co_await parts_.checks->look(*question);
    auto source = sources_.find(url);
    if (source == sources_.end()) co_return true;
    source->second.state = look.state;
    source->second.loaded = true;
    tell_look(source->second, look);
    if (!look.answer) co_return true;
    co_return co_await settle_all(take_answer(url, source->second, *question, *look.answer));
}

// The lineages with a certificate in the list, or that had one.
std::vector<std::string> CrlWatch::take_answer(const std::string& url, const Source& source,
                                               const CrlChecks::Question& asked, const CrlAnswer& answer) {
    const std::set<std::string_view> serials(asked.serials.begin(), asked.serials.end());
    const std::string signer = asked.issuers.at(answer.issuer).fingerprint_sha256();
    std::vector<std::string> concerned;
    for (const std::string& lineage : source.members) {
        Member& member = members_.at(lineage);
        bool hit = !member.revoked.empty();
        for (Subject& subject : member.subjects) {
            // Those that came while the list was on its way are looked for next.
            if (subject.url != url || !serials.contains(subject.serial)) continue;
            if (subject.issuer->fingerprint_sha256() != signer) continue;
            auto found = answer.revoked.find(subject.serial);
            subject.seen = true;
            subject.hit = found == answer.revoked.end() ? std::nullopt : std::optional(found->second);
            hit = hit || subject.hit;
        }
        if (hit) concerned.push_back(lineage);
    }
    return concerned;
}

// Of the certificates of one version the one whose key is known to others says most.
std::vector<Revoked> CrlWatch::revoked_of(const Member& member) {
    std::vector<Revoked> revoked;
    for (VersionNumber version : member.versions) {
        const Subject* worst = nullptr;
        for (const Subject& subject : member.subjects) {
            if (subject.version != version || !subject.hit) continue;
            if (worst == nullptr || subject.hit->reason == CrlReason::key_compromise) worst = &subject;
        }
        if (worst == nullptr) continue;
        revoked.push_back({version, worst->hit->since, std::string(to_string(worst->hit->reason)), worst->url});
    }
    return revoked;
}

// False: something is to be tried again.
Task<bool> CrlWatch::settle_all(std::vector<std::string> lineages) {
    bool settled = true;
    for (const std::string& lineage : lineages)
        settled = co_await settle(lineage) && settled;
    co_return settled;
}

// The plan learns of a revocation when the key is burned: what it orders at once has another.
Task<bool> CrlWatch::settle(std::string lineage) {
    auto member = members_.find(lineage);
    if (member == members_.end()) co_return true;
    const std::vector<VersionNumber> versions = member->second.versions;
    const std::vector<Revoked> found = revoked_of(member->second);
    std::vector<std::pair<Revoked, std::vector<VersionNumber>>> fresh;
    for (const Revoked& revoked : found) {
        const LineageRecord* record = parts_.find(lineage);
        if (record == nullptr) co_return true;
        if (is_rejected(record->state, revoked.version)) continue;
        Result<std::vector<VersionNumber>> same_key = co_await parts_.burn(lineage, revoked);
        if (!same_key) {
            tell(Severity::error, lineage, "The key of a revoked certificate could not be noted as such",
                 same_key.error());
            co_return false;
        }
        fresh.emplace_back(revoked, *std::move(same_key));
    }
    member = members_.find(lineage);
    bool same = member != members_.end() && member->second.versions == versions;
    bool changed = same && member->second.revoked != found;
    if (same) member->second.revoked = found;
    bool settled = true;
    for (auto& [revoked, same_key] : fresh) {
        Result<void> marked = co_await parts_.mark(lineage, revoked, std::move(same_key));
        if (!marked) tell(Severity::error, lineage, "A revoked version could not be noted as such", marked.error());
        settled = settled && marked;
    }
    if (changed) parts_.ended(lineage);
    co_return settled;
}

void CrlWatch::tell_look(const Source& source, const CrlChecks::Look& look) {
    if (look.unsaved) tell(Severity::error, "", "A CRL could not be stored", *look.unsaved);
    if (!look.worrying || !look.state.problem) return;
    if (source.members.empty()) return;
    std::size_t others = source.members.size() - 1;
    tell(Severity::warning, *source.members.begin(),
         fmt::format("Whether the certificate{} {} revoked is not known: the CRL is missing since {}",
                     others == 0 ? "" : fmt::format(" and those of {} more lineages", others),
                     others == 0 ? "was" : "were", format_rfc3339(*look.state.failing_since)),
         *look.state.problem);
}

const Revoked* CrlWatch::revoked(const LineageRecord& record) const {
    auto member = members_.find(record.spec->name);
    if (member == members_.end()) return nullptr;
    const std::vector<VersionNumber> versions = versions_of(record);
    for (const Revoked& revoked : member->second.revoked) {
        bool live = record.live && revoked.version == record.live->number;
        bool awaited = std::ranges::find(versions, revoked.version) != versions.end() &&
                       !is_rejected(record.state, revoked.version);
        if (live || awaited) return &revoked;
    }
    return nullptr;
}

std::optional<CrlSight> CrlWatch::sight(const LineageRecord& record) const {
    if (!is_on() || !record.newest) return std::nullopt;
    const VersionNumber version = record.live ? record.live->number : record.newest->number;
    CrlSight sight;
    auto member = members_.find(record.spec->name);
    if (member == members_.end() || !member->second.read) {
        sight.status = CrlSight::Status::unknown;
        return sight;
    }
    bool all_seen = true;
    for (const Subject& subject : member->second.subjects) {
        if (subject.version != version || subject.url.empty()) continue;
        all_seen = all_seen && subject.seen;
        auto source = sources_.find(subject.url);
        if (source == sources_.end() || !sight.crl.url.empty()) continue;
        sight.crl = source->second.state;
        sight.crl.url = subject.url;
        sight.next_check =
            std::max(parts_.clock.now(), next_crl_check(sight.crl, parts_.config()->revocation.interval));
    }
    const Revoked* revoked = this->revoked(record);
    if (revoked != nullptr && revoked->version == version) {
        sight.status = CrlSight::Status::revoked;
        sight.revoked = *revoked;
    } else if (!sight.crl.url.empty()) {
        bool good = all_seen && is_current(sight.crl, parts_.clock.now());
        sight.status = good ? CrlSight::Status::good : CrlSight::Status::unknown;
    }
    return sight;
}

void CrlWatch::tell(Severity severity, const std::string& lineage, std::string message, Problem problem) {
    Event event;
    event.type = EventType::daemon_problem;
    event.severity = severity;
    event.lineage = lineage;
    event.message = std::move(message);
    event.problem = std::move(problem);
    parts_.bus.publish(std::move(event));
}

}  // namespace certd
