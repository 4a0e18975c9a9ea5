#include "session/csv_series.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <set>

#include "core/csv_text.hpp"
#include "core/text.hpp"
#include "store/period.hpp"

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

// NaN and infinities are numbers here. Nothing: it is text.
std::optional<double> number_in(std::string trimmed, bool decimal_comma) {
    if (trimmed.size() > 1 && trimmed[0] == '+' && trimmed[1] != '-') trimmed.erase(0, 1);
    const auto comma = trimmed.find(',');
    if (decimal_comma && comma != std::string::npos && trimmed.find('.') == std::string::npos)
        trimmed[comma] = '.';
    return parse_number(trimmed);
}

// Seconds since 1970. Fractions count: records of one second may be out of order.
std::optional<double> date_in(const std::string& trimmed) {
    const auto period = store::parse_period(trimmed);
    if (!period) return std::nullopt;
    const auto point = trimmed.find('.');
    if (point == std::string::npos) return double(period->begin);
    const auto end = std::min(trimmed.find_first_not_of("0123456789", point + 1), trimmed.size());
    return double(period->begin) +
           parse_number("0" + trimmed.substr(point, end - point)).value_or(0);
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

std::string plural(std::size_t count, const char* word) {
    return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

std::string names_words(std::span<const std::string> names) {
    const std::size_t shown = std::min(names.size(), names_shown_max);
    std::string words = fmt::format("{}", fmt::join(names.first(shown), ", "));
    if (shown < names.size()) words += fmt::format(" and {} more", names.size() - shown);
    return words;
}

struct Column {
    std::string name;
    std::vector<double> values;
    std::size_t numbers = 0;
    std::size_t text_line = 0;  // of the first cell that is text; 0: there is none
    std::string text;

    void take(const std::string& cell, std::size_t line, bool decimal_comma) {
        const std::string trimmed = trim(cell);
        double value = std::numeric_limits<double>::quiet_NaN();
        if (!is_gap(trimmed)) {
            const auto number = number_in(trimmed, decimal_comma);
            if (!number && text_line == 0) {
                text_line = line;
                text = trimmed;
            }
            if (number && std::isfinite(*number)) {
                value = *number;
                ++numbers;
            }
        }
        values.push_back(value);
    }
};

// One file while it is read.
class Reading {
public:
    Reading(std::string_view text, const std::string& name, const CsvChoice& choice,
            const StopToken* stop)
        : separator_(separator_of(text)), records_(text, separator_), choice_(choice), stop_(stop) {
        file_.name = name;
    }

    Result<CsvFile> read() && {
        Record record;
        do {
            if (records_.next(record)) continue;
            if (!records_.problem().empty()) return wrong(records_.problem());
            return wrong("is empty: the first row names the columns, the others hold the data");
        } while (record.is_blank());
        name_columns(record);
        if (const Status chosen = choose_columns(); !chosen)
            return tl::make_unexpected(chosen.error());
        if (const Status taken = take_rows(record); !taken)
            return tl::make_unexpected(taken.error());
        if (rows_ == 0) return wrong("has column names and no rows below them");
        if (rows_ == 1)
            return wrong("has one row: a change is between the rows before and those after it");
        if (const Status kept = keep_series(); !kept) return tl::make_unexpected(kept.error());
        put_in_order();
        return std::move(file_);
    }

private:
    tl::unexpected<Error> wrong(const std::string& what) const {
        return failed(
            fmt::format("{}{} {}", file_.name, what.starts_with("line ") ? "," : "",
                        what.starts_with("the quote") ? "cannot be read: " + what : what));
    }
    bool has_decimal_comma() const { return separator_ == ';'; }

    bool is_data(const std::string& cell) const {
        const std::string trimmed = trim(cell);
        return number_in(trimmed, has_decimal_comma()).has_value() || date_in(trimmed).has_value();
    }

    void name_columns(const Record& first) {
        first_is_data_ = std::all_of(first.cells.begin(), first.cells.end(),
                                     [&](const std::string& cell) { return is_data(cell); });
        if (first_is_data_)
            file_.notes.push_back(
                fmt::format("{}: the first row holds data, so the columns have no names but "
                            "'column 1' and so on",
                            file_.name));
        std::set<std::string> taken;
        for (std::size_t i = 0; i < first.cells.size(); ++i) {
            std::string name = first_is_data_ ? "" : from_csv_name(trim(first.cells[i]));
            const std::string place = fmt::format("column {}", i + 1);
            if (name.empty()) name = place;
            // Again where somebody called a column like that.
            while (!taken.insert(name).second) name += " (" + place + ")";
            names_.push_back(name);
            columns_.push_back({name, {}, 0, 0, {}});
        }
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

    Status choose_columns() {
        for (const std::string& name : asked_for()) {
            const auto place = place_of("--column", name);
            if (!place) return tl::make_unexpected(place.error());
            if (std::find(wanted_.begin(), wanted_.end(), *place) == wanted_.end())
                wanted_.push_back(*place);
        }
        const auto is_wanted = [&](std::size_t place) {
            return std::find(wanted_.begin(), wanted_.end(), place) != wanted_.end();
        };
        if (!choice_.time.empty()) {
            const auto place = place_of("--time", choice_.time);
            if (!place) return tl::make_unexpected(place.error());
            if (is_wanted(*place))
                return wrong_usage(fmt::format("column {} is asked for by --time and by --column",
                                               quoted(choice_.time)));
            time_ = *place;
        } else if (columns_.size() > 1 && !is_wanted(0)) {
            time_ = 0;
        }
        if (choice_.columns.empty())
            for (std::size_t i = 0; i < columns_.size(); ++i)
                if (i != time_) wanted_.push_back(i);
        return {};
    }

    Status take_rows(Record& record) {
        if (first_is_data_) take_row(record);
        constexpr std::size_t rows_between_looks = 1024;
        while (records_.next(record)) {
            if (rows_ % rows_between_looks == 0 && stop_ && stop_->stop_requested())
                return tl::make_unexpected(
                    Error{ErrorKind::interrupted,
                          fmt::format("interrupted while reading {}", file_.name)});
            if (record.is_blank()) continue;
            // A separator at the end of every row, or of some.
            while (record.cells.size() > columns_.size() && trim(record.cells.back()).empty())
                record.cells.pop_back();
            if (record.cells.size() != columns_.size())
                return wrong(fmt::format("line {} has {}, and the first row has {}", record.line,
                                         plural(record.cells.size(), "cell"), columns_.size()));
            take_row(record);
        }
        if (!records_.problem().empty()) return wrong(records_.problem());
        return {};
    }

    void take_row(const Record& record) {
        ++rows_;
        if (time_) {
            file_.times.push_back(from_csv_name(trim(record.cells[*time_])));
            lines_.push_back(record.line);
        }
        for (const std::size_t i : wanted_)
            columns_[i].take(record.cells[i], record.line, has_decimal_comma());
    }

    Status keep_series() {
        for (const std::size_t i : wanted_) {
            Column& column = columns_[i];
            const bool is_text = column.text_line > 0;
            if (is_text && column.numbers > 0)
                return wrong(
                    fmt::format("line {}, column {}: {} is not a number; leave a cell "
                                "empty where there is none",
                                column.text_line, quoted(column.name), quoted(column.text)));
            if (column.numbers == 0 && !choice_.columns.empty())
                return wrong(fmt::format(
                    "has no numbers in column {}{}", quoted(column.name),
                    is_text ? fmt::format(": line {} has {}", column.text_line, quoted(column.text))
                            : ""));
            if (column.numbers > 0) file_.series.push_back({column.name, std::move(column.values)});
        }
        if (file_.series.empty())
            return wrong(fmt::format("has no column of numbers{}; its columns: {}",
                                     time_ ? " beside the times in " + quoted(names_[*time_]) : "",
                                     names_words(names_)));
        return {};
    }

    // Nothing where a time is a label: then there is no order but that of the file.
    std::vector<double> read_instants() {
        std::vector<double> instants;
        const auto& times = file_.times;
        if (times.empty()) return instants;
        file_.has_dates = !number_in(times.front(), has_decimal_comma());
        for (std::size_t row = 0; row < times.size(); ++row) {
            const auto instant =
                file_.has_dates ? date_in(times[row]) : number_in(times[row], has_decimal_comma());
            if (instant && std::isfinite(*instant)) {
                instants.push_back(*instant);
                continue;
            }
            file_.has_dates = false;
            if (row > 0)
                file_.notes.push_back(fmt::format(
                    "{}: the time in line {} ({}) cannot be read like those before it, so the rows "
                    "are taken in the order of the file",
                    file_.name, lines_[row], quoted(times[row])));
            return {};
        }
        return instants;
    }

    template <typename T>
    static void reorder(std::vector<T>& items, const std::vector<std::size_t>& order) {
        std::vector<T> sorted;
        sorted.reserve(items.size());
        for (const std::size_t from : order) sorted.push_back(std::move(items[from]));
        items = std::move(sorted);
    }

    void put_in_order() {
        file_.instants = read_instants();
        const auto& instants = file_.instants;
        std::size_t jumps = 0;
        for (std::size_t i = 1; i < instants.size(); ++i) jumps += instants[i] < instants[i - 1];
        if (jumps == 0) return;
        std::vector<std::size_t> order(instants.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return instants[a] < instants[b]; });
        reorder(file_.instants, order);
        reorder(file_.times, order);
        for (CsvSeries& one : file_.series) reorder(one.values, order);
        file_.notes.push_back(
            fmt::format("{}: clocks jump backwards at {}, so the rows were sorted by time (index "
                        "counts them in that order; rows of one instant stay as in the file)",
                        file_.name, plural(jumps, "row")));
    }

    char separator_;
    Records records_;
    const CsvChoice& choice_;
    const StopToken* stop_;
    CsvFile file_;
    bool first_is_data_ = false;
    std::vector<std::string> names_;
    std::vector<Column> columns_;
    std::vector<std::size_t> wanted_;
    std::optional<std::size_t> time_;
    std::vector<std::size_t> lines_;  // of the rows
    std::size_t rows_ = 0;
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
