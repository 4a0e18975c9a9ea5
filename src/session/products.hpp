// Which entries of the hardware database a run is held against. Shared by the files of session/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/records.hpp"
#include "hardware/match.hpp"
#include "score/score.hpp"

namespace peakward {

// What --preset asks for; null without one. The error (usage) names the nearest ids.
Result<const HardwareSpec*> preset_of(const HardwareDatabase& database, const std::string& name);

struct PresetVerdict {
    std::string mismatch;    // one sentence; "": the host may be this product
    bool confirmed = false;  // detection itself takes a device for it
    std::string device;      // the device it stands for: "cpu", "cuda:0"; "" for a board
};
// Whether the host could be the product: its architecture, and the GPU where it is one.
PresetVerdict check_preset(const HardwareSpec& preset, const HostFacts& host,
                           const std::vector<DeviceMatch>& matches);

// The refusal (exit code 3), with the products that would pass.
std::string preset_refusal(const std::string& asked, const PresetVerdict& verdict,
                           const HardwareDatabase& database, const HostFacts& host,
                           const std::vector<DeviceMatch>& matches);

// What detection found, for the devices of a run; a preset takes the place of its device's entry.
std::vector<MatchedProduct> products_of(const std::vector<DeviceMatch>& matches,
                                        const Context& context, const HardwareSpec* preset,
                                        const PresetVerdict& verdict,
                                        const HardwareDatabase& database);

// Whether only the workers can tell which GPU a device of these is: a variable of the user names
// GPUs in a way that detection cannot follow, or the host has several GPUs of that kind.
bool needs_word_of_workers(const Hardware& hardware, const std::vector<std::string>& devices);
// Numbers the GPUs as the workers do, where they tell the PCI address or the UUID of a device.
void number_by_workers(const std::vector<BackendInfo>& backends, Hardware& hardware);
// Why it is not known which GPU one of these devices is; "" when it is.
std::string why_not_numbered(const Hardware& hardware, const std::vector<std::string>& devices);

// Takes away the entries of GPUs that call themselves otherwise than detection does at their place
// ("cuda:1" is the second GPU of the driver, which need not be the second of the bus). Returns a
// sentence for each.
std::vector<std::string> drop_mistaken_gpus(Run& run);

// Entries as they are now; products that the database no longer has are left out.
std::vector<DeviceSpec> device_specs(const std::vector<MatchedProduct>& products,
                                     const HardwareDatabase& database);

// Peaks and efficiencies of a stored run against today's database: by the products that it names,
// else (a run from before there was a database) by matching its context.
void use_current_specs(Run& run, const HardwareDatabase& database,
                       std::span<const ProbedClass> history = {});

}  // namespace peakward
