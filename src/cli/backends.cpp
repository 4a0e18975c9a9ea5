#include "cli/options.hpp"
#include "core/records_json.hpp"
#include "present/context_view.hpp"

namespace peakward::cli {
namespace {

struct BackendsOptions {
    std::shared_ptr<CommonOptions> common;
    std::string python, blas_library;
};

Result<int> run(Call& call, const BackendsOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    CalibrateRequest request;
    request.python = o.python;
    request.blas_library = o.blas_library;
    const std::vector<BackendInfo> backends = list_backends(call.machine, request);
    if (call.stop.stop_requested()) return failed("interrupted");
    show(call, *format,
         {[&] {
              Json list = Json::array();
              for (const BackendInfo& backend : backends) list.push_back(to_json(backend));
              return Json{{"schema_version", 1}, {"backends", list}};
          },
          [&] { return backends_table(backends); }, [&] { return backends_report(backends); }});
    return 0;
}

Action define_backends(CLI::App& app) {
    auto options = std::make_shared<BackendsOptions>();
    add_value(app, options->python,
              {"--python", "PROGRAM",
               "The interpreter to look into. Default: the first python3 on the PATH."});
    add_value(app, options->blas_library,
              {"--blas-library", "FILE",
               "The CBLAS library to load. Default: the one the system's alternatives choose."});
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb backends_verb() {
    return {"backends",
            "Measure",
            "list who can compute here: available or not and why, versions, devices, precisions",
            "Starts every worker, asks it what it loaded, and stops it. A backend that is not "
            "available says why.",
            {{"peakward backends", "what this machine offers"},
             {"peakward backends --python ~/venv/bin/python", "what another interpreter offers"}},
            define_backends};
}

}  // namespace peakward::cli
