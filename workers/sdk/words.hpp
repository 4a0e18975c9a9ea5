// Words of sentences that a worker answers with.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace peakward::worker {

inline std::string quoted(const std::string& word) { return "'" + word + "'"; }

inline bool is_one_of(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// "a, b, c"
inline std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace peakward::worker
