#include "core/records_json.hpp"

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/text.hpp"

// Each record lists its fields once, in describe(); a Writer makes JSON of them and a Reader fills
// them from JSON, so the two directions cannot drift apart.
namespace peakward {
namespace {

template <typename V>
void describe(V& v, CacheLevel& x) {
    v("level", x.level);
    v("type", x.type);
    v("size_bytes", x.size_bytes);
    v("instances", x.instances);
    v("shared_by_cpus", x.shared_by_cpus);
}
template <typename V>
void describe(V& v, CoreKind& x) {
    v("name", x.name);
    v("microarchitecture", x.microarchitecture);
    v.if_told("unknown_design", x.unknown_design);
    v("cores", x.cores);
    v("cpus", x.cpus);
    v("clock_max_mhz", x.clock_max_mhz);
}
template <typename V>
void describe(V& v, CpuInfo& x) {
    v("architecture", x.architecture);
    v("model", x.model);
    v("vendor", x.vendor);
    v("family", x.family);
    v("model_number", x.model_number);
    v("stepping", x.stepping);
    v("microcode", x.microcode);
    v("sockets", x.sockets);
    v("cores_physical", x.cores_physical);
    v("cores_logical", x.cores_logical);
    v("numa_nodes", x.numa_nodes);
    v("microarchitecture", x.microarchitecture);
    v("core_kinds", x.core_kinds);
    v("isa", x.isa);
    v("caches", x.caches);
}
template <typename V>
void describe(V& v, GpuInfo& x) {
    v("vendor", x.vendor);
    v.if_told("device", x.device);
    v("model", x.model);
    v("pci_id", x.pci_id);
    v("pci_address", x.pci_address);
    v("vbios", x.vbios);
    v("memory_mb", x.memory_mb);
    v("driver", x.driver);
    v("compute_capability", x.compute_capability);
    v("multiprocessors", x.multiprocessors);
    v("clock_max_mhz", x.clock_max_mhz);
    v("power_limit_w", x.power_limit_w);
    v("power_limit_default_w", x.power_limit_default_w);
    v("ecc", x.ecc);
    v("mig", x.mig);
    v("throttle", x.throttle);
    v("other_processes", x.other_processes);
    v("temperature_c", x.temperature_c);
}
template <typename V>
void describe(V& v, MemoryInfo& x) {
    v("total_bytes", x.total_bytes);
    v("available_bytes", x.available_bytes);
    v("channels", x.channels);
    v("configured_mts", x.configured_mts);
    v("type", x.type);
}
template <typename V>
void describe(V& v, Hardware& x) {
    v("fingerprint", x.fingerprint);
    v("lineage", x.lineage);
    v("cpu", x.cpu);
    v("gpus", x.gpus);
    v("memory_total_gb", x.memory.total_gb);
    v("memory", x.memory);
    v("product_name", x.product_name);
    v("device_tree", x.device_tree);
}
template <typename V>
void describe(V& v, Software& x) {
    v("fingerprint", x.fingerprint);
    v("stack_digest", x.stack_digest);
    v("components", x.components);
}
template <typename V>
void describe(V& v, Environment& x) {
    v("power_mode", x.power_mode);
    v("cpu_governor", x.cpu_governor);
    v("frequency_driver", x.frequency_driver);
    v("energy_preference", x.energy_preference);
    v("turbo", x.turbo);
    v("thermal_state", x.thermal_state);
    v("temperature_c", x.temperature_c);
    v("virtualization", x.virtualization);
    v("load_average_1m", x.load_average_1m);
    v("busy_percent", x.busy_percent);
    v("steal_percent", x.steal_percent);
    v("psi_cpu_some_avg10_percent", x.psi_cpu_some_avg10_percent);
    v("psi_memory_some_avg10_percent", x.psi_memory_some_avg10_percent);
    v("cpu_quota_cpus", x.cpu_quota_cpus);
    v("memory_limit_bytes", x.memory_limit_bytes);
    v("cpus_allowed", x.cpus_allowed);
    v("transparent_huge_pages", x.transparent_huge_pages);
    v("numa_balancing", x.numa_balancing);
}
template <typename V>
void describe(V& v, Context& x) {
    v("install", x.install);
    v("hardware", x.hardware);
    v("software", x.software);
    v("environment", x.environment);
}
template <typename V>
void describe(V& v, Check& x) {
    v("id", x.id);
    v("title", x.title);
    v("status", x.status);
    v("evidence", x.evidence);
    v("remedy", x.remedy);
}
template <typename V>
void describe(V& v, Preflight& x) {
    v("verdict", x.verdict);
    v("checks", x.checks);
}
template <typename V>
void describe(V& v, PeakInput& x) {
    v("name", x.name);
    v("value", x.value);
    v("unit", x.unit);
    v("source", x.source);
}
template <typename V>
void describe(V& v, Peak& x) {
    v("kind", x.kind);
    v("value", x.value);
    v("unit", x.unit);
    v("formula", x.formula);
    v("inputs", x.inputs);
    v("sparse", x.sparse);
    v("accumulator", x.accumulator);
    v("clock_hz", x.clock_hz);
    v("spec_version", x.spec_version);
    v("reason", x.reason);
    v("doubtful", x.doubtful);
}
template <typename V>
void describe(V& v, Score& x) {
    v("device", x.device);
    v("backend", x.backend);
    v("precision", x.precision);
    v("stream_best_gbps", x.stream_best_gbps);
    v("blas3_gops", x.blas3_gops);
    v("peak_measured_gops", x.peak_measured_gops);
    v("peak_operation", x.peak_operation);
    v("theoretical_peak", x.theoretical_peak);
    v("theoretical_bandwidth", x.theoretical_bandwidth);
    v("efficiency", x.efficiency);
    v("bandwidth_efficiency", x.bandwidth_efficiency);
    v("flags", x.flags);
    v("notes", x.notes);
}
template <typename V>
void describe(V& v, PrecisionCell& x) {
    v("device", x.device);
    v("backend", x.backend);
    v("precision", x.precision);
    v("status", x.status);
    v("reason", x.reason);
    v("peak_gops", x.peak_gops);
    v("speedup_over_fp32", x.speedup_over_fp32);
    v("operation", x.operation);
    v("implementation", x.implementation);
}
template <typename V>
void describe(V& v, BackendInfo& x) {
    v("backend", x.backend);
    v("available", x.available);
    v("reason", x.reason);
    v("versions", x.versions);
    v("devices", x.devices);
    v("precisions", x.precisions);
    v("operations", x.operations);
    v("path", x.path);
    // "notes", like a measurement's "energy", stand in a document only where there are any.
}
template <typename V>
void describe(V& v, Case& x) {
    v("operation", x.operation);
    v("precision", x.precision);
    v("shape", x.shape);
    v("device", x.device);
    v("backend", x.backend);
    v("threads", x.threads);
}
template <typename V>
void describe(V& v, Statistics& x) {
    v("samples", x.kept);
    v("dropped_preempted", x.dropped_preempted);
    v("dropped_throttled", x.dropped_throttled);
    v("dropped_core_shared", x.dropped_core_shared);
    v("outliers", x.outliers);
    v("median_s", x.median_s);
    v("ci_low_s", x.ci_low_s);
    v("ci_high_s", x.ci_high_s);
    v("min_s", x.min_s);
    v("elapsed_s", x.elapsed_s);
    v("time_to_stable_s", x.time_to_stable_s);
    v("exit", x.exit);
    v("processes", x.processes);
    v("spread_within", x.spread_within);
    v("spread_between", x.spread_between);
}
// The case and the statistics stand flat in a measurement, as DESIGN 6 names them.
template <typename V>
void describe(V& v, Measurement& x) {
    describe(v, x.what);
    v.if_told("definition_version", x.definition_version);
    v("outcome", x.outcome);
    v("reason", x.reason);
    describe(v, x.statistics);
    v("gops", x.gops);
    v("gbps", x.gbps);
    v("bus_gbps", x.bus_gbps);
    v("clock_hz", x.clock_hz);
    v("operations_per_cycle", x.operations_per_cycle);
    v.if_told("clock_nominal_hz", x.clock_nominal_hz);
    v.if_told("gops_at_nominal_clock", x.gops_at_nominal_clock);
    v.if_told("temperature_c", x.temperature_c);
    v.if_told("power_w", x.power_w);
    v("implementation", x.implementation);
    v("device_used", x.device_used);
    v("error", x.error);
    v("tolerance", x.tolerance);
    v("steal_percent", x.steal_percent);
    v("psi_cpu_some_percent", x.psi_cpu_some_percent);
    v.if_told("mean_s", x.mean_s);
    v.if_told("deviation_s", x.deviation_s);
    v("flags", x.flags);
}
template <typename V>
void describe(V& v, MatchedProduct& x) {
    v("device", x.device);
    v("product", x.product);
    v("spec_version", x.spec_version);
    v("confidence", x.confidence);
    v("reason", x.reason);
    v("power_mode", x.power_mode);
}
template <typename V>
void describe(V& v, Run& x) {
    v("schema_version", x.schema_version);
    v("run_id", x.run_id);
    v("timestamp", x.timestamp);
    v("timestamp_unix", x.timestamp_unix);
    v("peakward_version", x.peakward_version);
    v("suite", x.suite);
    v("seed", x.seed);
    v("arguments", x.arguments);
    v("wall_s", x.wall_s);
    v("context", x.context);
    v("preflight", x.preflight);
    v("products", x.products);
    v("backends", x.backends);
    v("measurements", x.measurements);
    v("results", x.results);
    v("precision_matrix", x.precision_matrix);
    v("skipped", x.skipped);
    v("flags", x.flags);
    v("supersedes", x.supersedes);
}
template <typename V>
void describe(V& v, Origin& x) {
    v("kind", x.kind);
    v("tool", x.tool);
    v("content", x.content);
    v("doubts", x.doubts);
    v("recorded", x.recorded);
}
template <typename V>
void describe(V& v, Energy& x) {
    v("inference_j", x.inference_j);
    v("ci_low_j", x.ci_low_j);
    v("ci_high_j", x.ci_high_j);
    v("idle_w", x.idle_w);
    v("blocks", x.blocks);
    v("domain", x.domain);
    v("reason", x.reason);
}
template <typename V>
void describe(V& v, SkippedCase& x) {
    describe(v, x.what);
    v("reason", x.reason);
}

// ---------------------------------------------------------------------------------------------

Json windows_to_json(const std::vector<Window>& windows) {
    Json start = Json::array(), wall = Json::array(), iterations = Json::array();
    Json clock = Json::array();
    std::string verdicts;
    bool probed = false;
    for (const Window& window : windows) {
        start.push_back(window.start_ns);
        wall.push_back(window.wall_ns);
        iterations.push_back(window.iterations);
        clock.push_back(window.clock_hz);
        probed = probed || window.clock_hz != 0;
        verdicts.push_back(to_string(window.verdict).front());  // k, p, t, s, c
    }
    Json columns{
        {"start_ns", start}, {"wall_ns", wall}, {"iterations", iterations}, {"verdict", verdicts}};
    if (probed) columns["clock_hz"] = clock;
    return columns;
}

// Thrown inside this file only; the public functions turn it into an Error.
struct BadField {
    std::string message;
};

// 6 and 6.0. The library would cut off what T cannot hold, or do what no rule of the language
// covers.
template <typename T>
T whole_from(const Json& json, const std::string& where) {
    if (!json.is_number())
        throw BadField{fmt::format("{}: has the wrong type ({})", where, json.type_name())};
    const auto out_of_range = [&]() -> T {
        throw BadField{
            fmt::format("{}: {} is no whole number that fits there", where, json.dump())};
    };
    if (json.is_number_unsigned()) {
        const auto value = json.get<std::uint64_t>();
        return std::in_range<T>(value) ? static_cast<T>(value) : out_of_range();
    }
    if (json.is_number_integer()) {
        const auto value = json.get<std::int64_t>();
        return std::in_range<T>(value) ? static_cast<T>(value) : out_of_range();
    }
    const auto value = json.get<double>();
    const bool is_whole = std::abs(value) < 0x1p53 && std::floor(value) == value;
    if (!is_whole || !std::in_range<T>(static_cast<std::int64_t>(value))) return out_of_range();
    return static_cast<T>(value);
}

template <typename T>
constexpr bool is_whole_number = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <typename T>
T value_from(const Json& json, const std::string& where) {
    if constexpr (is_whole_number<T>)
        return whole_from<T>(json, where);
    else
        return json.get<T>();
}

std::vector<Window> windows_from_json(const Json& columns) {
    const auto verdicts = columns.at("verdict").get<std::string>();
    const Json& start = columns.at("start_ns");
    const Json& wall = columns.at("wall_ns");
    const Json& iterations = columns.at("iterations");
    const auto clock = columns.find("clock_hz");
    std::vector<Window> windows(verdicts.size());
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        windows[i].start_ns = whole_from<std::int64_t>(start.at(i), "windows.start_ns");
        windows[i].wall_ns = whole_from<std::int64_t>(wall.at(i), "windows.wall_ns");
        windows[i].iterations = iterations.at(i).get<double>();
        if (clock != columns.end()) windows[i].clock_hz = clock->at(i).get<double>();
        for (int v = 0; v <= static_cast<int>(verdict_last); ++v)
            if (to_string(Verdict{v}).front() == verdicts[i]) windows[i].verdict = Verdict{v};
    }
    return windows;
}

template <typename T>
inline constexpr bool is_word =
    std::is_same_v<T, CheckStatus> || std::is_same_v<T, Outcome> || std::is_same_v<T, Exit> ||
    std::is_same_v<T, Verdict> || std::is_same_v<T, PeakKind> || std::is_same_v<T, Capability>;

template <typename T>
struct is_fact : std::false_type {};
template <typename T>
struct is_fact<Fact<T>> : std::true_type {
    using item = T;
};
template <typename T>
struct is_optional : std::false_type {};
template <typename T>
struct is_optional<std::optional<T>> : std::true_type {
    using item = T;
};
template <typename T>
struct is_vector : std::false_type {};
template <typename T>
struct is_vector<std::vector<T>> : std::true_type {
    using item = T;
};

class Writer {
public:
    explicit Writer(WithWindows with_windows) : with_windows_(with_windows) {}

    template <typename T>
    void operator()(const char* name, const T& value) {
        json_[name] = make(value);
        if constexpr (is_fact<T>::value) {
            if (value) sources_[name] = value.source();
        }
    }
    // A field that documents without it do not have, so that theirs stay as they are.
    template <typename T>
    void if_told(const char* name, const std::optional<T>& value) {
        if (value) (*this)(name, value);
    }
    void if_told(const char* name, const std::string& value) {
        if (!value.empty()) (*this)(name, value);
    }
    void if_told(const char* name, const Fact<std::string>& value) {
        if (value != Fact<std::string>()) (*this)(name, value);
    }
    Json finish() && {
        if (!sources_.empty()) json_["sources"] = std::move(sources_);
        return std::move(json_);
    }
    // A Writer never changes the record: describe() takes it by reference for the Reader's sake.
    template <typename T>
    static Json write(const T& record, WithWindows with_windows) {
        Writer writer(with_windows);
        describe(writer, const_cast<T&>(record));
        if constexpr (std::is_same_v<T, Measurement>) {
            if (with_windows == WithWindows::yes)
                writer.json_["windows"] = windows_to_json(record.windows);
            if (record.energy) writer.json_["energy"] = write(*record.energy, with_windows);
        }
        if constexpr (std::is_same_v<T, BackendInfo>) {
            if (!record.notes.empty()) writer.json_["notes"] = record.notes;
        }
        if constexpr (std::is_same_v<T, Run>) {
            if (record.origin) writer.json_["origin"] = write(*record.origin, with_windows);
        }
        if constexpr (std::is_same_v<T, Score>) {
            // The two flat names of DESIGN 6, derived from the peak and not read back.
            const Peak& peak = record.theoretical_peak;
            const bool known = peak.kind != PeakKind::unknown;
            writer.json_["theoretical_peak_gops"] =
                known ? Json(peak.value) : Json{{"unknown", peak.reason}};
            writer.json_["theoretical_peak_source"] =
                fmt::format("{}: {}", to_string(peak.kind), known ? peak.formula : peak.reason);
        }
        return std::move(writer).finish();
    }

private:
    template <typename T>
    Json make(const T& value) {
        if constexpr (is_word<T>) {
            return std::string(to_string(value));
        } else if constexpr (is_fact<T>::value) {
            return fact_to_json(value);
        } else if constexpr (is_optional<T>::value) {
            return optional_to_json(value);
        } else if constexpr (is_vector<T>::value) {
            Json array = Json::array();
            for (const auto& item : value) array.push_back(make(item));
            return array;
        } else if constexpr (std::is_same_v<T, Shape>) {
            return to_json(value);
        } else if constexpr (std::is_same_v<T, std::map<std::string, Fact<std::string>>>) {
            Json object = Json::object();
            for (const auto& [name, fact] : value) object[name] = fact_to_json(fact);
            return object;
        } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string> ||
                             std::is_same_v<T, std::map<std::string, std::string>>) {
            return Json(value);
        } else {
            return write(value, with_windows_);
        }
    }

    WithWindows with_windows_;
    Json json_ = Json::object();
    Json sources_ = Json::object();
};

class Reader {
public:
    Reader(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
        if (!json.is_object()) throw BadField{fmt::format("{}: not an object", path_)};
        const auto sources = json.find("sources");
        if (sources != json.end() && sources->is_object()) sources_ = &*sources;
    }

    template <typename T>
    void if_told(const char* name, T& value) {
        (*this)(name, value);
    }

    // A field that is not there keeps its default: older and newer documents both load.
    template <typename T>
    void operator()(const char* name, T& value) {
        const auto it = json_.find(name);
        if (it == json_.end()) return;
        const std::string where = path_ + "." + name;
        try {
            take(*it, value, where);
            if constexpr (is_fact<T>::value) restore_source(name, value);
        } catch (const Json::exception&) {
            throw BadField{fmt::format("{}: has the wrong type ({})", where, it->type_name())};
        }
    }

private:
    template <typename T>
    void restore_source(const char* name, Fact<T>& fact) {
        if (!fact || sources_ == nullptr || !sources_->contains(name)) return;
        fact = Fact<T>::known(*fact, sources_->at(name).template get<std::string>());
    }

    template <typename T>
    static void take(const Json& json, T& value, const std::string& where) {
        if constexpr (is_word<T>) {
            value = take_word<T>(json.get<std::string>(), where);
        } else if constexpr (is_fact<T>::value) {
            using Item = typename is_fact<T>::item;
            if (json.is_number())
                value = Fact<Item>::known(value_from<Item>(json, where), "stored run");
            else
                value = fact_from_json<Item>(json);
        } else if constexpr (is_optional<T>::value) {
            if (json.is_null())
                value.reset();
            else
                value = value_from<typename is_optional<T>::item>(json, where);
        } else if constexpr (is_vector<T>::value) {
            take_vector(json, value, where);
        } else if constexpr (std::is_same_v<T, Shape>) {
            auto shape = shape_from_json(json);
            if (!shape) throw BadField{where + ": " + shape.error().message};
            value = std::move(*shape);
        } else if constexpr (std::is_same_v<T, std::map<std::string, Fact<std::string>>>) {
            value.clear();
            for (const auto& [name, fact] : json.items())
                value[name] = fact_from_json<std::string>(fact);
        } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string> ||
                             std::is_same_v<T, std::map<std::string, std::string>>) {
            value = value_from<T>(json, where);
        } else {
            read(json, value, where);
        }
    }

    template <typename T>
    static void take_vector(const Json& json, std::vector<T>& value, const std::string& where) {
        if (!json.is_array()) throw BadField{fmt::format("{}: not a list", where)};
        value.clear();
        value.reserve(json.size());
        for (std::size_t i = 0; i < json.size(); ++i) {
            T item{};
            take(json[i], item, fmt::format("{}[{}]", where, i));
            value.push_back(std::move(item));
        }
    }

    template <typename T>
    static T take_word(const std::string& word, const std::string& where) {
        std::optional<T> value;
        if constexpr (std::is_same_v<T, CheckStatus>) value = check_status_from(word);
        if constexpr (std::is_same_v<T, Outcome>) value = outcome_from(word);
        if constexpr (std::is_same_v<T, Exit>) value = exit_from(word);
        if constexpr (std::is_same_v<T, PeakKind>) value = peak_kind_from(word);
        if constexpr (std::is_same_v<T, Capability>) value = capability_from(word);
        if (!value) throw BadField{fmt::format("{}: unknown word '{}'", where, word)};
        return *value;
    }

public:
    template <typename T>
    static void read(const Json& json, T& record, const std::string& where) {
        Reader reader(json, where);
        describe(reader, record);
        if constexpr (std::is_same_v<T, Measurement>) {
            const auto windows = json.find("windows");
            if (windows != json.end()) record.windows = windows_from_json(*windows);
            const auto energy = json.find("energy");
            if (energy != json.end()) read(*energy, record.energy.emplace(), where + ".energy");
        }
        if constexpr (std::is_same_v<T, BackendInfo>) reader("notes", record.notes);
        if constexpr (std::is_same_v<T, Run>) {
            const auto origin = json.find("origin");
            if (origin != json.end()) read(*origin, record.origin.emplace(), where + ".origin");
        }
    }

private:
    const Json& json_;
    const Json* sources_ = nullptr;
    std::string path_;
};

// Shows every text of a record to a function that may change it.
class Texts {
public:
    explicit Texts(const std::function<void(std::string&)>& change) : change_(change) {}

    template <typename T>
    void operator()(const char*, T& value) {
        if constexpr (std::is_same_v<T, std::string>) {
            change_(value);
        } else if constexpr (is_fact<T>::value) {
            take_fact(value);
        } else if constexpr (is_optional<T>::value) {
            if (value) (*this)("", *value);
        } else if constexpr (is_vector<T>::value) {
            for (auto& item : value) (*this)("", item);
        } else if constexpr (std::is_same_v<T, std::map<std::string, Fact<std::string>>> ||
                             std::is_same_v<T, std::map<std::string, std::string>>) {
            for (auto& [name, item] : value) (*this)("", item);
        } else if constexpr (!is_word<T> && !std::is_arithmetic_v<T> && !std::is_same_v<T, Shape>) {
            take(value);
        }
    }
    template <typename T>
    void if_told(const char* name, T& value) {
        (*this)(name, value);
    }

    template <typename T>
    void take(T& record) {
        describe(*this, record);
        if constexpr (std::is_same_v<T, Measurement>) (*this)("energy", record.energy);
        if constexpr (std::is_same_v<T, BackendInfo>) (*this)("notes", record.notes);
        if constexpr (std::is_same_v<T, Run>) (*this)("origin", record.origin);
    }

private:
    template <typename T>
    void take_fact(Fact<T>& fact) {
        std::string words = fact ? fact.source() : fact.reason();
        change_(words);
        fact = fact ? Fact<T>::known(*fact, std::move(words)) : Fact<T>::unknown(std::move(words));
    }

    const std::function<void(std::string&)>& change_;
};

template <typename T>
Result<T> read_record(const Json& json, const char* what) {
    T record{};
    try {
        Reader::read(json, record, what);
    } catch (const BadField& bad) {
        return failed(bad.message);
    } catch (const Json::exception& error) {
        return failed(fmt::format("{}: {}", what, error.what()));
    }
    return record;
}

}  // namespace

Json to_json(const Shape& shape) {
    Json object = Json::object();
    for (const auto& [name, value] : shape)
        std::visit([&, key = name](const auto& v) { object[key] = v; }, value);
    return object;
}

Json to_json(const Case& what) { return Writer::write(what, WithWindows::no); }
Json to_json(const Hardware& hardware) { return Writer::write(hardware, WithWindows::no); }
Json to_json(const Environment& environment) { return Writer::write(environment, WithWindows::no); }
Json to_json(const Preflight& preflight) { return Writer::write(preflight, WithWindows::no); }
Json to_json(const Peak& peak) { return Writer::write(peak, WithWindows::no); }
Json to_json(const BackendInfo& backend) { return Writer::write(backend, WithWindows::no); }

Json to_json(const Software& software) { return Writer::write(software, WithWindows::no); }

Json to_json(const Context& context) { return Writer::write(context, WithWindows::no); }
Json to_json(const Score& score) { return Writer::write(score, WithWindows::no); }
Json to_json(const Measurement& measurement, WithWindows with_windows) {
    return Writer::write(measurement, with_windows);
}
Json to_json(const Run& run, WithWindows with_windows) { return Writer::write(run, with_windows); }

Result<Shape> shape_from_json(const Json& value) {
    if (!value.is_object()) return failed("a shape is an object of axes");
    Shape shape;
    for (const auto& [name, axis_value] : value.items()) {
        const bool fits = !axis_value.is_number_unsigned() ||
                          std::in_range<std::int64_t>(axis_value.get<std::uint64_t>());
        if (axis_value.is_number_integer() && fits)
            shape[name] = axis_value.get<std::int64_t>();
        else if (axis_value.is_string())
            shape[name] = axis_value.get<std::string>();
        else
            return failed(fmt::format("axis '{}' is neither a whole number nor a word", name));
    }
    return shape;
}

Result<Case> case_from_json(const Json& value) { return read_record<Case>(value, "case"); }
Result<Context> context_from_json(const Json& value) {
    return read_record<Context>(value, "context");
}
Result<Measurement> measurement_from_json(const Json& value) {
    return read_record<Measurement>(value, "measurement");
}
Result<Score> score_from_json(const Json& value) { return read_record<Score>(value, "score"); }
Result<Run> run_from_json(const Json& value) {
    auto run = read_record<Run>(value, "run");
    if (!run) return run;
    for (std::size_t i = 0; i < run->measurements.size(); ++i)
        if (const auto version = run->measurements[i].definition_version; version && *version < 1)
            return failed(
                fmt::format("run.measurements[{}].definition_version is {}: versions count from 1",
                            i, *version));
    return run;
}

void each_text(Run& run, const std::function<void(std::string&)>& change) {
    Texts(change).take(run);
}

std::string case_key(const Case& what) { return canonical_json(to_json(what)); }

}  // namespace peakward
