// Programs as DNS providers: what they are given, and that nothing else of certd or the CA reaches them (faults S1,
// S12, S21).
#include "tests/unit/dns/provider_fixture.hpp"

using namespace certd;
using namespace certd::test;

namespace {

// A program that writes down how it was called, and says "output of …".
std::string recorder(const DnsBed& bed, const std::string& more = "") {
    return bed.secret("hook",
                      "#!/bin/sh\n{ echo \"args $*\"; env | sort | grep -v '^\\(PWD\\|SHLVL\\|_\\|OLDPWD\\)='; echo "
                      "\"input $(cat)\"; } >> " +
                          bed.path("calls") + "\necho \"output of $1\"\n" + more,
                      0700);
}

}  // namespace

TEST_CASE("a hook gets certbot's variables and the same as JSON, and nothing of certd's own environment") {
    ::setenv("NOTIFY_SOCKET", "/run/secret", 1);
    ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials", 1);
    DnsBed bed;
    std::string hook = recorder(bed);
    config::DnsExec exec;
    exec.present = {hook, "present"};
    exec.cleanup = {hook, "cleanup", "$(touch X); `id`"};
    auto editor = make_editor(bed.seams(), provider_of(exec));
    run_task(editor->add(txt_change()));
    run_task(editor->remove(txt_change()));
    const std::string calls = bed.content("calls");
    const std::string value = txt_change().value;
    const std::string common = "CERTBOT_ALL_DOMAINS=example.org,*.example.org\n";
    CHECK(calls.find("args present\n" + common +
                     "CERTBOT_DOMAIN=example.org\nCERTBOT_REMAINING_CHALLENGES=1\n"
                     "CERTBOT_VALIDATION=" +
                     value + "\nCERTD_RECORD=_acme-challenge.example.org.\nLANG=C.UTF-8\nPATH=") == 0);
    CHECK(calls.find("input {\"event\":\"present\",\"provider\":\"office\",\"domain\":\"example.org\",\"record\":"
                     "\"_acme-challenge.example.org.\",\"value\":\"" +
                     value +
                     "\",\"token\":\"-token_\",\"remaining\":1,"
                     "\"all_names\":[\"example.org\",\"*.example.org\"]}") != std::string::npos);
    CHECK(calls.find("args cleanup $(touch X); `id`\n" + common + "CERTBOT_AUTH_OUTPUT=output of present\n") !=
          std::string::npos);
    CHECK(calls.find("NOTIFY_SOCKET") == std::string::npos);
    CHECK(calls.find("CREDENTIALS") == std::string::npos);
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_CASE("a wait command stands in for certd's own look") {
    DnsBed bed;
    config::DnsExec exec;
    exec.present = exec.cleanup = {"/bin/true"};
    CHECK_FALSE(run_task(make_editor(bed.seams(), provider_of(exec))->wait_visible(txt_change())));
    exec.wait = {"/bin/true"};
    CHECK(run_task(make_editor(bed.seams(), provider_of(exec))->wait_visible(txt_change())));
    exec.wait = {"/bin/false"};
    CHECK(problem_from(make_editor(bed.seams(), provider_of(exec))->wait_visible(txt_change())).code == "hook.failed");
}

TEST_CASE("a hook that fails, hangs or is not there is a problem with its own words") {
    DnsBed bed;
    config::DnsExec exec;
    exec.cleanup = {"/bin/true"};
    exec.present = {bed.secret("hook", "#!/bin/sh\necho 'no such zone' >&2\nexit 3\n", 0700)};
    Problem problem = problem_from(make_editor(bed.seams(), provider_of(exec))->add(txt_change()));
    CHECK(problem.code == "hook.failed");
    CHECK(problem.what ==
          "The present command of the DNS provider office (" + exec.present[0] + ") exited with status 3");
    CHECK(problem.remote == "no such zone");
    exec.present = {"/bin/sleep", "60"};
    exec.timeout = milliseconds(200);
    problem = problem_from(make_editor(bed.seams(), provider_of(exec))->add(txt_change()));
    CHECK(problem.what.ends_with("did not end within 200ms and was killed"));
    exec.present = {"/nonexistent/hook"};
    problem = problem_from(make_editor(bed.seams(), provider_of(exec))->add(txt_change()));
    CHECK(problem.code == "hook.failed");
    CHECK(problem.parts.at(0).code == "process.notFound");
}

TEST_CASE("a program in lego's form gets three arguments and an empty environment") {
    DnsBed bed;
    config::DnsLegoExec exec;
    exec.command = {recorder(bed), "--zone"};
    auto editor = make_editor(bed.seams(), provider_of(exec));
    run_task(editor->add(txt_change("v1")));
    run_task(editor->remove(txt_change("v1")));
    const std::string calls = bed.content("calls");
    CHECK(calls.find("args --zone present _acme-challenge.example.org. v1\nLANG=C.UTF-8\nPATH=") == 0);
    CHECK(calls.find("args --zone cleanup _acme-challenge.example.org. v1\n") != std::string::npos);
    CHECK(calls.find("CERTBOT") == std::string::npos);
}
