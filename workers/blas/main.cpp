// peakward-worker-blas [--library PATH]: see docs/worker-protocol.md. Without --library the path
// comes from $PEAKWARD_BLAS_LIBRARY, else the first of Library::candidates() is taken.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "blas/backend.hpp"

namespace {

std::string from_environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

}  // namespace

int main(int argc, char** argv) {
    peakward::worker::blas::BackendOptions options;
    options.library = from_environment("PEAKWARD_BLAS_LIBRARY");
    options.plant_wrong_answer = from_environment("PEAKWARD_PLANT") == "wrong_answer";
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--library") == 0 && i + 1 < argc) {
            options.library = argv[++i];
        } else {
            std::fprintf(stderr,
                         "peakward-worker-blas: unknown argument '%s'\n"
                         "usage: peakward-worker-blas [--library PATH]\n",
                         argv[i]);
            return 2;
        }
    }
    peakward::worker::blas::BlasWorker worker(std::move(options));
    return peakward::worker::serve(worker);
}
