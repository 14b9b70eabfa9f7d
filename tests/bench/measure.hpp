// What the kernel knows of a running process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/types.h>

namespace certd::bench {

// A figure of /proc/PID/status in its own unit (KiB for memory); 0 when absent.
inline std::uint64_t status_figure(const std::filesystem::path& status, const std::string& name) {
    std::ifstream file(status);
    for (std::string word; file >> word;) {
        if (word == name + ":") {
            std::uint64_t value = 0;
            file >> value;
            return value;
        }
    }
    return 0;
}

inline double resident_mib(pid_t pid) {
    return double(status_figure("/proc/" + std::to_string(pid) + "/status", "VmRSS")) / 1024;
}
inline double peak_mib(pid_t pid) {
    return double(status_figure("/proc/" + std::to_string(pid) + "/status", "VmHWM")) / 1024;
}

// CPU time of all threads so far, in milliseconds.
struct Cpu {
    double user = 0, system = 0;
    double sum() const { return user + system; }
};

inline Cpu cpu_ms(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    std::istringstream fields(text.substr(text.rfind(')') + 1));  // the name before may contain spaces
    std::string skipped;
    for (int field = 3; field < 14; ++field)
        fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return {user * 10, system * 10};
}

// How often its threads have gone to sleep and been woken.
inline std::uint64_t wake_ups(pid_t pid) {
    std::uint64_t sum = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        sum += status_figure(task.path() / "status", "voluntary_ctxt_switches");
    }
    return sum;
}

}  // namespace certd::bench
