#include "cli/verb.hpp"

namespace peakward::cli {

const std::vector<Verb>& verbs() {
    static const std::vector<Verb> all{
        calibrate_verb(), context_verb(),    doctor_verb(),   backends_verb(), history_verb(),
        show_verb(),      trajectory_verb(), maturity_verb(), impact_verb(),   regressions_verb(),
        compare_verb(),   forecast_verb(),   changes_verb(),  export_verb(),   report_verb(),
        import_verb(),    profile_verb(),    db_verb(),       hardware_verb(), completion_verb(),
        man_verb(),       help_verb(),
    };
    return all;
}

}  // namespace peakward::cli
