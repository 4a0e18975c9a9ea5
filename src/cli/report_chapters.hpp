// The chapters of `peakward report`, one function each: what a part of the store says, or one
// sentence why it says nothing. A new chapter is a function here and a line in report.cpp.
#pragma once

#include "present/document.hpp"
#include "session/report.hpp"

namespace peakward::cli {

Chapter machine_chapter(const ReportParts& parts);
Chapter precisions_chapter(const ReportParts& parts);
Chapter roofline_chapter(const ReportParts& parts);
Chapter trajectory_chapter(const ReportParts& parts);
Chapter maturity_chapter(const ReportParts& parts);
Chapter impact_chapter(const ReportParts& parts);
Chapter regressions_chapter(const ReportParts& parts);
Chapter forecast_chapter(const ReportParts& parts);
Chapter environment_chapter(const ReportParts& parts);
Chapter provenance_chapter(const ReportParts& parts);

}  // namespace peakward::cli
