#include "session/csv_series.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "core/csv_text.hpp"
#include "core/progress.hpp"
#include "core/text.hpp"
#include "session/csv_numbers.hpp"
#include "session/csv_times.hpp"

namespace peakward {
namespace {

constexpr std::size_t shown_bytes_max = 40;  // of a cell, in a sentence about it
constexpr std::size_t names_shown_max = 20;

struct Record {
    std::vector<std::string> cells;
    std::size_t line = 0;  // its first
    bool has_quotes = false;

    // Nothing in the line: "" in quotes is an empty cell.
    bool is_blank() const {
        return cells.size() == 1 && !has_quotes && trim(cells.front()).empty();
    }
};

// Cuts a text into records; stops at the first problem.
class Records {
public:
    Records(std::string_view text, char separator) : text_(text), separator_(separator) {}

    // False at the end, or where problem() says why it went no further.
    bool next(Record& record) {
        record.cells.clear();
        record.line = line_;
        has_quotes_ = false;
        if (at_ >= text_.size()) return false;
        while (take_cell(record.cells.emplace_back())) {
        }
        record.has_quotes = has_quotes_;
        return problem_.empty();
    }
    const std::string& problem() const { return problem_; }

private:
    // True when another cell of the same record follows.
    bool take_cell(std::string& cell) {
        if (at_ < text_.size() && text_[at_] == '"' && !take_quoted(cell)) return false;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == separator_) return true;
            if (c == '\n' || c == '\r') {
                if (c == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
                ++line_;
                return false;
            }
            cell += c;
        }
        return false;
    }

    bool take_quoted(std::string& cell) {
        const std::size_t opened = line_;
        has_quotes_ = true;
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '\n') ++line_;
            if (c != '"') {
                cell += c;
            } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
                cell += text_[++at_];
            } else {
                ++at_;
                while (at_ < text_.size() && text_[at_] == ' ') ++at_;
                if (at_ == text_.size() || text_[at_] == separator_ || text_[at_] == '\n' ||
                    text_[at_] == '\r')
                    return true;
                problem_ = fmt::format(
                    "line {} has text behind a closing quote: a quote inside of "
                    "quotes is written twice",
                    line_);
                return false;
            }
        }
        problem_ = fmt::format("the quote that opens in line {} is never closed", opened);
        return false;
    }

    std::string_view text_;
    char separator_;
    std::size_t at_ = 0, line_ = 1;
    bool has_quotes_ = false;
    std::string problem_;
};

// The one that cuts the first records into equally many cells, two at least.
char separator_of(std::string_view text) {
    constexpr std::size_t sample_bytes = 1u << 16, sample_records = 30;
    char best = ',';
    std::size_t best_fits = 0;
    for (const char candidate : {'\t', ';', ','}) {
        Records records(text.substr(0, sample_bytes), candidate);
        Record record;
        std::size_t width = 0, fits = 0;
        for (std::size_t i = 0; i < sample_records && records.next(record); ++i) {
            if (width == 0) width = record.cells.size();
            if (record.cells.size() == width && width > 1) ++fits;
        }
        if (fits > best_fits) {
            best = candidate;
            best_fits = fits;
        }
    }
    return best;
}

bool is_gap(const std::string& trimmed) {
    static constexpr std::array<std::string_view, 5> words{"", "na", "n/a", "null", "none"};
    return std::find(words.begin(), words.end(), to_lower(trimmed)) != words.end();
}

std::string quoted(std::string text) {
    const bool is_cut = text.size() > shown_bytes_max;
    std::size_t shown = std::min(text.size(), shown_bytes_max);
    const auto is_inside = [&](std::size_t at) {  // of a UTF-8 character
        return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
    };
    while (is_cut && shown > 0 && is_inside(shown)) --shown;
    text.resize(shown);
    return fmt::format("'{}{}'", text, is_cut ? "…" : "");
}

std::string names_words(std::span<const std::string> names) {
    const std::size_t shown = std::min(names.size(), names_shown_max);
    std::string words = fmt::format("{}", fmt::join(names.first(shown), ", "));
    if (shown < names.size()) words += fmt::format(" and {} more", names.size() - shown);
    return words;
}

// What a column holds, by all of its cells.
struct Column {
    std::string name;
    std::size_t gaps = 0, texts = 0, numbers = 0;
    std::size_t text_line = 0;  // of the first cell that is text; 0: there is none
    std::string text;
    NumberEvidence evidence;
    NumberStyle style = NumberStyle::decimal_point;
    std::map<std::string, std::size_t> labels;  // of a column of text: how often each comes
    std::size_t changes_of_label = 0;
    std::string last_label;

    void survey(const std::string& trimmed, std::size_t line) {
        constexpr std::size_t labels_most = 2000;
        const auto number = parse_styled_number(trimmed, NumberStyle::decimal_point);
        if (is_gap(trimmed) || (number && !std::isfinite(*number))) {
            ++gaps;
            return;
        }
        if (evidence.take(trimmed, line)) {
            ++numbers;
            return;
        }
        ++texts;
        if (text_line == 0) {
            text_line = line;
            text = trimmed;
        }
        if (labels.size() < labels_most) ++labels[trimmed];
        changes_of_label += trimmed != last_label ? 1 : 0;
        last_label = trimmed;
    }
    // Most of its cells are text: some hashes of commits look like numbers.
    bool is_text() const { return texts > numbers; }
    std::string first_cell() const { return text_line > 0 ? quoted(text) : "empty"; }
};

// "commit", "driver_version", "run id": numbers in such a column name something and measure
// nothing.
bool is_name_of_labels(const std::string& column) {
    static constexpr std::array<std::string_view, 13> names{
        "commit",  "sha", "sha1",   "hash", "revision", "rev",  "changeset",
        "version", "tag", "branch", "id",   "uuid",     "build"};
    const std::string lower = to_lower(column);
    std::size_t begin = lower.size();
    while (begin > 0 && std::isalnum(static_cast<unsigned char>(lower[begin - 1]))) --begin;
    return std::find(names.begin(), names.end(), lower.substr(begin)) != names.end();
}

// A column whose values say what a row of a long table is about.
bool is_name_of_subjects(const std::string& column) {
    static constexpr std::array<std::string_view, 14> names{
        "metric", "metric_name", "name",   "benchmark", "test",  "test_name", "case",
        "series", "measurement", "kernel", "operation", "query", "command",   "variable"};
    return std::find(names.begin(), names.end(), to_lower(column)) != names.end();
}

// Programs whose tables hold one run, by the names that their columns have.
struct RunTable {
    const char* program;
    std::array<const char*, 4> columns;
};
constexpr std::array<RunTable, 5> run_tables{{
    {"Google Benchmark", {"name", "iterations", "real_time", "cpu_time"}},
    {"hyperfine", {"command", "mean", "stddev", "median"}},
    {"nvbench", {"Benchmark", "Device", "Samples", "Noise"}},
    {"JMH", {"Benchmark", "Mode", "Samples", "Score"}},
    {"pytest-benchmark", {"name", "mean", "stddev", "rounds"}},
}};

// One file while it is read: twice, because the cells of a column decide together how they are
// written.
class Reading {
public:
    Reading(std::string_view text, const std::string& name, const CsvChoice& choice,
            const StopToken* stop)
        : text_(text), separator_(separator_of(text)), choice_(choice), stop_(stop) {
        file_.name = name;
    }

    Result<CsvFile> read() && {
        for (const auto stage :
             {&Reading::survey, &Reading::choose_columns, &Reading::refuse_other_tables,
              &Reading::choose_times, &Reading::choose_styles, &Reading::choose_series,
              &Reading::take_values})
            if (const Status done = (this->*stage)(); !done)
                return tl::make_unexpected(done.error());
        put_in_order();
        return std::move(file_);
    }

private:
    tl::unexpected<Error> wrong(const std::string& what) const {
        return failed(
            fmt::format("{}{} {}", file_.name, what.starts_with("line ") ? "," : "",
                        what.starts_with("the quote") ? "cannot be read: " + what : what));
    }
    void note(const std::string& sentence) {
        file_.notes.push_back(fmt::format("{}: {}", file_.name, sentence));
    }

    bool is_data(const std::string& cell) const {
        const std::string trimmed = trim(cell);
        NumberEvidence evidence;
        return evidence.take(trimmed, 1) || !read_times(std::array{trimmed}).instants.empty();
    }

    void name_columns(const Record& first) {
        first_is_data_ = std::all_of(first.cells.begin(), first.cells.end(),
                                     [&](const std::string& cell) { return is_data(cell); });
        if (first_is_data_)
            note("the first row holds data, so the columns have no names but 'column 1' and so on");
        std::set<std::string> taken;
        for (std::size_t i = 0; i < first.cells.size(); ++i) {
            std::string name = first_is_data_ ? "" : trim(first.cells[i]);
            header_.push_back(name);
            name = from_csv_name(name);
            const std::string place = fmt::format("column {}", i + 1);
            if (name.empty()) name = place;
            // Again where somebody called a column like that.
            while (!taken.insert(name).second) name += " (" + place + ")";
            names_.push_back(name);
            columns_.emplace_back().name = name;
        }
        // Columns that may hold the times are kept as they stand.
        for (std::size_t i = 0; i < names_.size(); ++i)
            if (i == 0 || is_name_of_times(names_[i]) || names_[i] == trim(choice_.time))
                cells_[i] = {};
    }

    // Calls `take(record)` for every row of data.
    template <typename Take>
    Status each_row(const Take& take) {
        constexpr std::size_t rows_between_looks = 4096;
        Records records(text_, separator_);
        Record record;
        bool is_first = true;
        std::size_t rows = 0;
        while (records.next(record)) {
            if (record.is_blank()) continue;
            if (is_first) {
                is_first = false;
                if (names_.empty()) name_columns(record);
                if (!first_is_data_) continue;
            }
            // A separator at the end of every row, or of some.
            while (record.cells.size() > columns_.size() && trim(record.cells.back()).empty())
                record.cells.pop_back();
            if (record.cells.size() != columns_.size())
                return wrong(fmt::format("line {} has {}, and the first row has {}", record.line,
                                         plural(record.cells.size(), "cell"), columns_.size()));
            for (std::string& cell : record.cells) cell = trim(cell);
            if (!first_is_data_ && record.cells == header_) {
                ++headers_repeated_;
                continue;
            }
            take(record);
            if (++rows % rows_between_looks == 0 && stop_ && stop_->stop_requested())
                return tl::make_unexpected(
                    Error{ErrorKind::interrupted, "interrupted while reading " + file_.name});
        }
        if (!records.problem().empty()) return wrong(records.problem());
        if (is_first)
            return wrong("is empty: the first row names the columns, the others hold the data");
        return {};
    }

    Status survey() {
        Status read = each_row([&](const Record& record) {
            ++rows_;
            for (std::size_t i = 0; i < columns_.size(); ++i)
                columns_[i].survey(record.cells[i], record.line);
            for (auto& [column, cells] : cells_) cells.push_back(record.cells[column]);
            lines_.push_back(record.line);
        });
        if (!read) return read;
        if (headers_repeated_ > 0)
            note(fmt::format("{} left out that repeat the names of the columns",
                             plural(headers_repeated_, "row")));
        if (rows_ == 0) return wrong("has column names and no rows below them");
        return {};
    }

    Result<std::size_t> place_of(const char* option, const std::string& name) const {
        const auto found = std::find(names_.begin(), names_.end(), trim(name));
        if (found != names_.end()) return static_cast<std::size_t>(found - names_.begin());
        const auto near = nearest_names(name, names_);
        return wrong_usage(fmt::format(
            "{}: {} has no column {}{} It has: {}", option, file_.name, quoted(name),
            near.empty() ? "." : fmt::format("; did you mean {}?", fmt::join(near, ", ")),
            names_words(names_)));
    }

    // "a,b" is two columns unless there is one of that name.
    std::vector<std::string> asked_for() const {
        std::vector<std::string> asked;
        for (const std::string& name : choice_.columns) {
            std::vector<std::string> parts{name};
            if (std::find(names_.begin(), names_.end(), trim(name)) == names_.end())
                parts = split(name, ',');
            asked.insert(asked.end(), parts.begin(), parts.end());
        }
        return asked;
    }

    bool is_wanted(std::size_t place) const {
        return std::find(wanted_.begin(), wanted_.end(), place) != wanted_.end();
    }

    Status choose_columns() {
        for (const std::string& name : asked_for()) {
            const auto place = place_of("--column", name);
            if (!place) return tl::make_unexpected(place.error());
            if (!is_wanted(*place)) wanted_.push_back(*place);
        }
        if (choice_.time.empty()) return {};
        const auto place = place_of("--time", choice_.time);
        if (!place) return tl::make_unexpected(place.error());
        if (is_wanted(*place))
            return wrong_usage(fmt::format("column {} is asked for by --time and by --column",
                                           quoted(choice_.time)));
        time_ = *place;
        return {};
    }

    // Rows of such tables are no points of one series.
    Status refuse_other_tables() {
        for (const RunTable& table : run_tables) {
            const auto has = [&](const char* name) {
                return std::find(names_.begin(), names_.end(), name) != names_.end();
            };
            if (!std::all_of(table.columns.begin(), table.columns.end(), has)) continue;
            const auto subject = std::find(names_.begin(), names_.end(), table.columns.front());
            const Column& column = columns_[std::size_t(subject - names_.begin())];
            if (column.labels.size() < rows_) continue;
            return wrong(fmt::format(
                "is the table of one {} run: its rows are benchmarks, not points in time. Collect "
                "one row a run in a file of your own, with the time in the first column and a "
                "column "
                "for each benchmark",
                table.program));
        }
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const Column& column = columns_[i];
            if (i == time_ || !column.is_text() || !is_name_of_subjects(column.name)) continue;
            if (column.labels.size() < 2 || column.labels.size() == column.texts) continue;
            std::vector<std::string> subjects;
            for (const auto& [label, count] : column.labels) subjects.push_back(label);
            return wrong(fmt::format(
                "is a long table: column {} says of {} which a row is about ({}), so that its "
                "columns are no series. Keep the rows of one, for example: awk -F'{}' 'NR == 1 || "
                "${} == \"{}\"' FILE | peakward changes -",
                quoted(column.name), plural(subjects.size(), "subject"),
                names_words(std::span<const std::string>(subjects).first(
                    std::min<std::size_t>(subjects.size(), 5))),
                separator_ == '\t' ? "\\t" : std::string(1, separator_), i + 1, subjects.front()));
        }
        return {};
    }

    // The first column, unless it holds labels and another one holds times.
    Status choose_times() {
        if (rows_ == 1)
            return wrong("has one row: a change is between the rows before and those after it");
        std::vector<std::size_t> candidates;
        if (time_) {
            candidates = {*time_};
        } else {
            for (const auto& [column, cells] : cells_)
                if (columns_.size() > 1 && !is_wanted(column)) candidates.push_back(column);
        }
        for (const std::size_t column : candidates) {
            TimeColumn times = read_times(cells_[column]);
            if (!times.refused.empty()) return wrong("cannot be read: " + times.refused);
            const bool is_first = column == candidates.front();
            if (!is_first && !times.has_dates) continue;
            // Numbers that only count rows give way to dates.
            if (!is_first && !times_.instants.empty() && times_.has_dates) {
                other_times_.push_back(column);
                continue;
            }
            if (!is_first && !times_.instants.empty()) continue;
            time_ = column;
            times_ = std::move(times);
        }
        if (!time_) return {};
        const auto& cells = cells_[*time_];
        for (const std::string& cell : cells) file_.times.push_back(from_csv_name(cell));
        if (*time_ != candidates.front())
            note(fmt::format("times are read from column {}", quoted(names_[*time_])));
        if (times_.odd_cell)
            note(
                fmt::format("the time in line {} ({}) cannot be read like those before it, so the "
                            "rows are taken in the order of the file",
                            lines_[*times_.odd_cell], quoted(cells[*times_.odd_cell])));
        else if (times_.instants.empty() &&
                 (is_name_of_times(names_[*time_]) || looks_like_time(cells.front())))
            note(
                fmt::format("the times in column {} ({}) cannot be read, so the rows are taken in "
                            "the order of the file",
                            quoted(names_[*time_]), quoted(cells.front())));
        return {};
    }

    static bool looks_like_time(const std::string& cell) {
        return !cell.empty() && cell[0] >= '0' && cell[0] <= '9' &&
               cell.find_first_of("/:") != std::string::npos;
    }

    Status choose_styles() {
        std::optional<NumberStyle> file_style;
        bool differs = false;
        for (const Column& column : columns_)
            for (const NumberStyle style : {NumberStyle::decimal_comma, NumberStyle::decimal_point})
                if (column.evidence.is_certain_of(style)) {
                    differs = differs || (file_style && *file_style != style);
                    file_style = style;
                }
        if (differs) file_style.reset();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            Column& column = columns_[i];
            if (i == time_ || column.is_text() || (!choice_.columns.empty() && !is_wanted(i)))
                continue;
            const auto verdict = column.evidence.verdict(file_style);
            if (!verdict.refused.empty())
                return failed(fmt::format("{}, column {}, {}", file_.name, quoted(column.name),
                                          verdict.refused));
            column.style = verdict.style;
        }
        return {};
    }

    // Why a column is no series when nobody asked for it; "" where it is one.
    std::string reason_to_leave_out(std::size_t i) const {
        const Column& column = columns_[i];
        if (column.is_text()) return "text, first " + column.first_cell();
        if (column.numbers == 0) return "empty";
        if (is_name_of_labels(column.name)) return "names and measures nothing";
        if (std::find(other_times_.begin(), other_times_.end(), i) != other_times_.end())
            return "times";
        return "";
    }

    Status choose_series() {
        std::vector<std::string> left_out;
        for (std::size_t i = 0; choice_.columns.empty() && i < columns_.size(); ++i) {
            if (i == time_) continue;
            const std::string reason = reason_to_leave_out(i);
            // A separator at the end of the first row, too.
            const bool is_nothing =
                columns_[i].gaps == rows_ && !first_is_data_ && header_[i].empty();
            if (reason.empty())
                wanted_.push_back(i);
            else if (!is_nothing)
                left_out.push_back(fmt::format("{} ({})", names_[i], reason));
        }
        if (wanted_.empty())
            return wrong(fmt::format("has no column of numbers{}; its columns: {}",
                                     time_ ? " beside the times in " + quoted(names_[*time_]) : "",
                                     names_words(names_)));
        for (const std::size_t i : wanted_) {
            const Column& column = columns_[i];
            if (column.numbers == 0 || (column.is_text() && !choice_.columns.empty()))
                return wrong(fmt::format(
                    "has no numbers in column {}{}", quoted(column.name),
                    column.text_line > 0
                        ? fmt::format(": line {} has {}", column.text_line, quoted(column.text))
                        : ""));
            if (column.texts > 0)
                return wrong(
                    fmt::format("line {}, column {}: {} is not a number; leave a cell empty "
                                "where there is none",
                                column.text_line, quoted(column.name), quoted(column.text)));
        }
        note_mixed_rows();
        if (!left_out.empty())
            note(fmt::format("left out {}; --column NAME looks at one all the same",
                             names_words(left_out)));
        return {};
    }

    // "host": a, b, a, b … says that the rows are of two series.
    void note_mixed_rows() {
        constexpr std::size_t labels_most = 20, turns_least = 2;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const Column& column = columns_[i];
            const std::size_t labels = column.labels.size();
            if (i == time_ || !column.is_text() || labels < 2 || labels > labels_most ||
                column.changes_of_label < turns_least * labels)
                continue;
            note(fmt::format(
                "column {} holds {} by turns, first {}, and rows of all of them make one "
                "series: keep the rows of one to look at it alone",
                quoted(column.name), plural(labels, "value"), quoted(column.text)));
        }
    }

    Status take_values() {
        for (const std::size_t i : wanted_) {
            file_.series.push_back({names_[i], {}});
            file_.series.back().values.reserve(rows_);
        }
        return each_row([&](const Record& record) {
            for (std::size_t k = 0; k < wanted_.size(); ++k) {
                const std::string& cell = record.cells[wanted_[k]];
                double value = std::numeric_limits<double>::quiet_NaN();
                if (!is_gap(cell))
                    value = parse_styled_number(cell, columns_[wanted_[k]].style).value_or(value);
                file_.series[k].values.push_back(
                    std::isfinite(value) ? value : std::numeric_limits<double>::quiet_NaN());
            }
        });
    }

    template <typename T>
    static void reorder(std::vector<T>& items, const std::vector<std::size_t>& order) {
        std::vector<T> sorted;
        sorted.reserve(items.size());
        for (const std::size_t from : order) sorted.push_back(std::move(items[from]));
        items = std::move(sorted);
    }

    void put_in_order() {
        file_.instants = std::move(times_.instants);
        file_.has_dates = times_.has_dates && !file_.instants.empty();
        const auto& instants = file_.instants;
        std::size_t jumps = 0, rises = 0;
        for (std::size_t i = 1; i < instants.size(); ++i) {
            jumps += instants[i] < instants[i - 1];
            rises += instants[i] > instants[i - 1];
        }
        if (jumps == 0) return;
        std::vector<std::size_t> order(instants.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        // Newest first: rows of one instant stand in that order too.
        if (rises == 0) std::reverse(order.begin(), order.end());
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return instants[a] < instants[b]; });
        reorder(file_.instants, order);
        reorder(file_.times, order);
        for (CsvSeries& one : file_.series) reorder(one.values, order);
        note(
            rises == 0
                ? "the newest row stands first, so the rows were turned round (index counts them "
                  "from the oldest)"
                : fmt::format("clocks jump backwards at {}, so the rows were sorted by time (index "
                              "counts them in that order; rows of one instant stay as in the file)",
                              plural(jumps, "row")));
    }

    std::string_view text_;
    char separator_;
    const CsvChoice& choice_;
    const StopToken* stop_;
    CsvFile file_;
    bool first_is_data_ = false;
    std::vector<std::string> names_, header_;
    std::vector<Column> columns_;
    std::map<std::size_t, std::vector<std::string>> cells_;  // of columns that may hold the times
    std::vector<std::size_t> wanted_;
    std::optional<std::size_t> time_;
    TimeColumn times_;
    std::vector<std::size_t> other_times_;
    std::vector<std::size_t> lines_;  // of the rows
    std::size_t rows_ = 0, headers_repeated_ = 0;
};

}  // namespace

Result<CsvFile> read_csv_series(std::string_view text, const std::string& name,
                                const CsvChoice& choice, const StopToken* stop) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (text.find('\0') != std::string_view::npos || text.starts_with("\xFF\xFE") ||
        text.starts_with("\xFE\xFF"))
        return failed(name + " is binary or UTF-16, not CSV: save it as UTF-8 text");
    return Reading(text, name, choice, stop).read();
}

}  // namespace peakward
