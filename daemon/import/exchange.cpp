#include "daemon/import/exchange.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>

namespace certd::certbot {

Result<void> exchange_names(const Path& one, const Path& other) {
    if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0) return {};
    std::string what = "Cannot exchange " + one.string() + " and " + other.string();
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) return failure("import.exchange", what);
    return failure(storage_problem(errno, what));
}

}  // namespace certd::certbot
