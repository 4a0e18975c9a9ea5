// Older profiles, exported databases and other databases into the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/progress.hpp"
#include "core/result.hpp"

namespace peakward {

struct ImportRequest {
    std::vector<std::string> paths;  // files and folders
    std::string db;                  // as given with --db; "": the default
    // Tells equal machines apart: files of the same machine name and the same word are taken for
    // one machine ("" is a word, too).
    std::string from;
    bool dry_run = false;  // everything but writing
    // When the import happens; runs of a later time are doubtful. None: by this machine's clock.
    std::optional<std::int64_t> now_unix = std::nullopt;
};

struct ImportNote {
    std::string file;
    std::string reason;  // one sentence, without the file's name
};

struct ImportedFile {
    std::string file;
    std::string what;  // "older profile", "exported rows", "Peakward database", …
    std::int64_t imported = 0, duplicates = 0;
};

struct ImportReply {
    std::string store_location;
    std::vector<ImportedFile> files;   // those that were read, in the order they were stored in
    std::int64_t imported = 0;         // runs that are new
    std::int64_t duplicates = 0;       // runs that were there, or came twice
    std::vector<ImportNote> flagged;   // came in, with the flag doubtful_import
    std::vector<ImportNote> refused;   // nothing of these came in
    bool other_content = false;        // some of these have a known run_id with other content
    std::int64_t passed_over = 0;      // files in folders whose names end in neither json nor db
    std::vector<std::string> notices;  // of the database, when it was opened
};

// A file comes in whole or not at all, and one that cannot be read keeps no other from coming in.
// The store is opened when there is something to write. The error is one of the store, or of a
// request that names nothing.
Result<ImportReply> import_files(const ImportRequest& request, const StopToken& stop);

}  // namespace peakward
