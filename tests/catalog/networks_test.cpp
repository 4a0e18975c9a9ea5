#include <gtest/gtest.h>

#include <set>

#include "catalog/catalog.hpp"
#include "catalog/networks/graph.hpp"

namespace peakward::catalog {
namespace {

Graph build(const char* name, std::int64_t batch = 1) { return find_network(name)->build(batch); }
Case run_of(const std::string& name, std::int64_t batch, const char* precision = "fp32") {
    return {name, precision, {{"batch", batch}}, "cpu", "onnxruntime", 1};
}

struct Published {
    const char* network;
    std::int64_t parameters;
    double multiply_adds_low, multiply_adds_high;
    int convolutions;
};

// Parameters and multiply-adds: torchvision's documentation of its pre-trained weights (num_params,
// and GFLOPS, which counts multiply-adds); three digits are in the weights' `_ops` in
// torchvision/models/resnet.py and mobilenetv2.py: 1.814, 4.089, 0.301. ViT-Ti/16: timm's card of
// vit_tiny_patch16_224, 5.7 M parameters and 1.1 GMACs, a count without the products of attention;
// 5,717,416 is what summing the tensors of that model gives. Convolutions: the depths in table 1 of
// He et al. (2016) plus the projections of shortcuts, table 2 of Sandler et al. (2018), and the one
// that cuts a ViT's image into patches.
constexpr Published published[] = {
    {"resnet18", 11689512, 1.8135e9, 1.8145e9, 20},
    {"resnet50", 25557032, 4.0885e9, 4.0895e9, 53},
    {"mobilenet_v2", 3504872, 0.3005e9, 0.3015e9, 52},
    {"vit_tiny", 5717416, 1.075e9, 1.26e9, 1},
};

TEST(Networks, HaveThePublishedParametersAndWork) {
    for (const Published& known : published) {
        const Graph graph = build(known.network);
        EXPECT_EQ(parameters(graph), known.parameters) << known.network;
        EXPECT_GE(multiply_adds(graph), known.multiply_adds_low) << known.network;
        EXPECT_LE(multiply_adds(graph), known.multiply_adds_high) << known.network;
        EXPECT_EQ(node_counts(graph).at("Conv"), known.convolutions) << known.network;
    }
}

// 197 tokens of 192 features in 12 blocks: the two products of attention are 2 x 197^2 x 192 each,
// by hand, and the rest is every weight of a matrix once for each token.
TEST(Networks, CountTheProductsOfAttention) {
    const std::int64_t products = 12 * 2 * 197 * 197 * 192;
    const std::int64_t matrices = 12 * (192 * 576 + 192 * 192 + 2 * 192 * 768);
    EXPECT_EQ(multiply_adds(build("vit_tiny")),
              products + 197 * matrices + 196 * 768 * 192 + 192 * 1000);
}

// A layer of BERT-base has 7,087,872 parameters: 4 (768^2 + 768) + 2 x 768 x 3072 + 3072 + 768 +
// 4 x 768.
TEST(Networks, BuildingBlocksHaveTheSizeOfTheirModels) {
    EXPECT_EQ(parameters(build("transformer_encoder")), 7087872);
    EXPECT_EQ(parameters(build("attention_block")), 4 * (768 * 768 + 768) + 2 * 768);
    EXPECT_EQ(parameters(build("mlp")), 1024 * 2048 + 2048 * 2048 + 2048 * 1024 + 2 * 2048 + 1024);
    EXPECT_EQ(parameters(build("resnet_bottleneck")),
              2 * 1024 * 256 + 9 * 256 * 256 + 2 * (256 + 256 + 1024));
    EXPECT_EQ(parameters(build("depthwise_separable")), 512 * 9 + 512 * 512 + 4 * 512);
    EXPECT_EQ(multiply_adds(build("depthwise_separable")), 196 * (512 * 9 + 512 * 512));
}

// Every input stands before its node, every name is made once, and every tensor has a shape.
void check_order(const Graph& graph) {
    std::set<std::string> made{graph.input};
    for (const Initialiser& tensor : graph.initialisers) {
        EXPECT_TRUE(made.insert(tensor.name).second) << graph.name << ": " << tensor.name;
        EXPECT_EQ(graph.shapes.at(tensor.name), tensor.shape);
        const std::int64_t given = std::ssize(tensor.integers);
        EXPECT_TRUE(given == 0 || given == elements(tensor.shape)) << tensor.name;
    }
    for (const Node& node : graph.nodes) {
        for (const std::string& input : node.inputs)
            EXPECT_TRUE(made.contains(input)) << node.name << ": " << input;
        for (const std::string& output : node.outputs) {
            EXPECT_TRUE(made.insert(output).second) << graph.name << ": " << output;
            EXPECT_GT(elements(graph.shapes.at(output)), 0) << output;
        }
    }
    EXPECT_TRUE(made.contains(graph.output));
    EXPECT_EQ(graph.shapes.size(), made.size());
}

TEST(Networks, AreGraphsInTheOrderOfTheirRun) {
    for (const Network& network : networks())
        for (const std::int64_t batch : {1, 8}) {
            const Graph graph = network.build(batch);
            EXPECT_EQ(graph.name, network.name);
            EXPECT_EQ(graph.shapes.at(graph.input)[0], batch);
            EXPECT_EQ(graph.shapes.at(graph.output)[0], batch);
            check_order(graph);
        }
}

TEST(Networks, OnlyTheWorkGrowsWithTheBatch) {
    for (const Network& network : networks()) {
        const Graph one = network.build(1), eight = network.build(8);
        EXPECT_EQ(multiply_adds(eight), 8 * multiply_adds(one)) << network.name;
        EXPECT_EQ(weight_elements(eight), weight_elements(one)) << network.name;
        EXPECT_EQ(parameters(eight), parameters(one)) << network.name;
    }
}

TEST(Networks, ClassifyIntoAThousand) {
    for (const Published& known : published) {
        const Graph graph = build(known.network, 2);
        EXPECT_EQ(graph.shapes.at(graph.output), (Dimensions{2, 1000})) << known.network;
    }
}

TEST(NetworkOperations, ReadTheirWorkFromTheGraph) {
    for (const Network& network : networks()) {
        const Operation* op = find_operation(network.name);
        ASSERT_NE(op, nullptr) << network.name;
        EXPECT_EQ(op->layer, network.layer);
        EXPECT_EQ(op->kind, OperationClass::network);
        const Graph graph = network.build(3);
        EXPECT_EQ(op->operations(run_of(network.name, 3)).value(),
                  static_cast<double>(operations(graph)));
        const std::int64_t moved = weight_elements(graph) + elements(graph.shapes.at(graph.input)) +
                                   elements(graph.shapes.at(graph.output));
        EXPECT_EQ(op->bytes(run_of(network.name, 3, "fp16")).value(),
                  2.0 * static_cast<double>(moved));
        EXPECT_EQ(op->tolerance(run_of(network.name, 3)), 1e-4);
        EXPECT_EQ(op->tolerance(run_of(network.name, 3, "bf16")), 5e-2);
    }
}

TEST(NetworkOperations, AreInEverySuiteThatNamesTheirLayer) {
    for (const char* id : {"quick", "standard", "full"}) {
        const Suite suite = find_suite(id).value();
        for (const SuiteEntry& entry : suite.entries) {
            if (find_network(entry.operation) == nullptr) continue;
            EXPECT_FALSE(entry.shapes.empty()) << id << " " << entry.operation;
            for (const Shape& shape : entry.shapes) EXPECT_GE(axis(shape, "batch"), 1);
        }
    }
}

}  // namespace
}  // namespace peakward::catalog
