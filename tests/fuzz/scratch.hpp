// Files for readers that take a path: a folder of this process, which is removed at its end.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace peakward::fuzz {

class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "peakward-fuzz-XXXXXX");
        if (::mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("no scratch folder can be made: " + name);
        folder_ = name;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    const std::string& folder() const { return folder_; }
    std::string operator/(std::string_view name) const { return folder_ + "/" + std::string(name); }
    // Nothing of an input is left for the next one.
    void clear() const {
        for (const auto& entry : std::filesystem::directory_iterator(folder_))
            std::filesystem::remove_all(entry.path());
    }
    std::string write(std::string_view name, std::string_view content) const {
        const std::filesystem::path path = *this / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary | std::ios::trunc)
            .write(content.data(), static_cast<std::streamsize>(content.size()));
        return path.string();
    }
    std::string read(std::string_view name) const {
        std::ifstream in(*this / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

private:
    std::string folder_;
};

}  // namespace peakward::fuzz
