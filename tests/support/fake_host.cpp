#include "tests/support/fake_host.hpp"

#include "daemon/deploy/parts.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

namespace certd::test {

ProcessResult exited(int code, std::string output) {
    ProcessResult result;
    result.exit_code = code;
    result.output = std::move(output);
    return result;
}

Task<std::optional<Problem>> FakeHost::admit(bool changes, std::string what) {
    const std::size_t number = faults_.count();
    if (on_operation) on_operation(number);
    switch (faults_.next(changes)) {
        case FaultCounter::Verdict::crash:
            throw SimulatedCrash{number};
        case FaultCounter::Verdict::fail:
            co_return faults_.injected(what);
        case FaultCounter::Verdict::go_on:
            break;
    }
    if (hang_at == number) co_await clock_.sleep(days(1000));
    co_return std::nullopt;
}

Task<Result<std::optional<InstalledFile>>> FakeHost::read(std::string path) {
    log.push_back("read " + path);
    if (auto refused = co_await admit(false, log.back())) co_return failure(*refused);
    const auto found = files.find(path);
    if (found == files.end()) co_return std::nullopt;
    co_return found->second;
}

Task<Result<void>> FakeHost::install(std::vector<InstalledFile> all) {
    std::string line = "install";
    for (const auto& file : all)
        line += " " + file.path;
    log.push_back(line);
    if (auto refused = co_await admit(true, line)) co_return failure(*refused);
    for (auto& file : all) {
        if (auto refused = co_await admit(true, "rename " + file.path)) co_return failure(*refused);
        if (!file.attributes.owner) file.attributes.owner = 0;
        if (!file.attributes.group) file.attributes.group = 0;
        files[file.path] = file;
    }
    co_return Result<void>{};
}

Task<Result<void>> FakeHost::remove(std::string path) {
    log.push_back("remove " + path);
    if (auto refused = co_await admit(true, log.back())) co_return failure(*refused);
    files.erase(path);
    co_return Result<void>{};
}

Task<Result<ProcessResult>> FakeHost::run(Command command) {
    log.push_back("run " + join(command.argv, " "));
    commands.push_back(command);
    if (auto refused = co_await admit(true, log.back())) co_return failure(*refused);
    if (!on_run) co_return exited(0);
    co_return on_run(command);
}

Task<Result<ProcessResult>> FakeHost::rehearse(RehearsalView view, std::optional<Command> command) {
    views.push_back(view);
    if (!command) co_return exited(0);
    const auto kept = files;
    for (auto& file : view.files)
        files[file.path] = file;
    log.push_back("rehearse " + join(command->argv, " "));
    commands.push_back(*command);
    auto result = on_run ? on_run(*command) : Result<ProcessResult>(exited(0));
    files = kept;
    co_return result;
}

Task<Result<Served>> FakeHost::probe(ProbeRequest request) {
    log.push_back("probe " + request.address + " " + request.server_name);
    if (auto refused = co_await admit(false, log.back())) co_return failure(*refused);
    if (!on_probe) co_return failure("net.connect", "Cannot connect to " + request.address, "Connection refused");
    co_return on_probe(request);
}

Task<Result<std::string>> FakeHost::ask(LocalQuestion question) {
    log.push_back("ask " + question.socket + " " + question.text.substr(0, question.text.find('\n')));
    if (auto refused = co_await admit(true, log.back())) co_return failure(*refused);
    if (!on_ask) co_return failure("net.connect", "Cannot connect to the socket " + question.socket);
    co_return on_ask(question);
}

void FakeHost::put(const std::string& path, std::string content, mode_t mode) {
    files[path] = {path, std::move(content), {mode, 0, 0}};
}

std::string FakeHost::content(const std::string& path) const {
    const auto found = files.find(path);
    return found == files.end() ? "" : found->second.content;
}

std::size_t FakeHost::count(const std::string& entry) const {
    return static_cast<std::size_t>(std::ranges::count(log, entry));
}

std::string FakeHost::steps() const {
    std::vector<std::string> changing;
    for (const auto& line : log) {
        if (!line.starts_with("read ") && !line.starts_with("probe ")) changing.push_back(line);
    }
    return join(changing, "; ");
}

FakeService::FakeService(FakeHost& host, std::string certificate_path, std::string key_path)
    : host_(host), pairs_{{std::move(certificate_path), std::move(key_path), {}}} {
    host_.on_run = [this](const Command& command) { return run(command); };
    host_.on_probe = [this](const ProbeRequest& request) -> Result<Served> {
        bool by_kind = pairs_.size() > 1;
        if (!pairs_.front().running)
            return failure("net.connect", "Cannot connect to " + request.address, "Connection refused");
        if (!by_kind && request.key == ServerKey::rsa)
            return failure("tls.handshake", "TLS handshake with " + request.address + " failed");
        const Pair& pair = pairs_[by_kind && request.key == ServerKey::rsa ? 1 : 0];
        return Served{*pair.running, pair.running->front().fingerprint_sha256()};
    };
}

void FakeService::add_rsa(std::string certificate_path, std::string key_path) {
    pairs_.push_back({std::move(certificate_path), std::move(key_path), {}});
}

void FakeService::start() {
    load();
}

std::string FakeService::serves() const {
    return pairs_.front().running ? pairs_.front().running->front().fingerprint_sha256() : "";
}

std::string FakeService::serves_rsa() const {
    return pairs_.size() > 1 && pairs_[1].running ? pairs_[1].running->front().fingerprint_sha256() : "";
}

Result<ProcessResult> FakeService::run(const Command& command) {
    const auto line = join(command.argv, " ");
    if (line != "service test" && line != "service reload") return exited(0);
    if (config_broken) return exited(1, "nginx: [emerg] unknown directive \"brkoen\" in /etc/nginx/nginx.conf:4\n");
    const auto before = pairs_;
    if (!load()) return exited(1, "nginx: [emerg] SSL_CTX_use_PrivateKey failed (key values mismatch)\n");
    if (line == "service test" || keeps_old) pairs_ = before;
    return exited(0);
}

bool FakeService::load() {
    std::vector<Pair> loaded = pairs_;
    for (Pair& pair : loaded) {
        const auto leaf = first_certificate(host_.content(pair.certificate_path));
        const auto key = PrivateKey::from_pem(host_.content(pair.key_path));
        if (!leaf || !key || key->public_key_der() != leaf->public_key_der()) return false;
        pair.running = Chain{*leaf};
    }
    pairs_ = std::move(loaded);
    return true;
}

}  // namespace certd::test
