// The parsers behind collect_software, collect_blas and collect_compiler: pure functions over text,
// so that tests and fuzzing can reach them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports.hpp"
#include "core/records.hpp"

namespace peakward::detail {

// The variables of an os-release file, unquoted by its shell-like rules (man os-release). Lines
// that are no assignment are skipped.
std::map<std::string, std::string> parse_os_release(std::string_view text);

// "Debian 12" from NAME and VERSION_ID, with PRETTY_NAME as the last resort; nothing when the file
// names no distribution.
std::optional<std::string> distribution_name(const std::map<std::string, std::string>& variables);

// The version after "Kernel Module" in /proc/driver/nvidia/version ("560.35.03").
std::optional<std::string> nvidia_module_version(std::string_view text);

// "36.3.0" from /etc/nv_tegra_release ("# R36 (release), REVISION: 3.0, ...").
std::optional<std::string> l4t_version(std::string_view text);

// The full CUDA version in /usr/local/cuda/version.json or in the older version.txt.
std::optional<std::string> cuda_version_of_json(std::string_view text);
// The newest libcudart.so.X.Y[.Z] among file names.
std::optional<std::string> cuda_version_of_names(const std::vector<std::string>& names);

// Driver, CUDA and ROCm (software_gpu.cpp).
void collect_gpu_software(const SysRoot& root, Context& context);

// The version in the first line of `gcc --version` or `clang --version`, vendors' brackets left
// out.
std::optional<std::string> compiler_version(std::string_view text);

// "12.4.131" from the text of `nvcc --version`.
std::optional<std::string> nvcc_version(std::string_view text);

// ---- BLAS -----------------------------------------------------------------------------------

struct BlasLibrary {
    std::string name;     // "OpenBLAS"
    std::string version;  // "0.3.21"; "" when no source told
    std::string path;     // the file that would be loaded
    std::string source;   // what told the version, or that none did
};

// "OpenBLAS", "BLIS", "MKL", ... by the names of the file and its folder; "" when not recognised.
std::string blas_name_of(std::string_view path);

// The version in a real file name ("libopenblasp-r0.3.21.so"), or of the release folder it is in
// ("/opt/intel/oneapi/mkl/2024.1/lib/libmkl_rt.so.2").
std::optional<std::string> blas_version_of_path(std::string_view name, std::string_view path);

// soname -> path, as `ldconfig -p` prints it; the first entry of a soname is the one that loads.
std::map<std::string, std::string> parse_ldconfig(std::string_view text);

// package -> upstream version of installed packages, from /var/lib/dpkg/status.
std::map<std::string, std::string> parse_dpkg_status(std::string_view text);

// "0.3.21" of a Debian version "1:0.3.21+ds-4": without epoch, repacking mark and revision.
std::string upstream_version(std::string_view debian_version);

}  // namespace peakward::detail
