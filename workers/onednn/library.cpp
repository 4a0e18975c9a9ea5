#include "onednn/library.hpp"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "sdk/dynamic_library.hpp"

namespace peakward::worker::onednn {
namespace {

// The OpenMP runtime that came with oneDNN, libgomp or another: asked by name, so that no second
// one is linked beside it.
template <typename Function>
Function openmp(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_DEFAULT, name));
}

bool has_openmp() {
    return dnnl::version()->cpu_runtime == DNNL_RUNTIME_OMP &&
           ::dlsym(RTLD_DEFAULT, "omp_set_num_threads") != nullptr;
}

std::string runtime_file() {
    const void* symbol = ::dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    const std::string file = symbol == nullptr ? "" : file_of_symbol(symbol, "");
    return file.empty() ? "" : " " + std::filesystem::path(file).filename().string();
}

std::string runtime_name() {
    switch (dnnl::version()->cpu_runtime) {
        case DNNL_RUNTIME_OMP:
            return "OpenMP" + runtime_file();
        case DNNL_RUNTIME_TBB:
            return "TBB";
        case DNNL_RUNTIME_SEQ:
            return "one thread";
        default:
            return "a thread pool of the caller";
    }
}

// asm/prctl.h of Linux 5.16 on. An older kernel, or one without AMX, refuses; that is no error.
void ask_for_amx() {
#ifdef __x86_64__
    constexpr int arch_req_xcomp_perm = 0x1023, xfeature_tile_data = 18;
    ::syscall(SYS_arch_prctl, arch_req_xcomp_perm, xfeature_tile_data);
#endif
}

}  // namespace

const dnnl::engine& cpu_engine() {
    static const dnnl::engine engine = [] {
        ask_for_amx();
        return dnnl::engine(dnnl::engine::kind::cpu, 0);
    }();
    return engine;
}

std::string library_version() {
    const dnnl::version_t* version = dnnl::version();
    return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
           std::to_string(version->patch);
}

// Versions 2 and 3 number their instruction sets differently. One that this header does not know
// yet is shown as its number.
std::string instruction_set() {
    cpu_engine();
    static const std::map<int, std::string> names = {
        {dnnl_cpu_isa_sse41, "sse41"},
        {dnnl_cpu_isa_avx, "avx"},
        {dnnl_cpu_isa_avx2, "avx2"},
        {dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
        {dnnl_cpu_isa_avx512_core, "avx512_core"},
        {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
        {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"},
        {dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"},
#if DNNL_VERSION_MAJOR >= 3
        {dnnl_cpu_isa_avx2_vnni_2, "avx2_vnni_2"},
        {dnnl_cpu_isa_avx512_core_fp16, "avx512_core_fp16"},
        {dnnl_cpu_isa_avx512_core_amx_fp16, "avx512_core_amx_fp16"},
#endif
        {0, "generic"},  // not x86-64
    };
    const int isa = static_cast<int>(dnnl::get_effective_cpu_isa());
    const auto known = names.find(isa);
    return known == names.end() ? "isa_" + std::to_string(isa) : known->second;
}

std::map<std::string, std::string> versions() {
    return {
        {"onednn", library_version()}, {"runtime", runtime_name()}, {"cpu_isa", instruction_set()}};
}

std::string refuses_threads(int threads) {
    if (threads < 1) return "a case needs at least one thread";
    if (dnnl::version()->cpu_runtime == DNNL_RUNTIME_SEQ)
        return threads == 1 ? "" : "this oneDNN has one thread: pass --threads 1";
    if (!has_openmp())
        return "this oneDNN takes its threads from " + runtime_name() +
               ", whose number this worker cannot set: it needs an OpenMP build";
    const auto limit = openmp<int (*)()>("omp_get_thread_limit");
    if (limit != nullptr && threads > limit())
        return "OMP_THREAD_LIMIT allows " + std::to_string(limit()) + " threads";
    return "";
}

void set_threads(int threads) {
    const std::string refusal = refuses_threads(threads);
    if (!refusal.empty()) throw std::runtime_error(refusal);
    if (!has_openmp()) return;
    // Else the runtime may take fewer on a busy machine.
    if (const auto dynamic = openmp<void (*)(int)>("omp_set_dynamic")) dynamic(0);
    openmp<void (*)(int)>("omp_set_num_threads")(threads);
    if (threads_in_force() != threads)
        throw std::runtime_error("OpenMP runs " + std::to_string(threads_in_force()) +
                                 " threads where " + std::to_string(threads) + " were asked for");
}

int threads_in_force() {
    const auto get = openmp<int (*)()>("omp_get_max_threads");
    return get == nullptr ? 1 : get();
}

}  // namespace peakward::worker::onednn
