#include "store/head_memory.hpp"

#include <filesystem>

#include "core/json.hpp"
#include "core/posix.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"

namespace peakward::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_bytes_max = 16 << 10;  // a path has 4 KiB at most

// One name for one file, however it is written.
std::string whole_path(const std::string& location) {
    std::error_code error;
    const fs::path path = fs::weakly_canonical(location, error);
    return error ? location : path.string();
}

// One file for each database: two programs never write over what the other remembers.
std::string file_of(const std::string& folder, const std::string& location) {
    constexpr std::size_t letters = 32;
    return fmt::format("{}/{}.json", folder, sha256_hex(whole_path(location)).substr(0, letters));
}

}  // namespace

std::optional<SeenHead> seen_head(const std::string& folder, const std::string& location) {
    if (folder.empty()) return std::nullopt;
    const auto text = read_whole_file(file_of(folder, location), file_bytes_max);
    if (!text) return std::nullopt;
    const Json json = Json::parse(*text, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    const auto word = [&](const char* name) {
        const auto field = json.find(name);
        return field != json.end() && field->is_string() ? field->get<std::string>() : "";
    };
    const auto seq = json.find("seq");
    SeenHead seen;
    if (seq != json.end() && seq->is_number_integer()) seen.head.seq = seq->get<std::int64_t>();
    seen.head.chain_sha256 = word("chain_sha256");
    seen.first_chain_sha256 = word("first_chain_sha256");
    if (seen.head.seq < 1 || word("database") != whole_path(location)) return std::nullopt;
    return seen;
}

void remember_head(const std::string& folder, const std::string& location, const SeenHead& seen) {
    if (folder.empty() || seen.head.seq < 1) return;
    std::error_code error;
    fs::create_directories(folder, error);
    const Json json{{"database", whole_path(location)},
                    {"seq", seen.head.seq},
                    {"chain_sha256", seen.head.chain_sha256},
                    {"first_chain_sha256", seen.first_chain_sha256}};
    (void)write_file_atomically(file_of(folder, location),
                                json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::string went_back(const std::string& folder, const std::string& location,
                      const ChainHead& seen) {
    return fmt::format(
        "{} went back: run seq {} with chain hash {} was the newest when this account has last "
        "seen "
        "it, and is not in it now. Runs were removed at the end, or an older copy was put in its "
        "place; if you did that, remove {}",
        location, seen.seq, seen.chain_sha256, file_of(folder, location));
}

}  // namespace peakward::store
