#include "session/changes.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "core/posix.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t csv_bytes_max = 256u << 20;
constexpr double false_discovery_share = 0.05;
constexpr std::string_view standard_input = "-";

Result<std::vector<std::string>> csv_files_in(const std::string& folder) {
    std::error_code error;
    std::vector<std::string> files;
    fs::directory_iterator entries(folder, error);
    for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
        std::error_code unknown;
        if (to_lower(entries->path().extension().string()) == ".csv" &&
            entries->is_regular_file(unknown))
            files.push_back(entries->path().string());
    }
    if (error) return failed(fmt::format("cannot read folder {}: {}", folder, error.message()));
    if (files.empty())
        return failed(
            fmt::format("there is no .csv file in folder {} (folders below it are not "
                        "looked into)",
                        folder));
    std::sort(files.begin(), files.end());
    return files;
}

// Each file once, however often it is named.
Result<std::vector<std::string>> files_of(const std::vector<std::string>& paths) {
    std::vector<std::string> files;
    std::set<std::string> seen;
    for (const std::string& path : paths) {
        std::error_code error;
        std::vector<std::string> found{path};
        if (path != standard_input && fs::is_directory(path, error)) {
            auto inside = csv_files_in(path);
            if (!inside) return inside;
            found = std::move(*inside);
        }
        for (std::string& file : found) {
            const std::string place =
                file == standard_input ? file : fs::weakly_canonical(file, error).string();
            if (seen.insert(place).second) files.push_back(std::move(file));
        }
    }
    return files;
}

std::string too_large(const std::string& name) {
    return fmt::format("{} is larger than {} MiB, and over that none is read into memory: split it",
                       name, csv_bytes_max >> 20);
}

Result<std::string> csv_text_of(const std::string& file) {
    if (file == standard_input)
        return read_descriptor(STDIN_FILENO, "standard input", csv_bytes_max);
    std::error_code error;
    if (fs::is_regular_file(file, error)) {
        const auto bytes = fs::file_size(file, error);
        if (!error && bytes > csv_bytes_max) return failed(too_large(file));
    }
    return read_whole_file(file, csv_bytes_max);
}

// "gops"; "lab.csv: gops" where there are several files, by their paths where their names repeat.
void name_series(ChangesReply& reply) {
    std::map<std::string, int> uses;
    const auto short_name = [](const CsvFile& file) {
        return fs::path(file.name).filename().string();
    };
    for (const CsvFile& file : reply.files) ++uses[short_name(file)];
    for (ChangedSeries& one : reply.series) {
        const CsvFile& file = reply.files[one.file];
        const std::string name = uses[short_name(file)] > 1 ? file.name : short_name(file);
        one.name = (reply.files.size() > 1 ? name + ": " : "") + reply.column_of(one);
    }
}

// Among many series without any change some look as if they had one.
void hold_back(ChangesReply& reply) {
    std::vector<double> p_values;
    for (const ChangedSeries& one : reply.series) p_values.push_back(one.p_value);
    const std::vector<bool> keep = hold_false_discovery_rate(p_values, reply.false_discovery_share);
    std::size_t held = 0;
    for (std::size_t i = 0; i < keep.size(); ++i) {
        ChangedSeries& one = reply.series[i];
        if (keep[i] || one.report.changes.empty()) continue;
        one.held_back = one.report.changes.size();
        one.report.changes.clear();
        ++held;
    }
    if (held > 0)
        reply.notes.push_back(fmt::format(
            "{} of {} series {} held back: looked at alone {} would show a change, but of so many "
            "series some do by chance (false discovery rate {:g} %)",
            held, reply.series.size(), held == 1 ? "was" : "were", held == 1 ? "it" : "they",
            100 * reply.false_discovery_share));
}

}  // namespace

Result<ChangesReply> look_for_changes(const ChangesRequest& request, const StopToken& stop) {
    const auto files = files_of(request.paths);
    if (!files) return tl::make_unexpected(files.error());
    if (files->empty()) return wrong_usage("no file is named");
    ChangesReply reply;
    // Whoever asks for more alarms than that means it.
    reply.false_discovery_share = std::max(false_discovery_share, request.options.alpha);
    for (const std::string& path : *files) {
        const auto text = csv_text_of(path);
        if (!text) return tl::make_unexpected(text.error());
        auto file = read_csv_series(*text, path == standard_input ? "standard input" : path,
                                    request.choice, &stop);
        if (!file) return tl::make_unexpected(file.error());
        reply.notes.insert(reply.notes.end(), file->notes.begin(), file->notes.end());
        reply.files.push_back(std::move(*file));
    }
    ChangeOptions options = request.options;
    options.stop = &stop;
    for (std::size_t at = 0; at < reply.files.size(); ++at)
        for (std::size_t column = 0; column < reply.files[at].series.size(); ++column) {
            if (stop.stop_requested())
                return tl::make_unexpected(
                    Error{ErrorKind::interrupted, "interrupted before all series were analysed"});
            ChangedSeries one;
            one.file = at;
            one.column = column;
            const std::vector<double>& values = reply.values_of(one);
            one.points = static_cast<std::size_t>(std::count_if(
                values.begin(), values.end(), [](double value) { return std::isfinite(value); }));
            one.report = find_changes(values, options);
            if (stop.stop_requested()) return failed("interrupted before all series were read");
            for (const Change& change : one.report.changes)
                one.p_value = std::min(one.p_value, change.p_value);
            reply.series.push_back(std::move(one));
        }
    name_series(reply);
    hold_back(reply);
    return reply;
}

}  // namespace peakward
