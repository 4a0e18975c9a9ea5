#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include "sdk/cpu_set.hpp"
#include "sdk/worker.hpp"

namespace peakward::worker {
namespace {

std::int64_t now_ns(clockid_t clock) {
    timespec time = {};
    ::clock_gettime(clock, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

std::int64_t thread_switches() {
    rusage usage = {};
    ::getrusage(RUSAGE_THREAD, &usage);
    return static_cast<std::int64_t>(usage.ru_nvcsw) + usage.ru_nivcsw;
}

// Sums the wait of all threads. The list of threads is read again only when their number changed
// or a known one has ended; in between a call is one fstat and one pread per thread.
class WaitReader {
public:
    ~WaitReader() {
        for (auto& [tid, thread] : threads_) ::close(thread.descriptor);
        if (folder_ >= 0) ::close(folder_);
    }

    std::int64_t total_ns() {
        if (folder_ < 0) folder_ = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder_ < 0) return -1;
        // proc(5): the link count of a folder of folders is 2 + its entries.
        struct stat status = {};
        const bool moved = ::fstat(folder_, &status) != 0 || status.st_nlink != threads_.size() + 2;
        if (moved || !read_known()) {
            list_threads();
            read_known();
        }
        if (!told_) return -1;
        std::int64_t sum = ended_ns_;
        for (const auto& [tid, thread] : threads_) sum += thread.wait_ns;
        return sum;
    }

private:
    struct Thread {
        int descriptor = -1;
        std::int64_t wait_ns = 0;
    };

    // False when a thread had ended: its wait has moved to ended_ns_.
    bool read_known() {
        bool all = true;
        for (auto it = threads_.begin(); it != threads_.end();) {
            char text[96] = {};
            const ssize_t count = ::pread(it->second.descriptor, text, sizeof text - 1, 0);
            long long cpu = 0, wait = 0, slices = 0;
            if (count > 0 && std::sscanf(text, "%lld %lld %lld", &cpu, &wait, &slices) == 3) {
                // A kernel without scheduler information prints three zeros.
                told_ = told_ || slices > 0;
                it->second.wait_ns = wait;
                ++it;
                continue;
            }
            all = false;
            ended_ns_ += it->second.wait_ns;
            ::close(it->second.descriptor);
            it = threads_.erase(it);
        }
        return all;
    }

    void list_threads() {
        DIR* folder = ::opendir("/proc/self/task");
        if (folder == nullptr) return;
        while (const dirent* entry = ::readdir(folder)) {
            const int tid = std::atoi(entry->d_name);
            if (tid <= 0 || threads_.count(tid) != 0) continue;
            const std::string path = "/proc/self/task/" + std::to_string(tid) + "/schedstat";
            const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
            if (descriptor >= 0) threads_[tid] = Thread{descriptor, 0};
        }
        ::closedir(folder);
    }

    int folder_ = -1;
    bool told_ = false;
    std::int64_t ended_ns_ = 0;
    std::map<int, Thread> threads_;
};

}  // namespace

void BlockTimer::start() {
    switches_ = thread_switches();
    cpu_ns_ = now_ns(CLOCK_THREAD_CPUTIME_ID);
    start_ns_ = now_ns(CLOCK_MONOTONIC);
}

RunSample BlockTimer::stop(double iterations, int thread) {
    const std::int64_t end_ns = now_ns(CLOCK_MONOTONIC);
    const std::int64_t cpu_end_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    RunSample sample;
    sample.switches = thread_switches() - switches_;
    sample.thread = thread;
    sample.start_ns = start_ns_;
    sample.wall_ns = end_ns - start_ns_;
    sample.cpu_ns = cpu_end_ns - cpu_ns_;
    sample.iterations = iterations;
    return sample;
}

std::int64_t total_wait_ns() {
    static std::mutex mutex;
    static WaitReader reader;  // the process has one set of threads, so one reader of them
    const std::lock_guard<std::mutex> lock(mutex);
    return reader.total_ns();
}

bool pin_this_thread(int cpu) { return cpu >= 0 && CpuSet(std::vector<int>{cpu}).bind(0); }

// splitmix64, Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014).
std::uint64_t Random::next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double Random::uniform() {
    // The upper 53 bits as a multiple of 2^-52 in [0, 2), moved down by one.
    return static_cast<double>(next() >> 11) * 0x1p-52 - 1.0;
}

}  // namespace peakward::worker
