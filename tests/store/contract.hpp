// For the tests that every engine takes: an engine takes part by one line at the end.
#pragma once

#include <gmock/gmock.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "store/run_store.hpp"
#include "store/scratch.hpp"

namespace peakward::store_test {

struct Engine {
    friend void PrintTo(const Engine& engine, std::ostream* out) { *out << engine.name; }
    const char* name;
    // A location where there is no database yet; `scratch` may hold it.
    std::string (*fresh_location)(const Scratch& scratch);
};

class Contract : public ::testing::TestWithParam<Engine> {
protected:
    std::unique_ptr<RunStore> open(OpenMode mode = OpenMode::append) {
        auto store = open_store(location_, mode);
        EXPECT_TRUE(store) << message_of(store);
        return store ? std::move(*store) : nullptr;
    }
    void append_all(RunStore& store, std::initializer_list<std::uint64_t> seeds) {
        for (const std::uint64_t seed : seeds) {
            const auto outcome = store.append(make_small_run(seed));
            ASSERT_TRUE(outcome) << message_of(outcome);
            ASSERT_EQ(*outcome, AppendOutcome::appended);
        }
    }
    static std::vector<std::string> ids(const std::vector<RunSummary>& runs) {
        std::vector<std::string> list;
        for (const RunSummary& run : runs) list.push_back(run.run_id);
        return list;
    }

    Scratch scratch_;
    std::string location_ = GetParam().fresh_location(scratch_);
};

inline std::string name_of_engine(const ::testing::TestParamInfo<Engine>& tested) {
    return tested.param.name;
}

inline std::vector<Engine> engines() {
    return {{"Sqlite", [](const Scratch& scratch) { return scratch / "calibrations.db"; }}};
}

}  // namespace peakward::store_test

#define PEAKWARD_FOR_EACH_ENGINE(suite)                                                            \
    INSTANTIATE_TEST_SUITE_P(Every, suite, ::testing::ValuesIn(::peakward::store_test::engines()), \
                             ::peakward::store_test::name_of_engine)
