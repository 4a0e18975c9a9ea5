#include <algorithm>

#include "cli/fixture.hpp"
#include "core/text.hpp"
#include "golden.hpp"
#include "present/display_text.hpp"

namespace peakward::cli {
namespace {

class Looking : public CliTest {};

TEST_F(Looking, ContextHasTheNamesOthersRelyOn) {
    const Json c = document({"context"});
    EXPECT_EQ(c["schema_version"], 1);
    EXPECT_EQ(c["hardware"]["fingerprint"].get<std::string>().size(), 16u);
    EXPECT_EQ(c["hardware"]["lineage"].get<std::string>().size(), 16u);
    for (const char* name :
         {"model", "vendor", "family", "stepping", "microcode", "cores_physical", "cores_logical"})
        EXPECT_TRUE(c["hardware"]["cpu"].contains(name)) << name;
    EXPECT_EQ(c["hardware"]["memory_total_gb"], 8);
    EXPECT_TRUE(c["hardware"]["gpus"].is_array());
    EXPECT_TRUE(c["software"].contains("fingerprint"));
    EXPECT_EQ(c["software"]["components"]["os_kernel"], "6.1.0-18-amd64");
    for (const char* name : {"power_mode", "cpu_governor", "thermal_state", "virtualization"})
        EXPECT_TRUE(c["environment"].contains(name)) << name;
}

TEST_F(Looking, ContextComesInEveryFormat) {
    EXPECT_NE(run({"context"}).out.find("Example CPU @ 2.00GHz"), std::string::npos);
    EXPECT_NE(run({"context", "--sources"}).out.find("from "), std::string::npos);
    EXPECT_EQ(run({"context", "--format", "csv"}).out.find("fact,value,unknown,source\r\n"), 0u);
    EXPECT_EQ(run({"context", "--format", "markdown"}).out.find("# CONTEXT"), 0u);
    EXPECT_EQ(run({"context", "--format", "json"}).out, run({"context", "--json"}).out);
}

TEST_F(Looking, CaptureWritesAFolderThatIsAMachineAgain) {
    const std::string captured = file("captured");
    ASSERT_EQ(run({"context", "--capture", captured}).code, 0);
    const auto root = captured_sys_root(captured);
    ASSERT_TRUE(root);
    EXPECT_TRUE((*root)->exists("/proc/cpuinfo"));
}

TEST_F(Looking, DoctorSaysWhatItSaw) {
    const Json d = document({"doctor"});
    ASSERT_TRUE(d["preflight"]["checks"].is_array());
    for (const Json& check : d["preflight"]["checks"])
        for (const char* name : {"id", "status", "evidence", "remedy"})
            EXPECT_TRUE(check.contains(name)) << name;
    const Ended text = run({"doctor"});
    EXPECT_EQ(text.code, 0);
    EXPECT_EQ(text.out.find(std::string(80, '=')), 0u);
}

TEST_F(Looking, BackendsNamesEveryWorkerAndWhyOneIsMissing) {
    const Json list = document({"backends"})["backends"];
    const auto fake = std::find_if(list.begin(), list.end(),
                                   [](const Json& b) { return b["backend"] == "fake"; });
    ASSERT_NE(fake, list.end());
    EXPECT_EQ((*fake)["available"], true);
    EXPECT_EQ((*fake)["versions"]["fakeblas"], "1.2.3");
    const Json none = document({"backends", "--python", "/no/such/python"})["backends"];
    const auto numpy = std::find_if(none.begin(), none.end(),
                                    [](const Json& b) { return b["backend"] == "numpy"; });
    ASSERT_NE(numpy, none.end());
    EXPECT_EQ((*numpy)["available"], false);
    EXPECT_NE((*numpy)["reason"].get<std::string>().find("/no/such/python"), std::string::npos);
}

TEST_F(Looking, HelpTeachesEveryVerb) {
    const Ended top = run({"--help"});
    EXPECT_EQ(top.code, 0);
    EXPECT_NE(top.out.find("Exit codes"), std::string::npos);
    testing_support::expect_golden(top.out, "cli/golden/help.txt");
    for (const char* verb : {"calibrate", "context", "doctor", "backends", "history", "show", "db",
                             "hardware", "completion", "man", "help"}) {
        const Ended help = run({verb, "--help"});
        EXPECT_EQ(help.code, 0) << verb;
        EXPECT_NE(help.out.find("Examples"), std::string::npos) << verb;
        EXPECT_NE(top.out.find(std::string("  ") + verb), std::string::npos) << verb;
        EXPECT_EQ(help.out, run({"help", verb}).out);
        for (const std::string& line : split(help.out, '\n'))
            EXPECT_LE(display_width(line), 80) << line;
    }
    EXPECT_NE(run({"db", "verify", "--help"}).out.find("peakward db verify"), std::string::npos);
}

TEST_F(Looking, Version) {
    const Ended version = run({"--version"});
    EXPECT_EQ(version.code, 0);
    EXPECT_EQ(version.out.find("peakward "), 0u);
}

}  // namespace
}  // namespace peakward::cli
