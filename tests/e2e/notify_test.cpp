// certd tells people: a real mail server with STARTTLS and AUTH, a webhook over TLS, a broken reload, and a daemon that
// is killed in between.
#include "tests/e2e/world.hpp"
#include "tests/support/mail_sink.hpp"
#include "tests/support/raw_server.hpp"
#include "tests/support/test_authority.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <thread>

using namespace certd;
using namespace certd::test;

namespace {

namespace fs = std::filesystem;

std::string shell_words(std::string yaml_list) {
    std::erase_if(yaml_list, [](char letter) { return letter == '[' || letter == ']' || letter == ','; });
    return yaml_list;
}

struct NotifyWorld {
    World world;
    TestAuthority authority;
    std::string bundle = authority.write_bundle(world.directory());
    TlsIdentity identity = authority.issue({"127.0.0.1"});
    MailSink mail{world.directory() / "mail", identity.chain_pem, identity.key_pem};
    RawServer hook{hook_options(), {raw::Receive{}, raw::Send{http_answer(200, "ok")}}};
    fs::path broken = world.directory() / "broken";

    RawServerOptions hook_options() const {
        RawServerOptions options;
        options.identity = identity;
        return options;
    }
    std::string secret(const std::string& name, const std::string& content) const {
        const fs::path path = world.directory() / name;
        write_file(path, content);
        fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
        return path.string();
    }
    Sample sample() const {
        Sample made;
        // Fails once while `broken` is there; putting the old certificate back succeeds then.
        made.reload = fmt::format(
            "{{ shell: \"if rm {} 2>/dev/null; then echo 'cannot reload: <b>no</b>' >&2; exit 1; fi; exec {}\" }}",
            broken.string(), shell_words(world.nginx.reload_command()));
        made.top = fmt::format(R"(notify:
  ops-mail:
    email:
      from: certd@example.test
      to: [ops@example.test, boss@example.test]
      smtp: "{}"
      username: {}
      password_file: {}
      ca_bundle: {}
    settle: 1s
  hook:
    webhook: {{ url_file: {}, ca_bundle: {}, headers: ["X-Team: web"] }}
    settle: 1s
)",
                               mail.address(), MailSink::username(), secret("password", MailSink::password() + "\n"),
                               bundle, secret("hook-url", hook.url("/hooks/s3cret-path")), bundle);
        return made;
    }
    Json hook_json(std::size_t number) const {
        const std::string request = hook.requests().at(number);
        return value_or_fail(parse_json(request.substr(request.find("\r\n\r\n") + 4)));
    }
    bool told(std::size_t messages) const {
        return eventually(20s, [&] { return mail.mails().size() >= messages && hook.requests().size() >= messages; });
    }
    // That they were delivered is on disk; killed before, certd would send them once more.
    bool recorded() const {
        return eventually(20s, [&] {
            const Result<Json> stored = parse_json(read_file(world.certd.state_directory() / "notify.json"));
            const Json outboxes = stored ? (*stored)["outboxes"] : Json();
            return outboxes["hook"].is_object() && outboxes["hook"]["items"].is_null() &&
                   outboxes["ops-mail"].is_object() && outboxes["ops-mail"]["items"].is_null();
        });
    }
    bool nothing_more_than(std::size_t messages) const {
        std::this_thread::sleep_for(1500ms);
        return mail.mails().size() == messages && hook.requests().size() == messages;
    }
};

}  // namespace

TEST_CASE("a broken reload is one mail and one webhook, its repair one more of each, whenever certd is killed") {
    NotifyWorld notify;
    World& world = notify.world;
    world.issue_first(notify.sample());
    write_file(notify.broken, "");
    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both() << notify.mail.log());
    REQUIRE(renewed.exit_code == 1);
    REQUIRE(notify.told(1));

    const Json mail = notify.mail.mails().front();
    CHECK(mail.string_or("from") == "certd@example.test");
    CHECK(mail.strings("to") == std::vector<std::string>{"ops@example.test", "boss@example.test"});
    CHECK(mail.string_or("subject") == "[certd] shop: deployment to web failed");
    const std::string body = mail.string_or("body");
    CAPTURE(body);
    CHECK(body.starts_with("shop: deployment to web failed\n\nSince:    "));
    CHECK(body.find("\nServed:   version 1, valid until ") != std::string::npos);
    CHECK(body.find("exited with status 1 [deploy.reload]\n") != std::string::npos);
    CHECK(body.find("\n          It says: \"cannot reload: <b>no</b>\"\n") != std::string::npos);
    CHECK(body.find("\nNext:     version 2 is deployed at ") != std::string::npos);
    CHECK(body.find(". More: certctl explain shop\n") != std::string::npos);
    CHECK(notify.hook_json(0).string_or("event") == "opened");
    CHECK(notify.hook_json(0).string_or("lineage") == "shop");
    CHECK(notify.hook.requests().front().find("\r\nX-Team: web\r\n") != std::string::npos);

    REQUIRE(notify.recorded());
    world.certd.kill();
    world.certd.start();
    CHECK(notify.nothing_more_than(1));
    const Output list = world.certd.ctl({"notify", "list"});
    CAPTURE(list.out);
    CHECK(list.out.find("shop: deployment to web failed") != std::string::npos);
    CHECK(list.out.find("hook, ops-mail") != std::string::npos);
    CHECK(list.out.find("s3cret") == std::string::npos);

    REQUIRE(world.certd.ctl({"deploy", "shop"}).exit_code == 0);
    REQUIRE(notify.told(2));
    const Json over = notify.mail.mails().back();
    CHECK(over.string_or("subject") == "[certd] over: shop: web serves its certificate");
    CHECK(over.string_or("body").find("\nLasted:   ") != std::string::npos);
    CHECK(over["headers"].string_or("In-Reply-To") == mail["headers"].string_or("Message-ID"));
    CHECK(notify.hook_json(1).string_or("event") == "recovered");
    CHECK(notify.hook_json(1).string_or("id") == notify.hook_json(0).string_or("id"));
    CHECK(notify.nothing_more_than(2));
    // What is a secret is in no log.
    CHECK(world.certd.log().find("s3cret") == std::string::npos);
    CHECK(world.certd.log().find(MailSink::password()) == std::string::npos);
}

TEST_CASE("certctl notify test sends a real message and reports the receiver's answer or its refusal") {
    NotifyWorld notify;
    World& world = notify.world;
    world.start(notify.sample());
    const Output sent = world.certd.ctl({"notify", "test"});
    INFO(sent.both() << notify.mail.log());
    CHECK(sent.exit_code == 0);
    CHECK(sent.out.find("ops-mail: delivered; the receiver said: 250 2.0.0 kept\n") != std::string::npos);
    CHECK(sent.out.find("hook: delivered; the receiver said: status 200: ok\n") != std::string::npos);
    REQUIRE(notify.mail.mails().size() == 1);
    CHECK(notify.mail.mails().front().string_or("subject") == "[certd] test of the notifier ops-mail");
    CHECK(notify.hook_json(0).string_or("event") == "test");

    notify.secret("password", "wrong");
    const Output refused = world.certd.ctl({"notify", "test", "ops-mail"});
    CAPTURE(refused.both());
    CHECK(refused.exit_code == 1);
    CHECK(refused.both().find("refused the user name or password: 535") != std::string::npos);
    notify.mail.stop();
    const Json json = value_or_fail(parse_json(world.certd.ctl({"notify", "test", "ops-mail", "--json"}).out));
    CHECK(json["results"].if_array()->front()["problem"].string_or("code") == "net.connect");
    CHECK(world.certd.ctl({"notify", "test", "nobody"}).exit_code == 1);
}
