// Readers of SQLite files, and of the packed forms in them.
//
// A database that fuzzing changes byte by byte is nearly always refused at its first page. So the
// input is a list of edits to a good one, a line each, and a line that says nothing is left out:
//   bytes OFFSET HEX              bytes of the file; OFFSET is a number, from the end with "-"
//   set TABLE COLUMN ROW KIND VALUE   a cell of the ROW-th row; KIND: null, integer, real, text,
//   blob drop TABLE ROW                that row is gone plant SQL                     CREATE VIEW,
//   TRIGGER or INDEX agree                         hashes of documents and windows are made to
//   agree again
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <vector>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "fuzz/properties.hpp"
#include "fuzz/scratch.hpp"
#include "fuzz/targets.hpp"
#include "import/imported.hpp"
#include "store/foreign_rows.hpp"
#include "store/make_run.hpp"
#include "store/packed.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace peakward::fuzz {
namespace {

using store::Connection;
using store::Statement;

constexpr std::size_t edits_max = 24;

std::string from_hex(std::string_view digits) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
        unsigned value = 0;
        const auto [end, error] =
            std::from_chars(digits.data() + at, digits.data() + at + 2, value, 16);
        if (error != std::errc{} || end != digits.data() + at + 2) break;
        bytes += static_cast<char>(value);
    }
    return bytes;
}

std::string sql_name(std::string_view name) {
    std::string text = "\"";
    for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + "\"";
}

// The first `count` words of a line, and the rest of it as one.
std::vector<std::string> words_of(std::string_view line, std::size_t count) {
    std::vector<std::string> words;
    while (words.size() < count && !line.empty()) {
        const std::size_t end = std::min(line.find(' '), line.size());
        words.emplace_back(line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    words.emplace_back(line);
    return words;
}

store::Value value_of(const std::string& kind, const std::string& text) {
    if (kind == "integer") return std::int64_t{parse_integer(text).value_or(0)};
    if (kind == "real") return parse_number(text).value_or(0);
    if (kind == "text") return text;
    return std::monostate{};
}

void change_bytes(std::string& file, std::string_view line) {
    const auto words = words_of(line, 2);
    const auto offset = words.size() > 2 ? parse_integer(words[1]) : std::nullopt;
    if (!offset) return;
    const long long at = *offset < 0 ? std::ssize(file) + *offset : *offset;
    if (at < 0 || at >= std::ssize(file)) return;
    const std::string bytes = from_hex(words[2]);
    const auto place = static_cast<std::size_t>(at);
    file.replace(place, std::min(bytes.size(), file.size() - place), bytes);
}

// The condition for one row, whose place is the parameter: by its key, which every table has.
std::string nth_row(Connection& connection, const std::string& table) {
    std::vector<std::string> key;
    Statement columns =
        connection.prepare("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk");
    columns.bind(1, std::string_view(table));
    while (columns.step()) key.push_back(sql_name(columns.text(0)));
    const std::string names = key.empty() ? "rowid" : fmt::format("{}", fmt::join(key, ", "));
    return fmt::format("({0}) = (SELECT {0} FROM {1} LIMIT 1 OFFSET ?)", names, sql_name(table));
}

void change_cell(Connection& connection, std::string_view line) {
    const auto words = words_of(line, 5);
    if (words.size() < 6) return;
    Statement change =
        connection.prepare(fmt::format("UPDATE {} SET {} = ? WHERE {}", sql_name(words[1]),
                                       sql_name(words[2]), nth_row(connection, words[1])));
    if (!connection.ok()) return;
    const std::string blob = from_hex(words[5]);
    if (words[4] == "blob")
        change.bind_blob(1, blob);
    else
        change.bind(1, value_of(words[4], words[5]));
    change.bind(2, std::int64_t{parse_integer(words[3]).value_or(0)});
    change.run();
}

void drop_row(Connection& connection, std::string_view line) {
    const auto words = words_of(line, 2);
    if (words.size() < 3) return;
    Statement change = connection.prepare(
        fmt::format("DELETE FROM {} WHERE {}", sql_name(words[1]), nth_row(connection, words[1])));
    if (!connection.ok()) return;
    change.bind(1, std::int64_t{parse_integer(words[2]).value_or(0)});
    change.run();
}

// Objects that do nothing until somebody reads or writes: what an index computes is computed here,
// so it may call nothing.
void plant(Connection& connection, std::string_view line) {
    const std::string sql(line.substr(std::min(line.find(' ') + 1, line.size())));
    const std::string lower = to_lower(sql);
    const bool object =
        lower.starts_with("create view ") || lower.starts_with("create trigger ") ||
        ((lower.starts_with("create index ") || lower.starts_with("create unique index ")) &&
         lower.find('(') == lower.rfind('('));
    if (object) connection.prepare(sql).run();
}

void make_hashes_agree(Connection& connection) {
    std::vector<std::pair<std::int64_t, std::string>> documents;
    {
        Statement rows = connection.prepare("SELECT seq, document FROM run_documents ORDER BY seq");
        while (rows.step()) documents.emplace_back(rows.integer(0), rows.text(1));
    }
    std::string chain;
    for (const auto& [seq, document] : documents) {
        const std::string sha256 = sha256_hex(document);
        chain = store::chain_hash(seq, chain, sha256);
        Statement change =
            connection.prepare("UPDATE runs SET sha256 = ?, chain_sha256 = ? WHERE seq = ?");
        change.bind(1, std::string_view(sha256)).bind(2, std::string_view(chain)).bind(3, seq);
        change.run();
    }
    connection
        .prepare(
            "UPDATE chain_head SET (seq, run_sha256, chain_sha256) = "
            "(SELECT seq, sha256, chain_sha256 FROM runs ORDER BY seq DESC LIMIT 1)")
        .run();
}

// Triggers are out of the way meanwhile, as for somebody with an editor of SQLite.
void edit(const std::string& path, const std::vector<std::string>& lines) {
    Connection connection(path, Connection::Access::read_write, std::chrono::milliseconds(0));
    std::vector<std::pair<std::string, std::string>> triggers;
    {
        Statement rows =
            connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
        while (rows.step()) triggers.emplace_back(rows.text(0), rows.text(1));
    }
    connection.execute("PRAGMA foreign_keys = OFF");
    connection.execute("PRAGMA synchronous = OFF");
    connection.execute("PRAGMA ignore_check_constraints = ON");
    if (!connection.status()) return;
    for (const auto& [name, sql] : triggers)
        connection.prepare("DROP TRIGGER " + sql_name(name)).run();
    for (const std::string& line : lines) {
        (void)connection.status();  // an edit that failed leaves the others
        if (line.starts_with("set ")) change_cell(connection, line);
        if (line.starts_with("drop ")) drop_row(connection, line);
        if (line == "agree") make_hashes_agree(connection);
    }
    (void)connection.status();
    for (const auto& [name, sql] : triggers) connection.prepare(sql).run();
    for (const std::string& line : lines) {
        (void)connection.status();
        if (line.starts_with("plant ")) plant(connection, line);
    }
}

std::string edited(const Scratch& scratch, std::string file, std::string_view input) {
    std::vector<std::string> lines = split(input, '\n');
    if (lines.size() > edits_max) lines.resize(edits_max);
    scratch.clear();
    const std::string path = scratch.write("edited.db", file);
    edit(path, lines);
    const bool raw = std::any_of(lines.begin(), lines.end(),
                                 [](const auto& line) { return line.starts_with("bytes "); });
    if (!raw) return path;
    file = scratch.read("edited.db");
    for (const std::string& line : lines)
        if (line.starts_with("bytes ")) change_bytes(file, line);
    return scratch.write("edited.db", file);
}

// Whatever a database says, files appear beside it alone.
std::string broken_folder(const Scratch& scratch) {
    for (const auto& entry : std::filesystem::directory_iterator(scratch.folder()))
        if (!entry.path().filename().string().starts_with("edited.db"))
            return "a file beside the database: " + entry.path().filename().string();
    return "";
}

store::SqliteOptions options() {
    store::SqliteOptions quick;
    quick.lock_wait = std::chrono::milliseconds(0);
    quick.durable = false;
    return quick;
}

std::string own_template() {
    const Scratch scratch;
    {
        auto made = store::open_sqlite_store(scratch / "own.db", OpenMode::append, options());
        for (std::uint64_t seed = 1; made && seed <= 3; ++seed)
            (void)(*made)->append(store_test::make_small_run(seed));
    }
    return scratch.read("own.db");
}

template <typename T>
std::string broken_answer(const Result<T>& result) {
    return result ? "" : broken_refusal(result.error());
}

std::string broken_series(RunStore& store) {
    std::string broken;
    std::set<std::int64_t> runs;
    const auto status = store.each_series({}, [&](Series&& series) -> Status {
        if (series.points.empty()) broken = "a series without a point";
        for (const SeriesPoint& point : series.points) runs.insert(point.seq);
        (void)larger_is_better(series.key);
        return {};
    });
    if (!broken.empty()) return broken;
    if (!status) return broken_refusal(status.error());
    const std::vector<std::int64_t> seqs(runs.begin(), runs.end());
    return broken_answer(store.facts_of(seqs));
}

// Everything that a reader asks.
std::string broken_reading(RunStore& store) {
    for (const std::string& broken :
         {broken_answer(store.verify()), broken_answer(store.info()),
          broken_answer(store.history({.limit = 0})), broken_answer(store.hardware()),
          broken_answer(store.stacks()), broken_answer(store.series_keys({})),
          broken_answer(store.metrics()), broken_series(store)})
        if (!broken.empty()) return broken;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        const auto run = store.find(store_test::make_run_id(seed));
        if (!run && !broken_answer(run).empty()) return broken_answer(run);
        if (run && run->run_id.empty()) return "a run without an id is found";
    }
    const auto rows = store.each_calibration_row([](const StoredRow& row) -> Status {
        if (row.columns.size() != row.values.size()) return failed("");
        return {};
    });
    return rows ? "" : broken_refusal(rows.error());
}

std::string broken_writing(RunStore& store) {
    if (const auto rebuilt = store.rebuild(); !rebuilt) {
        if (std::string broken = broken_refusal(rebuilt.error()); !broken.empty()) return broken;
    }
    const auto appended = store.append(store_test::make_small_run(4));
    if (!appended) return broken_refusal(appended.error());
    const auto found = store.find(store_test::make_run_id(4));
    return found ? "" : "a run that was appended is not found: " + found.error().message;
}

bool same_bits(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

std::string broken_points(std::string_view bytes, bool measured) {
    std::vector<SeriesPoint> points, again;
    if (!store::unpack_points(bytes, measured, points)) return "";
    if (points.size() > bytes.size()) return "more points than bytes";
    if (!store::unpack_points(store::pack_points(points, measured), measured, again))
        return "points that are packed are refused";
    const auto same = [&](const SeriesPoint& a, const SeriesPoint& b) {
        return a.seq == b.seq && a.time_unix == b.time_unix && a.stack == b.stack &&
               a.doubts == b.doubts && same_bits(a.value, b.value);
    };
    return std::equal(points.begin(), points.end(), again.begin(), again.end(), same)
               ? ""
               : "points change when they are packed";
}

std::string broken_figures(std::string_view bytes) {
    std::vector<store::PackedFigure> figures, again;
    if (!store::unpack_figures(bytes, figures)) return "";
    if (figures.size() > bytes.size()) return "more figures than bytes";
    if (!store::unpack_figures(store::pack_figures(figures), again))
        return "figures that are packed are refused";
    return figures.size() == again.size() ? "" : "figures change when they are packed";
}

std::string broken_windows(std::string_view bytes, std::size_t measurements) {
    std::vector<Measurement> decoded(measurements), again(measurements);
    if (const auto status = store::decode_windows(bytes, decoded); !status)
        return broken_refusal(status.error());
    const std::string packed = store::encode_windows(decoded);
    if (!store::decode_windows(packed, again)) return "windows that are packed are refused";
    return store::encode_windows(again) == packed ? "" : "windows change when they are packed";
}

}  // namespace

// The first byte says what the others are.
std::string packed(std::string_view bytes) {
    if (bytes.empty()) return "";
    const std::string_view rest = bytes.substr(1);
    switch (bytes.front()) {
        case 'p':
            return broken_points(rest, true);
        case 'n':
            return broken_points(rest, false);
        case 'f':
            return broken_figures(rest);
        default:
            return broken_windows(rest, static_cast<unsigned char>(bytes.front()) % 8);
    }
}

std::string own_database(std::string_view bytes) {
    static const Scratch scratch;
    static const std::string whole = own_template();
    const std::string path = edited(scratch, whole, bytes);
    if (auto read = store::open_sqlite_store(path, OpenMode::read, options())) {
        if (std::string broken = broken_reading(**read); !broken.empty()) return broken;
    } else if (std::string broken = broken_refusal(read.error()); !broken.empty()) {
        return broken;
    }
    if (auto write = store::open_sqlite_store(path, OpenMode::append, options())) {
        if (std::string broken = broken_writing(**write); !broken.empty()) return broken;
    } else if (std::string broken = broken_refusal(write.error()); !broken.empty()) {
        return broken;
    }
    return broken_folder(scratch);
}

namespace {

std::string foreign_template() {
    const Scratch scratch;
    const std::string path = scratch / "foreign.db";
    {
        Connection connection(path, Connection::Access::create, std::chrono::milliseconds(0));
        connection.execute(
            "CREATE TABLE calibration_runs (run_id TEXT, hardware_fingerprint TEXT, timestamp "
            "TEXT, "
            "timestamp_unix INTEGER, cpu_model TEXT, cpu_stepping INTEGER, gpu_model TEXT, "
            "memory_total_gb REAL, precision TEXT, device TEXT, framework TEXT, "
            "peak_measured_gops REAL, efficiency REAL, flags TEXT);"
            "INSERT INTO calibration_runs VALUES ('a', 'c3f840a080356806', '2025-12-31T14:30:00', "
            "1767191400, '12th Gen Intel(R) Core(TM) i7-12700K', 2, 'N/A', 32.0, 'fp32', 'cpu', "
            "'numpy', 177.25, NULL, '[]'), ('a', 'c3f840a080356806', '2025-12-31T14:30:00', "
            "1767191400, '12th Gen Intel(R) Core(TM) i7-12700K', 2, 'N/A', 32.0, 'fp64', 'cpu', "
            "'numpy', 88.5, 0.5, NULL)");
    }
    return scratch.read("foreign.db");
}

}  // namespace

std::string foreign_database(std::string_view bytes) {
    static const Scratch scratch;
    static const std::string whole = foreign_template();
    const std::string path = edited(scratch, whole, bytes);
    (void)is_peakward_database(path);
    const auto rows = read_foreign_rows(path);
    if (std::string broken = broken_folder(scratch); !broken.empty()) return broken;
    if (!rows) return broken_refusal(rows.error());
    if (!rows->is_array() || rows->empty()) return "a database is read and has no row";
    const auto runs = older::read_exported_rows(*rows);
    if (!runs) return broken_refusal(runs.error());
    return runs->empty() || runs->size() > rows->size() ? "rows make more runs than there are" : "";
}

}  // namespace peakward::fuzz
