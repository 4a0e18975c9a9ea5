#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <thread>

#include "catalog/networks/graph.hpp"
#include "core/json.hpp"
#include "networks/formats.hpp"
#include "networks/networks.hpp"
#include "networks/scratch.hpp"

namespace peakward {
namespace {

using networks_test::contents;
using networks_test::read_file;
using networks_test::Scratch;
using networks_test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr const char* small = "depthwise_separable";  // 1 MB, a tenth of a second

class Materialise : public testing::Test {
protected:
    void SetUp() override {
        if (!networks_can_be_written()) GTEST_SKIP() << "built without ONNX";
    }
    NetworkFiles make(const std::string& network = small, std::int64_t batch = 1) {
        const auto files = materialise(network, batch, scratch_.folder());
        EXPECT_TRUE(files) << files.error().message;
        return files.value_or(NetworkFiles{});
    }
    Scratch scratch_;
};

std::vector<float> floats(const std::string& bytes) {
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
}

TEST_F(Materialise, WritesTheFilesOfANetwork) {
    const NetworkFiles files = make();
    EXPECT_TRUE(files.written);
    EXPECT_THAT(files.folder, HasSubstr(scratch_.folder() + "/networks/depthwise_separable-b1-"));
    std::vector<std::string> names;
    std::int64_t total = 0;
    for (const auto& [name, content] : contents(files.folder)) {
        names.push_back(name);
        if (name != "manifest.json") total += std::ssize(content);
    }
    EXPECT_THAT(names, ElementsAre("graph.json", "input.bin", "manifest.json", "model.onnx",
                                   "output.bin", "weights.bin"));
    EXPECT_EQ(files.total_bytes, total);
    EXPECT_EQ(fs::file_size(files.folder + "/input.bin"), 4U * 512 * 14 * 14);
    EXPECT_EQ(fs::file_size(files.folder + "/output.bin"), 4U * 512 * 14 * 14);
}

TEST_F(Materialise, UsesGoodFilesThatAreThere) {
    const NetworkFiles first = make();
    const auto before = contents(scratch_.folder());
    const auto written_at = fs::last_write_time(first.folder + "/model.onnx");
    const NetworkFiles second = make();
    EXPECT_FALSE(second.written);
    EXPECT_EQ(second.folder, first.folder);
    EXPECT_EQ(second.total_bytes, first.total_bytes);
    EXPECT_EQ(fs::last_write_time(first.folder + "/model.onnx"), written_at);
    EXPECT_EQ(contents(scratch_.folder()), before);
}

TEST_F(Materialise, WritesTheSameBytesAnywhere) {
    make();
    const Scratch elsewhere;
    ASSERT_TRUE(materialise(small, 1, elsewhere.folder()));
    EXPECT_EQ(contents(scratch_.folder()), contents(elsewhere.folder()));
}

TEST_F(Materialise, WritesDamagedFilesAgain) {
    const std::string folder = make().folder;
    const auto good = contents(folder);
    for (const auto& [name, content] : good) {
        const std::string path = folder + "/" + name;
        std::string spoilt = content;
        spoilt[spoilt.size() / 2] ^= 1;
        write_file(path, spoilt);
        const bool noticed = make().written;
        // A bit of the manifest may be in what nobody relies on; then it stays.
        if (name != "manifest.json") {
            EXPECT_TRUE(noticed) << name;
            EXPECT_EQ(read_file(path), content) << name;
        }
        write_file(path, content.substr(0, content.size() / 2));
        EXPECT_TRUE(make().written) << name;
        EXPECT_EQ(contents(folder), good) << name;
        fs::remove(path);
        EXPECT_TRUE(make().written) << name;
        EXPECT_EQ(contents(folder), good) << name;
    }
}

TEST_F(Materialise, ReplacesWhateverStandsInItsPlace) {
    const std::string folder = make().folder;
    fs::remove_all(folder);
    write_file(folder, "a file");
    EXPECT_TRUE(make().written);
    fs::create_directory(fs::path(folder).parent_path() /
                         ("." + fs::path(folder).filename().string() + ".part"));
    fs::remove(folder + "/manifest.json");
    EXPECT_TRUE(make().written);
}

TEST_F(Materialise, SeveralAtTheSameTimeGiveOneResult) {
    std::vector<std::thread> threads;
    std::vector<int> written(4, -1);
    for (int& mine : written)
        threads.emplace_back([&mine, this] { mine = make().written ? 1 : 0; });
    for (std::thread& thread : threads) thread.join();
    std::sort(written.begin(), written.end());
    EXPECT_THAT(written, ElementsAre(0, 0, 0, 1));
}

TEST_F(Materialise, ABatchSharesWeightsAndTheFirstAnswer) {
    const std::string one = make(small, 1).folder, three = make(small, 3).folder;
    EXPECT_NE(one, three);
    EXPECT_EQ(read_file(one + "/weights.bin"), read_file(three + "/weights.bin"));
    EXPECT_EQ(read_file(one + "/output.bin"), read_file(three + "/output.bin"));
    const std::string input = read_file(one + "/input.bin");
    EXPECT_EQ(read_file(three + "/input.bin").substr(0, input.size()), input);
    EXPECT_EQ(read_file(three + "/input.bin").size(), 3 * input.size());
}

TEST_F(Materialise, AnswersAreFiniteAndDiffer) {
    for (const char* network : {small, "resnet_bottleneck", "attention_block", "mlp"}) {
        const auto values = floats(read_file(make(network).folder + "/output.bin"));
        double sum = 0, squares = 0;
        for (const float value : values) {
            ASSERT_TRUE(std::isfinite(value)) << network;
            sum += value;
            squares += double{value} * value;
        }
        const double mean = sum / double(values.size());
        const double deviation = std::sqrt(squares / double(values.size()) - mean * mean);
        EXPECT_GT(deviation, 0.2) << network;
        EXPECT_LT(deviation, 5) << network;
    }
}

TEST_F(Materialise, TheGraphForPyTorchSaysWhereWeightsStand) {
    const std::string folder = make().folder;
    const Json graph = parse_json(read_file(folder + "/graph.json"), "graph.json").value();
    EXPECT_EQ(graph["network"], small);
    EXPECT_EQ(graph["shapes"][graph["input"].get<std::string>()], Json({1, 512, 14, 14}));
    EXPECT_EQ(graph["nodes"][0]["op"], "Conv");
    EXPECT_EQ(graph["nodes"][0]["attributes"]["group"], 512);
    const auto size = fs::file_size(folder + "/weights.bin");
    for (const Json& tensor : graph["initialisers"]) {
        std::size_t count = 4;
        for (const Json& dimension : tensor["shape"]) count *= dimension.get<std::size_t>();
        EXPECT_LE(tensor["offset_bytes"].get<std::size_t>() + count, size) << tensor["name"];
    }
}

TEST_F(Materialise, TheModelIsCheckedByOnnx) {
    const std::string folder = make("attention_block", 2).folder;
    EXPECT_TRUE(detail::check_onnx(folder + "/model.onnx"));
    const auto model = read_file(folder + "/model.onnx");
    EXPECT_LT(model.size(), 100000U);  // the weights stand beside it
    write_file(folder + "/model.onnx", model.substr(0, model.size() / 2));
    EXPECT_FALSE(detail::check_onnx(folder + "/model.onnx"));
}

// ONNX infers shapes by itself; a graph whose shapes are not those is refused.
TEST_F(Materialise, OnnxAgreesWithTheShapesOfEveryNetwork) {
    for (const catalog::Network& network : catalog::networks()) {
        catalog::Graph graph = network.build(2);
        const detail::WeightLayout layout = detail::weight_layout(graph);
        write_file(scratch_.folder() + "/weights.bin", "");
        const std::string path = scratch_.folder() + "/model.onnx";
        write_file(path, detail::onnx_model(graph, layout).value());
        const Status good = detail::check_onnx(path);
        EXPECT_TRUE(good) << good.error().message;
        graph.shapes[graph.nodes[graph.nodes.size() / 2].outputs[0]].back() += 1;
        write_file(path, detail::onnx_model(graph, layout).value());
        EXPECT_FALSE(detail::check_onnx(path)) << network.name;
    }
}

TEST(MaterialiseRefuses, WhatIsNoNetworkOrNoBatch) {
    const Scratch scratch;
    const auto unknown = materialise("resnet19", 1, scratch.folder());
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().kind, ErrorKind::usage);
    EXPECT_THAT(unknown.error().message, HasSubstr("did you mean resnet18"));
    for (const std::int64_t batch : {-1, 0, 5000}) {
        const auto none = materialise(small, batch, scratch.folder());
        ASSERT_FALSE(none);
        EXPECT_THAT(none.error().message, HasSubstr("is not between 1 and 4096"));
    }
    const auto nowhere = materialise(small, 1, "");
    ASSERT_FALSE(nowhere);
    EXPECT_THAT(nowhere.error().message, HasSubstr("XDG_CACHE_HOME"));
}

TEST_F(Materialise, AFolderThatCannotBeMadeIsOneSentence) {
    write_file(scratch_.folder() + "/file", "");
    const auto files = materialise(small, 1, scratch_.folder() + "/file");
    ASSERT_FALSE(files);
    EXPECT_EQ(files.error().kind, ErrorKind::failed);
    EXPECT_THAT(files.error().message, HasSubstr("/file/networks: Not a directory; "));
    EXPECT_THAT(files.error().message, HasSubstr("XDG_CACHE_HOME"));
}

// A limit on the size of files stands for a full disk: write() fails half-way.
TEST_F(Materialise, AFullDiskLeavesNothingBehind) {
    struct rlimit before {};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit little = before;
    little.rlim_cur = 200000;
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
    const auto files = materialise(small, 1, scratch_.folder());
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);
    ASSERT_FALSE(files);
    EXPECT_THAT(files.error().message, HasSubstr("weights.bin: File too large"));
    EXPECT_THAT(files.error().message, HasSubstr("free some space"));
    EXPECT_TRUE(contents(scratch_.folder()).empty());
    EXPECT_TRUE(make().written);
}

TEST(UsualCacheFolder, FollowsTheXdgSpecification) {
    const auto with = [](const char* cache, const char* home) {
        ::setenv("XDG_CACHE_HOME", cache, 1);
        ::setenv("HOME", home, 1);
        return usual_cache_folder();
    };
    const std::string home = ::getenv("HOME") == nullptr ? "" : ::getenv("HOME");
    const char* cache = ::getenv("XDG_CACHE_HOME");
    const std::string kept = cache == nullptr ? "" : cache;
    EXPECT_EQ(with("/cache", "/home/x"), "/cache/peakward");
    EXPECT_EQ(with("relative", "/home/x"), "/home/x/.cache/peakward");
    EXPECT_EQ(with("", ""), "");
    ::setenv("HOME", home.c_str(), 1);
    cache == nullptr ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", kept.c_str(), 1);
}

TEST(MaterialiseWithoutOnnx, SaysSo) {
    if (networks_can_be_written()) GTEST_SKIP() << "built with ONNX";
    const Scratch scratch;
    const auto files = materialise(small, 1, scratch.folder());
    ASSERT_FALSE(files);
    EXPECT_THAT(files.error().message, HasSubstr("built without ONNX"));
    EXPECT_TRUE(contents(scratch.folder()).empty());
}

}  // namespace
}  // namespace peakward
