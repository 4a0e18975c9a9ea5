// Any CBLAS, loaded at run time: what it is, its four operations, its number of threads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace peakward::worker::blas {

// Integers cross the border in 64 bits. A library built for 32-bit integers (LP64) reads the lower
// half of the register or of the 8-byte stack slot, one built for 64 bits (ILP64, "USE64BITINT")
// reads all of it, so one declaration serves both on the x86-64 and the AArch64 Linux ABI.
using Int = std::int64_t;

// CBLAS of one precision; enumerations have the values of cblas.h.
inline constexpr int column_major = 102;
inline constexpr int no_transpose = 111;

template <typename T>
struct Kernels {
    T (*dot)(Int n, const T* x, Int incx, const T* y, Int incy) = nullptr;
    void (*axpy)(Int n, T alpha, const T* x, Int incx, T* y, Int incy) = nullptr;
    void (*gemv)(int layout, int trans, Int m, Int n, T alpha, const T* a, Int lda, const T* x,
                 Int incx, T beta, T* y, Int incy) = nullptr;
    void (*gemm)(int layout, int trans_a, int trans_b, Int m, Int n, Int k, T alpha, const T* a,
                 Int lda, const T* b, Int ldb, T beta, T* c, Int ldc) = nullptr;
};

struct Identity {
    std::string name;     // "OpenBLAS", "BLIS", "MKL"; the file's name where the library is mute
    std::string version;  // "0.3.21"; "" where the library does not tell
    std::string core;  // "SkylakeX": the kernels it chose for this CPU; "" where it does not tell
    std::string threading;  // "pthreads", "OpenMP", "sequential", "one thread"
    std::string file;       // where it really lies, symbolic links resolved
    // True when helper threads live only for one call (BLIS with pthreads), so that their run-queue
    // wait is gone before it can be read.
    bool short_lived_threads = false;
    int threads_max = 1;
};

class Library {
public:
    // Loads `path`, or where it is empty the first of candidates() that is a CBLAS. Throws
    // std::runtime_error with one sentence that names the file and the missing symbol.
    static Library load(const std::string& path);

    // The order in which libraries are tried when none is named: the system's own choice first
    // (Debian's alternatives, Fedora's and Arch's split cblas), then each maker's own name.
    static const std::vector<std::string>& candidates();

    const Identity& identity() const { return identity_; }
    // "OpenBLAS 0.3.21 SkylakeX pthreads": what a measurement records as what ran.
    std::string description() const;
    std::map<std::string, std::string> versions() const;

    // Empty when this many threads can be had, else the reason.
    std::string refuses_threads(int threads) const;
    // Sets the number and reads it back; throws when the library keeps another one.
    void set_threads(int threads);

    template <typename T>
    const Kernels<T>& kernels() const;

private:
    Library() = default;
    void bind(const std::string& path, void* handle);
    void identify(void* handle);
    bool identify_openblas(void* handle);
    bool identify_blis(void* handle);
    bool identify_mkl(void* handle);
    void identify_other(void* handle);

    Identity identity_;
    std::string prefix_, suffix_;  // of symbols: "scipy_" and "64_" in NumPy's wheels
    Kernels<double> fp64_;
    Kernels<float> fp32_;
    // Both null where the library has one thread.
    void (*set_threads_)(Int) = nullptr;
    Int (*get_threads_)() = nullptr;
    bool threads_are_int64_ = false;
    void (*mkl_set_dynamic_)(int) = nullptr;
};

}  // namespace peakward::worker::blas
