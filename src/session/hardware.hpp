// What the hardware verbs do. The records are the hardware stage's own.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "hardware/calibration.hpp"
#include "hardware/database.hpp"
#include "hardware/edit.hpp"
#include "hardware/match.hpp"
#include "hardware/peaks.hpp"
#include "hardware/query.hpp"
#include "session/session.hpp"

namespace peakward {

// Compiled in, with the user's folder over it.
HardwareDatabase hardware_database();

struct DetectedHardware {
    HostFacts host;
    std::vector<DeviceMatch> devices;  // refer to the database
};
DetectedHardware detect_hardware(const Machine& machine, const HardwareDatabase& database);

// An entry for a device of this machine that the user can complete; see draft_entry().
Result<HardwareSpec> draft_product(const Machine& machine, const std::string& device,
                                   const DraftOptions& options = {});

// One file, checked in full: its form, its figures, and its names against the database.
Result<HardwareSpec> read_product(const std::string& path);
// Everything that is wrong with a file, one sentence each; empty when it is sound.
std::vector<std::string> validate_product(const std::string& path);
// The same for all entries, and between them.
struct ValidatedDatabase {
    int products = 0;
    bool with_schema = false;  // this program has the library that reads JSON Schema
    std::vector<std::string> problems;
};
ValidatedDatabase validate_database();

// Into the user's folder; gives the path. An id that exists is refused without `replace`.
Result<std::string> add_product(const HardwareSpec& spec, bool replace);
// A correction of any entry, kept in the user's folder.
struct UpdatedProduct {
    std::string id, path;
    int spec_version = 0;
};
Result<UpdatedProduct> update_product(const std::string& name,
                                      const std::vector<Correction>& corrections,
                                      const std::string& source, const Machine& machine);
// Of the user's entries alone; gives the path that is gone.
Result<std::string> delete_product(const std::string& name);

struct ImportedProduct {
    std::string file, id, path;
    std::vector<std::string> remarks;
};
struct ProductImport {
    std::vector<ImportedProduct> imported;
    std::vector<std::pair<std::string, std::string>> duplicates;  // file, id: there already
    std::vector<std::pair<std::string, std::string>> refused;     // file, reason
};
// Files and folders of the older tool; the files of one product are read together. A product that
// is refused stops no other.
ProductImport import_products(const std::vector<std::string>& paths, bool replace,
                              const Machine& machine);

struct CalibrationExport {
    std::string product, mode, path;  // "" with dry_run
    Json summary;
};
struct CalibrationSource {
    std::string db, run;  // a run of the store, or
    std::string file;     // a profile
    std::string product, power_mode;
    bool dry_run = false;
};
Result<CalibrationExport> export_calibration(const CalibrationSource& source);

// A run of the store, given to a product that its machine does not show: stored as a new record
// that supersedes it. The stored run itself never changes.
struct RunAssignment {
    std::string db, run;  // a run_id, the start of one, or "latest"
    std::string product;
    std::string device;      // "": the only one that the product can be
    std::string power_mode;  // "": as the run recorded it
};
struct AssignedRun {
    std::string run_id;      // of the new record
    std::string supersedes;  // "": the run has this product already, and nothing was written
    std::string product, device, power_mode;
};
Result<AssignedRun> assign_product(const RunAssignment& wanted, const StopToken* stop = nullptr);

struct SyncedFile {
    std::string path;
    bool same = false;  // it was there already, the very same
};
// Resource models for mappers, of all products or of `ids`: then the models of other products that
// the folder's files have stay as they are. With `check` nothing is written.
Result<std::vector<SyncedFile>> sync_resource_models(const std::string& folder,
                                                     const std::vector<std::string>& ids,
                                                     bool check);

}  // namespace peakward
