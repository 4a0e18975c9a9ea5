// A CBLAS of a few loops, and what can be wrong with one. Each FAKE_... definition builds another
// shared library (tests/workers/CMakeLists.txt).
#include <cstdint>
#include <cstdio>

namespace {

#ifdef FAKE_PRINTS
struct Chatter {
    Chatter() {
        std::puts("{\"id\":1,\"ok\":false,\"error\":\"printed by a constructor\"}");
        std::fflush(stdout);
    }
} chatter;
#endif

void chat() {
#ifdef FAKE_PRINTS
    std::puts("printed by a call");
    std::fflush(stdout);
#endif
}

template <typename T>
T dot(int n, const T* x, const T* y) {
    chat();
    T sum = 0;
    for (int i = 0; i < n; ++i) sum += x[i] * y[i];
    return sum;
}

template <typename T>
void axpy(int n, T alpha, const T* x, T* y) {
    chat();
    for (int i = 0; i < n; ++i) y[i] += alpha * x[i];
}

template <typename T>
void gemm(int m, int n, int k, const T* a, int lda, const T* b, int ldb, T* c, int ldc) {
    chat();
    for (int j = 0; j < n; ++j) {
        for (int i = 0; i < m; ++i) c[i + j * ldc] = 0;
        for (int l = 0; l < k; ++l)
            for (int i = 0; i < m; ++i) c[i + j * ldc] += a[i + l * lda] * b[l + j * ldb];
    }
#ifdef FAKE_WRONG
    // Half of one product in one element is missing: as small as a wrong remainder loop makes it.
    c[m / 2 + (n / 2) * ldc] -= a[m / 2] * b[(n / 2) * ldb] / 2;
#endif
}

}  // namespace

extern "C" {

float cblas_sdot(int n, const float* x, int, const float* y, int) { return dot(n, x, y); }
double cblas_ddot(int n, const double* x, int, const double* y, int) { return dot(n, x, y); }
void cblas_saxpy(int n, float alpha, const float* x, int, float* y, int) { axpy(n, alpha, x, y); }
void cblas_daxpy(int n, double alpha, const double* x, int, double* y, int) {
    axpy(n, alpha, x, y);
}
void cblas_sgemv(int, int, int m, int n, float, const float* a, int lda, const float* x, int, float,
                 float* y, int) {
    gemm(m, 1, n, a, lda, x, n, y, m);
}
void cblas_dgemv(int, int, int m, int n, double, const double* a, int lda, const double* x, int,
                 double, double* y, int) {
    gemm(m, 1, n, a, lda, x, n, y, m);
}
void cblas_sgemm(int, int, int, int m, int n, int k, float, const float* a, int lda, const float* b,
                 int ldb, float, float* c, int ldc) {
    gemm(m, n, k, a, lda, b, ldb, c, ldc);
}
#ifndef FAKE_MISSING
void cblas_dgemm(int, int, int, int m, int n, int k, double, const double* a, int lda,
                 const double* b, int ldb, double, double* c, int ldc) {
    gemm(m, n, k, a, lda, b, ldb, c, ldc);
}
#endif

#if defined(FAKE_OPENBLAS) || defined(FAKE_STUBBORN)
static int threads = 1;
const char* openblas_get_config() { return "OpenBLAS 9.8.7 DYNAMIC_ARCH Zen9 MAX_THREADS=8"; }
const char* openblas_get_corename() { return "Zen9"; }
int openblas_get_parallel() { return 1; }
void openblas_set_num_threads(int wanted) {
#ifdef FAKE_OPENBLAS
    threads = wanted;
#else
    (void)wanted;
#endif
}
int openblas_get_num_threads() { return threads; }
#endif

#ifdef FAKE_BLIS
static std::int64_t threads = 1;
const char* bli_info_get_version_str() { return "7.6.5"; }
int bli_arch_query_id() { return 3; }
const char* bli_arch_string(int id) { return id == 3 ? "zen9" : "wrong id"; }
std::int64_t bli_info_get_enable_openmp() { return 0; }
std::int64_t bli_info_get_enable_pthreads() { return 1; }
void bli_thread_set_num_threads(std::int64_t wanted) { threads = wanted; }
std::int64_t bli_thread_get_num_threads() { return threads; }
#endif

#ifdef FAKE_MKL
static int threads = 64;
static bool dynamic = true;
void MKL_Get_Version_String(char* text, int length) {
    std::snprintf(text, static_cast<unsigned>(length),
                  "Intel oneAPI Math Kernel Library Version 2099.1-Product");
}
void MKL_Set_Dynamic(int on) { dynamic = on != 0; }
void MKL_Set_Num_Threads(int wanted) { threads = dynamic ? 1 : wanted; }
int MKL_Get_Max_Threads() { return threads; }
#endif
}
