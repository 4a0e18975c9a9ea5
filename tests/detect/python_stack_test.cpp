#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/posix.hpp"
#include "detect/memory_sys_root.hpp"
#include "detect/seeded_bytes.hpp"
#include "detect/sources/collect.hpp"
#include "emulated.hpp"

namespace peakward {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::map<std::string, Fact<std::string>> stack_of(const SysRoot& root,
                                                  const std::string& python = "") {
    StillClock clock;
    Context context;
    DetectOptions options;
    options.python = python;
    detail::collect_python_stack(root, clock, options, context);
    return context.software.components;
}

const std::vector<const char*> components = {"python_version",  "numpy_version",
                                             "pytorch_version", "onnxruntime_version",
                                             "jax_version",     "jaxlib_version"};

std::string answer(const std::string& json) { return "\nPEAKWARD-STACK " + json + "\n"; }

TEST(PythonStack, ReadsVersionsFromTheAnswer) {
    MemorySysRoot root;
    root.command("python3",
                 answer(R"({"python": "3.11.2", "broken": {}, "packages": {"numpy": "1.24.2", )"
                        R"("torch": "2.7.1+cu121", "onnxruntime-gpu": "1.18.0"}})"));
    const auto stack = stack_of(root);
    EXPECT_EQ(*stack.at("python_version"), "3.11.2");
    EXPECT_EQ(*stack.at("numpy_version"), "1.24.2");
    EXPECT_EQ(*stack.at("pytorch_version"), "2.7.1+cu121");
    EXPECT_EQ(*stack.at("onnxruntime_version"), "1.18.0 (onnxruntime-gpu)");
    EXPECT_EQ(stack.at("jax_version").reason(), "not installed: python3 has no package jax");
}

TEST(PythonStack, FindsTheAnswerOfAChattyInterpreter) {
    MemorySysRoot root;
    root.command("python3", "PEAKWARD-STACK {lies}\nhello from sitecustomize" +
                                answer(R"({"python": "3.9.0", "packages": {"numpy": "1.20"}})") +
                                "bye\n");
    EXPECT_EQ(*stack_of(root).at("numpy_version"), "1.20");
}

TEST(PythonStack, MissingInterpreterIsNotInstalled) {
    for (const char* component : components) {
        EXPECT_EQ(stack_of(MemorySysRoot()).at(component).reason(),
                  "not installed: no python3 is on the PATH");
    }
    EXPECT_EQ(stack_of(MemorySysRoot(), "/opt/x/python").at("numpy_version").reason(),
              "not installed: /opt/x/python does not exist");
}

TEST(PythonStack, BrokenSlowAndMuteInterpretersAreNotReadable) {
    MemorySysRoot broken, slow, mute, garbage, shapeless;
    broken.command("python3", "", 1,
                   "Traceback\nModuleNotFoundError: No module named 'encodings'\n");
    slow.absent("command:python3", Absence::slow);
    mute.command("python3", "Python 3.11.2\n");
    garbage.command("python3", answer("{\"python\": 3"));
    shapeless.command("python3", answer(R"({"python": 3, "packages": []})"));
    EXPECT_THAT(stack_of(broken).at("numpy_version").reason(),
                HasSubstr("No module named 'encodings'"));
    EXPECT_THAT(stack_of(slow).at("numpy_version").reason(), HasSubstr("no answer within"));
    EXPECT_THAT(stack_of(mute).at("numpy_version").reason(), HasSubstr("did not answer"));
    for (const MemorySysRoot* root : {&broken, &slow, &mute, &garbage, &shapeless}) {
        for (const char* component : components) {
            EXPECT_THAT(stack_of(*root).at(component).reason(),
                        AllOf(StartsWith("could not be read: "), Not(HasSubstr("not installed"))));
        }
    }
}

TEST(PythonStack, AnOldInterpreterIsNamedAndNotBelieved) {
    MemorySysRoot root;
    root.command("python3", answer(R"({"python": "2.7.18", "packages": {}, "old": "No module"})"));
    const auto stack = stack_of(root);
    EXPECT_EQ(*stack.at("python_version"), "2.7.18");
    EXPECT_THAT(stack.at("numpy_version").reason(),
                HasSubstr("Python 2.7.18 of python3 is older than 3.8"));
}

TEST(PythonStack, BrokenMetadataIsNoAbsence) {
    MemorySysRoot root;
    root.command("python3", answer(R"({"python": "3.11.2", "packages": {"torch": null}, )"
                                   R"("broken": {"numpy": "OSError: gone"}})"));
    const auto stack = stack_of(root);
    EXPECT_THAT(stack.at("numpy_version").reason(),
                HasSubstr("metadata of numpy in python3 is broken"));
    EXPECT_THAT(stack.at("pytorch_version").reason(), HasSubstr("holds no version"));
}

TEST(PythonStack, ImportsNoFramework) {
    MemorySysRoot root;
    stack_of(root);
    ASSERT_EQ(root.asked().size(), 1u);
    const std::string& program = root.asked().front().at(2);
    for (const char* framework : {"numpy", "torch", "jax", "onnxruntime"}) {
        EXPECT_THAT(program, Not(HasSubstr(framework)));
    }
}

TEST(PythonStack, SurvivesDamagedAnswers) {
    SeededBytes bytes(21);
    const std::string good =
        answer(R"({"python": "3.11.2", "packages": {"numpy": "1"}, "broken": {}})");
    for (int i = 0; i < 2000; ++i) {
        MemorySysRoot root;
        root.command("python3", i % 2 == 0 ? bytes.damaged(good) : bytes.noise());
        for (const auto& [name, fact] : stack_of(root)) {
            EXPECT_NE(fact.has_value(), !fact.reason().empty()) << name;
        }
    }
}

// The real interpreter, with a package of this test on PYTHONPATH and a trap in the working folder.
class PythonStackLive : public testing::Test {
protected:
    void SetUp() override {
        root_ = live_sys_root();
        if (!root_->run({"python3", "-c", "import importlib.metadata"}, std::chrono::seconds(30)))
            GTEST_SKIP() << "no python3 here";
        folder_ = testing::TempDir() + fmt::format("python_stack_{}", ::getpid());
        std::filesystem::create_directories(folder_ + "/user/jax-9.8.7.dist-info");
        std::filesystem::create_directories(folder_ + "/here/jax-0.0.1.dist-info");
        write("/user/jax-9.8.7.dist-info/METADATA",
              "Metadata-Version: 2.1\nName: jax\nVersion: 9.8.7\n");
        write("/here/jax-0.0.1.dist-info/METADATA",
              "Metadata-Version: 2.1\nName: jax\nVersion: 0.0.1\n");
        write("/here/json.py", "raise SystemExit('the working folder was imported')\n");
        before_ = std::filesystem::current_path();
        std::filesystem::current_path(folder_ + "/here");
        if (const char* value = std::getenv("PYTHONPATH")) path_before_ = value;
    }
    void TearDown() override {
        if (folder_.empty()) return;
        path_before_ ? ::setenv("PYTHONPATH", path_before_->c_str(), 1) : ::unsetenv("PYTHONPATH");
        std::filesystem::current_path(before_);
        std::filesystem::remove_all(folder_);
    }
    void write(const std::string& path, const std::string& text) const {
        std::ofstream(folder_ + path) << text;
    }

    std::unique_ptr<SysRoot> root_;
    std::string folder_;
    std::filesystem::path before_;
    std::optional<std::string> path_before_;
};

TEST_F(PythonStackLive, HonoursPythonpathAndIgnoresTheWorkingFolder) {
    ::unsetenv("PYTHONPATH");
    const auto plain = stack_of(*root_);
    ASSERT_TRUE(plain.at("python_version")) << plain.at("python_version").reason();
    EXPECT_NE(plain.at("jax_version").value_or(""), "0.0.1");
    ::setenv("PYTHONPATH", (folder_ + "/user").c_str(), 1);
    const auto stack = stack_of(*root_);
    ASSERT_TRUE(stack.at("jax_version")) << stack.at("jax_version").reason();
    EXPECT_EQ(*stack.at("jax_version"), "9.8.7");
}

TEST_F(PythonStackLive, AnInterpreterThatIsNoneIsToldApart) {
    SKIP_IF_EMULATED();
    write("/not_python", "#!/bin/sh\necho 'I am no snake' >&2\nexit 7\n");
    std::filesystem::permissions(folder_ + "/not_python", std::filesystem::perms::owner_all);
    EXPECT_THAT(stack_of(*root_, folder_ + "/not_python").at("numpy_version").reason(),
                AllOf(HasSubstr("exit code 7"), HasSubstr("I am no snake")));
    write("/text", "no program");
    EXPECT_THAT(stack_of(*root_, folder_ + "/text").at("numpy_version").reason(),
                StartsWith("could not be read: "));
    EXPECT_THAT(stack_of(*root_, folder_ + "/none").at("numpy_version").reason(),
                StartsWith("not installed: "));
}

}  // namespace
}  // namespace peakward
