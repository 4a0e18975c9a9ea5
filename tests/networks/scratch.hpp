// A fresh folder for one test, and what it holds.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace peakward::networks_test {

class Scratch {
public:
    Scratch() : folder_(::testing::TempDir() + "peakward-networks-XXXXXX") {
        if (::mkdtemp(folder_.data()) == nullptr) ADD_FAILURE() << "no scratch folder " << folder_;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    const std::string& folder() const { return folder_; }

private:
    std::string folder_;
};

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_file(const std::filesystem::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

// Everything below a folder that is not a lock: relative path -> content.
inline std::map<std::string, std::string> contents(const std::string& folder) {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.is_regular_file() && entry.path().extension() != ".lock")
            all[std::filesystem::relative(entry.path(), folder)] = read_file(entry.path());
    return all;
}

}  // namespace peakward::networks_test
