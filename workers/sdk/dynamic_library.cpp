#include "sdk/dynamic_library.hpp"

#include <dlfcn.h>

#include <filesystem>

namespace peakward::worker {

std::string loader_error() {
    const char* text = ::dlerror();
    return text == nullptr ? "the loader gave no reason" : text;
}

std::string file_of_symbol(const void* symbol, const std::string& otherwise) {
    Dl_info info = {};
    if (::dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return otherwise;
    std::error_code error;
    const auto path = std::filesystem::canonical(info.dli_fname, error);
    return error ? std::string(info.dli_fname) : path.string();
}

}  // namespace peakward::worker
