#include "core/records.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "core/device.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

template <typename Enum, std::size_t N>
using Words = std::array<std::pair<Enum, std::string_view>, N>;

template <typename Enum, std::size_t N>
std::string_view word_of(const Words<Enum, N>& words, Enum value) {
    for (const auto& [candidate, word] : words)
        if (candidate == value) return word;
    return "?";
}
template <typename Enum, std::size_t N>
std::optional<Enum> value_of(const Words<Enum, N>& words, std::string_view wanted) {
    for (const auto& [candidate, word] : words)
        if (word == wanted) return candidate;
    return std::nullopt;
}

constexpr Words<CheckStatus, 3> check_status_words{
    {{CheckStatus::pass, "pass"}, {CheckStatus::fail, "fail"}, {CheckStatus::unknown, "unknown"}}};
constexpr Words<Outcome, 6> outcome_words{{{Outcome::measured, "measured"},
                                           {Outcome::unsupported, "unsupported"},
                                           {Outcome::invalid, "invalid"},
                                           {Outcome::contended, "contended"},
                                           {Outcome::failed, "failed"},
                                           {Outcome::timed_out, "timed_out"}}};
constexpr Words<Exit, 5> exit_words{{{Exit::none, "none"},
                                     {Exit::converged, "converged"},
                                     {Exit::noisy_stable, "noisy_stable"},
                                     {Exit::fair, "fair"},
                                     {Exit::budget, "budget"}}};
constexpr Words<Verdict, 5> verdict_words{{{Verdict::kept, "kept"},
                                           {Verdict::preempted, "preempted"},
                                           {Verdict::throttled, "throttled"},
                                           {Verdict::settling, "settling"},
                                           {Verdict::core_shared, "core_shared"}}};
constexpr Words<PeakKind, 5> peak_kind_words{{{PeakKind::datasheet, "datasheet"},
                                              {PeakKind::computed, "computed"},
                                              {PeakKind::probed, "probed"},
                                              {PeakKind::estimated, "estimated"},
                                              {PeakKind::unknown, "unknown"}}};
constexpr Words<Capability, 3> capability_words{{{Capability::supported, "supported"},
                                                 {Capability::unsupported, "unsupported"},
                                                 {Capability::not_measured, "not_measured"}}};

}  // namespace

std::string_view to_string(CheckStatus value) { return word_of(check_status_words, value); }
std::string_view to_string(Outcome value) { return word_of(outcome_words, value); }
std::string_view to_string(Exit value) { return word_of(exit_words, value); }
std::string_view to_string(Verdict value) { return word_of(verdict_words, value); }
std::string_view to_string(PeakKind value) { return word_of(peak_kind_words, value); }
std::string_view to_string(Capability value) { return word_of(capability_words, value); }
std::optional<CheckStatus> check_status_from(std::string_view word) {
    return value_of(check_status_words, word);
}
std::optional<Outcome> outcome_from(std::string_view word) { return value_of(outcome_words, word); }
std::optional<Exit> exit_from(std::string_view word) { return value_of(exit_words, word); }
std::optional<Verdict> verdict_from(std::string_view word) { return value_of(verdict_words, word); }
std::optional<PeakKind> peak_kind_from(std::string_view word) {
    return value_of(peak_kind_words, word);
}
std::optional<Capability> capability_from(std::string_view word) {
    return value_of(capability_words, word);
}

std::string device_words(const Hardware& hardware, const std::string& device) {
    if (device.empty()) return "a device that is not recorded";
    if (device == "cpu")
        return hardware.cpu.model ? fmt::format("CPU ({})", *hardware.cpu.model) : "CPU";
    if (const GpuInfo* gpu = find_gpu(hardware, device); gpu && gpu->device && gpu->model)
        return fmt::format("GPU ({})", *gpu->model);
    std::string model;
    for (const GpuInfo& gpu : hardware.gpus) {
        if (!gpu.model || (!model.empty() && *gpu.model != model)) return "GPU";
        model = *gpu.model;
    }
    return model.empty() ? "GPU" : fmt::format("GPU ({})", model);
}

std::string to_string(const AxisValue& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
    return std::get<std::string>(value);
}

std::string to_string(const Shape& shape) {
    std::string text;
    for (const auto& [name, value] : shape) {
        if (!text.empty()) text += ' ';
        text += name + "=" + to_string(value);
    }
    return text;
}

std::int64_t axis(const Shape& shape, const std::string& name, std::int64_t fallback) {
    const auto it = shape.find(name);
    if (it == shape.end()) return fallback;
    const auto* number = std::get_if<std::int64_t>(&it->second);
    return number ? *number : fallback;
}

std::string axis_word(const Shape& shape, const std::string& name, const std::string& fallback) {
    const auto it = shape.find(name);
    if (it == shape.end()) return fallback;
    const auto* word = std::get_if<std::string>(&it->second);
    return word ? *word : fallback;
}

}  // namespace peakward
