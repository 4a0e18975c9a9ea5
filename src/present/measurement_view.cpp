#include "present/measurement_view.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "catalog/catalog.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

// Says why a case is there, and nothing against it.
constexpr const char* peak_evidence = "peak_evidence";

// "above_theoretical" -> "⚠ ABOVE THEORETICAL", as the row is read out.
std::string flags_shown(const std::vector<std::string>& flags) {
    std::string shown;
    for (std::string flag : flags) {
        if (flag == peak_evidence) continue;
        if (flag == "above_theoretical") flag = "ABOVE THEORETICAL";
        std::replace(flag.begin(), flag.end(), '_', ' ');
        shown += (shown.empty() ? "⚠ " : ", ") + flag;
    }
    return shown;
}

bool has_number(const Measurement& m) { return m.gops || m.gbps || m.statistics.kept > 0; }

std::optional<double> ci_percent(const Statistics& s) {
    if (s.median_s <= 0 || s.kept < 2) return std::nullopt;
    return (s.ci_high_s - s.ci_low_s) / 2 / s.median_s * 100;
}

Cell outcome_cell(const Measurement& m) {
    const std::string word(to_string(m.outcome));
    // The mark says that the figure can be trusted: what is said against it stands in the row.
    if (m.outcome == Outcome::measured)
        return {word, Tone::plain, flags_shown(m.flags).empty() ? "✓" : "⚠"};
    return {word, m.outcome == Outcome::unsupported ? Tone::dim : Tone::doubtful, "⚠ " + word};
}

int dropped(const Statistics& s) {
    return s.dropped_preempted + s.dropped_throttled + s.dropped_core_shared;
}

std::optional<double> clock_mhz(const Measurement& m) {
    if (m.clock_hz <= 0) return std::nullopt;
    return m.clock_hz / 1e6;
}

std::optional<double> energy_ci_percent(const Measurement& m) {
    if (!m.energy || !m.energy->inference_j || *m.energy->inference_j <= 0) return std::nullopt;
    return (m.energy->ci_high_j - m.energy->ci_low_j) / 2 / *m.energy->inference_j * 100;
}

// Where a figure of energy is from, or why there is none: once for all rows that share it.
std::vector<std::string> energy_notes(const std::vector<const Measurement*>& rows) {
    std::vector<std::string> notes;
    for (const Measurement* m : rows) {
        if (!m->energy) continue;
        const Energy& energy = *m->energy;
        std::string note =
            energy.inference_j
                ? fmt::format(
                      "energy of {}: {}, with the {:.1f} W of the idle device taken off, "
                      "median of {} blocks",
                      m->what.backend, energy.domain, energy.idle_w, energy.blocks)
                : fmt::format("energy of one inference: unknown: {}", energy.reason);
        if (std::find(notes.begin(), notes.end(), note) == notes.end())
            notes.push_back(std::move(note));
    }
    return notes;
}

// 0 threads: an imported summary does not say how many there were.
Cell threads_cell(const Case& what) { return what.threads > 0 ? cell(what.threads) : Cell{}; }

// An imported profile may not tell who computed.
std::string backend_name(const Case& what) {
    return what.backend.empty() ? "unknown backend" : what.backend;
}

struct DetailColumn {
    Column column;
    Cell (*get)(const Measurement&);
};

// What a detail table can show; a column without a single value in its table is left out.
std::vector<DetailColumn> detail_columns() {
    const Align right = Align::right;
    return {
        {{"backend", "Backend"}, [](const Measurement& m) { return cell(m.what.backend); }},
        {{"precision", "Prec."}, [](const Measurement& m) { return cell(m.what.precision); }},
        {{"shape", "Shape"}, [](const Measurement& m) { return cell(short_shape(m.what.shape)); }},
        {{"threads", "Thr", Unit::count, right, 9},
         [](const Measurement& m) { return threads_cell(m.what); }},
        {{"outcome", "", Unit::none, Align::left, 0}, outcome_cell},
        {{"gops", "Rate", Unit::gops, right}, [](const Measurement& m) { return cell(m.gops); }},
        {{"gbps", "Rate", Unit::gbps, right}, [](const Measurement& m) { return cell(m.gbps); }},
        {{"median_s", "Median", Unit::seconds, right, 1},
         [](const Measurement& m) {
             return m.statistics.median_s > 0 ? cell(m.statistics.median_s) : Cell{};
         }},
        // Of an imported summary, which has no median.
        {{"mean_s", "Mean", Unit::seconds, right, 1},
         [](const Measurement& m) { return cell(m.mean_s); }},
        {{"ci_percent", "± CI", Unit::percent, right, 2},
         [](const Measurement& m) { return cell(ci_percent(m.statistics)); }},
        {{"samples", "Kept", Unit::count, right, 3},
         [](const Measurement& m) {
             Cell kept = cell(m.statistics.kept);
             if (dropped(m.statistics) > 0)
                 kept.shown = fmt::format("{}/{}", m.statistics.kept,
                                          m.statistics.kept + dropped(m.statistics));
             return kept;
         }},
        {{"exit", "Exit", Unit::none, Align::left, 7},
         [](const Measurement& m) {
             if (m.statistics.exit == Exit::none) return Cell{};
             std::string word(to_string(m.statistics.exit));
             std::replace(word.begin(), word.end(), '_', '-');
             return Cell{std::string(to_string(m.statistics.exit)),
                         m.statistics.exit == Exit::budget ? Tone::doubtful : Tone::plain, word};
         }},
        {{"operations_per_cycle", "Op/cycle", Unit::none, right, 4},
         [](const Measurement& m) {
             if (!m.operations_per_cycle) return Cell{};
             return Cell{*m.operations_per_cycle, Tone::plain,
                         fmt::format("{:.2f}", *m.operations_per_cycle)};
         }},
        {{"clock_mhz", "Clock", Unit::mhz, right, 5},
         [](const Measurement& m) { return cell(clock_mhz(m)); }},
        {{"inference_j", "Inference", Unit::joules, right, 2},
         [](const Measurement& m) { return m.energy ? cell(m.energy->inference_j) : Cell{}; }},
        {{"inference_ci_percent", "± CI", Unit::percent, right, 5},
         [](const Measurement& m) { return cell(energy_ci_percent(m)); }},
        {{"implementation", "Implementation", Unit::none, Align::left, 8},
         [](const Measurement& m) { return cell(m.implementation); }},
        {{"flags", "Flags", Unit::none, Align::left, 6},
         [](const Measurement& m) { return flags_cell(m.flags); }},
    };
}

// Columns that tell nothing about these measurements are not shown.
bool is_worth_showing(const std::string& key, const std::vector<const Measurement*>& rows,
                      const std::vector<std::vector<Cell>>& cells, std::size_t column) {
    const bool empty = std::all_of(cells.begin(), cells.end(), [&](const auto& row) {
        return std::holds_alternative<std::monostate>(row[column].value);
    });
    if (empty) return false;
    if (key == "outcome")
        return std::any_of(rows.begin(), rows.end(),
                           [](const Measurement* m) { return m->outcome != Outcome::measured; });
    // Bandwidth is the rate of a memory operation, arithmetic that of the others.
    const auto* operation = catalog::find_operation(rows.front()->what.operation);
    if (!operation) return true;
    const bool memory = operation->kind == catalog::OperationClass::memory;
    const bool probe = operation->kind == catalog::OperationClass::probe;
    if (key == "gops") return !memory && !probe;
    if (key == "gbps") return memory;
    return true;
}

// The order of measuring is shuffled; people read by backend, precision and size.
bool comes_before(const Measurement* a, const Measurement* b) {
    const auto rank = [](const std::string& precision) {
        const auto known = catalog::precision_names();
        return std::find(known.begin(), known.end(), precision) - known.begin();
    };
    const auto order = [&](const Measurement& m) {
        return std::tuple(m.what.device, m.what.backend, rank(m.what.precision), m.what.shape);
    };
    return order(*a) < order(*b);
}

Table detail_table(const std::vector<const Measurement*>& rows) {
    const std::vector<DetailColumn> columns = detail_columns();
    std::vector<std::vector<Cell>> cells;
    for (const Measurement* m : rows) {
        std::vector<Cell> line;
        for (const DetailColumn& column : columns) line.push_back(column.get(*m));
        cells.push_back(std::move(line));
    }
    Table table;
    const std::string& name = rows.front()->what.operation;
    const auto* operation = catalog::find_operation(name);
    table.title = operation ? name + ": " + operation->title : name;
    table.rows.resize(rows.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (!is_worth_showing(columns[i].column.key, rows, cells, i)) continue;
        table.columns.push_back(columns[i].column);
        // The clock is what a probe is for.
        if (operation && operation->kind == catalog::OperationClass::probe)
            table.columns.back().priority = columns[i].column.key == "clock_mhz" ? 0 : 2;
        for (std::size_t row = 0; row < rows.size(); ++row)
            table.rows[row].push_back(std::move(cells[row][i]));
    }
    for (std::string& note : energy_notes(rows)) table.notes.push_back(std::move(note));
    for (const Measurement* m : rows) {
        // Why a case is contended, the counts beside it say; what it means stands above the tables.
        if (m->outcome == Outcome::measured || m->outcome == Outcome::contended) continue;
        table.notes.push_back(fmt::format("{} {}: {}: {}", backend_name(m->what),
                                          case_words(m->what), to_string(m->outcome), m->reason));
    }
    return table;
}

std::string scaled(std::int64_t value) {
    if (value >= (1 << 20) && value % (1 << 20) == 0) return fmt::format("{}Mi", value >> 20);
    if (value >= (64 << 10) && value % (1 << 10) == 0) return fmt::format("{}Ki", value >> 10);
    return fmt::format("{}", value);
}

// "kept 0 of 216 windows" and "kept 0 of 99 windows" are one reason.
std::string without_numbers(const std::string& text) {
    std::string out;
    for (const char c : text)
        if (c < '0' || c > '9') out += c;
    return out;
}

}  // namespace

Cell flags_cell(const std::vector<std::string>& flags) {
    if (flags.empty()) return {};
    const std::string all = fmt::format("{}", fmt::join(flags, " "));
    const std::string shown = flags_shown(flags);
    if (shown.empty()) return {all, Tone::dim, "for the peak"};
    return {all, Tone::doubtful, shown};
}

std::string short_shape(const Shape& shape) {
    std::vector<std::pair<std::string, std::int64_t>> numbers;
    std::string words;
    for (const auto& [name, value] : shape) {
        if (const auto* number = std::get_if<std::int64_t>(&value))
            numbers.emplace_back(name, *number);
        else
            words += " " + std::get<std::string>(value);
    }
    std::string text;
    if (numbers.size() == 1) {
        text = scaled(numbers.front().second);
        if (numbers.front().first.size() == 1) text = numbers.front().first + "=" + text;
    } else if (!numbers.empty()) {
        // The shape's map is sorted; people say m, n, k.
        std::stable_sort(numbers.begin(), numbers.end(), [](const auto& a, const auto& b) {
            const std::string_view usual = "bmnk";
            return a.first.size() == 1 && b.first.size() == 1 &&
                   usual.find(a.first) < usual.find(b.first);
        });
        const bool equal = std::all_of(numbers.begin(), numbers.end(), [&](const auto& n) {
            return n.second == numbers.front().second;
        });
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            text += numbers[i].first + "=";
            if (!equal) text += scaled(numbers[i].second) + (i + 1 < numbers.size() ? " " : "");
        }
        if (equal) text += scaled(numbers.front().second);
    }
    if (text.empty() && !words.empty()) return words.substr(1);
    return text + words;
}

std::string case_words(const Case& what) {
    std::string words = what.operation + " " + what.precision;
    const std::string shape = short_shape(what.shape);
    if (!shape.empty()) words += " " + shape;
    return words;
}

Section measurements_section(const Run& run) {
    Section section;
    section.title = "Measurements";
    std::vector<std::string> order;
    std::map<std::string, std::vector<const Measurement*>> by_operation;
    for (const Measurement& m : run.measurements) {
        if (!has_number(m)) continue;
        auto& rows = by_operation[m.what.operation];
        if (rows.empty()) order.push_back(m.what.operation);
        rows.push_back(&m);
    }
    // In the catalog's order; operations that this version does not know come last.
    const std::vector<std::string> known = catalog::operation_names();
    const auto rank = [&](const std::string& name) {
        return std::find(known.begin(), known.end(), name) - known.begin();
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    for (const std::string& name : order) {
        auto& rows = by_operation[name];
        std::stable_sort(rows.begin(), rows.end(), comes_before);
        section.tables.push_back(detail_table(rows));
    }
    return section;
}

// Cases without a number, gathered under the reason that they share.
Section not_measured_section(const Run& run) {
    struct Group {
        std::string heading;
        std::optional<Outcome> outcome;  // none: skipped
        std::string reason;
        bool one_of_several = false;  // reasons that differ in their numbers alone
        std::vector<std::string> cases;
    };
    std::vector<Group> groups;
    const auto add = [&](const std::string& heading, std::optional<Outcome> outcome,
                         const std::string& reason, const Case& what) {
        auto it = std::find_if(groups.begin(), groups.end(), [&](const Group& g) {
            return g.heading == heading && without_numbers(g.reason) == without_numbers(reason);
        });
        if (it == groups.end())
            it = groups.insert(groups.end(), {heading, outcome, reason, false, {}});
        it->one_of_several = it->one_of_several || it->reason != reason;
        it->cases.push_back(case_words(what));
    };
    for (const Measurement& m : run.measurements)
        if (!has_number(m))
            add(fmt::format("{}, {}", backend_name(m.what), to_string(m.outcome)), m.outcome,
                m.reason, m.what);
    for (const SkippedCase& s : run.skipped)
        add(backend_name(s.what) + ", skipped", std::nullopt, s.reason, s.what);
    Section section;
    if (groups.empty()) return section;
    section.title = "Not measured";
    for (const Group& group : groups) {
        Field field{group.heading, group.reason, Tone::bad, "✗", {}};
        if (field.value.empty()) field.value = "no reason given";
        if (group.one_of_several) field.value = "for example: " + field.value;
        if (!group.outcome || group.outcome == Outcome::unsupported) {
            field.tone = Tone::dim;
            field.mark = "·";
        } else if (group.outcome == Outcome::contended) {
            field.tone = Tone::doubtful;
            field.mark = "⚠";
        }
        field.details.push_back(fmt::format("{}", fmt::join(group.cases, ", ")));
        section.fields.push_back(std::move(field));
    }
    return section;
}

Table measurements_table(const Run& run) {
    Table table;
    const Align right = Align::right;
    table.columns = {{"operation", "Operation"},
                     {"precision", "Precision"},
                     {"shape", "Shape"},
                     {"device", "Device"},
                     {"backend", "Backend"},
                     {"threads", "Threads", Unit::count, right},
                     {"outcome", "Outcome"},
                     {"gops", "Rate", Unit::gops, right},
                     {"gbps", "Bandwidth", Unit::gbps, right},
                     {"median_s", "Median", Unit::seconds, right},
                     {"ci_low_s", "CI low", Unit::seconds, right, 4},
                     {"ci_high_s", "CI high", Unit::seconds, right, 4},
                     {"mean_s", "Mean", Unit::seconds, right, 6},
                     {"samples", "Kept", Unit::count, right, 2},
                     {"dropped", "Dropped", Unit::count, right, 2},
                     {"exit", "Exit", Unit::none, Align::left, 3},
                     {"implementation", "Implementation", Unit::none, Align::left, 5},
                     {"inference_j", "Inference", Unit::joules, right, 5},
                     {"flags", "Flags", Unit::none, Align::left, 4},
                     {"reason", "Reason", Unit::none, Align::left, 6}};
    for (const Measurement& m : run.measurements) {
        const Statistics& s = m.statistics;
        const bool timed = s.median_s > 0;
        table.rows.push_back({cell(m.what.operation),
                              cell(m.what.precision),
                              cell(to_string(m.what.shape)),
                              cell(m.what.device),
                              cell(m.what.backend),
                              threads_cell(m.what),
                              outcome_cell(m),
                              cell(m.gops),
                              cell(m.gbps),
                              timed ? cell(s.median_s) : Cell{},
                              timed ? cell(s.ci_low_s) : Cell{},
                              timed ? cell(s.ci_high_s) : Cell{},
                              cell(m.mean_s),
                              cell(s.kept),
                              cell(dropped(s)),
                              cell(std::string(to_string(s.exit))),
                              cell(m.implementation),
                              m.energy ? cell(m.energy->inference_j) : Cell{},
                              flags_cell(m.flags),
                              cell(m.reason)});
    }
    return table;
}

}  // namespace peakward
