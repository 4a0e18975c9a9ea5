// Files that were cut off or damaged: whatever a disk or a mail does to a profile, reading it gives
// a run or one sentence.
#include <random>

#include "import/legacy.hpp"

namespace peakward::older {
namespace {

void expect_run_or_sentence(const std::string& text) {
    const auto document = read_document(text);
    if (!document) {
        EXPECT_FALSE(document.error().message.empty());
        return;
    }
    std::string why;
    const DocumentKind kind = kind_of(document->json, why);
    if (kind != DocumentKind::older_profile) {
        EXPECT_FALSE(kind == DocumentKind::foreign && why.empty());
        return;
    }
    const auto imported = read_older_profile(document->json, document->not_numbers);
    if (imported)
        EXPECT_FALSE(imported->run.timestamp.empty());
    else
        EXPECT_FALSE(imported.error().message.empty());
}

TEST(Damage, ByTruncationGivesNoRun) {
    std::mt19937_64 random(5);
    for (const auto& file : legacy_files()) {
        const std::string whole = text_of(file);
        for (int i = 0; i < 12; ++i) {
            const auto imported = read_text(whole.substr(0, random() % (whole.size() - 2)));
            EXPECT_FALSE(imported) << file;
        }
    }
}

TEST(Damage, OfSingleBytesGivesARunOrASentence) {
    std::mt19937_64 random(7);
    for (const auto& file : legacy_files()) {
        const std::string whole = text_of(file);
        // Parsing is what takes the time: large files get fewer tries.
        const std::size_t tries = std::max<std::size_t>(8, 2'000'000 / whole.size());
        for (std::size_t i = 0; i < tries; ++i) {
            std::string damaged = whole;
            for (int byte = 0; byte < 3; ++byte)
                damaged[random() % damaged.size()] = static_cast<char>(random() & 0xFF);
            expect_run_or_sentence(damaged);
        }
    }
}

// Damage that is still JSON: a value of every kind at every place of a small profile.
TEST(Damage, OfEveryValueGivesARunOrASentence) {
    const Json whole = Json::parse(legacy_text("profiles_test_fusion_integration.json"));
    const std::vector<Json> values{nullptr,
                                   true,
                                   -1,
                                   0,
                                   1e300,
                                   "",
                                   Json::array(),
                                   Json::object(),
                                   "x",
                                   -1e-9,
                                   Json::array({Json::object()})};
    const Json flat = whole.flatten();
    for (const auto& [path, old] : flat.items()) {
        for (const Json& value : values) {
            Json damaged = whole;
            damaged[Json::json_pointer(path)] = value;
            expect_run_or_sentence(damaged.dump());
        }
    }
}

}  // namespace
}  // namespace peakward::older
