// Series of a store, ready to be analysed: what "--hardware X" named, its series, and the peaks
// that efficiencies are made of. The verbs trajectory, maturity, impact, regressions, compare,
// forecast, export and report start here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/progress.hpp"
#include "core/result.hpp"
#include "core/series.hpp"

namespace peakward {

struct SeriesRequest {
    // A hardware fingerprint or lineage (any unambiguous prefix), a product id or alias of one;
    // "": all hardware of the store.
    std::string hardware = {};
    std::string since = {}, until = {};  // ISO 8601, as `history` takes them
    std::string precision = {}, device = {}, backend = {}, suite = {}, operation = {};  // "": all
    // Metrics of scores or of measurements; empty: peak_measured_gops. With a metric of
    // measurements (gops, gbps, median_s, …) the series are those of single cases.
    std::vector<std::string> metrics = {};
    bool as_recorded = false;         // efficiencies against the peaks that the runs recorded
    const StopToken* stop = nullptr;  // ends the reading and the analysis (interrupted)

    // An error once `stop` is set.
    Status check_stop() const;
};

struct DevicePeaks {
    Peak compute, bandwidth;
};

// A series with what it is a part of.
struct SubjectSeries {
    Series series;
    // Compute peak or bandwidth that the values are divided by (of the current, versioned spec);
    // kind unknown, with the reason, where there is none or the metric has none.
    Peak peak;
    std::vector<double> efficiency;  // one a point; NaN: unknown
    // Both peaks of its device in its precision, whichever the values are divided by; none where
    // neither is looked up: as recorded, and of metrics without a peak.
    std::shared_ptr<const DevicePeaks> device_peaks = {};
};

// One product, or hardware that no product was found for: all its lineages and installs.
struct Subject {
    std::string id;      // product id, else lineage
    std::string name;    // "Intel Core i7-12700K": of the product, else of the CPU or GPU
    std::string device;  // what the product is on its hosts: "cpu", "cuda:0"; "" for a whole host
    std::optional<std::string> launched;  // ISO date of the product's launch
    std::vector<KnownHardware> hardware;
    std::vector<SubjectSeries> series;
};

struct Analysed {
    std::string store_location;
    std::vector<Subject> subjects;
    std::vector<SoftwareStack> stacks;                 // SeriesPoint::stack is a place here
    std::map<std::string, std::string> install_names;  // of imported hosts (install_names.hpp)
};

// All hardware of the store, newest first.
Result<std::vector<KnownHardware>> known_hardware(const std::string& db,
                                                  const StopToken* stop = nullptr);

// Unknown or ambiguous hardware is a usage error that lists the candidates; an empty store and a
// request that nothing matches are errors that say what there is.
Result<Analysed> load_series(const std::string& db, const SeriesRequest& request);

// Facts of runs, by seq: what differs between two sides (likely causes, impact, events).
Result<std::map<std::int64_t, RunFacts>> load_facts(const std::string& db,
                                                    const std::vector<std::int64_t>& seqs,
                                                    const StopToken* stop = nullptr);
// Adds what ran in the cases of these runs: RunFacts::implementations.
Status load_implementations(const std::string& db, std::map<std::int64_t, RunFacts>& facts,
                            const StopToken* stop = nullptr);

}  // namespace peakward
