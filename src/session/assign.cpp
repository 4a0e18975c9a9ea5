// A run given to a product afterwards: a new record that supersedes it, as every correction is.
#include <algorithm>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "session/ask_store.hpp"
#include "session/hardware.hpp"
#include "session/import_parts.hpp"
#include "session/probe_history.hpp"
#include "session/products.hpp"

namespace peakward {
namespace {

// The device of the run that the product can be: the one that was named, or the only one there is.
Result<std::string> device_for(const Run& run, const HardwareSpec& spec, const std::string& asked) {
    const bool cpu = spec.kind == "cpu";
    std::vector<std::string> devices;
    for (const Score& score : run.results)
        if ((score.device == "cpu") == cpu &&
            std::find(devices.begin(), devices.end(), score.device) == devices.end())
            devices.push_back(score.device);
    if (devices.empty())
        return failed(
            fmt::format("run {} measured no device that a {} can be", run.run_id, spec.kind));
    if (asked.empty() && devices.size() == 1) return devices.front();
    if (asked.empty())
        return wrong_usage(fmt::format("run {} measured {}: name one with --device", run.run_id,
                                       fmt::join(devices, ", ")));
    if (std::find(devices.begin(), devices.end(), asked) != devices.end()) return asked;
    return wrong_usage(fmt::format("--device {}: run {} has {} for a {}", asked, run.run_id,
                                   fmt::join(devices, ", "), spec.kind));
}

Result<std::string> mode_for(const Run& run, const HardwareSpec& spec, const std::string& asked) {
    const std::string seen = power_mode_of(spec, run.context.environment.power_mode.value_or(""));
    if (asked.empty()) return seen;
    return calibration_mode(spec, asked, seen);
}

Status check_not_replaced(RunStore& store, const Run& run) {
    RunFilter all;
    all.limit = 0;
    const auto runs = store.history(all);
    if (!runs) return tl::make_unexpected(runs.error());
    for (const RunSummary& later : *runs)
        if (later.supersedes == run.run_id)
            return failed(fmt::format("run {} was corrected by run {}: assign that one", run.run_id,
                                      later.run_id));
    return {};
}

}  // namespace

Result<AssignedRun> assign_product(const RunAssignment& wanted, const StopToken* stop) {
    const HardwareDatabase database = hardware_database();
    const auto spec = need_product(database, wanted.product);
    if (!spec) return tl::make_unexpected(spec.error());
    if ((*spec)->kind == "board")
        return wrong_usage(fmt::format("{} is a board; name the part that was measured: {}",
                                       (*spec)->id, fmt::join((*spec)->contains, ", ")));
    auto store = open_store(default_store_location(wanted.db), OpenMode::append, stopped_by(stop));
    if (!store) return tl::make_unexpected(store.error());
    auto run = find_in_store(**store, wanted.db, wanted.run);
    if (!run) return tl::make_unexpected(run.error());
    const auto device = device_for(*run, **spec, wanted.device);
    if (!device) return tl::make_unexpected(device.error());
    const std::string& architecture = run->context.hardware.cpu.architecture;
    if (!(*spec)->host_architecture.empty() && !architecture.empty() &&
        (*spec)->host_architecture != architecture)
        return failed(fmt::format("run {} was made on {}, and {} is part of {} hosts only",
                                  run->run_id, architecture, (*spec)->id,
                                  (*spec)->host_architecture));
    const auto mode = mode_for(*run, **spec, wanted.power_mode);
    if (!mode) return tl::make_unexpected(mode.error());
    for (const MatchedProduct& product : run->products)
        if (product.device == *device && product.product == (*spec)->id &&
            product.power_mode == *mode)
            return AssignedRun{run->run_id, "", (*spec)->id, *device, *mode};
    if (auto free = check_not_replaced(**store, *run); !free)
        return tl::make_unexpected(free.error());

    AssignedRun assigned{"", run->run_id, (*spec)->id, *device, *mode};
    std::erase_if(run->products, [&](const MatchedProduct& p) { return p.device == *device; });
    run->products.push_back({*device, (*spec)->id, (*spec)->spec_version, 0,
                             "named by peakward hardware assign, not seen on the host", *mode});
    run->supersedes = run->run_id;
    run->run_id = uuid_of_content(sha256_hex(fmt::format(
        "assign|{}|{}|{}|{}", assigned.supersedes, assigned.product, assigned.device, *mode)));
    // The mode is a part of the series: runs of two modes are never compared.
    auto& recorded_mode = run->context.environment.power_mode;
    if (!mode->empty() && !recorded_mode)
        recorded_mode = Fact<std::string>::known(*mode, "named by peakward hardware assign");
    if (!mode->empty()) std::erase(run->flags, "power_mode_unknown");
    const auto probes = ProbeHistory::read(**store, run->context);
    use_current_specs(*run, database, probes ? probes->classes() : std::vector<ProbedClass>{});
    if (auto done = (*store)->append(*run); !done) return tl::make_unexpected(done.error());
    assigned.run_id = run->run_id;
    return assigned;
}

}  // namespace peakward
