// A real mail server (Python's aiosmtpd) that wants STARTTLS and a password and keeps what it gets.
#pragma once

#include "libacme/base/json.hpp"
#include "tests/support/child.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace certd::test {

class MailSink {
   public:
    // Files in `directory`; `chain_pem` and `key_pem`: its certificate.
    MailSink(std::filesystem::path directory, const std::string& chain_pem, const std::string& key_pem);

    void start();
    void stop() { child_.reset(); }
    std::string address() const;  // "127.0.0.1:PORT"
    static std::string username() { return "certd"; }
    static std::string password() { return "pa55 wörd"; }

    // Members from, to, subject and body (decoded), and headers.
    std::vector<Json> mails() const;
    std::string log() const { return read_file(directory_ / "output.log"); }

   private:
    std::filesystem::path directory_;
    std::uint16_t port_;
    std::unique_ptr<Child> child_;
};

}  // namespace certd::test
