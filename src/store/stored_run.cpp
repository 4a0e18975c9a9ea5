#include "store/stored_run.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <tuple>

#include "core/records_json.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "store/packed.hpp"
#include "store/period.hpp"

namespace peakward::store {
namespace {

constexpr char windows_version = 1;
constexpr unsigned verdict_mask = 7, same_iterations = 8, same_clock = 16;
constexpr const char* windows_field = "windows_sha256";

bool same_bits(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool is_plain_id(std::string_view id) {
    if (id.empty() || id.size() > 128) return false;
    return id.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:") ==
           std::string_view::npos;
}

Status check_storable(const Run& run) {
    if (!is_plain_id(run.run_id))
        return failed(fmt::format(
            "the run cannot be stored: its run_id '{}' is not 1 to 128 letters, digits and '-_.:'",
            run.run_id));
    const auto when = parse_period(run.timestamp);
    if (!when || when->begin != run.timestamp_unix || when->end != when->begin + 1)
        return failed(
            fmt::format("run {} cannot be stored: timestamp '{}' and timestamp_unix {} do "
                        "not name the same second",
                        run.run_id, run.timestamp, run.timestamp_unix));
    std::set<std::tuple<std::string, std::string, std::string>> seen;
    for (const Score& score : run.results)
        if (!seen.emplace(score.device, score.backend, score.precision).second)
            return failed(
                fmt::format("run {} cannot be stored: results has two rows for device {}, backend "
                            "{}, precision {}",
                            run.run_id, score.device, score.backend, score.precision));
    return {};
}

bool all_finite(const Json& json) {
    if (json.is_number_float()) return std::isfinite(json.get<double>());
    if (!json.is_structured()) return true;
    return std::all_of(json.begin(), json.end(), all_finite);
}

Result<Run> run_of_json(const Json& json, std::string_view what) {
    auto run = run_from_json(json);
    if (!run) return failed(fmt::format("{}: {}", what, run.error().message));
    return run;
}

}  // namespace

std::string encode_windows(const std::vector<Measurement>& measurements) {
    std::string out(1, windows_version);
    put_count(out, measurements.size());
    for (const Measurement& measurement : measurements) {
        put_count(out, measurement.windows.size());
        Window before;
        before.start_ns = before.wall_ns = 0;
        for (const Window& window : measurement.windows) {
            unsigned head = static_cast<unsigned>(window.verdict) & verdict_mask;
            if (same_bits(window.iterations, before.iterations)) head |= same_iterations;
            if (same_bits(window.clock_hz, before.clock_hz)) head |= same_clock;
            out.push_back(char(head));
            const auto end = std::uint64_t(before.start_ns) + std::uint64_t(before.wall_ns);
            put_difference(out, std::uint64_t(window.start_ns) - end);
            put_difference(out, std::uint64_t(window.wall_ns) - std::uint64_t(before.wall_ns));
            if (!(head & same_iterations)) put_number(out, window.iterations);
            if (!(head & same_clock)) put_number(out, window.clock_hz);
            before = window;
        }
    }
    return out;
}

Status decode_windows(std::string_view bytes, std::vector<Measurement>& measurements) {
    Unpacker in(bytes);
    if (in.byte() != unsigned{windows_version})
        return failed("its raw windows are in a form that this program does not know");
    if (in.count() != measurements.size())
        return failed("its raw windows are not those of its measurements");
    for (Measurement& measurement : measurements) {
        const std::uint64_t count = in.count();
        // A window takes 3 bytes at least: a count beyond that is damage, not a reason to allocate.
        if (!in.ok() || count > in.left() / 3) return failed("its raw windows are cut short");
        measurement.windows.assign(count, Window{});
        Window before;
        for (Window& window : measurement.windows) {
            const unsigned head = in.byte();
            if ((head & verdict_mask) > unsigned(verdict_last))
                return failed("its raw windows hold a verdict that this program does not know");
            window.verdict = Verdict(head & verdict_mask);
            const auto end = std::uint64_t(before.start_ns) + std::uint64_t(before.wall_ns);
            window.start_ns = std::int64_t(end + in.difference());
            window.wall_ns = std::int64_t(std::uint64_t(before.wall_ns) + in.difference());
            window.iterations = head & same_iterations ? before.iterations : in.number();
            window.clock_hz = head & same_clock ? before.clock_hz : in.number();
            before = window;
        }
    }
    if (!in.ok() || !in.at_end()) return failed("its raw windows are cut short or too long");
    return {};
}

Result<Run> run_of_document(std::string_view document, std::string_view what) {
    auto json = parse_json(document, what);
    if (!json) return tl::make_unexpected(json.error());
    return run_of_json(*json, what);
}

Result<StoredRun> stored_form(const Run& run) {
    if (auto status = check_storable(run); !status) return tl::make_unexpected(status.error());
    StoredRun stored;
    stored.windows = encode_windows(run.measurements);
    Json json = to_json(run, WithWindows::no);
    json[windows_field] = sha256_hex(stored.windows);
    stored.document = canonical_json(json);
    stored.sha256 = sha256_hex(stored.document);
    // What cannot be read back is found now and not in a year. Parsing the text again would cost
    // more than all the rest; it differs from the value only where text was not UTF-8 (replaced) or
    // a number not finite (null: absent where it may be, else refused).
    const bool is_as_written =
        stored.document.find("\xef\xbf\xbd") == std::string::npos && all_finite(json);
    const std::string what = fmt::format("run {} cannot be stored", run.run_id);
    auto back = is_as_written ? run_of_json(json, what) : run_of_document(stored.document, what);
    if (!back) return tl::make_unexpected(back.error());
    stored.as_read = std::move(*back);
    return stored;
}

std::string windows_sha256_of(const Json& document) {
    const auto field = document.find(windows_field);
    return field != document.end() && field->is_string() ? field->get<std::string>() : "";
}

}  // namespace peakward::store
