#include <functional>
#include <map>

#include "cli/options.hpp"
#include "core/text.hpp"
#include "present/measurement_view.hpp"
#include "session/history.hpp"
#include "session/profile.hpp"

namespace peakward::cli {
namespace {

struct ProfileOptions {
    std::shared_ptr<CommonOptions> common;
    std::string file, run, folder = ".";
    std::string operation, size, precision, framework, device;
};

std::string name_of(const Profile& profile) {
    return fmt::format("{} on {}",
                       profile.framework.empty() ? "an unknown backend" : profile.framework,
                       profile.device.empty() ? "an unknown device" : profile.device);
}

// ---------------------------------------------------------------------------------------------
// show
// ---------------------------------------------------------------------------------------------

Cell intensity_cell(const ProfilePoint& point) {
    if (!point.arithmetic_intensity) return {};
    return {*point.arithmetic_intensity, Tone::plain,
            fmt::format("{:.3g}", *point.arithmetic_intensity)};
}

Table points_table(const std::vector<Profile>& profiles) {
    Table table;
    const Align right = Align::right;
    // The heading of each table names framework and device too, so these columns go first.
    table.columns = {{"framework", "Framework", Unit::none, Align::left, 13},
                     {"device", "Device", Unit::none, Align::left, 12},
                     {"operation", "Operation"},
                     {"precision", "Precision"},
                     {"shape", "Shape", Unit::none, Align::left, 1},
                     {"measured_gops", "Rate", Unit::gops, right},
                     {"measured_gbps", "Bandwidth", Unit::gbps, right, 2},
                     {"efficiency", "Efficiency", Unit::ratio_as_percent, right},
                     {"bound", "Bound", Unit::none, Align::left, 3},
                     {"arithmetic_intensity", "Op/byte", Unit::none, right, 4},
                     {"median_s", "Median", Unit::seconds, right, 5},
                     {"mean_s", "Mean", Unit::seconds, right, 6},
                     {"deviation_s", "Deviation", Unit::seconds, right, 8},
                     {"min_s", "Min", Unit::seconds, right, 9},
                     {"max_s", "Max", Unit::seconds, right, 10},
                     {"samples", "Samples", Unit::count, right, 7},
                     {"implementation", "Implementation", Unit::none, Align::left, 11}};
    for (const Profile& profile : profiles)
        for (const ProfilePoint& p : profile.points)
            table.rows.push_back(
                {cell(profile.framework), cell(profile.device), cell(p.what.operation),
                 cell(p.what.precision),
                 Cell{to_string(p.what.shape), Tone::plain, short_shape(p.what.shape)},
                 p.gops > 0 ? cell(p.gops, Tone::strong) : Cell{},
                 p.gbps > 0 ? cell(p.gbps) : Cell{}, cell(p.efficiency), cell(p.bound),
                 intensity_cell(p), p.median_s > 0 ? cell(p.median_s) : Cell{}, cell(p.mean_s),
                 cell(p.deviation_s), cell(p.min_s), cell(p.max_s),
                 p.samples > 0 ? cell(p.samples) : Cell{}, cell(p.implementation, Tone::dim)});
    return table;
}

Section summary_of(const Profile& p) {
    Section section;
    const auto add = [&](const char* label, std::string value) {
        if (!value.empty())
            section.fields.push_back({label, std::move(value), Tone::plain, {}, {}});
    };
    add("Hardware", p.hardware_name);
    add("Device", fmt::format("{}, {}", p.device, p.platform_architecture));
    std::string versions;
    for (const auto& [name, version] : p.framework_versions)
        versions += fmt::format("{}{} {}", versions.empty() ? "" : ", ", name, version);
    add("Framework",
        fmt::format("{}{}", p.framework, versions.empty() ? "" : " (" + versions + ")"));
    const std::string threads =
        p.threads > 0 ? fmt::format("{} thread{}", p.threads, p.threads == 1 ? "" : "s")
                      : "threads not recorded";
    add("Measured",
        fmt::format("{}, suite {}, {}, run {}", p.timestamp, p.suite, threads, p.run_id));
    for (const auto& [precision, peak] : p.theoretical_peaks)
        add(("Peak " + precision).c_str(),
            fmt::format("{} ({}: {})", format_with_unit(peak.gops, Unit::gops), peak.kind,
                        peak.formula));
    if (!p.flags.empty()) add("Flags", fmt::format("{}", fmt::join(p.flags, ", ")));
    return section;
}

Json profiles_document(const std::vector<Profile>& profiles) {
    Json list = Json::array();
    for (const Profile& profile : profiles) list.push_back(to_json(profile));
    return {{"schema_version", 1}, {"profiles", list}};
}

Result<int> show_file(Call& call, const ProfileOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto profiles = load_profiles(o.file);
    if (!profiles) return tl::make_unexpected(profiles.error());
    Shown shown;
    shown.document = [&] { return profiles_document(*profiles); };
    shown.table = [&] { return points_table(*profiles); };
    shown.report = [&] {
        Report report{"PROFILE " + o.file, {}};
        for (const Profile& profile : *profiles) {
            report.sections.push_back(summary_of(profile));
            Section section;
            section.title = "Measured by " + name_of(profile);
            section.tables.push_back(points_table({profile}));
            report.sections.push_back(std::move(section));
        }
        return report;
    };
    show(call, *format, shown);
    return 0;
}

// ---------------------------------------------------------------------------------------------
// export
// ---------------------------------------------------------------------------------------------

Result<int> export_run(Call& call, const ProfileOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto run = find_run(o.common->db, o.run);
    if (!run) return tl::make_unexpected(run.error());
    const auto exported = export_profiles(*run, o.folder);
    if (!exported) return tl::make_unexpected(exported.error());
    call.done = true;
    Shown shown;
    shown.document = [&] {
        Json files = Json::array();
        for (const ExportedProfile& file : *exported)
            files.push_back({{"path", file.path}, {"written", file.written}});
        return Json{{"schema_version", 1}, {"run_id", run->run_id}, {"files", files}};
    };
    shown.table = [&] {
        Table table;
        table.columns = {{"path", "File"}, {"written", "What happened"}};
        for (const ExportedProfile& file : *exported)
            table.rows.push_back(
                {cell(file.path), cell(file.written ? "written" : "was there already, the same")});
        return table;
    };
    show(call, *format, shown);
    return 0;
}

// ---------------------------------------------------------------------------------------------
// efficiency
// ---------------------------------------------------------------------------------------------

bool is_meant(const ProfileOptions& o, const Profile& profile) {
    return (o.framework.empty() || o.framework == profile.framework) &&
           (o.device.empty() || o.device == profile.device);
}

bool has_points(const ProfileOptions& o, const Profile& profile) {
    const auto [operation, precision] = rate_question(profile, o.operation, o.precision);
    for (const ProfilePoint& point : profile.points)
        if (point.what.operation == operation && point.what.precision == precision) return true;
    return false;
}

// The one that is meant: by name, or because only one measured the operation in this precision.
Result<const Profile*> choose(const ProfileOptions& o, const std::vector<Profile>& profiles) {
    std::vector<const Profile*> meant, fitting;
    std::vector<std::string> names;
    for (const Profile& profile : profiles) {
        names.push_back(name_of(profile));
        if (!is_meant(o, profile)) continue;
        meant.push_back(&profile);
        if (has_points(o, profile)) fitting.push_back(&profile);
    }
    if (meant.empty())
        return wrong_usage(fmt::format("{}: no such framework and device in it; it has {}", o.file,
                                       fmt::join(names, ", ")));
    if (fitting.size() > 1)
        return wrong_usage(
            fmt::format("{} holds several that fit ({}); name one with --framework "
                        "and --device",
                        o.file, fmt::join(names, ", ")));
    return fitting.empty() ? meant.front() : fitting.front();
}

Table estimate_table(const ProfileOptions& o, const Profile& profile, const EfficiencyEstimate& e) {
    Table table;
    const Align right = Align::right;
    table.columns = {{"framework", "Framework", Unit::none, Align::left, 2},
                     {"operation", "Operation"},
                     {"precision", "Precision"},
                     {"size", "Size", Unit::none, right},
                     {"gops", "Rate", Unit::gops, right},
                     {"efficiency", "Efficiency", Unit::ratio_as_percent, right},
                     {"ci_low", "95 % low", Unit::ratio_as_percent, right},
                     {"ci_high", "95 % high", Unit::ratio_as_percent, right},
                     {"basis", "Basis"},
                     {"explanation", "Based on", Unit::none, Align::left, 1}};
    table.rows.push_back({cell(profile.framework), cell(o.operation), cell(o.precision),
                          cell(o.size), cell(e.gops, Tone::strong), cell(e.efficiency),
                          cell(e.ci_low), cell(e.ci_high), cell(std::string(to_string(e.basis))),
                          cell(e.explanation)});
    if (!e.efficiency)
        table.notes.push_back("no efficiency: the profile knows no theoretical peak of " +
                              o.precision);
    return table;
}

Json estimate_document(const ProfileOptions& o, const Profile& profile,
                       const EfficiencyEstimate& e) {
    const auto number = [](const std::optional<double>& value) {
        return value ? Json(*value) : Json(nullptr);
    };
    return {{"schema_version", 1},
            {"framework", profile.framework},
            {"device", profile.device},
            {"operation", o.operation},
            {"precision", o.precision},
            {"size", std::stoll(o.size)},
            {"gops", e.gops},
            {"ci_low_gops", e.ci_low_gops},
            {"ci_high_gops", e.ci_high_gops},
            {"efficiency", number(e.efficiency)},
            {"ci_low", number(e.ci_low)},
            {"ci_high", number(e.ci_high)},
            {"basis", to_string(e.basis)},
            {"explanation", e.explanation}};
}

Result<int> efficiency(Call& call, const ProfileOptions& given) {
    ProfileOptions o = given;
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto size = whole_number("--size", o.size, 1, 1LL << 40);
    if (!size) return tl::make_unexpected(size.error());
    const auto profiles = load_profiles(o.file);
    if (!profiles) return tl::make_unexpected(profiles.error());
    const auto profile = choose(o, *profiles);
    if (!profile) return tl::make_unexpected(profile.error());
    const RateQuestion question = rate_question(**profile, o.operation, o.precision);
    o.operation = question.operation;
    o.precision = question.precision;
    const auto estimate =
        estimate_efficiency(**profile, o.operation, size->value_or(0), o.precision);
    if (!estimate)
        return tl::make_unexpected(
            Error{estimate.error().kind, fmt::format("{}: {}", o.file, estimate.error().message)});
    Shown shown;
    shown.document = [&] { return estimate_document(o, **profile, *estimate); };
    shown.table = [&] { return estimate_table(o, **profile, *estimate); };
    show(call, *format, shown);
    return 0;
}

void add_file(CLI::App& app, ProfileOptions& o) {
    add_value(app, o.file,
              {"FILE", "FILE",
               "A profile, one of the older tool, or a run that calibrate --output wrote.",
               "Options", true});
}

Action define_profile(CLI::App& app) {
    auto options = std::make_shared<ProfileOptions>();
    std::map<const CLI::App*, Result<int> (*)(Call&, const ProfileOptions&)> runs;
    std::map<const CLI::App*, std::shared_ptr<CommonOptions>> commons;

    CLI::App& shown = add_action(app, "show", "what a profile holds");
    add_file(shown, *options);
    CLI::App& exported =
        add_action(app, "export", "write a run's profiles: <hardware>_<device>_<framework>.json");
    add_value(exported, options->run,
              {"RUN", "RUN", "A run_id or the start of one; or the word latest.", "Options", true});
    add_value(exported, options->folder,
              {"--directory", "DIR", "Where to. Default: the current folder."});
    CLI::App& asked = add_action(app, "efficiency",
                                 "the rate and efficiency of an operation at any size near those "
                                 "measured");
    add_file(asked, *options);
    add_value(asked, options->operation,
              {"--operation", "OPERATION", "gemm (also called matmul), dot, ...", "Options", true});
    add_value(asked, options->size,
              {"--size", "N", "Every axis of the operation: gemm's m, n and k.", "Options", true});
    add_value(asked, options->precision,
              {"--precision", "PRECISION",
               "Default: fp32, or the only one in which the operation was measured."});
    add_value(asked, options->framework,
              {"--framework,--backend", "BACKEND", "Of a file that holds several."});
    add_value(asked, options->device, {"--device", "DEVICE", "Of a file that holds several."});
    runs = {{&shown, show_file}, {&exported, export_run}, {&asked, efficiency}};
    for (CLI::App* sub : {&shown, &exported, &asked})
        commons[sub] = add_common_options(*sub, Tables::yes);
    return [&app, options, runs, commons](Call& call) {
        const CLI::App* chosen = chosen_action(app);
        options->common = commons.at(chosen);
        return runs.at(chosen)(call, *options);
    };
}

}  // namespace

Verb profile_verb() {
    return {"profile",
            "Look back",
            "portable profiles: show, export, efficiency at any size",
            "A profile is what one framework reaches on one device, as a JSON file that travels "
            "without the database (data/schema/profile-1.schema.json).\n\n"
            "Between measured sizes a rate is interpolated, a little beyond them it is "
            "extrapolated, and the answer says which, with an interval. What cannot be known from "
            "the file is refused.",
            {{"peakward profile export latest --directory .", "one file per framework"},
             {"peakward profile show profiles/intel_xeon_cpu_numpy.json", "what is in it"},
             {"peakward profile efficiency intel_i7_12700k.json --operation matmul --size 2048",
              "of a profile of the older tool"},
             {"peakward profile efficiency run.json --operation gemm --size 1500 --framework blas",
              "between two measured sizes"}},
            define_profile};
}

}  // namespace peakward::cli
