// Series, stacks, hardware and facts, out of the index tables.
#include <algorithm>
#include <limits>
#include <map>
#include <unordered_set>

#include "core/json.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "store/period.hpp"
#include "store/point_rows.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace peakward::store {
namespace {

struct Where {
    std::string sql = "1";
    std::vector<Value> parameters;

    void add(const std::string& condition, std::initializer_list<Value> values) {
        sql += " AND " + condition;
        parameters.insert(parameters.end(), values);
    }
    void equal(const char* column, const std::string& value) {
        if (!value.empty()) add(fmt::format("{} = ?", column), {value});
    }
    // "cuda" is every "cuda:N", "quick" every "quick/N".
    void equal_or_below(const char* column, const std::string& value, char separator) {
        if (value.empty()) return;
        add(fmt::format("({0} = ? OR ({0} > ? AND {0} < ?))", column),
            {value, value + separator, value + char(separator + 1)});
    }
    void one_of(const char* column, const std::vector<std::string>& values) {
        if (values.empty()) return;
        std::string marks;
        for (const std::string& value : values) {
            marks += marks.empty() ? "?" : ", ?";
            parameters.emplace_back(value);
        }
        sql += fmt::format(" AND {} IN ({})", column, marks);
    }
    int bind(Statement& statement, int first) const {
        for (const Value& value : parameters) statement.bind(first++, value);
        return first;
    }
};

// Seconds, begin inclusive, end exclusive; everything where the filter names none.
Result<Period> period_of(const SeriesFilter& filter) {
    Period whole{std::numeric_limits<std::int64_t>::min(),
                 std::numeric_limits<std::int64_t>::max()};
    if (!filter.since.empty()) {
        auto period = parse_period(filter.since);
        if (!period) return tl::make_unexpected(period.error());
        whole.begin = period->begin;
    }
    if (!filter.until.empty()) {
        auto period = parse_period(filter.until);
        if (!period) return tl::make_unexpected(period.error());
        whole.end = period->end;
    }
    return whole;
}

void read_common(const Json& json, SeriesKey& key) {
    key.install = json.value("install", "");
    key.lineage = json.value("lineage", "");
    key.power_mode = optional_from_json<std::string>(json, "power_mode");
}

SeriesKey key_of_score(std::string_view text) {
    SeriesKey key;
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return key;
    read_common(json, key);
    key.definition = key.suite = json.value("suite", "");
    key.device = json.value("device", "");
    key.backend = json.value("backend", "");
    key.precision = json.value("precision", "");
    return key;
}

SeriesKey key_of_case(std::string_view text) {
    SeriesKey key;
    key.kind = SeriesKind::measurement;
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("case")) return key;
    read_common(json, key);
    key.definition = json.value("definition", "");
    if (const auto what = case_from_json(json.at("case"))) {
        key.device = what->device;
        key.backend = what->backend;
        key.precision = what->precision;
        key.operation = what->operation;
        key.shape = what->shape;
        key.threads = what->threads;
    }
    return key;
}

SeriesKey key_of(SeriesKind kind, std::string_view text) {
    return kind == SeriesKind::score ? key_of_score(text) : key_of_case(text);
}

std::vector<SeriesKind> kinds_of(const SeriesFilter& filter) {
    if (filter.kind) return {*filter.kind};
    return {SeriesKind::score, SeriesKind::measurement};
}

// id and key of those that the filter takes.
Statement select_series(Connection& connection, SeriesKind kind, const SeriesFilter& filter) {
    const bool scores = kind == SeriesKind::score;
    Where where;
    where.one_of("lineage", filter.lineages);
    where.equal("precision", filter.precision);
    where.equal("backend", filter.backend);
    where.equal_or_below("device", filter.device, ':');
    if (scores) where.equal_or_below("suite", filter.suite, '/');
    if (!scores) where.equal("operation", filter.operation);
    if (scores && !filter.operation.empty()) where.sql += " AND 0";
    Statement series =
        connection.prepare(fmt::format("SELECT id, key FROM {} WHERE {} ORDER BY id",
                                       scores ? "score_series" : "series", where.sql));
    where.bind(series, 1);
    return series;
}

// Reads what is sealed in large pieces, and what came after row by row.
class Reader {
public:
    Reader(Connection& connection, const SeriesFilter& filter,
           const std::function<Status(Series&&)>& take)
        : c_(connection), filter_(filter), take_(take) {}

    Status read() {
        auto period = period_of(filter_);
        if (!period) return tl::make_unexpected(period.error());
        period_ = *period;
        read_metrics();
        read_left_out();
        if (metrics_.empty()) return c_.status();
        prepare();
        const auto is_of_scores = [](const auto& one) { return is_score_metric(one.second.name); };
        const auto of_scores = std::count_if(metrics_.begin(), metrics_.end(), is_of_scores);
        for (const SeriesKind kind : kinds_of(filter_)) {
            const bool scores = kind == SeriesKind::score;
            if (scores ? of_scores == 0 : of_scores == std::ptrdiff_t(metrics_.size())) continue;
            if (auto status = read_kind(kind); !status) return status;
        }
        return c_.status();
    }

private:
    struct Metric {
        std::string name, unit;
        std::vector<SeriesPoint> points;  // of the series that is being read
    };

    // Those that the filter wants.
    void read_metrics() {
        Statement rows = c_.prepare("SELECT id, name, unit FROM metrics");
        while (rows.step()) {
            const std::string name = rows.text(1);
            const auto& wanted = filter_.metrics;
            if (wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end())
                metrics_[rows.integer(0)] = {name, rows.text(2), {}};
        }
    }
    // Runs that were superseded, and those of other suites than the filter's.
    void read_left_out() {
        Statement superseded = c_.prepare(
            "SELECT r.seq FROM runs later JOIN runs r ON r.run_id = later.supersedes "
            "WHERE later.supersedes IS NOT NULL");
        while (superseded.step()) left_out_.insert(superseded.integer(0));
        if (filter_.suite.empty()) return;
        Where of_suite;
        of_suite.equal_or_below("suite", filter_.suite, '/');
        Statement others =
            c_.prepare(fmt::format("SELECT seq FROM runs WHERE NOT ({})", of_suite.sql));
        of_suite.bind(others, 1);
        while (others.step()) left_out_.insert(others.integer(0));
    }
    void prepare() {
        std::string ids = "0";
        for (const auto& [id, metric] : metrics_) ids += fmt::format(", {}", id);
        sealed_.emplace(c_.prepare(
            fmt::format("SELECT metric_id, last_seq, points FROM sealed_points WHERE kind = ? AND "
                        "series_id = ? AND metric_id IN ({}) ORDER BY metric_id, last_seq",
                        ids)));
        rows_.emplace(c_.prepare(
            "SELECT seq, timestamp_unix, stack_id, doubts, figures FROM points WHERE kind = ? AND "
            "series_id = ? AND seq > ? ORDER BY seq, position"));
        suite_.emplace(c_.prepare("SELECT suite FROM runs WHERE seq = ?"));
    }

    Status read_kind(SeriesKind kind);
    Status read_one(std::int64_t kind, std::int64_t id);
    Status hand_out(const SeriesKey& key);
    std::string suite_of(std::int64_t seq);
    bool is_left_out(const SeriesPoint& point) const {
        return point.time_unix < period_.begin || point.time_unix >= period_.end ||
               (!left_out_.empty() && left_out_.contains(point.seq));
    }
    Status damaged() const {
        return failed(
            fmt::format("{} has damaged points: 'peakward db verify' tells what else is, "
                        "and 'peakward db rebuild' makes them anew",
                        c_.path()));
    }

    Connection& c_;
    const SeriesFilter& filter_;
    const std::function<Status(Series&&)>& take_;
    Period period_;
    std::map<std::int64_t, Metric> metrics_;
    std::vector<SeriesPoint> gaps_;
    std::unordered_set<std::int64_t> left_out_;
    std::optional<Statement> sealed_, rows_, suite_;
    StoredPoint stored_;
};

Status Reader::read_kind(SeriesKind kind) {
    Statement series = select_series(c_, kind, filter_);
    while (series.step()) {
        if (auto status = read_one(kind_column(kind), series.integer(0)); !status) return status;
        const bool any = std::any_of(metrics_.begin(), metrics_.end(),
                                     [](const auto& one) { return !one.second.points.empty(); });
        if (!any) continue;
        const SeriesKey key =
            kind == SeriesKind::score ? key_of_score(series.view(1)) : key_of_case(series.view(1));
        if (auto status = hand_out(key); !status) return status;
    }
    return c_.status();
}

// Into metrics_ and gaps_.
Status Reader::read_one(std::int64_t kind, std::int64_t id) {
    gaps_.clear();
    for (auto& [metric_id, metric] : metrics_) metric.points.clear();
    std::int64_t last_seq = 0;
    sealed_->bind(1, kind).bind(2, id);
    while (sealed_->step()) {
        const std::int64_t metric_id = sealed_->integer(0);
        last_seq = std::max(last_seq, sealed_->integer(1));
        auto& points = metric_id == 0 ? gaps_ : metrics_.at(metric_id).points;
        if (!unpack_points(sealed_->view(2), metric_id != 0, points)) return damaged();
    }
    sealed_->reset();
    rows_->bind(1, kind).bind(2, id).bind(3, last_seq);
    while (rows_->step()) {
        if (!read_point(*rows_, 0, stored_)) return damaged();
        if (stored_.figures.empty()) gaps_.push_back(stored_.point);
        for (const PackedFigure& figure : stored_.figures) {
            const auto metric = metrics_.find(figure.metric_id);
            if (metric == metrics_.end()) continue;
            SeriesPoint& point = metric->second.points.emplace_back(stored_.point);
            point.value = figure.value;
            point.ci_low = figure.ci_low;
            point.ci_high = figure.ci_high;
            point.doubts |= figure.doubts;
        }
    }
    rows_->reset();
    return c_.status();
}

std::string Reader::suite_of(std::int64_t seq) {
    suite_->bind(1, seq);
    std::string suite = suite_->step() ? suite_->text(0) : "";
    suite_->reset();
    return suite;
}

Status Reader::hand_out(const SeriesKey& key) {
    for (SeriesPoint& gap : gaps_) {
        gap.value = gap.ci_low = gap.ci_high = no_number;
        gap.doubts |= doubt_not_measured;
    }
    const auto before = [](const SeriesPoint& a, const SeriesPoint& b) {
        return std::pair(a.time_unix, a.seq) < std::pair(b.time_unix, b.seq);
    };
    for (auto& [metric_id, metric] : metrics_) {
        std::vector<SeriesPoint>& points = metric.points;
        std::erase_if(points, [&](const SeriesPoint& point) { return is_left_out(point); });
        if (points.empty()) continue;
        for (const SeriesPoint& gap : gaps_)
            if (!is_left_out(gap)) points.push_back(gap);
        if (!std::is_sorted(points.begin(), points.end(), before))
            std::stable_sort(points.begin(), points.end(), before);
        Series series{key, points};
        series.key.metric = metric.name;
        series.key.unit = metric.unit;
        if (key.kind == SeriesKind::measurement) series.key.suite = suite_of(points.back().seq);
        if (auto status = take_(std::move(series)); !status) return status;
    }
    return {};
}

}  // namespace

Status SqliteStore::each_series(const SeriesFilter& filter,
                                const std::function<Status(Series&&)>& take) {
    Transaction snapshot(*connection_, Transaction::Kind::read);
    if (auto status = connection_->status(); !status) return status;
    return Reader(*connection_, filter, take).read();
}

Result<std::vector<SeriesKey>> SqliteStore::series_keys(const SeriesFilter& filter) {
    std::vector<SeriesKey> keys;
    for (const SeriesKind kind : kinds_of(filter)) {
        Statement series = select_series(*connection_, kind, filter);
        while (series.step()) keys.push_back(key_of(kind, series.view(1)));
    }
    if (auto status = connection_->status(); !status) return tl::make_unexpected(status.error());
    return keys;
}

Result<std::vector<std::string>> SqliteStore::metrics() {
    std::vector<std::string> names;
    Statement rows = connection_->prepare("SELECT name FROM metrics ORDER BY name");
    while (rows.step()) names.push_back(rows.text(0));
    if (auto status = connection_->status(); !status) return tl::make_unexpected(status.error());
    return names;
}

Result<std::vector<SoftwareStack>> SqliteStore::stacks() {
    std::vector<SoftwareStack> stacks;
    Statement rows =
        connection_->prepare("SELECT software_fingerprint, stack_digest FROM stacks ORDER BY id");
    while (rows.step()) stacks.push_back({rows.text(0), rows.text(1)});
    if (auto status = connection_->status(); !status) return tl::make_unexpected(status.error());
    return stacks;
}

// ---------------------------------------------------------------------------------------------
// Hardware and facts
// ---------------------------------------------------------------------------------------------

namespace {

// Imported runs tell of one device each: products of the others are in the runs before the newest.
constexpr const char* imported_products =
    "SELECT p.device, p.product FROM run_products p JOIN (SELECT seq, timestamp_unix FROM runs "
    "WHERE lineage = ? AND suite GLOB 'import-*' ORDER BY timestamp_unix DESC, seq DESC LIMIT 200) "
    "r ON r.seq = p.seq ORDER BY r.timestamp_unix DESC, r.seq DESC";

// What the newest run of a lineage says of it.
class NewestReader {
public:
    explicit NewestReader(Connection& c)
        : facts_(c.prepare(
              "SELECT f.cpu_model, (SELECT coalesce(g.model, 'unknown') FROM gpus g "
              "WHERE g.seq = f.seq AND g.position = 0), (SELECT suite GLOB 'import-*' FROM runs r "
              "WHERE r.seq = f.seq) FROM run_facts f WHERE f.seq = ?")),
          products_(c.prepare("SELECT device, product FROM run_products WHERE seq = ?")),
          imported_(c.prepare(imported_products)) {}

    void read(KnownHardware& known) {
        facts_.bind(1, known.newest_seq);
        const bool any = facts_.step();
        if (any) {
            known.cpu_model = facts_.optional_text(0).value_or("unknown");
            known.gpu_model = facts_.optional_text(1).value_or("N/A");
        }
        const bool is_imported = any && facts_.integer(2) != 0;
        facts_.reset();
        if (!any) return;
        products_.bind(1, known.newest_seq);
        while (products_.step()) known.products[products_.text(0)] = products_.text(1);
        products_.reset();
        if (!is_imported) return;
        imported_.bind(1, std::string_view(known.lineage));
        while (imported_.step()) known.products.try_emplace(imported_.text(0), imported_.text(1));
        imported_.reset();
    }

private:
    Statement facts_, products_, imported_;
};

}  // namespace

Result<std::vector<KnownHardware>> SqliteStore::hardware() {
    Connection& c = *connection_;
    Transaction snapshot(c, Transaction::Kind::read);
    std::map<std::string, KnownHardware> by_lineage;
    {
        Statement rows = c.prepare(
            "SELECT lineage, hardware_fingerprint, install, runs, first_unix, newest_unix, "
            "newest_seq FROM hosts ORDER BY first_unix, first_seq");
        while (rows.step()) {
            KnownHardware& known = by_lineage[rows.text(0)];
            const bool is_first = known.runs == 0;
            known.lineage = rows.text(0);
            const std::string fingerprint = rows.text(1), install = rows.text(2);
            if (std::none_of(known.fingerprints.begin(), known.fingerprints.end(),
                             [&](const auto& one) { return one.first == fingerprint; }))
                known.fingerprints.emplace_back(fingerprint, rows.integer(4));
            if (std::find(known.installs.begin(), known.installs.end(), install) ==
                known.installs.end())
                known.installs.push_back(install);
            known.runs += rows.integer(3);
            if (is_first) known.first_unix = rows.integer(4);
            const std::pair newest(rows.integer(5), rows.integer(6));
            if (is_first || newest > std::pair(known.last_unix, known.newest_seq))
                std::tie(known.last_unix, known.newest_seq) = newest;
        }
    }
    std::vector<KnownHardware> hardware;
    NewestReader newest(c);
    for (auto& [lineage, known] : by_lineage) {
        newest.read(known);
        hardware.push_back(std::move(known));
    }
    if (auto status = c.status(); !status) return tl::make_unexpected(status.error());
    std::sort(hardware.begin(), hardware.end(), [](const auto& a, const auto& b) {
        return std::pair(a.last_unix, a.newest_seq) > std::pair(b.last_unix, b.newest_seq);
    });
    return hardware;
}

namespace {

class FactsReader {
public:
    explicit FactsReader(Connection& connection)
        : run_(connection.prepare(
              "SELECT r.run_id, r.timestamp, r.timestamp_unix, r.hardware_fingerprint, r.lineage, "
              "r.software_fingerprint, f.stack_digest, r.suite, f.peakward_version, "
              "f.cpu_microcode, f.power_mode, f.cpu_governor, f.thermal_state, f.virtualization, "
              "f.flags FROM runs r JOIN run_facts f ON f.seq = r.seq WHERE r.seq = ?")),
          components_(connection.prepare("SELECT name, version FROM components WHERE seq = ?")),
          gpus_(connection.prepare("SELECT vbios FROM gpus WHERE seq = ? ORDER BY position")),
          clocks_(connection.prepare(
              "SELECT s.device, v.value FROM measurements m JOIN series s ON s.id = m.series_id "
              "JOIN measurement_values v ON v.series_id = m.series_id AND v.seq = m.seq "
              "AND v.position = m.position AND v.metric = 'clock_hz' WHERE m.seq = ? "
              "ORDER BY s.device, v.value")) {}

    std::optional<RunFacts> read(std::int64_t seq) {
        run_.bind(1, seq);
        if (!run_.step()) return std::nullopt;
        RunFacts facts;
        facts.seq = seq;
        facts.run_id = run_.text(0);
        facts.timestamp = run_.text(1);
        facts.time_unix = run_.integer(2);
        facts.hardware_fingerprint = run_.text(3);
        facts.lineage = run_.text(4);
        facts.software_fingerprint = run_.text(5);
        facts.stack_digest = run_.text(6);
        facts.suite = run_.text(7);
        facts.peakward_version = run_.text(8);
        facts.firmware["cpu_microcode"] = run_.optional_text(9);
        facts.environment = {{"power_mode", run_.optional_text(10)},
                             {"cpu_governor", run_.optional_text(11)},
                             {"thermal_state", run_.optional_text(12)},
                             {"virtualization", run_.optional_text(13)}};
        facts.flags = words_of(run_.view(14));
        run_.reset();
        components_.bind(1, seq);
        while (components_.step())
            facts.components[components_.text(0)] = components_.optional_text(1);
        components_.reset();
        read_vbios(facts);
        read_clocks(facts);
        return facts;
    }

private:
    // "gpu_vbios", and "gpu_vbios 1" of the second GPU.
    void read_vbios(RunFacts& facts) {
        gpus_.bind(1, facts.seq);
        for (int i = 0; gpus_.step(); ++i)
            facts.firmware[i == 0 ? "gpu_vbios" : fmt::format("gpu_vbios {}", i)] =
                gpus_.optional_text(0);
        gpus_.reset();
    }
    // Median over the cases of a device: "clock_mhz" of the CPU, "clock_mhz cuda:0".
    void read_clocks(RunFacts& facts) {
        std::map<std::string, std::vector<double>> clocks_hz;
        clocks_.bind(1, facts.seq);
        while (clocks_.step()) clocks_hz[clocks_.text(0)].push_back(clocks_.number(1));
        clocks_.reset();
        for (const auto& [device, values] : clocks_hz)
            facts.environment[device == "cpu" ? "clock_mhz" : "clock_mhz " + device] =
                fmt::format("{:.0f}", values[values.size() / 2] / 1e6);
    }

    Statement run_, components_, gpus_, clocks_;
};

}  // namespace

Result<std::vector<RunFacts>> SqliteStore::facts_of(const std::vector<std::int64_t>& seqs) {
    Transaction snapshot(*connection_, Transaction::Kind::read);
    std::vector<RunFacts> list;
    {
        FactsReader reader(*connection_);
        for (const std::int64_t seq : seqs) {
            auto facts = reader.read(seq);
            if (auto status = connection_->status(); !status)
                return tl::make_unexpected(status.error());
            if (!facts)
                return failed(
                    fmt::format("there is no run with seq {} in {}: run 'peakward db "
                                "verify' to see what else is missing",
                                seq, connection_->path()));
            list.push_back(std::move(*facts));
        }
    }
    return list;
}

Result<std::vector<CaseImplementation>> SqliteStore::implementations_of(std::int64_t seq) {
    Transaction snapshot(*connection_, Transaction::Kind::read);
    std::vector<CaseImplementation> list;
    {
        Statement rows = connection_->prepare(
            "SELECT s.key, m.implementation FROM measurements m JOIN series s "
            "ON s.id = m.series_id WHERE m.seq = ? AND m.outcome = 'measured' "
            "AND m.implementation <> '' ORDER BY m.series_id, m.position");
        rows.bind(1, seq);
        while (rows.step()) {
            const Json key = Json::parse(rows.view(0), nullptr, false);
            if (!key.is_object() || !key.contains("case")) continue;
            if (auto what = case_from_json(key.at("case")))
                list.push_back({std::move(*what), rows.text(1)});
        }
    }
    if (auto status = connection_->status(); !status) return tl::make_unexpected(status.error());
    return list;
}

}  // namespace peakward::store
