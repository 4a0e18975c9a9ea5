#include <cstdlib>

#include "native/cases.hpp"

int main() {
    const char* plant = std::getenv("PEAKWARD_PLANT");
    const auto worker = peakward::native::make_native_worker(
        peakward::native::plant_from(plant == nullptr ? "" : plant));
    return peakward::worker::serve(*worker);
}
