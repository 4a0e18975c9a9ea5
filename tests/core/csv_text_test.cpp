#include "core/csv_text.hpp"

#include <gtest/gtest.h>

namespace peakward {
namespace {

TEST(CsvName, IsNeverAFormula) {
    for (const char* name : {"=1+1", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "  =1+1",
                             "＝1+1", "＋1", "－1", "＠A1", "=", "-", "'=1", "''=1"})
        EXPECT_EQ(to_csv_name(name), "'" + std::string(name));
    for (const char* name : {"", " ", "'", "'quoted'", "a=b", "OpenBLAS 0.3.21", "1-2", "#1"})
        EXPECT_EQ(to_csv_name(name), name);
}

TEST(CsvName, ComesBackWhole) {
    for (const char* name : {"=1+1", "-2+3", "'=1", "''=1", "' =1", "'", "''", "'plain'", "a", "",
                             "＝1", "\t", "\n=x", "'\t"}) {
        EXPECT_EQ(from_csv_name(to_csv_name(name)), name);
        EXPECT_EQ(from_csv_name(from_csv_name(to_csv_name(to_csv_name(name)))), name);
    }
}

}  // namespace
}  // namespace peakward
