// account and revoke: what only an admin may do.
#include "ctl/api/types.hpp"
#include "ctl/commands.hpp"
#include "ctl/render.hpp"
#include "libacme/base/file_system.hpp"

#include <fmt/format.h>

namespace certd::ctl {

namespace {

ExitCode list_accounts(Context context) {
    Result<Json> answer = context.client.get("/v1/accounts");
    if (!answer) return report(context, answer.error());
    if (context.options.json) {
        context.console.print(terminal_safe_json(to_text(*answer)) + "\n");
        return ExitCode::ok;
    }
    std::vector<api::Account> accounts;
    if (const Json::Array* items = (*answer)["accounts"].if_array()) {
        for (const Json& item : *items)
            accounts.push_back(api::account_from_json(item));
    }
    context.console.print(render_accounts(context.console.style(), accounts));
    return ExitCode::ok;
}

// One call whose answer is a sentence about `name`.
ExitCode call(Context context, const std::string& target, const Json& body, const std::string& name) {
    Result<Json> answer = context.client.post(target, body);
    if (!answer) return report(context, answer.error());
    Style style = context.console.style();
    api::JobResult result = api::job_result_from_json((*answer)["result"]);
    context.console.print(context.options.json
                              ? terminal_safe_json(to_text(*answer)) + "\n"
                              : fmt::format("{}: {}\n", clean(style, name, 256), clean(style, result.message)));
    return ExitCode::ok;
}

ExitCode import_account(Context context, const std::string& ca) {
    constexpr std::uint64_t key_limit = 32 * 1024;
    Result<std::string> key = RealFileSystem().read(context.options.key, key_limit);
    if (!key) return report(context, key.error());
    Json body = api::to_json(api::ImportRequest{*std::move(key)});
    return call(context, fmt::format("/v1/accounts/{}/import", percent_encode(ca)), body, ca);
}

ExitCode list_orders(Context context, const std::string& ca) {
    Result<Json> answer = context.client.get(fmt::format("/v1/accounts/{}/orders", percent_encode(ca)));
    if (!answer) return report(context, answer.error());
    context.console.print(context.options.json ? terminal_safe_json(to_text(*answer)) + "\n"
                                               : render_orders(context.console.style(), ca,
                                                               api::order_list_from_json((*answer)["orders"])));
    return ExitCode::ok;
}

}  // namespace

ExitCode run_account(Context context) {
    const std::vector<std::string>& words = context.options.names;
    if (words.front() == "list") return list_accounts(context);
    if (words.front() == "orders") return list_orders(context, words.at(1));
    if (words.front() == "import") return import_account(context, words.at(1));
    return call(context, fmt::format("/v1/accounts/{}/{}", percent_encode(words.at(1)), words.front()), Json::object(),
                words.at(1));
}

ExitCode run_revoke(Context context) {
    const std::string& name = context.options.names.front();
    api::RevokeRequest request{context.options.version, context.options.reason, context.options.with};
    return call(context, fmt::format("/v1/lineages/{}/revoke", percent_encode(name)), api::to_json(request), name);
}

}  // namespace certd::ctl
