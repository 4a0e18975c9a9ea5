// peakward-worker-onednn: see docs/worker-protocol.md.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "onednn/backend.hpp"

int main(int argc, char** argv) {
    if (argc > 1) {
        std::fprintf(stderr,
                     "peakward-worker-onednn: unknown argument '%s'\n"
                     "usage: peakward-worker-onednn\n",
                     argv[1]);
        return 2;
    }
    const char* plant = std::getenv("PEAKWARD_PLANT");
    peakward::worker::onednn::BackendOptions options;
    options.plant_wrong_answer = plant != nullptr && std::strcmp(plant, "wrong_answer") == 0;
    peakward::worker::onednn::OnednnWorker worker(options);
    return peakward::worker::serve(worker);
}
