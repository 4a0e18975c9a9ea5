// The actions of `peakward hardware`: one function each, in files by what they are about.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "session/hardware.hpp"

namespace peakward::cli {

struct HardwareOptions {
    std::shared_ptr<CommonOptions> common;
    std::vector<std::string> names, columns, settings, files;
    std::string kind, vendor, architecture, question, mode, device, source, compare;
    std::string from, name, pattern, run, calibration, product, folder;
    bool from_detection = false, replace = false, dry_run = false, check = false;
};

// Looking: hardware.cpp
Result<int> hardware_list(Call& call, const HardwareOptions& o);
Result<int> hardware_query(Call& call, const HardwareOptions& o);
Result<int> hardware_detect(Call& call, const HardwareOptions& o);
// One product in full: hardware_show.cpp
Result<int> hardware_show(Call& call, const HardwareOptions& o);
// Changing: hardware_edit.cpp
Result<int> hardware_add(Call& call, const HardwareOptions& o);
Result<int> hardware_update(Call& call, const HardwareOptions& o);
Result<int> hardware_delete(Call& call, const HardwareOptions& o);
Result<int> hardware_validate(Call& call, const HardwareOptions& o);
Result<int> hardware_import(Call& call, const HardwareOptions& o);
// Promised beside measured: hardware_calibration.cpp
Result<int> hardware_summary(Call& call, const HardwareOptions& o);
Result<int> hardware_export(Call& call, const HardwareOptions& o);
Result<int> hardware_sync(Call& call, const HardwareOptions& o);
Result<int> hardware_assign(Call& call, const HardwareOptions& o);

// The database, with what is wrong in the user's folder said on stderr.
HardwareDatabase open_database(Call& call, const HardwareOptions& o);
// The questions of `hardware add`: hardware_wizard.cpp. Each answer is checked when it is given,
// and asked again until it is one.
using AskLine = std::function<std::optional<std::string>(const std::string& question)>;
Result<HardwareSpec> product_from_answers(const HardwareDatabase& database, const AskLine& ask,
                                          const std::function<void(const std::string&)>& complain);

}  // namespace peakward::cli
