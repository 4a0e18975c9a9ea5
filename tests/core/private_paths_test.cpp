#include "core/private_paths.hpp"

#include <gtest/gtest.h>

namespace peakward {
namespace {

struct Text {
    const char *given, *shared;
};

TEST(PrivatePaths, AreCutToTheirLastPart) {
    for (const auto& [given, shared] : {
             Text{"/home/ada/lab/libfast.so", "libfast.so"},
             {"cannot open /home/ada/x.so: no such file", "cannot open x.so: no such file"},
             {"File \"/srv/ada/w.py\", line 3", "File \"w.py\", line 3"},
             {"looked in /scratch/ada/a, /mnt/ada/b; set PEAKWARD_WORKERS",
              "looked in a, b; set PEAKWARD_WORKERS"},
             {"PATH=/home/ada/bin:/usr/bin", "PATH=bin:/usr/bin"},
             {"file:///home/ada/x.html", "file:x.html"},
             {"/tmp/pw-1/workers/peakward-worker-fake", "peakward-worker-fake"},
             {"/Users/ada/venv/bin/python", "python"},
             {"/usr/home/ada/venv/bin/python3", "python3"},
             {"/var/folders/ab/T/x.db", "x.db"},
             {"/root/x.db", "x.db"},
             {"in /home/ada", "in ~"},
             {"in /home/ada/", "in ~"},
             {"in /root", "in ~"},
         })
        EXPECT_EQ(without_private_paths(given), shared);
}

TEST(PrivatePaths, OfTheSystemAndWhatIsNoPathStay) {
    for (const char* text :
         {"/proc/cpuinfo", "/sys/devices/system/cpu/cpu0/cpufreq: no such file",
          "/usr/lib/x86_64-linux-gnu/libopenblas.so.0", "/opt/conda/bin/python", "72.4 GB/s",
          "op/cycle", "a / b", "/", "N/A", "~/runs.db", "./runs.db",
          "https://example.org/home/ada/page", "quick/1", "", "1/2, 3/4", "and/or"})
        EXPECT_EQ(without_private_paths(text), text);
}

TEST(PrivatePaths, OfACommandLineAreCutAlsoWhereTheyAreRelative) {
    for (const auto& [given, shared] : {
             Text{"--db=/home/ada/runs.db", "--db=runs.db"},
             {"--db=../ada/runs.db", "--db=runs.db"},
             {"../ada/runs.db", "runs.db"},
             {"postgresql://ada:secret@db.example.org/fleet", "fleet"},
             {"/home/ada smith/runs.db", "runs.db"},
             {"/usr/bin/python3", "/usr/bin/python3"},
             {"--precision", "--precision"},
             {"fp32,fp64", "fp32,fp64"},
             {"../..", ".."},
         })
        EXPECT_EQ(without_private_path_in_word(given), shared);
}

TEST(PrivatePaths, LeaveEveryTextOfARunAndNoValueOfAFact) {
    peakward::Run run;
    const std::string path = "/home/ada/lab/x";
    run.arguments = {"calibrate", "--db", path};
    run.context.software.components["blas_library"] = Fact<std::string>::known(path, path);
    run.context.environment.turbo = Fact<std::string>::unknown("no " + path);
    run.preflight.checks.push_back({"id", "title", CheckStatus::fail, path, path});
    BackendInfo& backend = run.backends.emplace_back();
    backend.path = backend.reason = path;
    backend.versions["library"] = path;
    backend.notes = {path};
    Measurement& measurement = run.measurements.emplace_back();
    measurement.reason = measurement.implementation = path;
    measurement.energy.emplace().reason = path;
    run.results.emplace_back().notes = {path};
    run.precision_matrix.emplace_back().reason = path;
    run.skipped.emplace_back().reason = path;
    run.origin.emplace().recorded["file"] = path;
    drop_private_paths(run);
    EXPECT_EQ(run.arguments.back(), "x");
    const Fact<std::string>& blas = run.context.software.components["blas_library"];
    EXPECT_EQ(*blas, path);
    EXPECT_EQ(blas.source(), "x");
    EXPECT_EQ(run.context.environment.turbo.reason(), "no x");
    EXPECT_EQ(run.preflight.checks[0].evidence + run.preflight.checks[0].remedy, "xx");
    EXPECT_EQ(backend.path + backend.reason + backend.versions["library"] + backend.notes[0],
              "xxxx");
    EXPECT_EQ(measurement.reason + measurement.implementation + measurement.energy->reason, "xxx");
    EXPECT_EQ(run.results[0].notes[0] + run.precision_matrix[0].reason + run.skipped[0].reason +
                  run.origin->recorded["file"],
              "xxxx");
}

}  // namespace
}  // namespace peakward
