#include <cstdlib>
#include <filesystem>

#include "core/state_folder.hpp"
#include "core/text.hpp"
#include "store/run_store.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace peakward {
namespace {

Result<std::string> file_of(const std::string& location) {
    if (location.empty())
        return wrong_usage(
            "no database is named: give a file with --db, or set PEAKWARD_DB or HOME");
    if (location.starts_with("postgresql://") || location.starts_with("postgres://"))
        return wrong_usage(
            fmt::format("{}: PostgreSQL databases come with a later release of Peakward; name "
                        "a file with --db",
                        location.substr(0, location.find("://") + 3) + "..."));
    if (const auto scheme = location.find("://"); scheme != std::string::npos)
        return wrong_usage(
            fmt::format("{}: Peakward knows no databases of the kind '{}': name a "
                        "file with --db",
                        location, location.substr(0, scheme)));
    // Absolute, so that no name means something special to SQLite (":memory:") and messages say
    // where.
    std::error_code error;
    const auto path = std::filesystem::absolute(location, error);
    if (error)
        return failed(fmt::format("{}: {}: name the database by its whole path with --db", location,
                                  error.message()));
    return path.lexically_normal().string();
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

}  // namespace

std::string default_store_location(const std::string& from_option) {
    if (!from_option.empty()) return from_option;
    if (std::string location = variable("PEAKWARD_DB"); !location.empty()) return location;
    // The XDG base directory specification: a relative XDG_DATA_HOME is to be ignored.
    std::string data = variable("XDG_DATA_HOME");
    if (!data.starts_with('/')) {
        const std::string home = variable("HOME");
        if (home.empty()) return "";
        data = home + "/.local/share";
    }
    return data + "/peakward/calibrations.db";
}

namespace {

store::SqliteOptions sqlite_options(StoreOptions options) {
    store::SqliteOptions all;
    static_cast<StoreOptions&>(all) = std::move(options);
    if (const std::string state = usual_state_folder(); all.memory_folder.empty() && !state.empty())
        all.memory_folder = state + "/heads";
    return all;
}

}  // namespace

Result<std::unique_ptr<RunStore>> open_store(const std::string& location, OpenMode mode,
                                             StoreOptions options) {
    auto path = file_of(location);
    if (!path) return tl::make_unexpected(path.error());
    return store::open_sqlite_store(*path, mode, sqlite_options(std::move(options)));
}

Result<MigrationReport> migrate_store(const std::string& location, StoreOptions options) {
    auto path = file_of(location);
    if (!path) return tl::make_unexpected(path.error());
    return store::migrate_sqlite(*path, sqlite_options(std::move(options)));
}

}  // namespace peakward
