// The name of the whole machine: DMI, else the device tree.
#include <algorithm>
#include <array>

#include "core/text.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"

namespace peakward::detail {
namespace {

// What firmware says when nobody filled the field in.
bool is_filler(const std::string& text) {
    static constexpr auto fillers = std::to_array<std::string_view>(
        {"to be filled by o.e.m.", "system product name", "system manufacturer", "default string",
         "not specified", "not applicable", "none", "unknown", "n/a", "o.e.m.", "empty", "0"});
    return std::find(fillers.begin(), fillers.end(), to_lower(text)) != fillers.end();
}

Fact<std::string> from_dmi(const SysRoot& root) {
    Fact<std::string> found;
    for (const std::string folder : {"/sys/class/dmi/id", "/sys/devices/virtual/dmi/id"}) {
        // Self-built machines have a name on the board only.
        for (const auto& [name_file, vendor_file] :
             {std::pair{"/product_name", "/sys_vendor"}, {"/board_name", "/board_vendor"}}) {
            const auto name = text_fact(root, folder + name_file);
            if (!name) {
                fill(found, name);
                continue;
            }
            if (is_filler(*name)) {
                fill(found, Fact<std::string>::unknown(fmt::format("{}: the vendor left '{}' in it",
                                                                   name.source(), *name)));
                continue;
            }
            const std::string vendor = text_fact(root, folder + vendor_file).value_or("");
            const bool shown = vendor.empty() || is_filler(vendor) ||
                               to_lower(*name).starts_with(to_lower(vendor));
            return Fact<std::string>::known(shown ? *name : vendor + " " + *name, name.source());
        }
    }
    return found;
}

}  // namespace

void collect_product(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    Fact<std::string>& product = context.hardware.product_name;
    const auto dmi = from_dmi(root);
    if (dmi) fill(product, dmi);
    for (const char* path : {"/proc/device-tree/model", "/sys/firmware/devicetree/base/model"})
        if (const auto model = text_fact(root, path)) fill(product, model);
    fill(product, dmi);
    for (const char* path :
         {"/proc/device-tree/compatible", "/sys/firmware/devicetree/base/compatible"}) {
        const auto compatible = root.read(path);
        if (!compatible) continue;
        // A list of names, each ended by a NUL.
        for (const std::string& name : split(*compatible, '\0'))
            if (!trim(name).empty()) context.hardware.device_tree.push_back(trim(name));
        break;
    }
}

}  // namespace peakward::detail
