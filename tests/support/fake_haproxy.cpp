#include "tests/support/fake_haproxy.hpp"

#include "daemon/deploy/parts.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::test {

namespace {

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
    return text;
}

std::string leaf_of(const std::string& pem) {
    const auto leaf = first_certificate(pem);
    return leaf ? leaf->fingerprint_sha256() : "";
}

}  // namespace

FakeHaproxy::FakeHaproxy(FakeHost& host, std::vector<std::string> paths) : host_(host), paths_(std::move(paths)) {
    host_.on_ask = [this](const LocalQuestion& question) -> Result<std::string> {
        commands_.push_back(question.text);
        if (instead) {
            if (auto other = instead(question.text)) return *other;
        }
        return answer(question.text);
    };
    host_.on_run = [this](const Command& command) -> Result<ProcessResult> {
        if (join(command.argv, " ") == "haproxy reload") {
            ++reloads;
            serves_old = false;
            load();
        }
        return exited(0);
    };
    host_.on_probe = [this](const ProbeRequest& request) -> Result<Served> {
        const auto& memory = serves_old ? served_ : memory_;
        const auto found = memory.find(paths_[request.key == ServerKey::rsa && paths_.size() > 1 ? 1 : 0]);
        const auto leaf = found == memory.end() ? std::nullopt : first_certificate(found->second);
        if (!leaf) return failure("tls.handshake", "TLS handshake with " + request.address + " failed");
        return Served{{*leaf}, leaf->fingerprint_sha256()};
    };
}

void FakeHaproxy::load() {
    pending.reset();
    for (const auto& path : paths_)
        memory_[path] = host_.content(path);
    served_ = memory_;
}

std::string FakeHaproxy::serves(const std::string& path) {
    return leaf_of(memory_[path]);
}

bool FakeHaproxy::agrees_with_disk() const {
    return !pending && std::ranges::all_of(paths_, [&](const std::string& path) {
        return leaf_of(memory_.at(path)) == leaf_of(host_.content(path));
    });
}

std::size_t FakeHaproxy::count(std::string_view verb) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(commands_, [&](const std::string& command) { return command.starts_with(verb); }));
}

std::string FakeHaproxy::ask(const std::string& command) {
    return answer(command);
}

std::string FakeHaproxy::answer(const std::string& command) {
    const std::string first = command.substr(0, command.find('\n'));
    if (command.size() > bufsize) return "";
    if (first == "show cli level") return level + "\n\n";
    if (first == "show ssl cert") return level == "user" ? "Can't allocate memory!\n\n" : list();
    if (first.starts_with("show ssl cert ")) return show(first.substr(14));
    if (level != "admin") return "Permission denied\n\n";
    if (first.starts_with("set ssl cert ") && first.ends_with(" <<")) {
        const std::string payload = command.substr(first.size() + 1);
        return set(first.substr(13, first.size() - 16), payload.substr(0, payload.find("\n\n") + 1));
    }
    if (first.starts_with("commit ssl cert ")) return commit(first.substr(16));
    if (first.starts_with("abort ssl cert ")) return abort(first.substr(15));
    return "Unknown command\n\n";
}

std::string FakeHaproxy::list() const {
    std::string text;
    if (pending) text += fmt::format("# transaction\n*{}\n", pending->path);
    return text + fmt::format("# filename\n{}\n\n", join(paths_, "\n"));
}

std::string FakeHaproxy::show(const std::string& name) const {
    const bool asks_pending = name.starts_with('*');
    const auto known = memory_.find(name);
    const std::string pem = asks_pending ? (pending && name == "*" + pending->path ? pending->pem : "")
                                         : (known == memory_.end() ? "" : known->second);
    const auto leaf = first_certificate(pem);
    if (!leaf) return "Can't display the certificate: Not found or the certificate is a bundle!\n\n";
    return fmt::format("Filename: {}\nStatus: {}\nSerial: {}\nSHA1 FingerPrint: {}\nSubject: /CN=x\n\n", name,
                       asks_pending ? "Unused" : "Used", upper(leaf->serial()), upper(sha1_hex(leaf->der())));
}

// As 2.6 does: a transaction that is open takes the content whatever path is given.
std::string FakeHaproxy::set(const std::string& path, const std::string& pem) {
    if (std::ranges::find(paths_, path) == paths_.end()) {
        return fmt::format(
            "Can't replace a certificate which is not referenced by the configuration!\nCan't update {}!\n\n", path);
    }
    const bool open = pending.has_value();
    pending = Pending{open ? pending->path : path, pem};
    return fmt::format("Transaction {} for certificate {}!\n\n", open ? "updated" : "created", pending->path);
}

std::string FakeHaproxy::commit(const std::string& path) {
    if (!pending) return fmt::format("No ongoing transaction! !\nCan't commit {}!\n\n", path);
    if (pending->path != path) {
        return fmt::format("The ongoing transaction is about '{}' but you are trying to set '{}'\nCan't commit {}!\n\n",
                           pending->path, path, path);
    }
    const auto leaf = first_certificate(pending->pem);
    const auto key = PrivateKey::from_pem(pending->pem.substr(0, pending->pem.find("-----BEGIN CERTIFICATE")));
    if (!leaf || !key || key->public_key_der() != leaf->public_key_der()) {
        return fmt::format("inconsistencies between private key and certificate loaded '{}'.\nCan't commit {}!\n\n",
                           path, path);
    }
    memory_[path] = pending->pem;
    pending.reset();
    return fmt::format("Committing {}.\nSuccess!\n\n", path);
}

std::string FakeHaproxy::abort(const std::string& path) {
    if (!pending) return "No ongoing transaction!\n\n";
    if (pending->path != path) {
        return fmt::format(
            "The ongoing transaction is about '{}' but you are trying to abort a transaction for '{}'\n\n",
            pending->path, path);
    }
    pending.reset();
    return fmt::format("Transaction aborted for certificate '{}'!\n\n", path);
}

}  // namespace certd::test
