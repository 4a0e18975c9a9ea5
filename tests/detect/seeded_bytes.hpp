// Broken input for parsers, the same on every run: bytes of no meaning, and real text in which
// something was cut, doubled, or changed.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace peakward {

class SeededBytes {
public:
    explicit SeededBytes(std::uint64_t seed) : engine_(seed) {}

    std::string noise(std::size_t longest = 200) {
        std::string bytes(below(longest + 1), '\0');
        for (char& c : bytes) c = static_cast<char>(below(256));
        return bytes;
    }

    std::string damaged(std::string_view text) {
        std::string bytes(text);
        const std::size_t wounds = 1 + below(4);
        for (std::size_t i = 0; i < wounds && !bytes.empty(); ++i) wound(bytes);
        return bytes;
    }

private:
    void wound(std::string& bytes) {
        static const std::vector<std::string> splinters = {
            "-1", "99999999999999999999", "\n", "\0", "=", ":", ",", "/..", "(", "[", "\"", "max",
            ""};
        const std::size_t at = below(bytes.size());
        switch (below(4)) {
            case 0:
                bytes[at] = static_cast<char>(below(256));
                break;
            case 1:
                bytes.erase(at, 1 + below(16));
                break;
            case 2:
                bytes.insert(at, splinters[below(splinters.size())]);
                break;
            default:
                bytes.insert(at, bytes.substr(at, 1 + below(32)));
        }
    }

    std::size_t below(std::size_t bound) {
        return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_);
    }

    std::mt19937_64 engine_;
};

}  // namespace peakward
