// The running daemon: lock, sockets, signals and the engine; start and stop in order.
#pragma once

#include "config/model.hpp"
#include "daemon/app/service_manager.hpp"

#include <functional>
#include <string>

namespace certd {

struct DaemonSetup {
    std::string config_file;
    config::ConfigPtr config;
    std::function<Result<config::ConfigPtr>()> reload;  // blocking
    ServiceManager manager;
};

// Runs until SIGTERM or SIGINT. Returns the exit status: 0, 1 failure, 3 another daemon holds the state directory.
int run_daemon(DaemonSetup setup);

}  // namespace certd
