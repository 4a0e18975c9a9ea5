// Which BLAS the blas worker loads unless it is told otherwise, and which version that is. What the
// worker really loaded is in the run beside this (BackendInfo).
#include <chrono>
#include <cstdlib>

#include "detect/sources/collect.hpp"
#include "detect/sources/software_facts.hpp"
#include "detect/sources/software_parts.hpp"

namespace peakward::detail {
namespace {

using Text = Fact<std::string>;

// The order of workers/blas (Library::candidates): what is told here is what it would load. A
// libblas without a CBLAS interface is passed over by the worker only, which has loaded it.
constexpr const char* sonames[] = {"libblas.so.3", "libcblas.so.3",  "libopenblas.so.0",
                                   "libblis.so.4", "libmkl_rt.so.2", "libmkl_rt.so"};

struct Found {
    std::string path;   // as the loader sees it
    std::string where;  // how it was found
};

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Where dlopen looks before the loader's cache. The environment belongs to the process that runs:
// a captured machine has none.
std::vector<std::string> preferred_folders(const SysRoot& root) {
    const char* value = root.is_live() ? std::getenv("LD_LIBRARY_PATH") : nullptr;
    std::vector<std::string> folders;
    for (const std::string& folder : split(value == nullptr ? "" : value, ':')) {
        if (!folder.empty()) folders.push_back(folder);
    }
    return folders;
}

std::vector<std::string> usual_folders(const SysRoot& root) {
    const std::string triplet = root.architecture() + "-linux-gnu";
    return {"/usr/local/lib", "/lib/" + triplet, "/usr/lib/" + triplet,
            "/lib64",         "/usr/lib64",      "/usr/lib"};
}

std::optional<Found> in_folders(const SysRoot& root, const std::vector<std::string>& folders,
                                const std::string& soname, const std::string& how) {
    for (const std::string& folder : folders) {
        const std::string path = fmt::format("{}/{}", folder, soname);
        if (root.exists(path)) return Found{path, how};
    }
    return std::nullopt;
}

std::map<std::string, std::string> loader_cache(const SysRoot& root, Tried& tried) {
    for (const char* program : {"ldconfig", "/sbin/ldconfig"}) {  // Debian users lack /sbin
        const auto text = output_of(root, {program, "-p"}, std::chrono::seconds(2));
        if (text) return parse_ldconfig(*text);
        tried.failed(text.error());
    }
    return {};
}

std::optional<Found> locate(const SysRoot& root, const std::vector<std::string>& wanted,
                            Tried& tried) {
    const auto preferred = preferred_folders(root);
    const auto cache = loader_cache(root, tried);
    const auto usual = usual_folders(root);
    for (const std::string& soname : wanted) {
        if (auto found = in_folders(root, preferred, soname, "LD_LIBRARY_PATH")) return found;
        if (const auto entry = cache.find(soname); entry != cache.end()) {
            return Found{entry->second, "ldconfig -p"};
        }
        if (auto found = in_folders(root, usual, soname, "library folders")) return found;
    }
    return std::nullopt;
}

// The path with its last links followed, as alternatives need; every step of the way is kept,
// because any of them may tell what the library is.
std::vector<std::string> follow(const SysRoot& root, std::string path) {
    std::vector<std::string> steps = {path};
    constexpr int links_most = 16;
    for (int i = 0; i < links_most; ++i) {
        const auto target = root.read_link(path);
        if (!target || target->empty()) break;
        path = target->front() == '/' ? *target : folder_of(path) + "/" + *target;
        steps.push_back(path);
    }
    return steps;
}

// The release in the name of the file itself, or of the library beside it that it stands in front
// of ("openblas-pthread/libblas.so.3" beside "libopenblasp-r0.3.21.so").
bool version_by_files(const SysRoot& root, BlasLibrary& library) {
    if (const auto version = blas_version_of_path(library.name, library.path)) {
        library.version = *version;
        library.source = library.path;
        return true;
    }
    if (library.name != "OpenBLAS") return false;
    const std::string folder = folder_of(library.path);
    const auto names = root.list(folder);
    if (!names) return false;
    for (const std::string& file : *names) {
        if (!file.starts_with("libopenblas")) continue;
        const std::string path = folder + "/" + file;
        const auto version = blas_version_of_path(library.name, path);
        if (!version) continue;
        library.version = *version;
        library.source = path;
        return true;
    }
    return false;
}

// conda keeps one file for each installed package: PREFIX/conda-meta/mkl-2024.1.0-h2f_1.json.
bool version_by_conda(const SysRoot& root, BlasLibrary& library) {
    const std::string folder = folder_of(folder_of(library.path)) + "/conda-meta";
    const auto names = root.list(folder);
    if (!names) return false;
    std::string package = to_lower(library.name);
    if (library.name == "OpenBLAS") package = "libopenblas";
    if (library.name == "Netlib BLAS") package = "libblas";
    for (const std::string& file : *names) {
        if (!file.starts_with(package + "-") || !file.ends_with(".json")) continue;
        const auto version = first_version(std::string_view(file).substr(package.size()));
        if (!version) continue;
        library.version = *version;
        library.source = folder + "/" + file;
        return true;
    }
    return false;
}

std::string package_prefix(const std::string& library) {
    if (library == "OpenBLAS") return "libopenblas0";
    if (library == "BLIS") return "libblis";
    if (library == "MKL") return "libmkl-rt";
    if (library == "ATLAS") return "libatlas3-base";
    if (library == "Netlib BLAS") return "libblas3";
    if (library == "FlexiBLAS") return "libflexiblas3";
    if (library == "GSL CBLAS") return "libgslcblas0";
    return "";
}

// Among the packages of a library, the one of this build ("…-pthread" for a folder of that name).
std::optional<std::string> package_version(const std::map<std::string, std::string>& installed,
                                           const BlasLibrary& library) {
    const std::string prefix = package_prefix(library.name);
    if (prefix.empty()) return std::nullopt;
    const std::string folder = folder_of(library.path);
    const std::size_t dash = folder.rfind('-');
    const std::string variant = dash == std::string::npos ? "" : folder.substr(dash);
    std::optional<std::string> any;
    for (const auto& [package, version] : installed) {
        if (!package.starts_with(prefix)) continue;
        if (!variant.empty() && package.ends_with(variant)) return version;
        if (!any) any = version;
    }
    return any;
}

bool version_by_dpkg(const SysRoot& root, BlasLibrary& library) {
    // Only the distribution's own folders belong to its packages (/lib is a link to /usr/lib).
    const bool packaged = library.path.starts_with("/usr/lib") || library.path.starts_with("/lib");
    if (!packaged || package_prefix(library.name).empty()) return false;
    constexpr auto status = "/var/lib/dpkg/status";
    if (const auto text = root.read(status)) {
        if (const auto version = package_version(parse_dpkg_status(*text), library)) {
            library.version = *version;
            library.source = status;
            return true;
        }
    }
    // The database may be larger than a bounded read; the tool knows all of it.
    const auto text =
        output_of_any_exit(root,
                           {"dpkg-query", "-W", "-f",
                            "Package: ${Package}\nVersion: ${Version}\nStatus: ${Status}\n\n",
                            package_prefix(library.name) + "*"},
                           std::chrono::seconds(2));
    if (!text) return false;
    const auto version = package_version(parse_dpkg_status(*text), library);
    if (!version) return false;
    library.version = *version;
    library.source = "dpkg-query";
    return true;
}

bool version_by_rpm(const SysRoot& root, BlasLibrary& library) {
    if (!root.exists("/var/lib/rpm") && !root.exists("/usr/lib/sysimage/rpm")) return false;
    const auto text = output_of(root, {"rpm", "-qf", "--qf", "%{NAME} %{VERSION}\n", library.path},
                                std::chrono::seconds(3));
    if (!text) return false;
    const std::size_t space = text->find(' ');
    if (space == std::string::npos) return false;
    const auto version = first_version(std::string_view(*text).substr(space));
    if (!version) return false;
    library.version = *version;
    library.source = "rpm -qf " + library.path;
    return true;
}

Text describe(const SysRoot& root, const Found& found) {
    BlasLibrary library;
    const std::vector<std::string> steps = follow(root, found.path);
    library.path = steps.back();
    for (auto step = steps.rbegin(); step != steps.rend() && library.name.empty(); ++step) {
        library.name = blas_name_of(*step);
    }
    if (library.name.empty()) {
        // A library of the user's own: its file name is all that is known of it.
        return Text::known(
            library.path.substr(library.path.rfind('/') + 1),
            fmt::format("{}, {}, no known BLAS by its name", found.where, library.path));
    }
    const bool told = version_by_files(root, library) || version_by_conda(root, library) ||
                      version_by_dpkg(root, library) || version_by_rpm(root, library);
    if (!told) {
        return Text::known(library.name, fmt::format("{}: {}; nothing told its version",
                                                     found.where, library.path));
    }
    return Text::known(
        fmt::format("{} {}", library.name, library.version),
        fmt::format("{}: {}; version from {}", found.where, library.path, library.source));
}

Text asked_for(const SysRoot& root, const std::string& library) {
    if (library.find('/') != std::string::npos) {
        if (!root.exists(library)) {
            return Text::unknown(fmt::format("not installed: {} does not exist", library));
        }
        return describe(root, Found{library, "--blas-library"});
    }
    Tried tried;
    if (const auto found = locate(root, {library}, tried)) return describe(root, *found);
    return Text::unknown(
        tried.reason(fmt::format("not installed: the loader knows no library {}", library)));
}

}  // namespace

void collect_blas(const SysRoot& root, Clock&, const DetectOptions& options, Context& context) {
    Text fact;
    if (!options.blas_library.empty()) {
        fact = asked_for(root, options.blas_library);
    } else {
        Tried tried;
        const std::vector<std::string> wanted(std::begin(sonames), std::end(sonames));
        const auto found = locate(root, wanted, tried);
        fact = found ? describe(root, *found)
                     : Text::unknown(tried.reason("not installed: the loader knows no libblas, "
                                                  "libcblas, OpenBLAS, MKL or BLIS"));
    }
    set_component(context.software, "blas_library", fact);
}

}  // namespace peakward::detail
