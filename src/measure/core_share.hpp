// Another hardware thread on the same core: the disturbance that no clock, no context switch and no
// CPU time shows. On a rented machine the sibling belongs to a stranger; the core keeps its clock
// and gives us three quarters of its units. A register-resident kernel tells: what it does per
// cycle is a constant of the core (catalog/isa.hpp), and a window below it was not ours alone.
#pragma once

#include <vector>

#include "core/records.hpp"
#include "measure/gate.hpp"

namespace peakward {

struct CoreShareOptions {
    // Of the legal rate: the same borders as catalog::round_to_legal.
    double near_legal_min = 0.94;
    double near_legal_max = 1.02;
    // Shares of the windows that make a lower legal rate that of the core: so many are near it, so
    // few lie between it and the next higher one, and fewer reach that.
    double near_most = 0.6;
    double above_few = 0.2;
    double seen_min = 0.05;
    double share_min = 0.97;  // of the steady rate; below: core_shared
    // Every thread runs on the same kind of core: then a core that seems to have fewer units than
    // another one was shared all the time.
    bool one_kind_of_core = true;
};

struct CoreShare {
    double legal = 0;   // operations per cycle and core, mean over threads; 0: none is known
    double steady = 0;  // median rate of the windows near the legal one, likewise; 0: there is none
    int shared = 0;     // windows marked
};

// Marks kept windows of a compute_peak case whose operations per cycle are below the share of their
// thread's steady rate as core_shared, and core_shared ones that are not as kept. Where the clock
// was probed and no window of a thread is near a legal rate, every one is core_shared: the core was
// never ours, or the probe is wrong, and either way there is no figure. A window without a clock
// has that of the window before it; where no clock is known, none is marked.
CoreShare mark_core_shared(Timelines& timelines, const Case& what, const CoreShareOptions& options);

}  // namespace peakward
