// What must be true of any bytes that a reader of outside input is given: each target returns "",
// or the sentence that says what was not. ./dev fuzz drives them with libFuzzer, replay_test.cpp
// with what is kept in tests/fixtures/fuzz.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace peakward::fuzz {

// Every target: one line each, with the form of its input. A new target is a line here, a function
// of the same name in one of the files *_fuzz.cpp, and seeds in tests/fixtures/fuzz/NAME.
//   json   one JSON document; mutate_json.cpp changes it value by value
//   bytes  anything else
// clang-format off
#define PEAKWARD_FUZZ_TARGETS(target)                                                              \
    target(calibration, json)       /* what `hardware export-calibration` kept of a product */     \
    target(capture, bytes)          /* files that `context --capture` copies and reads back */     \
    target(cpuid_dump, bytes)       /* cpuid/puN of a capture */                                   \
    target(csv_series, bytes)       /* a CSV text of `changes`, and the engine over its series */  \
    target(display_text, bytes)     /* any outside text on its way to a terminal */                \
    target(foreign_database, bytes) /* an SQLite file that another program made */                 \
    target(import_document, json)   /* a document of another program, or runs, for `import` */     \
    target(install_id, bytes)       /* the file that keeps the id of this installation */          \
    target(json_text, json)         /* the parser beneath all JSON readers */                      \
    target(machine_files, bytes)    /* /proc, /sys and the output of commands, as detection reads */ \
    target(machine_manifest, json)  /* machine.json of a capture */                                \
    target(name_pattern, bytes)     /* an expression of a product, and a name to match */          \
    target(network_manifest, json)  /* manifest.json beside the files of a network */              \
    target(nvml_lines, bytes)       /* what NVIDIA's library said, line by line */                 \
    target(older_product, json)     /* a product in the forms of the older tool */                 \
    target(onnx_model, bytes)       /* model.onnx of a network */                                  \
    target(own_database, bytes)     /* a database of Peakward that somebody edited */              \
    target(packed, bytes)           /* points, figures and windows of a database */                \
    target(period, bytes)           /* dates and times */                                          \
    target(product, json)           /* a product of the hardware database */                       \
    target(profile, json)           /* a portable profile */                                       \
    target(resource_models, json)   /* the JSON file of `hardware sync` */                         \
    target(run_document, json)      /* a run of Peakward, as stored and as exported */             \
    target(smbios, bytes)           /* the DMI table of the firmware */                            \
    target(worker_hello, json)      /* the reply of a worker, verb by verb */                      \
    target(worker_prepare, json)                                                                   \
    target(worker_release, json)                                                                   \
    target(worker_run, json)                                                                       \
    target(worker_supports, json)
// clang-format on

enum class Form { bytes, json };

struct Target {
    const char* name;
    Form form;
    std::string (*broken)(std::string_view bytes);
};

#define PEAKWARD_FUZZ_DECLARE(name, form) std::string name(std::string_view bytes);
PEAKWARD_FUZZ_TARGETS(PEAKWARD_FUZZ_DECLARE)
#undef PEAKWARD_FUZZ_DECLARE

#define PEAKWARD_FUZZ_ROW(name, form) Target{#name, Form::form, name},
inline constexpr Target all_targets[] = {PEAKWARD_FUZZ_TARGETS(PEAKWARD_FUZZ_ROW)};
#undef PEAKWARD_FUZZ_ROW

inline std::span<const Target> targets() { return all_targets; }

}  // namespace peakward::fuzz
