// `certd import certbot …`: an import from the command line to what is printed. `certctl import` runs it.
#pragma once

#include <memory>
#include <string>

namespace CLI {
class App;
}

namespace certd {

class ImportCommand {
   public:
    explicit ImportCommand(CLI::App& app);  // adds the subcommand
    ~ImportCommand();

    bool is_wanted() const;
    // Blocking. The exit status: as certctl's.
    int run(const std::string& config_file) const;

   private:
    struct Arguments;
    std::unique_ptr<Arguments> arguments_;
    CLI::App* command_;
};

}  // namespace certd
