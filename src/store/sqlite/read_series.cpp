// Series, stacks and hardware out of the index tables.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "core/json.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "store/period.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace peakward::store {
namespace {

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

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

Status add_period(Where& where, const SeriesFilter& filter) {
    if (!filter.since.empty()) {
        auto period = parse_period(filter.since);
        if (!period) return tl::make_unexpected(period.error());
        where.add("r.timestamp_unix >= ?", {period->begin});
    }
    if (!filter.until.empty()) {
        auto period = parse_period(filter.until);
        if (!period) return tl::make_unexpected(period.error());
        where.add("r.timestamp_unix < ?", {period->end});
    }
    return {};
}

bool wants(const SeriesFilter& filter, std::string_view metric) {
    return filter.metrics.empty() ||
           std::find(filter.metrics.begin(), filter.metrics.end(), metric) != filter.metrics.end();
}

struct ScoreMetric {
    const char* name;
    const char* unit;
};
constexpr ScoreMetric score_metrics[] = {{"peak_measured_gops", "GOP/s"},
                                         {"blas3_gops", "GOP/s"},
                                         {"stream_best_gbps", "GB/s"},
                                         {"efficiency", "ratio"},
                                         {"bandwidth_efficiency", "ratio"}};

// The metrics of one score or case while its points come in, in any order.
class Gathered {
public:
    explicit Gathered(SeriesKey key) : key_(std::move(key)) {}

    void add(const std::string& metric, const std::string& unit, const SeriesPoint& point) {
        Series& series = by_metric_[metric];
        if (series.points.empty()) {
            series.key = key_;
            series.key.metric = metric;
            series.key.unit = unit;
        }
        series.points.push_back(point);
    }
    // A run in which nothing was measured is a gap in every metric there is.
    void add_gap(SeriesPoint point) {
        point.value = point.ci_low = point.ci_high = no_number;
        point.doubts |= doubt_not_measured;
        gaps_.push_back(point);
    }
    Status hand_out(const std::function<Status(Series&&)>& take) {
        for (auto& [metric, series] : by_metric_) {
            series.points.insert(series.points.end(), gaps_.begin(), gaps_.end());
            std::stable_sort(series.points.begin(), series.points.end(),
                             [](const SeriesPoint& a, const SeriesPoint& b) {
                                 return std::pair(a.time_unix, a.seq) <
                                        std::pair(b.time_unix, b.seq);
                             });
            if (auto status = take(std::move(series)); !status) return status;
        }
        return {};
    }

private:
    SeriesKey key_;
    std::map<std::string, Series> by_metric_;
    std::vector<SeriesPoint> gaps_;
};

class Reader {
public:
    Reader(Connection& connection, const SeriesFilter& filter,
           const std::function<Status(Series&&)>& take)
        : c_(connection), filter_(filter), take_(take) {}

    Status read() {
        if (auto status = add_period(runs_, filter_); !status) return status;
        read_stacks();
        read_superseded();
        if (filter_.kind != SeriesKind::measurement && filter_.operation.empty())
            if (auto status = read_scores(); !status) return status;
        if (filter_.kind != SeriesKind::score)
            if (auto status = read_cases(); !status) return status;
        return c_.status();
    }

private:
    void read_stacks() {
        Statement rows = c_.prepare(
            "SELECT r.software_fingerprint, f.stack_digest FROM runs r "
            "JOIN run_facts f ON f.seq = r.seq GROUP BY 1, 2 ORDER BY min(r.seq)");
        while (rows.step()) {
            const auto place = std::int32_t(stacks_.size());
            stacks_.emplace(std::pair(rows.text(0), rows.text(1)), place);
        }
    }
    void read_superseded() {
        Statement rows = c_.prepare(
            "SELECT r.seq FROM runs later JOIN runs r ON r.run_id = later.supersedes "
            "WHERE later.supersedes IS NOT NULL");
        while (rows.step()) superseded_.insert(rows.integer(0));
    }
    std::int32_t place_of(const Statement& row, int fingerprint, int digest) const {
        const auto found = stacks_.find({row.text(fingerprint), row.text(digest)});
        return found == stacks_.end() ? -1 : found->second;
    }
    // Lists of flags repeat: each is read once.
    std::uint16_t doubts_of(const std::string& flags) {
        const auto known = doubts_.find(flags);
        if (known != doubts_.end()) return known->second;
        std::uint16_t doubts = 0;
        const Json list = Json::parse(flags, nullptr, false);
        if (list.is_array())
            for (const Json& flag : list)
                if (flag.is_string()) doubts |= doubt_of_flag(flag.get<std::string>());
        return doubts_[flags] = doubts;
    }
    Status give(std::optional<Gathered>& gathered) {
        if (auto status = c_.status(); !status) return status;
        if (!gathered) return {};
        Status status = gathered->hand_out(take_);
        gathered.reset();
        return status;
    }

    Status read_scores();
    void add_score(const Statement& row, Gathered& gathered);
    // Bounds of the figure, where a measurement of the run is what it was taken from.
    std::pair<double, double> interval_of(std::int64_t seq, const char* metric,
                                          const Statement& row, double value);
    Status read_cases();
    Status read_case(std::int64_t id, SeriesKey key);

    Connection& c_;
    const SeriesFilter& filter_;
    const std::function<Status(Series&&)>& take_;
    Where runs_;  // on r
    std::map<std::pair<std::string, std::string>, std::int32_t> stacks_;
    std::unordered_set<std::int64_t> superseded_;
    std::unordered_map<std::string, std::uint16_t> doubts_;
    std::optional<Statement> behind_;
};

// ---------------------------------------------------------------------------------------------
// Scores
// ---------------------------------------------------------------------------------------------

Status Reader::read_scores() {
    Where where = runs_;
    where.one_of("r.lineage", filter_.lineages);
    where.equal_or_below("r.suite", filter_.suite, '/');
    where.equal_or_below("s.device", filter_.device, ':');
    where.equal("s.backend", filter_.backend);
    where.equal("s.precision", filter_.precision);
    Statement rows = c_.prepare(fmt::format(
        "SELECT r.install, r.lineage, f.power_mode, r.suite, s.device, s.backend, s.precision, "
        "r.seq, r.timestamp_unix, r.software_fingerprint, f.stack_digest, f.flags, s.flags, "
        "s.peak_operation, s.peak_measured_gops, s.blas3_gops, s.stream_best_gbps, s.efficiency, "
        "s.bandwidth_efficiency FROM runs r JOIN run_facts f ON f.seq = r.seq "
        "JOIN scores s ON s.seq = r.seq WHERE {} "
        "ORDER BY r.lineage, r.install, f.power_mode, r.suite, s.device, s.backend, s.precision",
        where.sql));
    where.bind(rows, 1);
    std::optional<Gathered> gathered;
    SeriesKey before;
    while (rows.step()) {
        SeriesKey key;
        key.install = rows.text(0);
        key.lineage = rows.text(1);
        key.power_mode = rows.optional_text(2);
        key.suite = rows.text(3);
        key.device = rows.text(4);
        key.backend = rows.text(5);
        key.precision = rows.text(6);
        if (!gathered || key != before) {
            if (auto status = give(gathered); !status) return status;
            before = key;
            gathered.emplace(std::move(key));
        }
        add_score(rows, *gathered);
    }
    return give(gathered);
}

void Reader::add_score(const Statement& row, Gathered& gathered) {
    SeriesPoint point;
    point.seq = row.integer(7);
    if (superseded_.contains(point.seq)) return;
    point.time_unix = row.integer(8);
    point.stack = place_of(row, 9, 10);
    point.doubts = std::uint16_t(doubts_of(row.text(11)) | doubts_of(row.text(12)));
    bool any = false;
    for (std::size_t i = 0; i < std::size(score_metrics); ++i) {
        const ScoreMetric& metric = score_metrics[i];
        const auto value = row.optional_number(14 + int(i));
        any = any || value;
        if (!value || !wants(filter_, metric.name)) continue;
        point.value = *value;
        std::tie(point.ci_low, point.ci_high) = interval_of(point.seq, metric.name, row, *value);
        gathered.add(metric.name, metric.unit, point);
    }
    if (!any) gathered.add_gap(point);
}

std::pair<double, double> Reader::interval_of(std::int64_t seq, const char* metric,
                                              const Statement& row, double value) {
    const std::string name = metric;
    const bool is_ratio = name == "efficiency" || name == "bandwidth_efficiency";
    const bool is_bandwidth = name == "stream_best_gbps" || name == "bandwidth_efficiency";
    const auto rate = is_bandwidth           ? row.optional_number(16)
                      : name == "blas3_gops" ? row.optional_number(15)
                                             : row.optional_number(14);
    if (!rate || *rate == 0) return {no_number, no_number};
    if (!behind_)
        behind_.emplace(c_.prepare(
            "SELECT v.ci_low, v.ci_high FROM measurements m JOIN series s ON s.id = m.series_id "
            "JOIN measurement_values v ON v.series_id = m.series_id AND v.seq = m.seq "
            "AND v.position = m.position AND v.metric = ?2 WHERE m.seq = ?1 "
            "AND m.outcome = 'measured' AND v.value = ?3 AND s.device = ?4 AND s.backend = ?5 "
            "AND (?6 IS NULL OR s.precision = ?6) AND (?7 IS NULL OR s.operation = ?7) LIMIT 1"));
    Statement& behind = *behind_;
    const bool is_peak = !is_bandwidth && name != "blas3_gops";
    behind.bind(1, seq)
        .bind(2, std::string_view(is_bandwidth ? "gbps" : "gops"))
        .bind(3, Value(*rate))
        .bind(4, std::string_view(row.text(4)))
        .bind(5, std::string_view(row.text(5)))
        .bind(6, is_bandwidth ? Value() : Value(row.text(6)))
        .bind(7, is_peak ? Value(row.text(13)) : Value());
    std::pair<double, double> bounds{no_number, no_number};
    if (behind.step() && !behind.is_null(0) && !behind.is_null(1)) {
        const double scale = is_ratio ? value / *rate : 1;
        bounds = {behind.number(0) * scale, behind.number(1) * scale};
    }
    behind.reset();
    return bounds;
}

// ---------------------------------------------------------------------------------------------
// Cases
// ---------------------------------------------------------------------------------------------

SeriesKey key_of_case(std::string_view text) {
    SeriesKey key;
    key.kind = SeriesKind::measurement;
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return key;
    key.install = json.value("install", "");
    key.lineage = json.value("lineage", "");
    key.suite = json.value("suite", "");
    key.power_mode = optional_from_json<std::string>(json, "power_mode");
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

Status Reader::read_cases() {
    Where where;
    where.one_of("lineage", filter_.lineages);
    where.equal("operation", filter_.operation);
    where.equal("precision", filter_.precision);
    where.equal("backend", filter_.backend);
    where.equal_or_below("device", filter_.device, ':');
    where.equal_or_below("suite", filter_.suite, '/');
    Statement rows =
        c_.prepare(fmt::format("SELECT id, key FROM series WHERE {} ORDER BY id", where.sql));
    where.bind(rows, 1);
    while (rows.step())
        if (auto status = read_case(rows.integer(0), key_of_case(rows.view(1))); !status)
            return status;
    return c_.status();
}

Status Reader::read_case(std::int64_t id, SeriesKey key) {
    Where metrics;
    metrics.one_of("v.metric", filter_.metrics);
    Statement rows = c_.prepare(fmt::format(
        "SELECT m.seq, m.position, m.outcome, m.flags, r.timestamp_unix, r.software_fingerprint, "
        "f.stack_digest, f.flags, v.metric, v.value, v.unit, v.ci_low, v.ci_high "
        "FROM measurements m JOIN runs r ON r.seq = m.seq JOIN run_facts f ON f.seq = m.seq "
        "LEFT JOIN measurement_values v ON v.series_id = m.series_id AND v.seq = m.seq "
        "AND v.position = m.position AND {} WHERE m.series_id = ? AND {} "
        "ORDER BY m.seq, m.position",
        metrics.sql, runs_.sql));
    int next = metrics.bind(rows, 1);
    rows.bind(next++, id);
    runs_.bind(rows, next);
    std::optional<Gathered> gathered;
    gathered.emplace(std::move(key));
    std::pair<std::int64_t, std::int64_t> gap{-1, -1};
    while (rows.step()) {
        SeriesPoint point;
        point.seq = rows.integer(0);
        const std::string_view outcome = rows.view(2);
        if (superseded_.contains(point.seq) || outcome == "unsupported") continue;
        const bool has_figure = outcome == "measured" || outcome == "contended";
        point.doubts = std::uint16_t(doubts_of(rows.text(3)) | doubts_of(rows.text(7)));
        if (outcome == "contended") point.doubts |= doubt_contended;
        point.time_unix = rows.integer(4);
        point.stack = place_of(rows, 5, 6);
        if (has_figure && !rows.is_null(9)) {
            point.value = rows.number(9);
            point.ci_low = rows.optional_number(11).value_or(no_number);
            point.ci_high = rows.optional_number(12).value_or(no_number);
            gathered->add(rows.text(8), rows.text(10), point);
        } else if (std::pair(point.seq, rows.integer(1)) != gap) {  // one row a metric, or none
            gap = {point.seq, rows.integer(1)};
            gathered->add_gap(point);
        }
    }
    return give(gathered);
}

}  // namespace

Status SqliteStore::each_series(const SeriesFilter& filter,
                                const std::function<Status(Series&&)>& take) {
    Transaction snapshot(*connection_, Transaction::Kind::read);
    if (auto status = connection_->status(); !status) return status;
    return Reader(*connection_, filter, take).read();
}

Result<std::vector<SoftwareStack>> SqliteStore::stacks() {
    std::vector<SoftwareStack> stacks;
    Statement rows = connection_->prepare(
        "SELECT r.software_fingerprint, f.stack_digest FROM runs r "
        "JOIN run_facts f ON f.seq = r.seq GROUP BY 1, 2 ORDER BY min(r.seq)");
    while (rows.step()) stacks.push_back({rows.text(0), rows.text(1)});
    if (auto status = connection_->status(); !status) return tl::make_unexpected(status.error());
    return stacks;
}

// ---------------------------------------------------------------------------------------------
// Hardware and facts
// ---------------------------------------------------------------------------------------------

namespace {

// What the newest run of a lineage says of it.
void read_newest(Connection& c, KnownHardware& known) {
    Statement row = c.prepare(
        "SELECT f.cpu_model, (SELECT coalesce(g.model, 'unknown') FROM gpus g "
        "WHERE g.seq = f.seq AND g.position = 0), "
        "(SELECT json_extract(document, '$.products') FROM run_documents d WHERE d.seq = f.seq) "
        "FROM run_facts f WHERE f.seq = ?");
    row.bind(1, known.newest_seq);
    if (!row.step()) return;
    known.cpu_model = row.optional_text(0).value_or("unknown");
    known.gpu_model = row.optional_text(1).value_or("N/A");
    const Json products = Json::parse(row.text(2), nullptr, false);
    if (!products.is_array()) return;
    for (const Json& product : products)
        if (product.is_object())
            known.products[product.value("device", "")] = product.value("product", "");
}

}  // namespace

Result<std::vector<KnownHardware>> SqliteStore::hardware() {
    Connection& c = *connection_;
    Transaction snapshot(c, Transaction::Kind::read);
    std::map<std::string, KnownHardware> by_lineage;
    {
        Statement rows = c.prepare(
            "SELECT lineage, count(*), min(timestamp_unix), max(timestamp_unix) FROM runs "
            "GROUP BY lineage");
        while (rows.step()) {
            KnownHardware& known = by_lineage[rows.text(0)];
            known.lineage = rows.text(0);
            known.runs = rows.integer(1);
            known.first_unix = rows.integer(2);
            known.last_unix = rows.integer(3);
        }
    }
    {
        Statement rows = c.prepare(
            "SELECT lineage, hardware_fingerprint, min(timestamp_unix) FROM runs "
            "GROUP BY 1, 2 ORDER BY 3, min(seq)");
        while (rows.step())
            by_lineage[rows.text(0)].fingerprints.emplace_back(rows.text(1), rows.integer(2));
    }
    {
        Statement rows = c.prepare(
            "SELECT lineage, install FROM runs GROUP BY 1, 2 ORDER BY min(timestamp_unix), "
            "min(seq)");
        while (rows.step()) by_lineage[rows.text(0)].installs.push_back(rows.text(1));
    }
    std::vector<KnownHardware> hardware;
    for (auto& [lineage, known] : by_lineage) {
        Statement newest = c.prepare(
            "SELECT seq FROM runs WHERE lineage = ? ORDER BY timestamp_unix DESC, seq DESC "
            "LIMIT 1");
        newest.bind(1, std::string_view(lineage));
        if (newest.step()) known.newest_seq = newest.integer(0);
        read_newest(c, known);
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

}  // namespace peakward::store
