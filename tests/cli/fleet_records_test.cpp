// The made fleet in the verbs that show what is stored: db, history, show, export, profile, report.
#include <filesystem>
#include <map>
#include <tuple>

#include "cli/fleet_fixture.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

using fleet::Host;
using fleet::Product;
using fleet::SeriesTruth;

class FleetRecords : public FleetTest {
protected:
    // Host and week of each run, by its id.
    struct Origin {
        const Product* product = nullptr;
        const Host* host = nullptr;
        int week = 0;
    };
    void SetUp() override {
        FleetTest::SetUp();
        for (const Product& product : fleet::products())
            for (const Host& host : product.hosts)
                for (int week = host.first_week; week < fleet::weeks; ++week)
                    origins_[fleet::made_run(product, host, week).run_id] = {&product, &host, week};
    }

    static std::size_t cases_of(const Product& product) {
        std::size_t cases = 1;  // the triad
        for (const SeriesTruth& truth : product.series) cases += truth.is_probe() ? 0 : 2;
        return cases;
    }
    static double gops_at(const Origin& at, const SeriesTruth& truth) {
        for (const fleet::Made& made : fleet::made_values(*at.product, *at.host, truth))
            if (made.week == at.week) return made.value;
        return 0;
    }
    static double gbps_at(const Origin& at) {
        for (const fleet::Made& made : fleet::made_bandwidths(*at.product, *at.host))
            if (made.week == at.week) return made.value;
        return 0;
    }

    // A stated peak, or cores, rate and clock of each kind of core.
    static void check_inputs(const Place& inputs, double peak_gops) {
        double sum = inputs.size() == 1 ? inputs[0]["value"].number() : 0;
        for (std::size_t i = 0; i + 2 < inputs.size(); i += 3)
            sum += inputs[i]["value"].number() * inputs[i + 1]["value"].number() *
                   inputs[i + 2]["value"].number() * 1e-9;
        EXPECT_NEAR(sum, peak_gops, 1e-6 * peak_gops) << inputs.where();
    }

    std::map<std::string, Origin> origins_;
};

TEST_F(FleetRecords, DatabaseCounts) {
    std::size_t count = 0, measurements = 0;
    std::set<std::string> installs;
    for (const Product& product : fleet::products()) {
        count += fleet::run_count(product);
        measurements += fleet::run_count(product) * cases_of(product);
        for (const Host& host : product.hosts) installs.insert(host.install);
    }
    CheckedDocument info = checked({"db", "info"});
    const Place store = Place(info)["store"];
    store.is("runs", static_cast<double>(count));
    store.is("measurements", static_cast<double>(measurements));
    store.is("installs", static_cast<double>(installs.size()));
    store.is("size_bytes", static_cast<double>(std::filesystem::file_size(database())));
    store.is_text("first_timestamp", fleet::iso(fleet::start_unix));
    store.is_text("last_timestamp", runs().back().timestamp);
    info.excuse("/store/schema_version", "the layout of the database, not a figure of the fleet");
    info.excuse("/store/schema_version_of_program", "the same");
    expect_all_checked(info);

    CheckedDocument verified = checked({"db", "verify"});
    Place(verified).is("runs", static_cast<double>(count));
    EXPECT_TRUE(verified.json()["sound"].get<bool>());
    if (!verified.json()["last_seen_head"].is_null())
        Place(verified)["last_seen_head"].is("seq", static_cast<double>(count));
    expect_all_checked(verified);
}

TEST_F(FleetRecords, HistoryListsEveryRun) {
    CheckedDocument history = checked({"history", "--limit", "0"});
    const Place rows = Place(history)["runs"];
    ASSERT_EQ(rows.size(), runs().size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Place run = rows[i];
        const Origin& at = origins_.at(run.json()["run_id"].get<std::string>());
        EXPECT_EQ(run.json()["run_id"], runs()[runs().size() - 1 - i].run_id) << "newest first";
        run.is_text("timestamp", fleet::iso(fleet::time_of(*at.product, *at.host, at.week)));
        run.is("wall_s", 40 + 0.25 * at.week);
        run.is("measured", static_cast<double>(cases_of(*at.product)));
        run.is("cases", static_cast<double>(cases_of(*at.product)));
        double best = 0;
        std::string precision;
        for (const SeriesTruth& truth : at.product->series) {
            const double gops = gops_at(at, truth);
            if (gops <= best) continue;
            best = gops;
            precision = truth.precision;
        }
        run.is("best_gops", best, 0);
        run.is_text("best_precision", precision);
        run.is("stream_best_gbps", gbps_at(at), 0);
    }
    expect_all_checked(history);
}

// Everything as it was stored, but peaks and efficiencies: those are of today's hardware database.
TEST_F(FleetRecords, ShowHasTheStoredFiguresAndTodaysPeaks) {
    for (const Product& product : fleet::products()) {
        const Host& host = product.hosts.back();
        const peakward::Run made = fleet::made_run(product, host, 40);
        CheckedDocument shown = checked({"show", made.run_id});
        const Place document(shown);
        const Json stored = to_json(made, WithWindows::no);
        for (const auto& [pointer, value] : figures_in(stored)) {
            const bool is_rated =
                pointer.starts_with("/results/") && (pointer.find("efficiency") != pointer.npos ||
                                                     pointer.find("/theoretical") != pointer.npos);
            if (is_rated) continue;
            if (value.is_number())
                document.is(pointer.substr(1), value.get<double>(), 0);
            else
                document.is_text(pointer.substr(1), value.get<std::string>());
        }
        const double bandwidth = fleet::database_bandwidth_gbps(product.id);
        for (std::size_t i = 0; i < product.series.size(); ++i) {
            const SeriesTruth& truth = product.series[i];
            const double peak = fleet::database_peak_gops(product.id, truth.precision);
            const Place row = document["results"][i];
            row["theoretical_peak"].is("value", peak);
            row["theoretical_peak"].is("clock_hz",
                                       fleet::database_peak_clock_hz(product.id, truth.precision));
            row.is("theoretical_peak_gops", peak);
            row["theoretical_bandwidth"].is("value", bandwidth);
            row["theoretical_bandwidth"].is("clock_hz", 0);
            row["theoretical_bandwidth"]["inputs"][0].is("value", bandwidth);
            check_inputs(row["theoretical_peak"]["inputs"], peak);
            row.is("efficiency", gops_at({&product, &host, 40}, truth) / peak);
            if (truth.backend == product.memory_backend())
                row.is("bandwidth_efficiency", gbps_at({&product, &host, 40}) / bandwidth);
        }
        expect_all_checked(shown);
    }
}

// --as-recorded: not one figure differs from the record.
TEST_F(FleetRecords, ShowAsRecordedIsTheRecord) {
    const peakward::Run made =
        fleet::made_run(fleet::products()[0], fleet::products()[0].hosts[1], 30);
    const Json shown = document({"show", made.run_id, "--as-recorded"});
    EXPECT_EQ(figures_in(shown), figures_in(to_json(made, WithWindows::no)));
}

TEST_F(FleetRecords, ExportHasTheStoredFiguresAndTodaysPeaks) {
    for (const bool as_recorded : {false, true}) {
        std::vector<std::string> words{"export", "-", "--format", "json"};
        if (as_recorded) words.emplace_back("--as-recorded");
        const double factor = as_recorded ? fleet::recorded_peak_factor : 1;
        const auto text = parse_json(run(words).out, "stdout");
        ASSERT_TRUE(text);
        CheckedDocument exported(*text, as_recorded ? "export --as-recorded" : "export");
        const Place rows = Place(exported)["runs"];
        std::size_t expected_rows = 0;
        for (const auto& [run_id, at] : origins_) expected_rows += at.product->series.size();
        ASSERT_EQ(rows.size(), expected_rows);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const Place row = rows[i];
            const Json& json = row.json();
            const Origin& at = origins_.at(json["run_id"].get<std::string>());
            const SeriesTruth& truth = at.product->truth(json["backend"].get<std::string>(),
                                                         json["precision"].get<std::string>());
            const auto time_unix = fleet::time_of(*at.product, *at.host, at.week);
            const double gops = gops_at(at, truth), gbps = gbps_at(at);
            const double peak = factor * fleet::database_peak_gops(at.product->id, truth.precision);
            const double bandwidth = factor * fleet::database_bandwidth_gbps(at.product->id);
            row.is_text("timestamp", fleet::iso(time_unix));
            row.is("timestamp_unix", static_cast<double>(time_unix), 0);
            row.is("cpu_stepping", 2);
            row.is("cpu_cores_physical", at.product->cores);
            row.is("cpu_cores_logical", 2 * at.product->cores);
            row.is("memory_total_gb", 32);
            row.is("peak_measured_gops", gops, 0);
            row.is("efficiency", gops / peak);
            row.is("theoretical_peak_gops", peak);
            row.is("theoretical_bandwidth_gbps", bandwidth);
            if (at.product->is_gpu()) row.is("gpu_memory_mb", at.product->gpu_memory_mb);
            truth.is_probe() ? row.is_null("blas3_gops") : row.is("blas3_gops", gops, 0);
            if (truth.backend == at.product->memory_backend()) {
                row.is("stream_best_gbps", gbps, 0);
                row.is("bandwidth_efficiency", gbps / bandwidth);
            } else {
                row.is_null("stream_best_gbps");
            }
        }
        expect_all_checked(exported);
    }
}

TEST_F(FleetRecords, CsvHasTheFiguresOfJson) {
    const auto json = parse_json(run({"export", "-", "--format", "json"}).out, "stdout");
    ASSERT_TRUE(json);
    std::vector<std::string> lines = split(run({"export", "-"}).out, '\n');
    ASSERT_EQ(lines.size(), (*json)["runs"].size() + 2) << "a head, and the end of the last line";
    std::size_t figures = 0;
    for (std::string& line : lines)
        if (line.ends_with('\r')) line.pop_back();
    const std::vector<std::string> columns = split(lines[0], ',');
    for (std::size_t i = 0; i < (*json)["runs"].size(); ++i) {
        const std::vector<std::string> cells = split(lines[i + 1], ',');
        ASSERT_EQ(cells.size(), columns.size()) << lines[i + 1];
        for (std::size_t column = 0; column < columns.size(); ++column) {
            const Json& value = (*json)["runs"][i].at(columns[column]);
            if (value.is_null()) {
                EXPECT_EQ(cells[column], "") << columns[column];
            }
            if (!value.is_number()) continue;
            EXPECT_EQ(std::stod(cells[column]), value.get<double>()) << columns[column];
            ++figures;
        }
    }
    EXPECT_GT(figures, 10 * (*json)["runs"].size());
}

TEST_F(FleetRecords, ExportToAFileCountsItsRows) {
    CheckedDocument written =
        checked({"export", file("i7.csv"), "--hardware", "intel_i7_12700k", "--backend", "blas"});
    const auto count = static_cast<double>(fleet::run_count(fleet::product("intel_i7_12700k")));
    Place(written).is("runs", count);
    Place(written).is("rows", 2 * count);
    expect_all_checked(written);
}

TEST_F(FleetRecords, ReportCountsTheRuns) {
    CheckedDocument report = checked({"report", "-o", file("fleet.html")});
    Place(report).is("runs", static_cast<double>(runs().size()));
    Place(report).is("size_bytes",
                     static_cast<double>(std::filesystem::file_size(file("fleet.html"))));
    EXPECT_EQ(report.json()["newest_run_id"], runs().back().run_id);
    expect_all_checked(report);
}

// A profile leaves the machine with the peaks that its run recorded.
TEST_F(FleetRecords, ProfileHasTheFiguresOfItsRun) {
    const Product& product = fleet::product("intel_i7_12700k");
    const Host& host = product.hosts[0];
    const peakward::Run made = fleet::made_run(product, host, 51);
    std::filesystem::create_directory(file("profiles"));
    const Json exported =
        document({"profile", "export", made.run_id, "--directory", file("profiles")});
    ASSERT_EQ(exported["files"].size(), 4u) << "blas, onednn, pytorch, and native's triad";
    for (const Json& written : exported["files"]) {
        CheckedDocument shown = checked({"profile", "show", written["path"].get<std::string>()});
        const Place profile = Place(shown)["profiles"][0];
        const auto backend = profile["metadata"].json()["framework"].get<std::string>();
        profile["metadata"].is_text("timestamp", made.timestamp);
        profile["metadata"].is("threads", product.cores);
        for (const SeriesTruth& truth : product.series) {
            if (truth.backend != backend) continue;
            const double gops = gops_at({&product, &host, 51}, truth);
            const double peak = fleet::database_peak_gops(product.id, truth.precision);
            profile["theoretical_peaks"][truth.precision].is("gops", peak);
            profile["precision_matrix"][truth.precision].is("peak_gops", gops, 0);
            if (truth.is_probe()) continue;
            for (std::size_t i = 0; i < 2; ++i) {
                const Place point = profile["precision_results"][truth.precision][i];
                const std::int64_t n = i == 0 ? fleet::size_large : fleet::size_small;
                const double rate = gops * (i == 0 ? 1 : fleet::small_size_share);
                const auto side = static_cast<double>(n);
                const double median_s = 2 * side * side * side / (rate * 1e9);
                for (const char* axis : {"m", "n", "k"}) point["shape"].is(axis, side);
                point.is("threads", product.cores);
                point.is("measured_gops", rate);
                point.is("median_s", median_s);
                point.is("ci_low_s", median_s * (1 - fleet::time_spread));
                point.is("ci_high_s", median_s * (1 + fleet::time_spread));
                point.is("min_s", median_s * 0.99);
                point.is("samples", 80);
                point.is("measured_gbps", 0);
                point.is("efficiency", rate / peak);
                // Two matrices read and one written; products of int8 are int32.
                const double bytes = truth.precision == "fp64"   ? 24
                                     : truth.precision == "fp32" ? 12
                                                                 : 1 + 1 + 4;
                point.is("arithmetic_intensity", 2 * side / bytes);
            }
        }
        if (backend == "native") {
            const Place point = profile["precision_results"]["fp64"][0];
            const double gbps = gbps_at({&product, &host, 51});
            const double elements = 33554432;
            const double median_s = 24 * elements / (gbps * 1e9);
            point["shape"].is("elements", elements);
            point.is("threads", product.cores);
            point.is("measured_gbps", gbps, 0);
            point.is("measured_gops", 2 * elements / median_s * 1e-9);
            point.is("median_s", median_s);
            point.is("ci_low_s", median_s * (1 - fleet::time_spread));
            point.is("ci_high_s", median_s * (1 + fleet::time_spread));
            point.is("min_s", median_s * 0.99);
            point.is("samples", 80);
            point.is("efficiency", gbps / fleet::database_bandwidth_gbps(product.id));
            point.is("arithmetic_intensity", 2.0 / 24);
        }
        shown.excuse("/profiles/*/schema_version", "the layout of a profile");
        expect_all_checked(shown);
    }
}

TEST_F(FleetRecords, ProfileEfficiencyBetweenTwoSizes) {
    const Product& product = fleet::product("intel_i7_12700k");
    const Host& host = product.hosts[0];
    const peakward::Run made = fleet::made_run(product, host, 51);
    const SeriesTruth& truth = product.truth("onednn", "fp32");
    const double gops = gops_at({&product, &host, 51}, truth);
    const double peak = fleet::database_peak_gops(product.id, "fp32");
    document({"profile", "export", made.run_id, "--directory", file("")});
    std::string path;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
        if (entry.path().string().ends_with("_onednn.json")) path = entry.path().string();
    struct Asked {
        int size;
        double rate, low, high;
    };
    const double small = fleet::small_size_share * gops, spread = fleet::time_spread;
    // 2048 lies half-way between 1024 and 4096 on a scale of doublings.
    for (const Asked& asked :
         {Asked{4096, gops, gops / (1 + spread), gops / (1 - spread)},
          Asked{2048, (gops + small) / 2, small / (1 + spread), gops / (1 - spread)},
          Asked{1024, small, small / (1 + spread), small / (1 - spread)}}) {
        CheckedDocument answer =
            checked({"profile", "efficiency", path, "--operation", "matmul", "--size",
                     std::to_string(asked.size), "--precision", "fp32"});
        const Place at(answer);
        at.is("size", asked.size);
        at.is("gops", asked.rate);
        at.is("ci_low_gops", asked.low);
        at.is("ci_high_gops", asked.high);
        at.is("efficiency", asked.rate / peak);
        at.is("ci_low", asked.low / peak);
        at.is("ci_high", asked.high / peak);
        expect_all_checked(answer);
    }
}

// What a run reached, as it is kept for its product; rounded to six digits.
TEST_F(FleetRecords, CalibrationOfAProductIsTheBestOfEachPrecision) {
    const Product& product = fleet::product("h100_sxm5");
    const Host& host = product.hosts[0];
    const peakward::Run made = fleet::made_run(product, host, 51);
    CheckedDocument exported = checked({"hardware", "export-calibration", "--run", made.run_id,
                                        "--hardware-id", product.id, "--dry-run"});
    const Place summary = Place(exported)["calibration_summary"];
    std::map<std::string, double> best;
    for (const SeriesTruth& truth : product.series) {
        double& gops = best[truth.precision];
        gops = std::max(gops, gops_at({&product, &host, 51}, truth));
    }
    double sum = 0;
    for (const auto& [precision, gops] : best) {
        const double efficiency = gops / fleet::database_peak_gops(product.id, precision);
        summary["measured_peaks_gops"].is(precision, gops, 1e-5);
        summary["efficiency"].is(precision, efficiency, 1e-5);
        sum += efficiency;
    }
    const double gbps = gbps_at({&product, &host, 51});
    summary.is("avg_efficiency", sum / static_cast<double>(best.size()), 1e-5);
    summary.is("measured_bandwidth_gbps", gbps, 1e-5);
    summary.is("bandwidth_efficiency", gbps / fleet::database_bandwidth_gbps(product.id), 1e-5);
    summary.is_text("last_calibrated", made.timestamp);
    exported.excuse("/calibration_summary/spec_version", "the version of the entry");
    expect_all_checked(exported);
}

}  // namespace
}  // namespace peakward::cli
