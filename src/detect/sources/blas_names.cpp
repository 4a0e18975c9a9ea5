// What a BLAS file is called and which version its place on the disk tells.
#include <algorithm>
#include <array>

#include "detect/sources/software_facts.hpp"
#include "detect/sources/software_parts.hpp"

namespace peakward::detail {
namespace {

std::string file_name(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

// "0.3.21" of "libopenblasp-r0.3.21.so" and of "libopenblas64_p-r0.3.28.dev.so".
std::optional<std::string> release_in_name(std::string_view file) {
    const std::size_t mark = file.find("-r");
    if (mark == std::string_view::npos) return std::nullopt;
    std::string_view tail = file.substr(mark + 2);
    tail = tail.substr(0, tail.find(".so"));
    return first_version(tail);
}

// "3.11.0" of "libblas.so.3.11.0".
std::optional<std::string> full_soname_version(std::string_view file) {
    const std::size_t mark = file.find(".so.");
    if (mark == std::string_view::npos) return std::nullopt;
    const std::string_view tail = file.substr(mark + 4);
    auto version = first_version(tail);
    if (!version || *version != tail) return std::nullopt;
    if (std::ranges::count(tail, '.') < 2) return std::nullopt;
    return version;
}

}  // namespace

std::string blas_name_of(std::string_view path) {
    struct Name {
        std::string_view part;
        std::string_view name;
    };
    // In this order: "openblas" contains "blas", and a library's folder may tell what its file does
    // not ("openblas-pthread/libblas.so.3").
    static constexpr auto names = std::to_array<Name>({
        {"flexiblas", "FlexiBLAS"},
        {"openblas", "OpenBLAS"},
        {"libblis", "BLIS"},
        {"/blis", "BLIS"},
        {"mkl", "MKL"},
        {"armpl", "Arm Performance Libraries"},
        {"nvpl_blas", "NVPL BLAS"},
        {"atlas", "ATLAS"},
        {"gslcblas", "GSL CBLAS"},
        {"/libblas.so.3.", "Netlib BLAS"},
        {"/libcblas.so.3.", "Netlib BLAS"},
        {"/blas/libblas", "Netlib BLAS"},
        {"/libblas.so", "Netlib BLAS"},
        {"/libcblas.so", "Netlib BLAS"},
    });
    const std::string lower = to_lower(path);
    for (const Name& entry : names) {
        if (lower.find(entry.part) != std::string::npos) return std::string(entry.name);
    }
    return "";
}

std::optional<std::string> blas_version_of_path(std::string_view name, std::string_view path) {
    const std::string file = file_name(path);
    if (name == "OpenBLAS") return release_in_name(file);
    // Only Netlib's soname carries its release; the others count an interface version there.
    if (name == "Netlib BLAS") return full_soname_version(file);
    if (name != "MKL" && name != "Arm Performance Libraries") return std::nullopt;
    const std::string folder = std::string(path.substr(0, path.rfind('/') + 1));
    const std::string_view mark = name == "MKL" ? "/mkl/" : "/armpl";
    const std::size_t start = folder.find(mark);
    if (start == std::string::npos) return std::nullopt;
    return first_version(std::string_view(folder).substr(start));
}

std::map<std::string, std::string> parse_ldconfig(std::string_view text) {
    std::map<std::string, std::string> paths;
    for (const std::string& raw : lines_of(text)) {
        // "\tlibblas.so.3 (libc6,x86-64) => /lib/x86_64-linux-gnu/libblas.so.3"
        const std::size_t arrow = raw.find(" => ");
        if (arrow == std::string::npos) continue;
        const std::string line = trim(raw.substr(0, arrow));
        const std::string soname = line.substr(0, line.find(' '));
        const std::string path = trim(raw.substr(arrow + 4));
        // 32-bit libraries carry no architecture word and cannot be loaded here.
        const bool wide = line.find("x86-64") != std::string::npos ||
                          line.find("AArch64") != std::string::npos ||
                          line.find("64bit") != std::string::npos;
        if (!soname.empty() && path.starts_with('/') && wide) paths.emplace(soname, path);
    }
    return paths;
}

std::map<std::string, std::string> parse_dpkg_status(std::string_view text) {
    std::map<std::string, std::string> versions;
    std::string package, version;
    bool installed = false;
    const auto close = [&] {
        if (installed && !package.empty() && !version.empty()) {
            versions.emplace(package, upstream_version(version));
        }
        package.clear();
        version.clear();
        installed = false;
    };
    for (const std::string& line : lines_of(text)) {
        if (trim(line).empty()) close();
        if (line.starts_with("Package: ")) package = trim(line.substr(9));
        if (line.starts_with("Version: ")) version = trim(line.substr(9));
        if (line.starts_with("Status: ")) installed = trim(line).ends_with(" installed");
    }
    close();
    return versions;
}

std::string upstream_version(std::string_view debian_version) {
    std::string_view version = debian_version;
    if (const std::size_t epoch = version.find(':'); epoch != std::string_view::npos) {
        version = version.substr(epoch + 1);
    }
    version = version.substr(0, version.rfind('-'));
    for (const std::string_view mark : {"+ds", "+dfsg", "~ds", "~dfsg", "+really"}) {
        version = version.substr(0, version.find(mark));
    }
    return std::string(version);
}

}  // namespace peakward::detail
