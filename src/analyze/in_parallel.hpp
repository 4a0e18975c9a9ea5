// One piece of work for each of many items, on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace peakward {

// Calls work(i) for every i below `items`; `threads` 0: as many as the machine has. Every item
// writes to its own place, so that the result does not depend on the number of threads.
template <typename Work>
void in_parallel(std::size_t items, int threads, Work work) {
    std::size_t workers = threads > 0 ? static_cast<std::size_t>(threads)
                                      : std::max(1U, std::thread::hardware_concurrency());
    // Few items are large ones.
    const std::size_t chunk = std::clamp<std::size_t>(items / (8 * workers), 1, 16);
    workers = std::min(workers, (items + chunk - 1) / chunk);
    std::atomic<std::size_t> next{0};
    const auto loop = [&] {
        for (std::size_t first = next.fetch_add(chunk); first < items;
             first = next.fetch_add(chunk))
            for (std::size_t i = first; i < std::min(items, first + chunk); ++i) work(i);
    };
    std::vector<std::thread> pool;
    for (std::size_t i = 1; i < workers; ++i) pool.emplace_back(loop);
    loop();
    for (std::thread& thread : pool) thread.join();
}

}  // namespace peakward
