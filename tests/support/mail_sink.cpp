#include "tests/support/mail_sink.hpp"

#include <sstream>
#include <stdexcept>

namespace certd::test {

namespace {

constexpr const char* server = R"(import email, email.policy, json, ssl, sys, threading
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

directory, port, username, password = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]

class Keeper:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        kept = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "subject": str(mail["Subject"]),
                "body": mail.get_content().replace("\r\n", "\n"), "headers": {name: str(value) for name, value in mail.items()}}
        with open(directory + "/mails", "a") as file:
            file.write(json.dumps(kept) + "\n")
        return "250 2.0.0 kept"

def authenticate(server, session, envelope, mechanism, data):
    good = data.login == username.encode() and data.password == password.encode()
    return AuthResult(success=good, handled=False)

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(directory + "/chain.pem", directory + "/key.pem")
Controller(Keeper(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
           auth_required=True, authenticator=authenticate).start()
print("ready", flush=True)
threading.Event().wait()
)";

}  // namespace

MailSink::MailSink(std::filesystem::path directory, const std::string& chain_pem, const std::string& key_pem)
    : directory_(std::move(directory)), port_(free_port()) {
    std::filesystem::create_directories(directory_);
    write_file(directory_ / "chain.pem", chain_pem);
    write_file(directory_ / "key.pem", key_pem);
    write_file(directory_ / "server.py", server);
    start();
}

void MailSink::start() {
    std::filesystem::remove(directory_ / "output.log");
    ChildOptions options;
    options.output = directory_ / "output.log";
    child_ = std::make_unique<Child>(std::vector<std::string>{program("python3"), directory_ / "server.py", directory_,
                                                              std::to_string(port_), username(), password()},
                                     options);
    if (!eventually(20s, [&] { return log().find("ready") != std::string::npos; }))
        throw std::runtime_error("the mail server did not start:\n" + log());
}

std::string MailSink::address() const {
    return "127.0.0.1:" + std::to_string(port_);
}

std::vector<Json> MailSink::mails() const {
    std::vector<Json> mails;
    std::istringstream lines(read_file(directory_ / "mails"));
    for (std::string line; std::getline(lines, line);)
        mails.push_back(value_or_fail(parse_json(line)));
    return mails;
}

}  // namespace certd::test
