#include "blas/library.hpp"

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "sdk/dynamic_library.hpp"

namespace peakward::worker::blas {
namespace {

constexpr const char* way_out =
    "name a CBLAS library with --blas-library PATH, or install one (Debian: libopenblas0)";

template <typename Function>
bool find(void* handle, const std::string& name, Function& function) {
    void* symbol = ::dlsym(handle, name.c_str());
    if (symbol == nullptr) return false;
    function = reinterpret_cast<Function>(symbol);
    return true;
}

// A library whose threads we cannot command reads one of these when it is loaded. Those that we
// can command are told again before every case.
void ask_for_one_thread() {
    for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS",
                             "BLIS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_JC_NT", "BLIS_PC_NT",
                             "BLIS_IC_NT", "BLIS_JR_NT", "BLIS_IR_NT"}) {
        const bool ways = std::string(name).size() == sizeof("BLIS_JC_NT") - 1;
        if (ways) {
            ::unsetenv(name);
        } else {
            ::setenv(name, "1", 1);
        }
    }
}

// The word after `before` in a text of words, "" when there is none.
std::string word_after(const std::string& text, const std::string& before) {
    std::istringstream words(text);
    std::string word;
    while (words >> word)
        if (word == before && words >> word) return word;
    return "";
}

int max_threads_of(const std::string& config) {
    const std::string key = "MAX_THREADS=";
    const std::size_t at = config.find(key);
    const int most = at == std::string::npos ? 0 : std::atoi(config.c_str() + at + key.size());
    return most > 0 ? most : std::numeric_limits<int>::max();
}

}  // namespace

const std::vector<std::string>& Library::candidates() {
    static const std::vector<std::string> names = {"libblas.so.3",     "libcblas.so.3",
                                                   "libopenblas.so.0", "libblis.so.4",
                                                   "libmkl_rt.so.2",   "libmkl_rt.so"};
    return names;
}

Library Library::load(const std::string& path) {
    ask_for_one_thread();
    const std::vector<std::string> names =
        path.empty() ? candidates() : std::vector<std::string>{path};
    std::string tried;
    for (const std::string& name : names) {
        void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
        std::string reason;
        if (handle == nullptr) {
            reason = "cannot load the BLAS library " + name + " (" + loader_error() + ")";
        } else {
            try {
                Library library;
                library.bind(name, handle);
                library.identify(handle);
                return library;  // the handle stays open: functions of the library are in use
            } catch (const std::runtime_error& e) {
                reason = e.what();
                ::dlclose(handle);
            }
        }
        tried += (tried.empty() ? "" : "; ") + reason;
    }
    if (!path.empty()) throw std::runtime_error(tried + ": " + way_out);
    throw std::runtime_error("no BLAS library with a CBLAS interface was found: " + tried + ": " +
                             way_out);
}

void Library::bind(const std::string& path, void* handle) {
    // Plain names, then those of ILP64 builds, then those of the libraries inside NumPy's wheels.
    constexpr std::array<std::pair<const char*, const char*>, 4> dialects = {
        {{"", ""}, {"", "64_"}, {"scipy_", ""}, {"scipy_", "64_"}}};
    void* anything = nullptr;
    for (const auto& [prefix, suffix] : dialects) {
        if (!find(handle, std::string(prefix) + "cblas_dgemm" + suffix, anything)) continue;
        prefix_ = prefix;
        suffix_ = suffix;
        break;
    }
    const auto need = [&](const char* name, auto& function) {
        if (!find(handle, prefix_ + name + suffix_, function))
            throw std::runtime_error(path + " is not a CBLAS library: it has no symbol " + name);
    };
    need("cblas_dgemm", fp64_.gemm);
    need("cblas_sgemm", fp32_.gemm);
    need("cblas_dgemv", fp64_.gemv);
    need("cblas_sgemv", fp32_.gemv);
    need("cblas_ddot", fp64_.dot);
    need("cblas_sdot", fp32_.dot);
    need("cblas_daxpy", fp64_.axpy);
    need("cblas_saxpy", fp32_.axpy);
    identity_.file = file_of_symbol(reinterpret_cast<const void*>(fp64_.gemm), path);
}

void Library::identify(void* handle) {
    if (!identify_openblas(handle) && !identify_blis(handle) && !identify_mkl(handle))
        identify_other(handle);
}

bool Library::identify_openblas(void* handle) {
    char* (*get_config)() = nullptr;
    if (!find(handle, prefix_ + "openblas_get_config" + suffix_, get_config)) return false;
    const std::string config = get_config();
    identity_.name = "OpenBLAS";
    identity_.version = word_after(config, "OpenBLAS");
    char* (*get_core)() = nullptr;
    if (find(handle, prefix_ + "openblas_get_corename" + suffix_, get_core))
        identity_.core = get_core();
    int (*get_parallel)() = nullptr;
    int parallel = 0;  // openblas_config: 0 sequential, 1 its own threads, 2 OpenMP
    if (find(handle, prefix_ + "openblas_get_parallel" + suffix_, get_parallel))
        parallel = get_parallel();
    identity_.threading = parallel == 0 ? "sequential" : parallel == 1 ? "pthreads" : "OpenMP";
    const bool commanded =
        find(handle, prefix_ + "openblas_set_num_threads" + suffix_, set_threads_) &&
        find(handle, prefix_ + "openblas_get_num_threads" + suffix_, get_threads_);
    if (parallel == 0 || !commanded) {
        set_threads_ = nullptr;
        return true;
    }
    identity_.threads_max = max_threads_of(config);
    return true;
}

bool Library::identify_blis(void* handle) {
    const char* (*get_version)() = nullptr;
    if (!find(handle, "bli_info_get_version_str", get_version)) return false;
    identity_.name = "BLIS";
    identity_.version = get_version();
    int (*arch_id)() = nullptr;
    const char* (*arch_name)(int) = nullptr;
    if (find(handle, "bli_arch_query_id", arch_id) && find(handle, "bli_arch_string", arch_name))
        identity_.core = arch_name(arch_id());
    Int (*has_openmp)() = nullptr;
    Int (*has_pthreads)() = nullptr;
    const bool openmp = find(handle, "bli_info_get_enable_openmp", has_openmp) && has_openmp() != 0;
    const bool pthreads =
        find(handle, "bli_info_get_enable_pthreads", has_pthreads) && has_pthreads() != 0;
    identity_.threading = openmp ? "OpenMP" : pthreads ? "pthreads" : "sequential";
    identity_.short_lived_threads = !openmp && pthreads;
    if ((openmp || pthreads) && find(handle, "bli_thread_set_num_threads", set_threads_) &&
        find(handle, "bli_thread_get_num_threads", get_threads_)) {
        threads_are_int64_ = true;
        identity_.threads_max = std::numeric_limits<int>::max();
    } else {
        set_threads_ = nullptr;
    }
    return true;
}

bool Library::identify_mkl(void* handle) {
    void (*get_version)(char*, int) = nullptr;
    if (!find(handle, "MKL_Get_Version_String", get_version)) return false;
    std::array<char, 256> text = {};
    get_version(text.data(), static_cast<int>(text.size()) - 1);
    identity_.name = "MKL";
    identity_.version = word_after(text.data(), "Version");
    identity_.threading = "one thread";
    if (find(handle, "MKL_Set_Num_Threads", set_threads_) &&
        find(handle, "MKL_Get_Max_Threads", get_threads_)) {
        find(handle, "MKL_Set_Dynamic", mkl_set_dynamic_);
        identity_.threading = "OpenMP";
        identity_.threads_max = std::numeric_limits<int>::max();
    } else {
        set_threads_ = nullptr;
    }
    return true;
}

// The reference BLAS and every other library that does not say what it is.
void Library::identify_other(void* handle) {
    const std::filesystem::path file(identity_.file);
    identity_.name = file.filename().string();
    identity_.threading = "one thread";
    if (find(handle, "omp_set_num_threads", set_threads_) &&
        find(handle, "omp_get_max_threads", get_threads_)) {
        identity_.threading = "OpenMP";
        identity_.threads_max = std::numeric_limits<int>::max();
    } else {
        set_threads_ = nullptr;
    }
}

std::string Library::description() const {
    std::string text = identity_.name;
    for (const std::string& part : {identity_.version, identity_.core, identity_.threading})
        if (!part.empty()) text += " " + part;
    return text;
}

std::map<std::string, std::string> Library::versions() const {
    std::map<std::string, std::string> versions = {{"blas_file", identity_.file}};
    if (!identity_.core.empty()) versions["blas_core"] = identity_.core;
    versions["blas_threading"] = identity_.threading;
    std::string key = identity_.name == "OpenBLAS" ? "openblas"
                      : identity_.name == "BLIS"   ? "blis"
                      : identity_.name == "MKL"    ? "mkl"
                                                   : "blas";
    versions[key] = key == "blas" ? identity_.name : identity_.version;
    return versions;
}

std::string Library::refuses_threads(int threads) const {
    if (threads <= identity_.threads_max) return "";
    if (identity_.threads_max == 1)
        return identity_.name + " has no way to set its threads and runs on one; " +
               std::to_string(threads) + " were asked for: pass --threads 1";
    return description() + " was built for at most " + std::to_string(identity_.threads_max) +
           " threads, and " + std::to_string(threads) + " were asked for";
}

void Library::set_threads(int threads) {
    const std::string refusal = refuses_threads(threads);
    if (!refusal.empty()) throw std::runtime_error(refusal);
    if (set_threads_ == nullptr) return;
    if (mkl_set_dynamic_ != nullptr) mkl_set_dynamic_(0);  // else MKL may take fewer
    set_threads_(threads);
    // An int comes back in the lower half of the register; the upper half is then not ours to read.
    const Int raw = get_threads_();
    const Int in_force = threads_are_int64_ ? raw : static_cast<Int>(static_cast<int>(raw));
    if (in_force != threads)
        throw std::runtime_error(description() + " runs " + std::to_string(in_force) +
                                 " threads where " + std::to_string(threads) + " were asked for");
}

template <>
const Kernels<double>& Library::kernels<double>() const {
    return fp64_;
}
template <>
const Kernels<float>& Library::kernels<float>() const {
    return fp32_;
}

}  // namespace peakward::worker::blas
