// doctor: the checklist before production, and what its outcome means to scripts.
#include "ctl/api/doctor.hpp"
#include "ctl/commands.hpp"
#include "ctl/final_line.hpp"
#include "ctl/render.hpp"

namespace certd::ctl {

ExitCode run_doctor(Context context) {
    // The findings about ten thousand lineages are one line.
    const Client client = context.client.with_long_lines();
    Result<Exchange> exchange = client.stream("POST", "/v1/doctor", "{}");
    if (!exchange) return report(context, exchange.error());
    Result<Json> answer = final_line({context.options, client, context.console}, std::move(*exchange));
    if (!answer) return report(context, answer.error());
    const api::DoctorReport found = api::doctor_report_from_json(*answer);
    context.console.print(context.options.json ? terminal_safe_json(to_text(*answer)) + "\n"
                                               : render_doctor(context.console.style(), found));
    const api::DoctorCounts counts = count(found);
    return counts.blocked != 0 ? ExitCode::failed : counts.warnings != 0 ? ExitCode::unhealthy : ExitCode::ok;
}

}  // namespace certd::ctl
