// The tables of the made fleet: every figure of a CSV is one of the verb's document, which the
// other tests check.
#include <cmath>
#include <cstdlib>
#include <set>

#include "cli/fleet_fixture.hpp"

namespace peakward::cli {
namespace {

// RFC 4180, as the program writes it.
std::vector<std::string> cells_of(const std::string& csv) {
    std::vector<std::string> cells(1);
    bool is_quoted = false;
    for (const char c : csv) {
        if (c == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && (c == ',' || c == '\n'))
            cells.emplace_back();
        else if (c != '\r')
            cells.back() += c;
    }
    return cells;
}

std::optional<double> number_in(const std::string& cell) {
    char* end = nullptr;
    const double number = std::strtod(cell.c_str(), &end);
    if (cell.empty() || *end != '\0' || !std::isfinite(number)) return std::nullopt;
    return number;
}

struct Figures {
    std::set<double> numbers;
    std::set<std::string> texts;

    bool has(double number) const {
        const double rounding = 1e-12 * std::abs(number);
        const auto there = numbers.lower_bound(number - rounding);
        return there != numbers.end() && *there <= number + rounding;
    }
};

void collect(const Json& at, Figures& figures) {
    if (at.is_number()) figures.numbers.insert(at.get<double>());
    if (at.is_string()) figures.texts.insert(at.get<std::string>());
    if (at.is_structured())
        for (const Json& part : at) collect(part, figures);
}

class FleetTables : public FleetTest {
protected:
    void expect_figures_of_the_document(std::vector<std::string> words) {
        Figures figures;
        collect(document(words), figures);
        words.insert(words.end(), {"--format", "csv"});
        std::size_t count = 0;
        for (const std::string& cell : cells_of(run(words).out)) {
            const auto number = number_in(cell);
            if (!number || figures.texts.contains(cell)) continue;
            ++count;
            // A share may be given in percent.
            EXPECT_TRUE(figures.has(*number) || figures.has(*number / 100))
                << words[0] << ": " << cell << " is nowhere in its document";
        }
        EXPECT_GT(count, 10u) << words[0];
    }
};

TEST_F(FleetTables, HaveTheFiguresOfTheDocuments) {
    expect_figures_of_the_document({"history", "--limit", "0"});
    expect_figures_of_the_document({"trajectory"});
    expect_figures_of_the_document({"trajectory", "--metric", "stream_best_gbps"});
    expect_figures_of_the_document({"maturity"});
    expect_figures_of_the_document({"impact"});
    expect_figures_of_the_document({"regressions", "--all"});
    std::vector<std::string> compare{"compare"};
    for (const fleet::Product& product : fleet::products()) {
        compare.push_back(product.id);
        expect_figures_of_the_document({"forecast", "--hardware", product.id});
    }
    expect_figures_of_the_document(compare);
}

}  // namespace
}  // namespace peakward::cli
