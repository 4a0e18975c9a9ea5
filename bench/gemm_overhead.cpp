// The bare loop that bench/gemm_overhead.py holds the blas worker against: the same library, the
// same call, nothing around it. Reads lines "PRECISION N CALLS BLOCKS" and answers each with one
// line of "wall_ns cpu_ns" pairs, one per block of CALLS calls.
#include <dlfcn.h>
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr int column_major = 102, no_transpose = 111;

std::int64_t now_ns(clockid_t clock) {
    timespec time = {};
    ::clock_gettime(clock, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

template <typename T>
T* random_matrix(int n, unsigned seed) {
    const std::size_t count = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
    T* data = static_cast<T*>(std::aligned_alloc(64, (count * sizeof(T) + 63) / 64 * 64));
    std::uint32_t state = seed;
    for (std::size_t i = 0; i < count; ++i) {
        state = state * 1664525u + 1013904223u;
        data[i] = static_cast<T>(static_cast<double>(state) * 0x1p-31 - 1.0);
    }
    return data;
}

template <typename T>
void run(void* library, const char* symbol, int n, int calls, int blocks) {
    using Gemm =
        void (*)(int, int, int, int, int, int, T, const T*, int, const T*, int, T, T*, int);
    const Gemm gemm = reinterpret_cast<Gemm>(::dlsym(library, symbol));
    T* a = random_matrix<T>(n, 1);
    T* b = random_matrix<T>(n, 2);
    T* c = random_matrix<T>(n, 3);
    const auto call = [&] {
        gemm(column_major, no_transpose, no_transpose, n, n, n, T(1), a, n, b, n, T(0), c, n);
    };
    call();
    call();
    for (int block = 0; block < blocks; ++block) {
        const std::int64_t cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
        const std::int64_t start_ns = now_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < calls; ++i) call();
        const std::int64_t wall_ns = now_ns(CLOCK_MONOTONIC) - start_ns;
        std::printf("%lld %lld ", static_cast<long long>(wall_ns),
                    static_cast<long long>(now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns));
    }
    std::printf("\n");
    std::fflush(stdout);
    for (T* matrix : {a, b, c}) std::free(matrix);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s LIBRARY (bench/gemm_overhead.py starts it)\n", argv[0]);
        return 2;
    }
    void* library = ::dlopen(argv[1], RTLD_NOW);
    if (library == nullptr || ::dlsym(library, "cblas_dgemm") == nullptr) {
        std::fprintf(stderr, "%s is not a CBLAS library\n", argv[1]);
        return 1;
    }
    char precision[8];
    int n = 0, calls = 0, blocks = 0;
    while (std::scanf("%7s %d %d %d", precision, &n, &calls, &blocks) == 4) {
        if (std::strcmp(precision, "fp64") == 0) {
            run<double>(library, "cblas_dgemm", n, calls, blocks);
        } else {
            run<float>(library, "cblas_sgemm", n, calls, blocks);
        }
    }
    return 0;
}
