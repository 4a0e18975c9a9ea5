#include "detect/detect.hpp"

#include "detect/sources.hpp"

namespace peakward {

Context detect(const SysRoot& root, Clock& clock, const DetectOptions& options) {
    Context context;
    for (const detail::Source& source : detail::sources())
        source.collect(root, clock, options, context);
    // A captured machine is no installation, unless a test says where it keeps its state.
    if (!options.install.empty())
        context.install = options.install;
    else if (root.is_live() || !options.state_folder.empty())
        context.install = install_id(options.state_folder).id;
    else
        context.install = no_install;
    context.hardware.fingerprint = hardware_fingerprint(context.hardware);
    context.hardware.lineage = hardware_lineage(context.hardware);
    context.software.fingerprint = software_fingerprint(context.software);
    context.software.stack_digest = stack_digest(context.software);
    return context;
}

}  // namespace peakward
