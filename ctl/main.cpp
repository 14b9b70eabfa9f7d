// certctl: from the command line to one command of the table.
#include "ctl/command_line.hpp"
#include "ctl/terminal.hpp"

#include <cstdlib>
#include <exception>

using certd::ctl::Client;
using certd::ctl::CommandLine;
using certd::ctl::ExitCode;
using certd::ctl::Terminal;

int main(int argc, char** argv) try {
    const char* socket = std::getenv("CERTD_SOCKET");
    CommandLine line = certd::ctl::parse_command_line(std::vector<std::string>(argv + 1, argv + std::max(argc, 1)),
                                                      socket ? std::optional<std::string>(socket) : std::nullopt);
    Terminal terminal(line.options.no_color);
    if (line.command == nullptr) {
        line.wrong ? terminal.complain(line.text) : terminal.print(line.text);
        return static_cast<int>(line.wrong ? ExitCode::usage : ExitCode::ok);
    }
    Client client(line.options.socket);
    return static_cast<int>(line.command->run({line.options, client, terminal}));
} catch (const std::exception& error) {
    Terminal(true).complain(std::string("certctl: ") + error.what() + "\n");
    return static_cast<int>(ExitCode::failed);
}
