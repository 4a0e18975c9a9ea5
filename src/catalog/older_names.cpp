#include "catalog/older_names.hpp"

#include <array>
#include <utility>

#include "core/text.hpp"

namespace peakward::catalog {

std::string operation_called(std::string_view name) {
    using namespace std::string_view_literals;
    constexpr std::array names{std::pair{"matmul"sv, "gemm"sv}, std::pair{"blas3_gemm"sv, "gemm"sv},
                               std::pair{"blas2_gemv"sv, "gemv"sv},
                               std::pair{"blas1_dot"sv, "dot"sv},
                               std::pair{"blas1_axpy"sv, "axpy"sv}};
    for (const auto& [older, ours] : names)
        if (name == older) return std::string(ours);
    return std::string(name);
}

std::string longest_time_name(const Case& what) {
    return fmt::format("max_latency_ms of {} {} {}", what.operation, what.precision,
                       to_string(what.shape));
}

}  // namespace peakward::catalog
