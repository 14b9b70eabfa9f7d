// `certd audit verify`: the check of the audit journal, apart from the daemon that writes it. `certctl audit verify`
// runs it.
#pragma once

#include <memory>
#include <string>

namespace CLI {
class App;
}

namespace certd {

class AuditCommand {
   public:
    explicit AuditCommand(CLI::App& app);  // adds the subcommand
    ~AuditCommand();

    bool is_wanted() const;
    // Blocking. The exit status: 0 the chain holds, 1 it does not, or as certctl's.
    int run(const std::string& config_file) const;

   private:
    struct Arguments;
    std::unique_ptr<Arguments> arguments_;
    CLI::App* command_;
};

}  // namespace certd
