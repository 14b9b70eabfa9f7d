// Looks at CRLs.
#include "daemon/renew/crl_checks.hpp"

#include "libacme/async/as_result.hpp"
#include "libacme/base/text.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t validator_limit = 256;  // of an ETag that is kept

CrlSubject subject_of(VersionNumber version, const CertificateFiles& files) {
    CrlSubject subject{version, {}, {}, nullptr};
    Result<Chain> chain = parse_chain(files.fullchain);
    if (!chain) return subject;
    subject.serial = chain->front().serial();
    std::vector<std::string> urls = crl_urls(chain->front());
    if (urls.empty() || chain->size() < 2) return subject;
    subject.url = std::move(urls.front());
    subject.issuer = std::make_shared<const Certificate>((*chain)[1]);
    return subject;
}

std::string validator(const HttpHeaders& headers, std::string_view name) {
    std::optional<std::string_view> value = headers.find(name);
    return value && value->size() <= validator_limit ? std::string(*value) : std::string();
}

HttpRequest request_for(const CrlState& state, bool conditional) {
    HttpRequest request;
    request.url = value_or_fail(parse_url(state.url));
    request.headers.add("Accept", "application/pkix-crl, */*");
    if (conditional && !state.etag.empty()) request.headers.add("If-None-Match", state.etag);
    if (conditional && !state.last_modified.empty()) request.headers.add("If-Modified-Since", state.last_modified);
    return request;
}

// All that keeps a list from coming is one problem, which names the URL.
Problem fetch_problem(const std::string& url, const Problem& cause) {
    if (cause.code.starts_with("crl.")) return cause;
    Problem told = problem(
        "crl.fetch", fmt::format("Cannot fetch the CRL {}: {}", escape_untrusted(url, 300), cause.what), cause.remote);
    told.not_before = cause.not_before;
    return told;
}

[[noreturn]] void refuse_status(const HttpResponse& response, Time now) {
    Problem refused = problem("crl.fetch", fmt::format("the answer has status {}", response.status));
    if (auto wish = response.headers.find("Retry-After")) refused.not_before = parse_retry_after(*wish, now);
    fail(std::move(refused));
}

}  // namespace

std::vector<CrlSubject> CrlChecks::subjects_of(const LineageName& name,
                                               const std::vector<VersionNumber>& versions) const {
    std::vector<CrlSubject> subjects;
    for (VersionNumber version : versions) {
        Result<VersionFiles> files = parts_.store.read_version(name, version);
        if (!files) continue;
        subjects.push_back(subject_of(version, *files));
        for (const auto& [type, further] : files->further)
            subjects.push_back(subject_of(version, further));
    }
    return subjects;
}

CrlState CrlChecks::load(const std::string& url) {
    CrlState unknown;
    unknown.url = url;
    return parts_.files.load(url).value_or(std::move(unknown));
}

Task<Result<void>> CrlChecks::prune(std::set<std::string> urls) {
    co_return co_await offload(parts_.workers, [&] { return parts_.files.prune(urls); });
}

Task<CrlAnswer> CrlChecks::read(const std::string& list, const Question& question) {
    CrlQuestion asked{question.state.url, question.issuers, question.serials, parts_.clock.now()};
    co_return value_or_fail(co_await offload(parts_.workers, [&] { return read_crl(list, asked); }));
}

Task<Result<CrlAnswer>> CrlChecks::read_kept(const Question& question) {
    CrlQuestion asked{question.state.url, question.issuers, question.serials, parts_.clock.now()};
    co_return co_await offload(parts_.workers, [&]() -> Result<CrlAnswer> {
        Result<std::string> list = parts_.files.read(asked.url, question.rules.max_size);
        if (!list) return failure(std::move(list).error());
        return read_crl(*list, asked);
    });
}

Task<CrlChecks::Fetched> CrlChecks::fetch(const Question& question, bool conditional) {
    std::unique_ptr<Transport> transport = parts_.transports(question.ca, question.rules.max_size);
    HttpResponse response = co_await transport->send(request_for(question.state, conditional));
    Fetched fetched;
    fetched.etag = validator(response.headers, "ETag");
    fetched.last_modified = validator(response.headers, "Last-Modified");
    if (response.status == 304 && conditional) {
        fetched.answer = value_or_fail(co_await read_kept(question));
        if (fetched.etag.empty()) fetched.etag = question.state.etag;
        if (fetched.last_modified.empty()) fetched.last_modified = question.state.last_modified;
        co_return fetched;
    }
    if (response.status != 200) refuse_status(response, parts_.clock.now());
    fetched.answer = co_await read(response.body, question);
    // One that is older than what is known may have been kept back to hide a revocation.
    bool older =
        is_current(question.state, parts_.clock.now()) && fetched.answer.this_update < question.state.this_update;
    if (older) {
        fail("crl.stale",
             fmt::format("The CRL is of {}, older than the one that was fetched before, of {}",
                         format_rfc3339(fetched.answer.this_update), format_rfc3339(question.state.this_update)));
    }
    fetched.list = std::move(response.body);
    co_return fetched;
}

Task<CrlChecks::Look> CrlChecks::look(Question question) {
    Look look;
    std::optional<CrlAnswer> kept;
    if (is_current(question.state, parts_.clock.now())) {
        Result<CrlAnswer> read = co_await read_kept(question);
        if (read) {
            kept = *std::move(read);
        } else {
            // Lost or damaged on disk: as if it had never been fetched.
            std::string url = std::move(question.state.url);
            question.state = {};
            question.state.url = std::move(url);
        }
    }
    const Time now = parts_.clock.now();
    if (next_crl_check(question.state, question.rules.interval) > now) {
        look.state = std::move(question.state);
        look.answer = std::move(kept);
        co_return look;
    }
    Result<Fetched> fetched = co_await as_result(fetch(question, kept.has_value()));
    look.state = std::move(question.state);
    if (fetched) {
        record_crl(look.state, fetched->answer.this_update, fetched->answer.next_update, parts_.clock.now());
        look.state.etag = std::move(fetched->etag);
        look.state.last_modified = std::move(fetched->last_modified);
        look.answer = std::move(fetched->answer);
    } else {
        look.worrying =
            record_crl_failure(look.state, fetch_problem(look.state.url, fetched.error()), parts_.clock.now());
        look.answer = std::move(kept);
    }
    const std::string* list = fetched && fetched->list ? &*fetched->list : nullptr;
    Result<void> saved = co_await offload(parts_.workers, [&] { return parts_.files.save(look.state, list); });
    if (!saved) look.unsaved = saved.error();
    co_return look;
}

}  // namespace certd
