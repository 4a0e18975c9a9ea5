// Variables that choose kernels, threads and libraries. A machine that was captured shows none:
// /proc/self/environ belongs to the user and is left out of fixtures.
#include "core/library_variables.hpp"

#include "core/text.hpp"
#include "detect/sources/collect.hpp"
#include "detect/sources/software_facts.hpp"

namespace peakward::detail {

void collect_library_variables(const SysRoot& root, Clock&, const DetectOptions&,
                               Context& context) {
    constexpr auto path = "/proc/self/environ";
    const auto environment = root.read(path);
    if (!environment) return;
    for (const auto& [name, value] : library_variables_in(*environment))
        set_component(context.software, name, Fact<std::string>::known(value, path));
}

}  // namespace peakward::detail
