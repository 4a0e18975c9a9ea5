// One forced, contended run among the made fleet: no other figure of any verb moves.
#include <map>

#include "cli/fleet_fixture.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

using fleet::Host;
using fleet::Product;

// Issue 12 allows 0.1 %. A run that decides nothing is in no figure at all, so that nothing but
// rounding may move.
constexpr double moved_share_max = 1e-9;

// What an element of a list is called, so that it is found again when others came in.
std::string element_name(const Json& element, std::size_t index) {
    std::string name;
    if (element.is_object())
        for (const char* key : {"run_id", "timestamp", "install", "device", "backend", "precision"})
            if (element.contains("timestamp") && element.contains(key) && element[key].is_string())
                name += "," + element[key].get<std::string>();
    return name.empty() ? std::to_string(index) : name;
}

void flatten(const Json& at, const std::string& path, std::map<std::string, Json>& leaves) {
    if (at.is_object()) {
        for (const auto& [name, value] : at.items()) flatten(value, path + "/" + name, leaves);
    } else if (at.is_array()) {
        for (std::size_t i = 0; i < at.size(); ++i)
            flatten(at[i], path + "/" + element_name(at[i], i), leaves);
    } else {
        leaves[path] = at;
    }
}

std::map<std::string, Json> leaves_of(const Json& document) {
    std::map<std::string, Json> leaves;
    flatten(document, "", leaves);
    return leaves;
}

// What counts runs, or tells of the newest one, may move: by one run.
enum class Moves { not_at_all, by_one_run, freely };
struct Counter {
    std::string verb, ending;
    Moves moves;
};
const std::vector<Counter>& counters() {
    static const std::vector<Counter> all{{"db", "/runs", Moves::by_one_run},
                                          {"db", "/measurements", Moves::freely},
                                          {"db", "/size_bytes", Moves::freely},
                                          {"db", "/last_timestamp", Moves::freely},
                                          {"db", "/chain_head", Moves::freely},
                                          // Where the database of this test is.
                                          {"db", "/location", Moves::freely},
                                          {"regressions", "/store", Moves::freely},
                                          {"forecast", "/store", Moves::freely},
                                          {"report", "/path", Moves::freely},
                                          {"report", "/runs", Moves::by_one_run},
                                          {"report", "/size_bytes", Moves::freely},
                                          {"report", "/newest_run_id", Moves::freely},
                                          {"maturity", "/runs", Moves::by_one_run},
                                          {"compare", "/runs", Moves::by_one_run},
                                          // Of a stack: `counting_runs` does not move.
                                          {"impact", "/runs", Moves::by_one_run},
                                          {"impact", "/last_run", Moves::freely},
                                          {"forecast", "/doubtful", Moves::by_one_run},
                                          {"regressions", "/runs_doubtful", Moves::freely}};
    return all;
}

Moves moves_of(const std::string& verb, const std::string& path) {
    for (const Counter& counter : counters())
        if (counter.verb == verb && path.ends_with(counter.ending) &&
            path.find("_runs/") == std::string::npos)
            return counter.moves;
    return Moves::not_at_all;
}

void expect_same(const std::string& where, const Json& before, const Json& after, Moves moves) {
    if (moves == Moves::freely) return;
    if (!before.is_number() || !after.is_number()) {
        EXPECT_EQ(after, before) << where;
        return;
    }
    const double was = before.get<double>(), is = after.get<double>();
    if (moves == Moves::by_one_run)
        EXPECT_TRUE(is == was || is == was + 1) << where << ": " << was << " -> " << is;
    else
        EXPECT_NEAR(is, was, moved_share_max * std::abs(was)) << where;
}

class FleetContended : public FleetTest {
protected:
    // Every verb that reads; the document of `report` counts runs and no more.
    std::vector<std::vector<std::string>> commands() const {
        std::vector<std::vector<std::string>> all{
            {"db", "info"},
            {"history", "--limit", "0"},
            {"show", runs().back().run_id},
            {"trajectory"},
            {"trajectory", "--metric", "stream_best_gbps"},
            {"trajectory", "--metric", "efficiency"},
            {"trajectory", "--as-recorded"},
            {"trajectory", "--operation", "gemm", "--metric", "median_s"},
            {"maturity"},
            {"impact"},
            {"impact", "--metric", "stream_best_gbps"},
            {"impact", "--metric", "gops", "--operation", "gemm"},
            {"regressions", "--all"},
            {"regressions", "--all", "--metric", "gops", "--operation", "gemm"}};
        std::vector<std::string> compare{"compare"};
        for (const Product& product : fleet::products()) {
            compare.push_back(product.id);
            all.push_back({"forecast", "--hardware", product.id});
        }
        all.push_back(compare);
        return all;
    }

    std::vector<Json> documents() {
        std::vector<Json> all;
        for (const auto& words : commands()) all.push_back(document(words));
        all.push_back(
            *parse_json(run({"export", "-", "--format", "json"}).out, "export of the fleet"));
        return all;
    }

    void expect_no_other_figure_moves(const peakward::Run& busy) {
        ASSERT_EQ(run({"regressions", "--check"}).code, 4);
        static const std::vector<Json> before = documents();  // the same for every test
        append({busy});
        const std::vector<Json> after = documents();
        EXPECT_EQ(run({"db", "verify"}).code, 0);
        EXPECT_EQ(run({"regressions", "--check"}).code, 4);
        EXPECT_EQ(run({"regressions", "--check", "--require-verdict"}).code, 4);
        auto names = commands();
        names.push_back({"export"});
        for (std::size_t i = 0; i < before.size(); ++i)
            compare(fmt::format("{}", fmt::join(names[i], " ")), names[i][0], before[i], after[i],
                    busy);
    }

    static void compare(const std::string& name, const std::string& verb, const Json& before,
                        const Json& after, const peakward::Run& busy) {
        const auto was = leaves_of(before), is = leaves_of(after);
        EXPECT_GT(was.size(), 3u) << name;
        for (const auto& [path, value] : was) {
            const auto there = is.find(path);
            if (there == is.end()) {
                ADD_FAILURE() << name << " " << path << ": gone";
                continue;
            }
            expect_same(name + " " + path, value, there->second, moves_of(verb, path));
        }
        for (const auto& [path, value] : is) {
            if (!was.contains(path)) {
                EXPECT_NE(path.find(busy.timestamp), std::string::npos)
                    << name << " " << path << " = " << value.dump() << ": new, and of another run";
            }
        }
    }
};

TEST_F(FleetContended, OnTheHostWithTheDrop) {
    const Product& product = fleet::product("h100_sxm5");
    expect_no_other_figure_moves(fleet::contended_run(product, product.hosts[0]));
}

TEST_F(FleetContended, OnACpuHost) {
    const Product& product = fleet::product("intel_i7_12700k");
    expect_no_other_figure_moves(fleet::contended_run(product, product.hosts[1]));
}

TEST_F(FleetContended, OnTheHostWithAForecast) {
    const Product& product = fleet::product("nvidia_l4");
    expect_no_other_figure_moves(fleet::contended_run(product, product.hosts[0]));
}

// Stored last and made long ago: between two updates of its host.
TEST_F(FleetContended, InTheMiddleOfTheYear) {
    const Product& product = fleet::product("intel_i7_12700k");
    expect_no_other_figure_moves(fleet::contended_run(product, product.hosts[0], 32));
}

TEST_F(FleetContended, AmongTheFirstRunsOfAHost) {
    const Product& product = fleet::product("h100_sxm5");
    const Host& host = product.hosts[1];
    expect_no_other_figure_moves(fleet::contended_run(product, host, host.first_week));
}

}  // namespace
}  // namespace peakward::cli
