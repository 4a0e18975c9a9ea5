// What keeps a GPU from being measured as it is. Each check asks every GPU: one that fails fails
// the check, one that could not be asked leaves it unknown.
#include <functional>

#include "core/device.hpp"
#include "detect/preflight_checks.hpp"

namespace peakward::detail {
namespace {

// What one GPU has to say to a check.
struct Answer {
    CheckStatus status = CheckStatus::unknown;
    std::string evidence;
    std::string remedy;
};

std::string name_of(const GpuInfo& gpu) {
    const std::string model = gpu.model ? *gpu.model : gpu.vendor + " GPU";
    return gpu.pci_address ? fmt::format("{} at {}", model, *gpu.pci_address) : model;
}

// How nvidia-smi is told which GPU: by address, which does not depend on an order.
std::string selector(const GpuInfo& gpu) {
    return gpu.pci_address ? fmt::format(" -i {}", *gpu.pci_address) : std::string();
}

// What a run cannot use is not asked: it is lost (gpu_lost) or hidden. The drivers of other vendors
// tell none of this.
bool can_be_asked(const GpuInfo& gpu) {
    const bool usable = gpu.device || gpu.device == Fact<std::string>() || is_not_numbered(gpu);
    return usable && (gpu.vendor.empty() || gpu.vendor == "nvidia" || gpu.vendor == "amd");
}

Check of_every_gpu(const Finding& found, const Context& context,
                   const std::function<Answer(const GpuInfo&)>& ask) {
    CheckStatus worst = CheckStatus::pass;
    std::vector<std::string> evidence, remedies;
    for (const GpuInfo& gpu : context.hardware.gpus) {
        if (!can_be_asked(gpu)) continue;
        const Answer answer = ask(gpu);
        evidence.push_back(fmt::format("{}: {}", name_of(gpu), answer.evidence));
        if (answer.status == CheckStatus::fail) {
            worst = CheckStatus::fail;
            if (!answer.remedy.empty()) remedies.push_back(answer.remedy);
        } else if (answer.status == CheckStatus::unknown && worst == CheckStatus::pass) {
            worst = CheckStatus::unknown;
        }
    }
    if (evidence.empty()) return found.unknown("No GPU that a run can use was detected.");
    const std::string seen = fmt::format("{}.", fmt::join(evidence, "; "));
    if (worst == CheckStatus::pass) return found.pass(seen);
    if (worst == CheckStatus::unknown) return found.unknown(seen);
    return found.fail(seen, fmt::format("{}", fmt::join(remedies, "; ")));
}

template <typename T>
Answer not_known(std::string_view what, const Fact<T>& fact) {
    return {CheckStatus::unknown, fmt::format("{} not known: {}", what, fact.reason()), ""};
}

// Reasons that hold the clock down without anything being wrong: the GPU idles, or a clock was
// chosen by the user.
bool harmless(const std::string& reason) {
    const std::string word = to_lower(reason);
    for (const std::string_view part :
         {"idle", "none", "applications", "application_clocks", "sync_boost", "display"}) {
        if (word.find(part) != std::string::npos) return true;
    }
    return word.empty();
}

}  // namespace

Check check_gpu_lost(const Context& context, const PreflightOptions&) {
    const Finding found{"gpu_lost", "GPUs that answer"};
    std::vector<std::string> lost, answered;
    for (const GpuInfo& gpu : context.hardware.gpus) {
        if (is_lost(gpu)) lost.push_back(fmt::format("{}: {}", name_of(gpu), gpu.device.reason()));
        if (gpu.throttle)  // asked of the GPU itself
            answered.push_back(fmt::format("{} answers ({})", name_of(gpu), gpu.throttle.source()));
    }
    if (context.hardware.gpus.empty()) return found.unknown("No GPU was detected.");
    if (lost.empty() && answered.empty())
        return found.unknown("No driver was asked whether the GPUs answer.");
    if (lost.empty()) return found.pass(fmt::format("{}.", fmt::join(answered, ", ")));
    return found.fail(
        fmt::format("{}, and what broke it may hold back the others.", fmt::join(lost, "; ")),
        "sudo dmesg | grep -i -e NVRM -e Xid; then reset the GPU or restart the machine");
}

Check check_gpu_processes(const Context& context, const PreflightOptions&) {
    return of_every_gpu({"gpu_processes", "Other GPU processes"}, context, [](const GpuInfo& gpu) {
        const Fact<int>& others = gpu.other_processes;
        if (!others) return not_known("other processes are", others);
        if (*others == 0) {
            return Answer{CheckStatus::pass,
                          fmt::format("no other process computes on it ({})", others.source()), ""};
        }
        return Answer{CheckStatus::fail,
                      fmt::format("{} other process{} on it ({})", *others,
                                  *others == 1 ? " computes" : "es compute", others.source()),
                      gpu.vendor == "nvidia" ? "nvidia-smi pmon -c 1" + selector(gpu)
                                             : "rocm-smi --showpids"};
    });
}

Check check_gpu_throttle(const Context& context, const PreflightOptions&) {
    return of_every_gpu({"gpu_throttle", "GPU throttling"}, context, [](const GpuInfo& gpu) {
        const Fact<std::string>& throttle = gpu.throttle;
        if (!throttle) return not_known("throttle reasons are", throttle);
        std::vector<std::string> active;
        for (const std::string& part : split(*throttle, ',')) {
            const std::string reason = trim(part);
            if (!harmless(reason)) active.push_back(reason);
        }
        if (active.empty()) {
            return Answer{CheckStatus::pass,
                          fmt::format("nothing holds its clock down ({}{})",
                                      throttle->empty() ? "" : *throttle + ", ", throttle.source()),
                          ""};
        }
        return Answer{CheckStatus::fail,
                      fmt::format("its clock is held down by {} ({})", fmt::join(active, ", "),
                                  throttle.source()),
                      gpu.vendor == "nvidia"
                          ? "nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER" + selector(gpu)
                          : "rocm-smi --showtemp --showpower"};
    });
}

Check check_gpu_ecc(const Context& context, const PreflightOptions&) {
    return of_every_gpu({"gpu_ecc", "GPU memory ECC"}, context, [](const GpuInfo& gpu) {
        if (!gpu.ecc) return not_known("whether it corrects memory errors is", gpu.ecc);
        return Answer{CheckStatus::pass,
                      fmt::format("ECC is {} ({}), which is a part of what is measured", *gpu.ecc,
                                  gpu.ecc.source()),
                      ""};
    });
}

Check check_gpu_mig(const Context& context, const PreflightOptions&) {
    return of_every_gpu({"gpu_mig", "GPU partitioning"}, context, [](const GpuInfo& gpu) {
        if (!gpu.mig) return not_known("whether it is partitioned is", gpu.mig);
        if (*gpu.mig != "enabled") {
            return Answer{CheckStatus::pass,
                          fmt::format("MIG is {} ({})", *gpu.mig, gpu.mig.source()), ""};
        }
        return Answer{
            CheckStatus::fail,
            fmt::format("MIG is enabled ({}), so a part of it would be held against the peak of "
                        "the whole",
                        gpu.mig.source()),
            "sudo nvidia-smi" + selector(gpu) + " -mig 0"};
    });
}

Check check_gpu_power_cap(const Context& context, const PreflightOptions&) {
    return of_every_gpu({"gpu_power_cap", "GPU power limit"}, context, [](const GpuInfo& gpu) {
        const Fact<double>& limit = gpu.power_limit_w;
        const Fact<double>& usual = gpu.power_limit_default_w;
        if (!limit) return not_known("its power limit is", limit);
        if (!usual) {
            return Answer{
                CheckStatus::unknown,
                fmt::format("its power limit is {:.0f} W ({}), and whether that is a cap is not "
                            "known: {}",
                            *limit, limit.source(), usual.reason()),
                ""};
        }
        const std::string seen = fmt::format("its power limit is {:.0f} W of {:.0f} W ({})", *limit,
                                             *usual, limit.source());
        if (*limit >= 0.99 * *usual) return Answer{CheckStatus::pass, seen, ""};
        return Answer{CheckStatus::fail, seen + ", so the cap would be measured and not the chip",
                      gpu.vendor == "nvidia"
                          ? fmt::format("sudo nvidia-smi{} -pl {:.0f}", selector(gpu), *usual)
                          : "sudo rocm-smi --resetpoweroverdrive"};
    });
}

}  // namespace peakward::detail
