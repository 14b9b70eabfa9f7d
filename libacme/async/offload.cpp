// The pool behind offload().
#include "libacme/async/offload.hpp"

namespace certd {

Workers::Workers(std::size_t threads) : pool_(threads == 0 ? nullptr : std::make_unique<asio::thread_pool>(threads)) {}

Workers::~Workers() {
    if (pool_) pool_->join();
}

}  // namespace certd
