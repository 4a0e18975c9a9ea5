// Bytes that are changed at random are rarely JSON any more. This changes values instead: one is
// replaced, left out, doubled, or stands where another stood.
#include "fuzz/libfuzzer/mutate_json.hpp"

#include <cstring>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace peakward::fuzz {
namespace {

const std::vector<Json>& odd_values() {
    static const std::vector<Json> values{nullptr,
                                          true,
                                          0,
                                          1,
                                          -1,
                                          0.5,
                                          1e300,
                                          -1e-9,
                                          5e-324,
                                          9007199254740993,
                                          INT64_MIN,
                                          UINT64_MAX,
                                          "",
                                          "x",
                                          "fp32",
                                          "cpu",
                                          "cuda:0",
                                          "2025-11-16T10:26:41",
                                          "9999-12-31T23:59:59+14:00",
                                          "0000-00-00",
                                          "gemm",
                                          "measured",
                                          "\xC3\xA9\x01\n",
                                          std::string(300, 'a'),
                                          Json::array(),
                                          Json::object(),
                                          Json::array({Json::object()}),
                                          Json{{"unknown", "why"}}};
    return values;
}

class Mutation {
public:
    Mutation(Json& document, unsigned seed) : document_(document), random_(seed) {}

    void apply() {
        Json& place = somewhere();
        switch (below(4)) {
            case 0:
                place = odd_values()[below(odd_values().size())];
                break;
            case 1:
                if (!place.empty() && place.is_structured()) place.erase(child_of(place));
                break;
            case 2:
                if (place.is_array() && !place.empty()) place.push_back(*child_of(place));
                break;
            default: {
                const Json other = somewhere();
                place = other;
            }
        }
    }

private:
    std::size_t below(std::size_t count) { return random_() % count; }
    Json::iterator child_of(Json& parent) {
        return std::next(parent.begin(), static_cast<std::ptrdiff_t>(below(parent.size())));
    }
    Json& somewhere() {
        Json* at = &document_;
        while (at->is_structured() && !at->empty() && below(6) != 0) at = &*child_of(*at);
        return *at;
    }

    Json& document_;
    std::minstd_rand random_;
};

}  // namespace

std::size_t mutate_json(std::uint8_t* bytes, std::size_t size, std::size_t max, unsigned seed) {
    Json document = Json::parse(bytes, bytes + size, nullptr, false);
    if (document.is_discarded()) return 0;
    Mutation(document, seed).apply();
    const std::string text = canonical_json(document);
    if (text.size() > max) return 0;
    std::memcpy(bytes, text.data(), text.size());
    return text.size();
}

}  // namespace peakward::fuzz
