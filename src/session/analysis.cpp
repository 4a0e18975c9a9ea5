#include "session/analysis.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "catalog/catalog.hpp"
#include "core/text.hpp"
#include "session/ask_store.hpp"
#include "session/forced_runs.hpp"
#include "session/history.hpp"
#include "session/install_names.hpp"
#include "session/probe_history.hpp"
#include "session/products.hpp"

namespace peakward {
namespace {

Peak no_peak(std::string reason) {
    Peak peak;
    peak.reason = std::move(reason);
    return peak;
}

// ---------------------------------------------------------------------------------------------
// Which hardware
// ---------------------------------------------------------------------------------------------

// A run from before there was a database, or an imported one, names no products.
void find_products(RunStore& store, const HardwareDatabase& database,
                   std::vector<KnownHardware>& hardware) {
    std::optional<Matcher> matcher;
    for (KnownHardware& known : hardware) {
        if (!known.products.empty()) continue;
        const auto facts = store.facts_of({known.newest_seq});
        if (!facts || facts->empty()) continue;
        const auto run = store.find(facts->front().run_id);
        if (!run) continue;
        if (!matcher) matcher.emplace(database);
        for (const MatchedProduct& product : products_of(matcher->match(host_facts(run->context)),
                                                         run->context, nullptr, {}, database))
            known.products[product.device] = product.product;
    }
}

std::string described(const KnownHardware& known) {
    std::string text = fmt::format("{} ({}", known.lineage, known.cpu_model);
    if (known.gpu_model != "N/A") text += ", " + known.gpu_model;
    for (const auto& [device, product] : known.products) text += ", " + product;
    return text + ")";
}

std::string listed(const std::vector<const KnownHardware*>& hardware) {
    constexpr std::size_t most = 10;
    std::string text;
    for (std::size_t i = 0; i < hardware.size() && i < most; ++i)
        text += "\n  " + described(*hardware[i]);
    if (hardware.size() > most) text += fmt::format("\n  and {} more", hardware.size() - most);
    return text;
}

// What a request named: the hardware, and of it the devices that are one of these products.
struct Named {
    std::vector<const KnownHardware*> hardware;
    std::set<std::string> products;  // empty: all devices
};

bool has_product(const KnownHardware& known, const std::set<std::string>& products) {
    return std::any_of(known.products.begin(), known.products.end(),
                       [&](const auto& entry) { return products.contains(entry.second); });
}

// A whole id, else the beginning of one.
std::vector<const KnownHardware*> by_id(const std::vector<KnownHardware>& hardware,
                                        const std::string& name) {
    std::vector<const KnownHardware*> exact, beginning;
    for (const KnownHardware& known : hardware) {
        std::vector<std::string> ids{known.lineage};
        for (const auto& [fingerprint, first_unix] : known.fingerprints) ids.push_back(fingerprint);
        if (std::find(ids.begin(), ids.end(), name) != ids.end()) exact.push_back(&known);
        if (std::any_of(ids.begin(), ids.end(),
                        [&](const std::string& id) { return id.starts_with(name); }))
            beginning.push_back(&known);
    }
    return exact.empty() ? beginning : exact;
}

Result<Named> hardware_named(const std::vector<KnownHardware>& hardware,
                             const HardwareDatabase& database, const std::string& name) {
    Named named;
    const HardwareSpec* spec = name.empty() ? nullptr : database.find(name);
    if (spec) named.products.insert(spec->id);
    if (spec) named.products.insert(spec->contains.begin(), spec->contains.end());
    if (!spec && !name.empty()) named.hardware = by_id(hardware, to_lower(name));
    // A product that this database does not have any more can still be asked for.
    if (named.hardware.empty() && !spec && !name.empty()) named.products.insert(name);
    if (named.hardware.empty())
        for (const KnownHardware& known : hardware)
            if (named.products.empty() || has_product(known, named.products))
                named.hardware.push_back(&known);
    if (named.products.empty() && !name.empty() && named.hardware.size() > 1)
        return wrong_usage(
            fmt::format("--hardware {} is the beginning of several:{}\n"
                        "give more of the one you mean, or a product id",
                        name, listed(named.hardware)));
    if (!named.hardware.empty()) return named;
    std::vector<const KnownHardware*> all;
    for (const KnownHardware& known : hardware) all.push_back(&known);
    return wrong_usage(
        fmt::format("--hardware {}: {}; the store has:{}\nname one by the beginning of its "
                    "fingerprint or lineage, or by its product id",
                    name,
                    spec ? fmt::format("no run of {} is stored", spec->id)
                         : "no fingerprint, lineage or product is called so",
                    listed(all)));
}

// ---------------------------------------------------------------------------------------------
// Peaks
// ---------------------------------------------------------------------------------------------

// What a metric is divided by to become an efficiency.
enum class PeakOf { nothing, compute, bandwidth };

PeakOf peak_of(const SeriesKey& key) {
    if (key.kind == SeriesKind::score) {
        if (key.metric == "stream_best_gbps" || key.metric == "bandwidth_efficiency")
            return PeakOf::bandwidth;
        return PeakOf::compute;
    }
    if (key.metric == "gops") return PeakOf::compute;
    const auto* operation = catalog::find_operation(key.operation);
    const bool memory = operation && operation->kind == catalog::OperationClass::memory;
    return key.metric == "gbps" && memory ? PeakOf::bandwidth : PeakOf::nothing;
}

// Peaks as the hardware database has them now, for the machine as it was in the newest run of a
// series. Where no product is known they are those that the run itself found.
class Peaks {
public:
    Peaks(RunStore& store, const HardwareDatabase& database, bool as_recorded)
        : store_(store), database_(database), as_recorded_(as_recorded) {}

    std::shared_ptr<const DevicePeaks> of(const SeriesKey& key, std::int64_t newest_seq) {
        const auto place = std::tuple(key.lineage, key.power_mode, key.device, key.precision);
        const auto known = by_place_.find(place);
        if (known != by_place_.end()) return known->second;
        return by_place_[place] = std::make_shared<DevicePeaks>(found(key, newest_seq));
    }

private:
    DevicePeaks found(const SeriesKey& key, std::int64_t newest_seq) {
        const Run* run = run_of(key, newest_seq);
        if (!run) {
            const Peak none = no_peak("the newest run of the series cannot be read");
            return {none, none};
        }
        Score row;
        row.device = key.device;
        row.precision = key.precision;
        row.theoretical_peak = no_peak("no peak is known for " + key.device + " in " +
                                       (key.precision.empty() ? "this precision" : key.precision));
        row.theoretical_bandwidth = no_peak("no bandwidth is known for " + key.device);
        for (const Score& score : run->results) {
            if (score.device != key.device) continue;
            if (score.theoretical_bandwidth.kind != PeakKind::unknown)
                row.theoretical_bandwidth = score.theoretical_bandwidth;
            if (score.precision == key.precision) row.theoretical_peak = score.theoretical_peak;
        }
        if (!as_recorded_) {
            Run one;
            one.context = run->context;
            one.measurements = run->measurements;
            one.products = run->products;
            one.results = {row};
            std::vector<ProbedClass> probes;
            if (auto history = ProbeHistory::read(store_, key.lineage, key.power_mode))
                probes = history->classes();
            use_current_specs(one, database_, probes);
            row = one.results.front();
        }
        return {row.theoretical_peak, row.theoretical_bandwidth};
    }

    const Run* run_of(const SeriesKey& key, std::int64_t newest_seq) {
        const auto place = std::tuple(key.lineage, key.power_mode, key.device);
        const auto known = runs_.find(place);
        if (known != runs_.end()) return known->second ? &*known->second : nullptr;
        std::optional<Run>& run = runs_[place];
        const auto facts = store_.facts_of({newest_seq});
        if (!facts || facts->empty()) return nullptr;
        if (auto read = store_.find(facts->front().run_id)) {
            for (Measurement& m : read->measurements) m.windows.clear();
            run = std::move(*read);
        }
        return run ? &*run : nullptr;
    }

    RunStore& store_;
    const HardwareDatabase& database_;
    bool as_recorded_;
    // By device too: an imported run tells of one alone.
    std::map<std::tuple<std::string, std::optional<std::string>, std::string>, std::optional<Run>>
        runs_;
    std::map<std::tuple<std::string, std::optional<std::string>, std::string, std::string>,
             std::shared_ptr<const DevicePeaks>>
        by_place_;
};

// ---------------------------------------------------------------------------------------------
// Loading
// ---------------------------------------------------------------------------------------------

bool is_ratio(const std::string& metric) {
    return metric == "efficiency" || metric == "bandwidth_efficiency";
}
const char* ratio_of(const SeriesKey& key) {
    return peak_of(key) == PeakOf::bandwidth ? "bandwidth_efficiency" : "efficiency";
}

// A series and a score's metric beside it: keys that differ in the metric alone.
SeriesKey with_metric(SeriesKey key, const std::string& metric) {
    key.metric = metric;
    key.unit = is_ratio(metric) ? "ratio" : "";
    return key;
}
std::string text_of(const SeriesKey& key) {
    return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}", key.install, key.lineage,
                       key.power_mode ? "=" + *key.power_mode : "", key.definition, key.device,
                       key.backend, key.precision, key.metric);
}

class Loader {
public:
    Loader(RunStore& store, const SeriesRequest& request)
        : store_(store),
          request_(request),
          database_(load_hardware(user_hardware_folder())),
          peaks_(store, database_, request.as_recorded) {}

    Result<Analysed> load() {
        auto hardware = store_.hardware();
        if (!hardware) return tl::make_unexpected(hardware.error());
        if (hardware->empty())
            return failed("the database holds no run yet; peakward calibrate makes one");
        find_products(store_, database_, *hardware);
        auto named = hardware_named(*hardware, database_, request_.hardware);
        if (!named) return tl::make_unexpected(named.error());
        if (auto status = read_series(*named); !status) return tl::make_unexpected(status.error());
        if (found_.empty()) return tl::make_unexpected(nothing(*named));
        for (SubjectSeries& series : found_) put(std::move(series));
        auto stacks = store_.stacks();  // after the series: their places are all in it
        if (!stacks) return tl::make_unexpected(stacks.error());
        analysed_.stacks = std::move(*stacks);
        for (Subject& subject : analysed_.subjects) describe(subject);
        analysed_.install_names = imported_host_names(store_, analysed_.subjects);
        return std::move(analysed_);
    }

private:
    SeriesFilter filter_of(const Named& named) const;
    Status read_series(const Named& named);
    void rate(SubjectSeries& series);
    void add_ratio(const SubjectSeries& rate);
    void note_recorded(const Series& series);
    void rate_as_recorded(SubjectSeries& series) const;
    std::string product_of(const KnownHardware& known, const std::string& device) const;
    void put(SubjectSeries series);
    void describe(Subject& subject) const;
    Error nothing(const Named& named);

    RunStore& store_;
    const SeriesRequest& request_;
    HardwareDatabase database_;
    Peaks peaks_;
    std::vector<SubjectSeries> found_;
    std::map<std::string, std::map<std::int64_t, double>> recorded_;  // ratio by seq
    std::map<std::string, std::size_t> places_;                       // of subjects, by id
    std::map<std::string, const KnownHardware*> hardware_;            // by lineage
    std::set<std::pair<std::string, std::string>> listed_;            // subject and lineage
    Analysed analysed_;
};

std::vector<std::string> metrics_of(const SeriesRequest& request) {
    return request.metrics.empty() ? std::vector<std::string>{"peak_measured_gops"}
                                   : request.metrics;
}

SeriesFilter Loader::filter_of(const Named& named) const {
    SeriesFilter filter;
    if (!request_.hardware.empty())
        for (const KnownHardware* known : named.hardware) filter.lineages.push_back(known->lineage);
    filter.metrics = metrics_of(request_);
    filter.device = request_.device;
    filter.backend = request_.backend;
    filter.precision = request_.precision;
    filter.operation = request_.operation;
    filter.suite = request_.suite;
    filter.since = request_.since;
    filter.until = request_.until;
    return filter;
}

Status Loader::read_series(const Named& named) {
    SeriesFilter filter = filter_of(named);
    const std::vector<std::string> asked = filter.metrics;
    const auto is_asked = [&](const std::string& metric) {
        return std::find(asked.begin(), asked.end(), metric) != asked.end();
    };
    // A ratio is made here of the rate and today's peak; as recorded it is beside the rate.
    if (request_.as_recorded)
        filter.metrics.insert(filter.metrics.end(), {"efficiency", "bandwidth_efficiency"});
    else if (is_asked("efficiency"))
        filter.metrics.emplace_back("peak_measured_gops");
    if (!request_.as_recorded && is_asked("bandwidth_efficiency"))
        filter.metrics.emplace_back("stream_best_gbps");
    for (const KnownHardware* known : named.hardware) hardware_[known->lineage] = known;

    std::vector<Series> read;  // peaks are looked up afterwards: a store is read by one at a time
    const auto take = [&](Series&& series) -> Status {
        const auto known = hardware_.find(series.key.lineage);
        if (known == hardware_.end()) return {};  // it came in while this was reading
        if (named.products.empty() ||
            named.products.contains(product_of(*known->second, series.key.device)))
            read.push_back(std::move(series));
        return {};
    };
    if (auto status = store_.each_series(filter, take); !status) return status;
    ForcedRuns forced(store_);
    for (Series& series : read)
        if (auto status = forced.settle(series); !status) return status;
    if (request_.as_recorded) {
        for (const Series& series : read)
            if (is_ratio(series.key.metric)) note_recorded(series);
        for (Series& series : read) {
            if (!is_asked(series.key.metric)) continue;
            SubjectSeries& found =
                found_.emplace_back(SubjectSeries{std::move(series), {}, {}, {}});
            rate_as_recorded(found);
        }
        return {};
    }
    for (Series& series : read) {
        SubjectSeries found{std::move(series), {}, {}, {}};
        const std::string metric = found.series.key.metric;
        if (is_ratio(metric)) continue;  // made of the rate
        rate(found);
        if (is_asked(ratio_of(found.series.key))) add_ratio(found);
        if (is_asked(metric)) found_.push_back(std::move(found));
    }
    return {};
}

// The ratio as a series of its own, of the rates that a run's ratios are made of.
void Loader::add_ratio(const SubjectSeries& rate) {
    const SeriesKey& key = rate.series.key;
    const bool makes_ratio = key.metric == "peak_measured_gops" || key.metric == "stream_best_gbps";
    if (!makes_ratio || rate.peak.kind == PeakKind::unknown) return;
    SubjectSeries made = rate;
    made.series.key = with_metric(key, ratio_of(key));
    for (std::size_t i = 0; i < made.series.points.size(); ++i) {
        SeriesPoint& point = made.series.points[i];
        point.value = made.efficiency[i];
        point.ci_low /= made.peak.value;
        point.ci_high /= made.peak.value;
    }
    found_.push_back(std::move(made));
}

void Loader::note_recorded(const Series& series) {
    auto& values = recorded_[text_of(series.key)];
    for (const SeriesPoint& point : series.points) values[point.seq] = point.value;
}

// Against the peak of today. Above 102 % the peak is in doubt, by that peak and not by another.
void Loader::rate(SubjectSeries& series) {
    const SeriesKey& key = series.series.key;
    series.efficiency.assign(series.series.points.size(), no_number);
    const PeakOf of = peak_of(key);
    if (of == PeakOf::nothing) {
        series.peak = no_peak("there is no peak for " + key.metric);
        return;
    }
    series.device_peaks = peaks_.of(key, series.series.points.back().seq);
    const DevicePeaks& peaks = *series.device_peaks;
    series.peak = of == PeakOf::compute ? peaks.compute : peaks.bandwidth;
    if (series.peak.kind == PeakKind::unknown || !(series.peak.value > 0)) return;
    for (std::size_t i = 0; i < series.efficiency.size(); ++i) {
        SeriesPoint& point = series.series.points[i];
        series.efficiency[i] = point.value / series.peak.value;
        const bool above = series.efficiency[i] > efficiency_max;
        point.doubts = std::uint16_t((point.doubts & ~unsigned{doubt_above_theoretical}) |
                                     (above ? doubt_above_theoretical : 0));
        series.peak.doubtful = series.peak.doubtful || above;
    }
}

void Loader::rate_as_recorded(SubjectSeries& series) const {
    const SeriesKey& key = series.series.key;
    series.efficiency.assign(series.series.points.size(), no_number);
    series.peak = no_peak("as recorded: each run by the peak that it found");
    if (key.kind != SeriesKind::score) return;
    const auto recorded = recorded_.find(text_of(with_metric(key, ratio_of(key))));
    if (recorded == recorded_.end()) return;
    // blas3_gops has no ratio of its own in a run: only peak_measured_gops was divided.
    if (key.metric == "blas3_gops") return;
    for (std::size_t i = 0; i < series.efficiency.size(); ++i) {
        const auto value = recorded->second.find(series.series.points[i].seq);
        if (value != recorded->second.end()) series.efficiency[i] = value->second;
    }
}

std::string Loader::product_of(const KnownHardware& known, const std::string& device) const {
    const auto product = known.products.find(device);
    return product == known.products.end() ? "" : product->second;
}

void Loader::put(SubjectSeries series) {
    const SeriesKey& key = series.series.key;
    const KnownHardware& known = *hardware_.at(key.lineage);
    const std::string product = product_of(known, key.device);
    const std::string id = product.empty() ? key.lineage : product;
    const auto [place, is_new] = places_.emplace(id, analysed_.subjects.size());
    if (is_new) {
        Subject subject;
        subject.id = id;
        subject.device = key.device;
        analysed_.subjects.push_back(std::move(subject));
    }
    Subject& subject = analysed_.subjects[place->second];
    if (product.empty() && subject.device != key.device) subject.device.clear();
    if (listed_.emplace(id, key.lineage).second) subject.hardware.push_back(known);
    subject.series.push_back(std::move(series));
}

void Loader::describe(Subject& subject) const {
    if (const HardwareSpec* spec = database_.find(subject.id)) {
        subject.name = spec->name;
        if (!spec->launched.empty()) subject.launched = spec->launched;
        return;
    }
    const KnownHardware& known = subject.hardware.front();
    const bool is_gpu = !subject.device.empty() && subject.device != "cpu";
    subject.name = is_gpu && known.gpu_model != "N/A" ? known.gpu_model : known.cpu_model;
}

// What there is instead of what was asked for.
Error Loader::nothing(const Named& named) {
    SeriesFilter filter;
    filter.lineages = filter_of(named).lineages;
    auto keys = store_.series_keys(filter);
    if (!keys) return keys.error();
    auto metrics = store_.metrics();
    if (!metrics) return metrics.error();
    std::set<std::string> devices, backends, precisions, suites;
    for (const SeriesKey& key : *keys) {
        devices.insert(key.device);
        backends.insert(key.backend.empty() ? "unknown" : key.backend);
        if (!key.precision.empty()) precisions.insert(key.precision);
        if (!key.suite.empty()) suites.insert(key.suite);
    }
    std::int64_t runs = 0;
    for (const KnownHardware* known : named.hardware) runs += known->runs;
    std::string period;
    if (!request_.since.empty()) period += " since " + request_.since;
    if (!request_.until.empty()) period += " until " + request_.until;
    const auto words = [](const std::set<std::string>& names) {
        return names.empty() ? std::string("none") : fmt::format("{}", fmt::join(names, ", "));
    };
    return Error{
        ErrorKind::failed,
        fmt::format("nothing is stored for this request ({}){}: {} runs hold metrics {}; devices "
                    "{}; backends {}; precisions {}; suites {}",
                    fmt::join(metrics_of(request_), ", "), period, runs, fmt::join(*metrics, ", "),
                    words(devices), words(backends), words(precisions), words(suites))};
}

}  // namespace

Status SeriesRequest::check_stop() const {
    if (!stop || !stop->stop_requested()) return {};
    return tl::make_unexpected(Error{ErrorKind::interrupted, "interrupted"});
}

Result<std::vector<KnownHardware>> known_hardware(const std::string& db, const StopToken* stop) {
    return ask<std::vector<KnownHardware>>(
        db, stop, [](RunStore& store) -> Result<std::vector<KnownHardware>> {
            auto hardware = store.hardware();
            if (hardware) find_products(store, load_hardware(user_hardware_folder()), *hardware);
            return hardware;
        });
}

Result<Analysed> load_series(const std::string& db, const SeriesRequest& request) {
    return ask<Analysed>(db, request.stop, [&](RunStore& store) -> Result<Analysed> {
        auto analysed = Loader(store, request).load();
        if (analysed) analysed->store_location = default_store_location(db);
        return analysed;
    });
}

Result<std::map<std::int64_t, RunFacts>> load_facts(const std::string& db,
                                                    const std::vector<std::int64_t>& seqs,
                                                    const StopToken* stop) {
    using Facts = std::map<std::int64_t, RunFacts>;
    return ask<Facts>(db, stop, [&](RunStore& store) -> Result<Facts> {
        auto list = store.facts_of(seqs);
        if (!list) return tl::make_unexpected(list.error());
        Facts facts;
        for (RunFacts& one : *list) facts.emplace(one.seq, std::move(one));
        return facts;
    });
}

Status load_implementations(const std::string& db, std::map<std::int64_t, RunFacts>& facts,
                            const StopToken* stop) {
    auto store = open_store(default_store_location(db), OpenMode::read, stopped_by(stop));
    if (!store) return tl::make_unexpected(store.error());
    for (auto& [seq, run] : facts) {
        auto list = (*store)->implementations_of(seq);
        if (!list) return tl::make_unexpected(list.error());
        run.implementations = std::move(*list);
    }
    return {};
}

}  // namespace peakward
