// The profile's document, data/schema/profile-1.schema.json.
#include <limits>
#include <set>

#include "core/records_json.hpp"
#include "core/text.hpp"
#include "score/profile.hpp"

namespace peakward {
namespace {

constexpr const char* document_kind = "peakward-profile";

Json optional_number(const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
}

// An older profile has a mean and no median.
Json known_time(double seconds) { return seconds > 0 ? Json(seconds) : Json(nullptr); }

Json to_json(const ProfilePoint& point) {
    return {{"operation", point.what.operation},
            {"shape", peakward::to_json(point.what.shape)},
            {"threads", point.what.threads},
            {"measured_gops", point.gops},
            {"measured_gbps", point.gbps},
            {"median_s", known_time(point.median_s)},
            {"ci_low_s", known_time(point.ci_low_s)},
            {"ci_high_s", known_time(point.ci_high_s)},
            {"mean_s", optional_number(point.mean_s)},
            {"deviation_s", optional_number(point.deviation_s)},
            {"min_s", optional_number(point.min_s)},
            {"max_s", optional_number(point.max_s)},
            {"samples", point.samples},
            {"efficiency", optional_number(point.efficiency)},
            {"arithmetic_intensity", optional_number(point.arithmetic_intensity)},
            {"bound", point.bound.empty() ? Json(nullptr) : Json(point.bound)},
            {"implementation", point.implementation},
            {"flags", point.flags}};
}

Json to_json(const PrecisionCell& cell) {
    return {{"status", to_string(cell.status)},
            {"reason", cell.reason},
            {"peak_gops", optional_number(cell.peak_gops)},
            {"speedup_over_fp32", optional_number(cell.speedup_over_fp32)},
            {"operation", cell.operation},
            {"implementation", cell.implementation}};
}

Json metadata_of(const Profile& p) {
    return {{"hardware_name", p.hardware_name},
            {"device", p.device},
            {"device_type", p.device_type},
            {"platform_architecture", p.platform_architecture},
            {"framework", p.framework},
            {"framework_versions", p.framework_versions},
            {"run_id", p.run_id},
            {"timestamp", p.timestamp},
            {"suite", p.suite},
            {"peakward_version", p.peakward_version},
            {"hardware_fingerprint", p.hardware_fingerprint},
            {"software_fingerprint", p.software_fingerprint},
            {"threads", p.threads},
            {"flags", p.flags}};
}

struct BadField {
    std::string message;
};

// Reads the fields of one object, and complains of those that are missing or that nobody knows.
class Fields {
public:
    Fields(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
        if (!json.is_object()) throw BadField{where_ + ": not an object"};
    }

    const Json* find(const char* name) const {
        const auto found = json_.find(name);
        return found == json_.end() ? nullptr : &*found;
    }
    const Json& at(const char* name) {
        seen_.insert(name);
        const auto found = json_.find(name);
        if (found == json_.end())
            throw BadField{fmt::format("{}.{} is missing", where_, name) + renamed(name)};
        return *found;
    }
    template <typename T>
    void read(const char* name, T& value) {
        const Json& found = at(name);
        try {
            value = found.get<T>();
        } catch (const Json::exception&) {
            throw BadField{
                fmt::format("{}.{}: has the wrong type ({})", where_, name, found.type_name())};
        }
    }
    void read(const char* name, int& value) {
        constexpr int largest = std::numeric_limits<int>::max();
        const Json& found = at(name);
        if (!found.is_number())
            throw BadField{
                fmt::format("{}.{}: has the wrong type ({})", where_, name, found.type_name())};
        if (!found.is_number_integer() || found < 0 || found > largest)
            throw BadField{fmt::format("{}.{}: must be a whole number from 0 to {}, not {}", where_,
                                       name, largest, found.dump())};
        value = found.get<int>();
    }
    void read(const char* name, std::optional<double>& value) {
        const Json& found = at(name);
        if (found.is_null()) return value.reset();
        if (!found.is_number())
            throw BadField{
                fmt::format("{}.{}: has the wrong type ({})", where_, name, found.type_name())};
        value = found.get<double>();
    }

    // A field that files of an earlier version of this program do not have.
    template <typename T>
    void read_newer(const char* name, T& value) {
        if (json_.contains(name)) read(name, value);
    }
    // A time that may be unknown, which is 0.
    void read_time(const char* name, double& seconds) {
        std::optional<double> known;
        read(name, known);
        seconds = known.value_or(0);
    }

private:
    // A field of ours that is not there, and one there that is not ours: probably renamed.
    std::string renamed(const char* name) const {
        std::string closest;
        for (const auto& [other, value] : json_.items())
            if (!seen_.contains(other) && is_near(name, other)) closest = other;
        return closest.empty() ? "" : fmt::format(" (there is '{}': renamed?)", closest);
    }
    static bool is_near(const std::string& a, const std::string& b) {
        return a.find(b) != std::string::npos || b.find(a) != std::string::npos ||
               a.substr(0, 4) == b.substr(0, 4);
    }

    const Json& json_;
    std::string where_;
    std::set<std::string> seen_;
};

void read_metadata(const Json& json, Profile& p) {
    Fields fields(json, "metadata");
    fields.read("hardware_name", p.hardware_name);
    fields.read("device", p.device);
    fields.read("device_type", p.device_type);
    fields.read("platform_architecture", p.platform_architecture);
    fields.read("framework", p.framework);
    fields.read("framework_versions", p.framework_versions);
    fields.read("run_id", p.run_id);
    fields.read("timestamp", p.timestamp);
    fields.read("suite", p.suite);
    fields.read("peakward_version", p.peakward_version);
    fields.read("hardware_fingerprint", p.hardware_fingerprint);
    fields.read("software_fingerprint", p.software_fingerprint);
    fields.read("threads", p.threads);
    fields.read("flags", p.flags);
}

ProfilePeak peak_from(const Json& json, const std::string& where) {
    ProfilePeak peak;
    Fields fields(json, where);
    fields.read("gops", peak.gops);
    fields.read("kind", peak.kind);
    fields.read("formula", peak.formula);
    return peak;
}

PrecisionCell cell_from(const Json& json, const Profile& p, const std::string& precision) {
    PrecisionCell cell{p.device, p.framework, precision};
    Fields fields(json, "precision_matrix." + precision);
    std::string status;
    fields.read("status", status);
    const auto known = capability_from(status);
    if (!known)
        throw BadField{
            fmt::format("precision_matrix.{}.status: unknown word '{}'", precision, status)};
    cell.status = *known;
    fields.read("reason", cell.reason);
    fields.read("peak_gops", cell.peak_gops);
    fields.read("speedup_over_fp32", cell.speedup_over_fp32);
    fields.read("operation", cell.operation);
    fields.read("implementation", cell.implementation);
    return cell;
}

ProfilePoint point_from(const Json& json, const Profile& p, const std::string& precision,
                        const std::string& where) {
    ProfilePoint point;
    Fields fields(json, where);
    fields.read("operation", point.what.operation);
    fields.read("threads", point.what.threads);
    fields.read("measured_gops", point.gops);
    fields.read("measured_gbps", point.gbps);
    fields.read_time("median_s", point.median_s);
    fields.read_time("ci_low_s", point.ci_low_s);
    fields.read_time("ci_high_s", point.ci_high_s);
    fields.read_newer("mean_s", point.mean_s);
    fields.read_newer("deviation_s", point.deviation_s);
    fields.read_newer("min_s", point.min_s);
    fields.read_newer("max_s", point.max_s);
    fields.read_newer("samples", point.samples);
    fields.read_newer("arithmetic_intensity", point.arithmetic_intensity);
    if (const Json* bound = fields.find("bound"); bound && !bound->is_null())
        fields.read("bound", point.bound);
    fields.read("efficiency", point.efficiency);
    fields.read("implementation", point.implementation);
    fields.read("flags", point.flags);
    auto shape = shape_from_json(fields.at("shape"));
    if (!shape) throw BadField{fmt::format("{}.shape: {}", where, shape.error().message)};
    point.what.shape = std::move(*shape);
    point.what.precision = precision;
    point.what.device = p.device;
    point.what.backend = p.framework;
    return point;
}

void read_results(const Json& json, Profile& p) {
    if (!json.is_object()) throw BadField{"precision_results: not an object"};
    for (const auto& [precision, list] : json.items()) {
        if (!list.is_array())
            throw BadField{fmt::format("precision_results.{}: not a list", precision)};
        for (std::size_t i = 0; i < list.size(); ++i)
            p.points.push_back(point_from(list[i], p, precision,
                                          fmt::format("precision_results.{}[{}]", precision, i)));
    }
}

void check_kind(const Json& document) {
    Fields fields(document, "profile");
    std::string kind;
    fields.read("kind", kind);
    if (kind != document_kind)
        throw BadField{fmt::format("profile.kind is '{}', not '{}'", kind, document_kind)};
    int version = 0;
    fields.read("schema_version", version);
    if (version != Profile::current_schema)
        throw BadField{
            fmt::format("schema version {}, and this program reads {}: export it again "
                        "from its run, or use the program that wrote it",
                        version, Profile::current_schema)};
}

}  // namespace

Json to_json(const Profile& p) {
    Json peaks = Json::object(), matrix = Json::object(), results = Json::object();
    for (const auto& [precision, peak] : p.theoretical_peaks)
        peaks[precision] = {{"gops", peak.gops}, {"kind", peak.kind}, {"formula", peak.formula}};
    for (const PrecisionCell& cell : p.precision_matrix) matrix[cell.precision] = to_json(cell);
    for (const ProfilePoint& point : p.points)
        results[point.what.precision].push_back(to_json(point));
    return {{"kind", document_kind},      {"schema_version", Profile::current_schema},
            {"metadata", metadata_of(p)}, {"theoretical_peaks", peaks},
            {"precision_matrix", matrix}, {"precision_results", results}};
}

Result<Profile> profile_from_json(const Json& document) {
    Profile profile;
    try {
        check_kind(document);
        Fields fields(document, "profile");
        read_metadata(fields.at("metadata"), profile);
        for (const auto& [precision, peak] : fields.at("theoretical_peaks").items())
            profile.theoretical_peaks[precision] =
                peak_from(peak, "theoretical_peaks." + precision);
        for (const auto& [precision, cell] : fields.at("precision_matrix").items())
            profile.precision_matrix.push_back(cell_from(cell, profile, precision));
        read_results(fields.at("precision_results"), profile);
    } catch (const BadField& bad) {
        return failed(bad.message);
    }
    return profile;
}

}  // namespace peakward
