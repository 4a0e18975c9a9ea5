// Parts of the reader of older profiles, shared by the files of this folder only.
#pragma once

#include <string>
#include <vector>

#include "import/fields.hpp"
#include "import/imported.hpp"

namespace peakward::older {

// What all operations of a profile have in common.
struct ProfileFacts {
    std::string name;       // hardware_name as written
    std::string framework;  // "" where it is not recorded
    std::string device;     // "cpu", "cuda:0"; "" where nothing in the file tells
    int trials = 0;         // num_measurement_runs; 0: not recorded
};

// metadata -> context, preflight, backends, timestamp and what is left over (Origin::recorded).
void read_metadata(const Json& document, ProfileFacts& facts, ImportedRun& imported,
                   std::string& trouble);

// operation_profiles and fusion_profiles -> measurements and skipped cases.
void read_operations(const Json& document, const ProfileFacts& facts, ImportedRun& imported,
                     std::string& trouble);

// Efficiencies that the file states or that its figures make.
void judge_efficiencies(const Json& document, ImportedRun& imported, std::string& trouble);

// "x86_64" for x86_64, amd64 and AMD64, "aarch64" for aarch64 and arm64, "" for anything else.
std::string architecture_word(const std::string& text);

// "12th gen intel core i7 12700k": what two spellings of one machine share.
std::string machine_words(const std::string& hardware_name);

}  // namespace peakward::older
