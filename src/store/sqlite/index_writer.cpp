#include "core/text.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace peakward::store {
namespace {

std::string insert_sql(const std::string& table, std::string_view keys,
                       const std::vector<const char*>& columns, std::size_t key_count) {
    std::string marks = "?";
    for (std::size_t i = 1; i < key_count + columns.size(); ++i) marks += ", ?";
    return fmt::format("INSERT INTO {} ({}, {}) VALUES ({})", table, keys, fmt::join(columns, ", "),
                       marks);
}

std::string find_sql(const std::string& table) {
    return fmt::format("SELECT id FROM {} WHERE sha256 = ?", table);
}

std::string add_sql(const std::string& table) {
    return fmt::format("INSERT INTO {} (sha256, key) VALUES (?, ?)", table);
}

void bind_row(Statement& statement, int first, const Row& row) {
    for (std::size_t i = 0; i < row.size(); ++i) statement.bind(first + int(i), row[i]);
}

}  // namespace

IndexWriter::IndexWriter(Connection& connection, IndexNames names)
    : connection_(connection),
      find_series_(connection.prepare(find_sql(names("series")))),
      add_series_(connection.prepare(add_sql(names("series")))),
      measurement_(connection.prepare(
          insert_sql(names("measurements"), "series_id, seq, position", measurement_columns, 3))),
      value_(connection.prepare(
          insert_sql(names("measurement_values"), "series_id, seq, position", value_columns, 3))),
      find_score_series_(connection.prepare(find_sql(names("score_series")))),
      add_score_series_(connection.prepare(add_sql(names("score_series")))),
      points_(connection, names) {
    for (const IndexTable& table : run_tables())
        tables_.push_back(
            connection.prepare(insert_sql(names(table.name), "seq", table.columns, 1)));
}

std::int64_t IndexWriter::series_id(Statement& find, Statement& add, const std::string& sha256,
                                    const std::string& key) {
    find.bind(1, std::string_view(sha256));
    const bool known = find.step();
    const std::int64_t id = known ? find.integer(0) : 0;
    find.reset();
    if (known) return id;
    add.bind(1, std::string_view(sha256));
    add.bind(2, std::string_view(key));
    add.run();
    return connection_.last_insert_id();
}

void IndexWriter::write(std::int64_t seq, const RunRows& rows) {
    for (std::size_t i = 0; i < tables_.size(); ++i)
        for (const Row& row : rows.tables[i]) {
            tables_[i].bind(1, seq);
            bind_row(tables_[i], 2, row);
            tables_[i].run();
        }
    points_.begin_run(seq, rows.origin);
    for (std::size_t position = 0; position < rows.measurements.size(); ++position) {
        const MeasurementRows& measurement = rows.measurements[position];
        const std::int64_t id =
            series_id(find_series_, add_series_, measurement.series_sha256, measurement.series_key);
        for (Statement* statement : {&measurement_, &value_}) {
            statement->bind(1, id);
            statement->bind(2, seq);
            statement->bind(3, std::int64_t(position));
        }
        bind_row(measurement_, 4, measurement.measurement);
        measurement_.run();
        for (const Row& value : measurement.values) {  // the first three parameters stay bound
            bind_row(value_, 4, value);
            value_.run();
        }
        if (measurement.point)
            points_.add(SeriesKind::measurement, id, std::int64_t(position), *measurement.point);
    }
    for (std::size_t position = 0; position < rows.scores.size(); ++position) {
        const ScoreRows& score = rows.scores[position];
        const std::int64_t id =
            series_id(find_score_series_, add_score_series_, score.series_sha256, score.series_key);
        points_.add(SeriesKind::score, id, std::int64_t(position), score.point);
    }
    points_.end_run();
}

}  // namespace peakward::store
