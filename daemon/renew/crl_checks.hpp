// One look at a CRL: fetched when its time has come, else as it is on disk; scanned on a worker for all certificates at
// once. And where the certificates of a version say that theirs is.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/revocation.hpp"
#include "daemon/store/crl_files.hpp"
#include "daemon/store/store.hpp"
#include "libacme/async/clock.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/crypto/crl.hpp"
#include "libacme/net/transport.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace certd {

// A certificate, and the list in which it would be.
struct CrlSubject {
    VersionNumber version;
    std::string serial;
    std::string url;  // empty: it names no list that certd could fetch, or its chain has no issuer
    std::shared_ptr<const Certificate> issuer;
};

// For certificates of `ca`, whose proxy is used; answers of more than `limit` octets are refused.
using CrlTransports = std::function<std::unique_ptr<Transport>(const config::Ca& ca, std::size_t limit)>;

class CrlChecks {
   public:
    struct Parts {
        Clock& clock;
        Workers& workers;
        Store& store;
        CrlFiles files;
        CrlTransports transports;  // empty: nothing is looked up
    };
    explicit CrlChecks(Parts parts) : parts_(std::move(parts)) {}

    bool can_look() const { return static_cast<bool>(parts_.transports); }

    // Of all certificates of these versions. A version that cannot be read has none: its damage is told elsewhere.
    // Blocking.
    std::vector<CrlSubject> subjects_of(const LineageName& name, const std::vector<VersionNumber>& versions) const;
    // What is known of a list; what is damaged is not known. Blocking.
    CrlState load(const std::string& url);
    Task<Result<void>> prune(std::set<std::string> urls);

    struct Question {
        config::Ca ca;
        config::Revocation rules;
        CrlState state;
        std::vector<Certificate> issuers;
        std::vector<std::string> serials;
    };
    struct Look {
        CrlState state;
        std::optional<CrlAnswer> answer;  // of a list that is valid now; none: nothing can be said
        bool worrying = false;            // it has just been missing for too long
        std::optional<Problem> unsaved;
    };
    // If the process dies before the answer is on disk, the next look asks again.
    Task<Look> look(Question question);

   private:
    // The list and what it says.
    struct Fetched {
        std::optional<std::string> list;  // none: it is the one on disk
        CrlAnswer answer;
        std::string etag, last_modified;
    };
    Task<Fetched> fetch(const Question& question, bool conditional);
    Task<Result<CrlAnswer>> read_kept(const Question& question);
    Task<CrlAnswer> read(const std::string& list, const Question& question);

    Parts parts_;
};

}  // namespace certd
