#include "hardware/database.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "core/posix.hpp"
#include "core/text.hpp"
#include "embedded/hardware_architectures.hpp"
#include "embedded/hardware_products.hpp"
#include "hardware/calibration.hpp"
#include "hardware/peaks.hpp"

namespace peakward {
namespace {

namespace fs = std::filesystem;

constexpr const char* calibrations = "calibrations";
// A product is some kilobytes.
constexpr std::size_t file_bytes_max = 4u << 20;

std::string plain_name(const std::string& name) {
    std::string plain = to_lower(name);
    std::replace(plain.begin(), plain.end(), '-', '_');
    return plain;
}

void put(std::vector<HardwareSpec>& specs, HardwareSpec spec) {
    const auto at = std::lower_bound(specs.begin(), specs.end(), spec.id,
                                     [](const auto& s, const auto& id) { return s.id < id; });
    if (at != specs.end() && at->id == spec.id)
        *at = std::move(spec);
    else
        specs.insert(at, std::move(spec));
}

void load_file(const std::string& path, HardwareDatabase& database) {
    const auto text = read_whole_file(path, file_bytes_max);
    if (!text) {
        database.problems.push_back(text.error().message);
        return;
    }
    auto spec = read_spec(*text, path);
    if (!spec) {
        database.problems.push_back(spec.error().message);
        return;
    }
    if (const auto problems = problems_of(*spec); !problems.empty()) {
        database.problems.push_back(fmt::format("{}: {}", path, problems.front()));
        return;
    }
    spec->origin = path;
    put(database.specs, std::move(*spec));
}

void load_calibration(const std::string& path, HardwareDatabase& database) {
    const std::string id = fs::path(path).stem().string();
    const auto text = read_whole_file(path, file_bytes_max);
    const auto json = text ? read_calibration(*text, id, path) : tl::make_unexpected(text.error());
    if (!json) {
        database.problems.push_back(json.error().message);
        return;
    }
    for (HardwareSpec& spec : database.specs)
        if (spec.id == id) spec.calibration = *json;
}

std::vector<std::string> json_files(const fs::path& folder, HardwareDatabase& database) {
    std::vector<std::string> files;
    std::error_code error;
    if (!fs::exists(folder, error)) return files;
    fs::recursive_directory_iterator it(folder, error), end;
    for (; !error && it != end; it.increment(error))
        if (it->is_regular_file(error) && it->path().extension() == ".json")
            files.push_back(it->path().string());
    if (error)
        database.problems.push_back(
            fmt::format("{}: cannot be read: {}", folder.string(), error.message()));
    std::sort(files.begin(), files.end());
    return files;
}

// The keys of a pattern that must hold, without its confidence and reason.
std::string condition_of(const Json& pattern) {
    Json keys = pattern;
    keys.erase("confidence");
    keys.erase("reason");
    keys.erase("source");
    return canonical_json(keys);
}

void check_names(const HardwareDatabase& database, std::vector<std::string>& problems) {
    std::map<std::string, std::string> owners;
    for (const HardwareSpec& spec : database.specs) {
        std::vector<std::string> names{spec.id};
        names.insert(names.end(), spec.aliases.begin(), spec.aliases.end());
        for (const std::string& name : names) {
            const auto [owner, fresh] = owners.emplace(plain_name(name), spec.id);
            if (!fresh && owner->second != spec.id)
                problems.push_back(fmt::format("{}: the name '{}' is also one of {}", spec.id, name,
                                               owner->second));
        }
        for (const std::string& part : spec.contains)
            if (!database.find(part))
                problems.push_back(
                    fmt::format("{}: contains '{}', which is not in the database", spec.id, part));
    }
}

void check_patterns(const HardwareDatabase& database, std::vector<std::string>& problems) {
    // By what is matched: a board and its GPU may well share a condition.
    std::map<std::tuple<std::string, std::string, double>, std::string> owners;
    for (const HardwareSpec& spec : database.specs)
        for (const Json& pattern : spec.document.value("detection", Json::array())) {
            const auto key =
                std::tuple(spec.kind, condition_of(pattern), pattern.value("confidence", 0.0));
            const auto [owner, fresh] = owners.emplace(key, spec.id);
            if (!fresh && owner->second != spec.id)
                problems.push_back(
                    fmt::format("{}: detection {} holds for {} with the same confidence", spec.id,
                                std::get<1>(key), owner->second));
        }
}

// Against the middle of all products of the kind.
void check_kind(const HardwareDatabase& database, const std::string& kind, const char* field,
                std::optional<double> (*figure)(const HardwareSpec&),
                std::vector<std::string>& problems) {
    std::vector<std::pair<double, const HardwareSpec*>> values;
    for (const HardwareSpec& spec : database.specs)
        if (const auto value = figure(spec); spec.kind == kind && value)
            values.emplace_back(*value, &spec);
    if (values.size() < 3) return;
    std::sort(values.begin(), values.end());
    const double middle = values[values.size() / 2].first;
    for (const auto& [value, spec] : values) {
        const double factor = std::max(value / middle, middle / value);
        if (factor >= 1000)
            problems.push_back(fmt::format(
                "{}: {} of {:.10g} is {:.0f} times {} than the middle "
                "of all {}s ({:.10g})",
                spec->id, field, value, factor, value > middle ? "more" : "less", kind, middle));
    }
}

std::optional<double> bandwidth_of(const HardwareSpec& spec) {
    const Peak peak = spec_bandwidth(spec);
    return peak.kind == PeakKind::unknown ? std::nullopt : std::optional(peak.value);
}
std::optional<double> power_of(const HardwareSpec& spec) { return spec.tdp_w.value; }
std::optional<double> best_peak_of(const HardwareSpec& spec) {
    std::optional<double> best;
    for (const std::string& precision : precisions_of(spec))
        if (const Peak peak = spec_peak(spec, precision); peak.kind != PeakKind::unknown)
            best = std::max(best.value_or(0), peak.value);
    return best;
}

// Fields in the order people read them; Json itself sorts its keys.
constexpr const char* reading_order[] = {"schema_version",
                                         "spec_version",
                                         "id",
                                         "name",
                                         "kind",
                                         "vendor",
                                         "aliases",
                                         "host_architecture",
                                         "devices",
                                         "launched",
                                         "sources",
                                         "detection",
                                         "architecture",
                                         "clocks_ghz",
                                         "operations_per_clock",
                                         "theoretical_peaks_gops",
                                         "vector_peaks_gops",
                                         "sparse_peaks_gops",
                                         "memory",
                                         "caches",
                                         "tdp_w",
                                         "power_modes",
                                         "default_power_mode",
                                         "contains",
                                         "note",
                                         "calibration_summary",
                                         "calibration_profiles"};

Status make_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error || !fs::is_directory(folder))
        return failed(fmt::format("{}: this folder cannot be made: {}", folder.string(),
                                  error ? error.message() : "a file has its name"));
    return {};
}

}  // namespace

std::string user_hardware_folder() {
    const char* data = std::getenv("XDG_DATA_HOME");
    if (data && *data == '/') return std::string(data) + "/peakward/hardware";
    const char* home = std::getenv("HOME");
    if (home && *home) return std::string(home) + "/.local/share/peakward/hardware";
    return "";
}

const HardwareSpec* HardwareDatabase::find(const std::string& name) const {
    const std::string wanted = plain_name(name);
    for (const HardwareSpec& spec : specs)
        if (spec.id == wanted) return &spec;
    // The user's aliases first: their folder wins.
    for (const bool of_user : {true, false})
        for (const HardwareSpec& spec : specs)
            if (spec.origin.empty() != of_user)
                for (const std::string& alias : spec.aliases)
                    if (plain_name(alias) == wanted) return &spec;
    return nullptr;
}

namespace {

HardwareDatabase read_builtin() {
    HardwareDatabase database;
    for (const auto& [name, content] : embedded::hardware_products()) {
        auto spec = read_spec(content, fmt::format("compiled-in {}", name));
        if (spec)
            put(database.specs, std::move(*spec));
        else
            database.problems.push_back(spec.error().message);
    }
    for (const auto& [name, content] : embedded::hardware_architectures()) {
        auto architectures = read_architectures(content, fmt::format("compiled-in {}", name));
        if (architectures)
            database.architectures = std::move(*architectures);
        else
            database.problems.push_back(architectures.error().message);
    }
    return database;
}

}  // namespace

HardwareDatabase builtin_hardware() {
    static const HardwareDatabase read = read_builtin();  // a fifth of what a small analysis costs
    return read;
}

HardwareDatabase load_hardware(const std::string& user_folder) {
    HardwareDatabase database = builtin_hardware();
    if (user_folder.empty()) return database;
    const fs::path folder(user_folder);
    std::vector<std::string> derived;
    for (const std::string& file : json_files(folder, database)) {
        if (fs::path(file).parent_path() == folder / calibrations)
            derived.push_back(file);
        else
            load_file(file, database);
    }
    for (const std::string& file : derived) load_calibration(file, database);
    return database;
}

Result<const HardwareSpec*> need_product(const HardwareDatabase& database,
                                         const std::string& name) {
    if (const HardwareSpec* spec = database.find(name)) return spec;
    std::vector<std::string> known;
    for (const HardwareSpec& spec : database.specs) {
        known.push_back(spec.id);
        known.insert(known.end(), spec.aliases.begin(), spec.aliases.end());
    }
    const auto near = nearest_names(name, known);
    return wrong_usage(fmt::format(
        "unknown product '{}'{}; peakward hardware list shows all", name,
        near.empty() ? std::string() : fmt::format("; did you mean {}?", fmt::join(near, ", "))));
}

std::vector<std::string> problems_between(const HardwareDatabase& database) {
    std::vector<std::string> problems;
    check_names(database, problems);
    check_patterns(database, problems);
    for (const char* kind : {"cpu", "gpu", "accelerator"}) {
        check_kind(database, kind, "memory.bandwidth_gbps", bandwidth_of, problems);
        check_kind(database, kind, "tdp_w", power_of, problems);
        check_kind(database, kind, "the best peak in gops", best_peak_of, problems);
    }
    return problems;
}

std::string entry_text(const Json& document) {
    // The library sorts keys; a product file is read by people, so its fields keep their order.
    std::string text = "{\n";
    std::size_t left = document.size();
    const auto add = [&](const std::string& key) {
        std::string value = document.at(key).dump(2, ' ', false, Json::error_handler_t::replace);
        std::string indented;
        for (const char c : value) {
            indented += c;
            if (c == '\n') indented += "  ";
        }
        --left;
        text += fmt::format("  {}: {}{}\n", Json(key).dump(), indented, left ? "," : "");
    };
    for (const char* key : reading_order)
        if (document.contains(key)) add(key);
    for (const auto& [key, value] : document.items())
        if (std::find(std::begin(reading_order), std::end(reading_order), key) ==
            std::end(reading_order))
            add(key);
    return text + "}\n";
}

Result<std::string> write_entry(const std::string& folder, const HardwareSpec& spec) {
    if (folder.empty())
        return failed("neither XDG_DATA_HOME nor HOME is set: nowhere to write a product");
    if (const auto problems = problems_of(spec); !problems.empty())
        return failed(fmt::format("{}: {}", spec.id, problems.front()));
    // It is the name of a file, and file systems take 255 bytes with the ending.
    constexpr std::size_t id_letters_max = 128;
    if (spec.id.size() > id_letters_max)
        return failed(fmt::format("the id '{}…' has {} letters and is too long: at most {}",
                                  spec.id.substr(0, 32), spec.id.size(), id_letters_max));
    const fs::path place = fs::path(folder) / spec.kind / spec.vendor;
    if (auto made = make_folder(place); !made) return tl::make_unexpected(made.error());
    std::string path = (place / (spec.id + ".json")).string();
    // An entry that was read from another place below the folder is replaced where it stands.
    if (!spec.origin.empty()) path = spec.origin;
    if (auto written = write_file_atomically(path, entry_text(spec.document)); !written)
        return tl::make_unexpected(written.error());
    return path;
}

Result<std::string> write_calibration(const std::string& folder, const std::string& id,
                                      const Json& calibration) {
    if (folder.empty())
        return failed("neither XDG_DATA_HOME nor HOME is set: nowhere to write a summary");
    const fs::path place = fs::path(folder) / calibrations;
    if (auto made = make_folder(place); !made) return tl::make_unexpected(made.error());
    std::string path = (place / (id + ".json")).string();
    const std::string text = calibration.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    if (auto written = write_file_atomically(path, text); !written)
        return tl::make_unexpected(written.error());
    return path;
}

}  // namespace peakward
