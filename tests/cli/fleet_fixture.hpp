// The made fleet in a database, on a day that is always the same.
#pragma once

#include <chrono>
#include <memory>

#include "cli/checked_document.hpp"
#include "cli/fixture.hpp"
#include "cli/fleet_truth.hpp"
#include "cli/made_fleet.hpp"
#include "store/run_store.hpp"

namespace peakward::cli {

inline constexpr std::int64_t fleet_today_unix = 1768478400;  // 2026-01-15 12:00 UTC

class FixedClock final : public Clock {
public:
    Nanoseconds monotonic() override { return {}; }
    std::chrono::system_clock::time_point wall_now() override {
        return std::chrono::system_clock::from_time_t(fleet_today_unix);
    }
    void sleep_for(Nanoseconds) override {}
};

class FleetTest : public CliTest {
protected:
    void SetUp() override {
        CliTest::SetUp();
        clock_ = std::make_unique<FixedClock>();
        std::filesystem::copy_file(stored_fleet().path, database());
    }

    void append(const std::vector<peakward::Run>& runs) const {
        auto store = open_store(database(), OpenMode::append);
        ASSERT_TRUE(store) << store.error().message;
        const auto outcomes = (*store)->append_all(runs);
        ASSERT_TRUE(outcomes) << outcomes.error().message;
    }

    CheckedDocument checked(const std::vector<std::string>& arguments, int expected_code = 0) {
        std::string name;
        for (const std::string& word : arguments) name += (name.empty() ? "" : " ") + word;
        return CheckedDocument(document(arguments, expected_code), name);
    }
    // Every document has its own version; these are all at their first.
    static void expect_all_checked(CheckedDocument& document) {
        Place(document).is("schema_version", 1);
        document.expect_all_checked();
    }

    static const std::vector<peakward::Run>& runs() { return stored_fleet().runs; }

private:
    // Appended once, and copied for each test of this program.
    struct StoredFleet {
        StoredFleet() : runs(fleet::made_runs()) {
            std::string name = ::testing::TempDir() + "pw-fleet-XXXXXX";
            EXPECT_NE(::mkdtemp(name.data()), nullptr);
            folder = name;
            path = folder / "runs.db";
            StoreOptions options;
            options.memory_folder = (folder / "heads").string();
            auto store = open_store(path.string(), OpenMode::append, options);
            EXPECT_TRUE(store && (*store)->append_all(runs));
        }
        ~StoredFleet() {
            std::error_code error;
            std::filesystem::remove_all(folder, error);
        }
        StoredFleet(const StoredFleet&) = delete;
        StoredFleet& operator=(const StoredFleet&) = delete;

        std::vector<peakward::Run> runs;
        std::filesystem::path folder, path;
    };
    static const StoredFleet& stored_fleet() {
        static const StoredFleet stored;
        return stored;
    }
};

}  // namespace peakward::cli
