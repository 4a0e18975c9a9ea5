// The part of verifying that looks at series: points, what is sealed of them, stacks and hosts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "store/rows.hpp"
#include "store/sqlite/points.hpp"

namespace peakward::store {

class PointVerifier {
public:
    using Tell = std::function<void(const std::string&)>;

    explicit PointVerifier(Connection& connection);

    // A run against its rows; `tell` is called with a sentence about it for each difference.
    // `series_ids`: of its measurements, as they are stored.
    void check_run(std::int64_t seq, const RunRows& expected,
                   const std::vector<std::int64_t>& series_ids, const Tell& tell);
    // After all runs: what is made of several. Means nothing when a run is missing.
    void check_summaries(const Tell& tell);

private:
    struct Host {
        std::int64_t runs = 0, cases = 0, first_unix = 0, first_seq = 0, newest_unix = 0,
                     newest_seq = 0, last_seq = 0;
        friend bool operator==(const Host&, const Host&) = default;
    };
    using Stack = std::pair<std::string, std::string>;

    void note_origin(std::int64_t seq, const RunOrigin& origin);
    void check_point(std::int64_t kind, std::int64_t series_id, std::int64_t position,
                     const PointRow& expected, const Tell& tell);
    bool same_figures(const std::vector<PackedFigure>& stored, const PointRow& expected) const;
    void check_stacks(const Tell& tell);
    void check_hosts(const Tell& tell);
    void check_sealed(const Tell& tell);
    void check_piece(std::int64_t kind, std::int64_t series_id,
                     const std::vector<StoredPoint>& rows, const Tell& tell);

    Connection& connection_;
    Statement point_, score_series_, sealed_;
    std::map<std::int64_t, std::pair<std::string, std::string>> metrics_;  // name, unit
    std::map<std::int64_t, Stack> stacks_;
    std::vector<Stack> expected_stacks_;  // in the order of their first run
    std::map<Stack, std::int64_t> expected_stack_ids_;
    std::map<std::tuple<std::string, std::string, std::string>, Host> expected_hosts_;
    RunOrigin origin_;
    std::int64_t seq_ = 0, points_ = 0, pieces_ = 0;
};

}  // namespace peakward::store
