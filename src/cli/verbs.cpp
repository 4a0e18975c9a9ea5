#include "cli/verb.hpp"

namespace peakward::cli {

const std::vector<Verb>& verbs() {
    static const std::vector<Verb> all{
        calibrate_verb(), context_verb(),    doctor_verb(),  backends_verb(),
        history_verb(),   show_verb(),       profile_verb(), regressions_verb(), forecast_verb(), db_verb(),
        hardware_verb(),  completion_verb(), man_verb(),     help_verb(),
    };
    return all;
}

}  // namespace peakward::cli
