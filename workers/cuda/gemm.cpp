// C = A B through cuBLASLt, column-major without gaps. Formats of 8 bits take A transposed: cuBLAS
// has their kernels in that layout only ("TN", cublasLtMatmul() in the cuBLAS manual). The
// algorithm is the first one that cuBLASLt's own heuristic offers, as a program that asks it gets.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include "cuda/problem.hpp"
#include "sdk/gemm_check.hpp"
#include "sdk/small_floats.hpp"

namespace peakward::worker::cuda {
namespace {

// What NVIDIA recommends for Hopper and later (cublasSetWorkspace() in the cuBLAS manual); earlier
// GPUs need less and lose nothing.
constexpr std::size_t workspace_bytes = 32u << 20;
// No right answer holds it: 3.4e38 in fp32 and bf16, NaN in fp16, 2139062143 in int32.

struct Format {
    const char* precision;
    int a_type, b_type, c_type, compute_type, scale_type;
    std::int64_t operand_bytes, result_bytes;
    bool transposes_a;
    int bits;                // of an operand's significand that are used: all that the format holds
    int capability;          // the least one of a GPU that has kernels for it
    std::int64_t edge_step;  // edges must be its multiples
    const char* arithmetic;
};

// e5m2 times e5m2 is not among cuBLASLt's pairs, so that B is e4m3 there. Scales are left at 1, and
// fp8 sums are promoted to fp32 on their way (fast accumulation is off, which is the default).
constexpr std::array<Format, 8> formats{{
    {"fp64", type_r_64f, type_r_64f, type_r_64f, compute_64f, type_r_64f, 8, 8, false, 52, 0, 1,
     "fp64"},
    {"fp32", type_r_32f, type_r_32f, type_r_32f, compute_32f, type_r_32f, 4, 4, false, 23, 0, 1,
     "fp32, tf32 off"},
    {"tf32", type_r_32f, type_r_32f, type_r_32f, compute_32f_fast_tf32, type_r_32f, 4, 4, false, 10,
     80, 1, "tf32, summed in fp32"},
    {"fp16", type_r_16f, type_r_16f, type_r_16f, compute_32f, type_r_32f, 2, 2, false, 10, 53, 1,
     "fp16, summed in fp32"},
    {"bf16", type_r_16bf, type_r_16bf, type_r_16bf, compute_32f, type_r_32f, 2, 2, false, 7, 80, 1,
     "bf16, summed in fp32"},
    {"fp8_e4m3", type_r_8f_e4m3, type_r_8f_e4m3, type_r_16bf, compute_32f, type_r_32f, 1, 2, true,
     3, 89, 16, "e4m3 x e4m3 to bf16, summed in fp32, fast accumulation off"},
    {"fp8_e5m2", type_r_8f_e5m2, type_r_8f_e4m3, type_r_16bf, compute_32f, type_r_32f, 1, 2, true,
     3, 89, 16, "e5m2 x e4m3 to bf16, summed in fp32, fast accumulation off"},
    {"int8", type_r_8i, type_r_8i, type_r_32i, compute_32i, type_r_32i, 1, 4, true, 7, 72, 4,
     "int8 to int32"},
}};

const Format* find_format(const std::string& precision) {
    for (const Format& format : formats)
        if (precision == format.precision) return &format;
    return nullptr;
}

void check_lt(const LtLibrary& lt, const char* call, int status) {
    if (status == lt_success) return;
    throw std::runtime_error(std::string(call) + ": " + lt.cublasLtGetStatusString(status));
}

// An object of cuBLASLt that its own function frees.
template <typename Handle>
class LtObject {
public:
    LtObject(int (*destroy)(Handle), const LtLibrary& lt, const char* call, auto&& create)
        : destroy_(destroy) {
        check_lt(lt, call, create(&handle_));
    }
    ~LtObject() { destroy_(handle_); }
    LtObject(const LtObject&) = delete;
    LtObject& operator=(const LtObject&) = delete;
    Handle get() const { return handle_; }

private:
    Handle handle_ = nullptr;
    int (*destroy_)(Handle);
};

struct Edges {
    std::int64_t m, n, k;
};

// Layouts, and the algorithm that cuBLASLt chose for them.
class Plan {
public:
    Plan(const LtSession& session, const Format& format, const Edges& e)
        : session_(session),
          lt_(session.lt()),
          desc_(lt_.cublasLtMatmulDescDestroy, lt_, "cublasLtMatmulDescCreate",
                [&](LtMatmulDesc* desc) {
                    return lt_.cublasLtMatmulDescCreate(desc, format.compute_type,
                                                        format.scale_type);
                }),
          a_(layout(format.a_type, format.transposes_a ? e.k : e.m,
                    format.transposes_a ? e.m : e.k)),
          b_(layout(format.b_type, e.k, e.n)),
          c_(layout(format.c_type, e.m, e.n)) {
        const int operation = format.transposes_a ? operation_transpose : operation_none;
        const int none = operation_none;
        set_operation(lt_desc_transpose_a, operation);
        set_operation(lt_desc_transpose_b, none);
        choose(format, e);
    }

    // C = one A B + zero C; the factors are of the format's scale type.
    void multiply(const void* one, const void* zero, const void* a, const void* b, void* c,
                  void* workspace) const {
        check_lt(lt_, "cublasLtMatmul",
                 lt_.cublasLtMatmul(session_.handle(), desc_.get(), one, a, a_.get(), b, b_.get(),
                                    zero, c, c_.get(), c, c_.get(), &chosen_.algo, workspace,
                                    workspace_bytes, session_.gpu().stream()));
    }

    // "algo 66 tile 21 stages 36 split-k 1 swizzle 0": numbers of cublasLt.h.
    std::string algorithm() const {
        constexpr std::pair<const char*, int> parts[] = {{"algo", lt_algo_id},
                                                         {"tile", lt_algo_tile},
                                                         {"stages", lt_algo_stages},
                                                         {"split-k", lt_algo_split_k},
                                                         {"swizzle", lt_algo_swizzle}};
        std::string text;
        for (const auto& [name, attribute] : parts) {
            std::int32_t value = 0;
            std::size_t written = 0;
            if (lt_.cublasLtMatmulAlgoConfigGetAttribute(&chosen_.algo, attribute, &value,
                                                         sizeof value, &written) != lt_success)
                continue;
            text += (text.empty() ? "" : " ") + std::string(name) + " " + std::to_string(value);
        }
        return text.empty() ? "algorithm not told" : text;
    }

private:
    LtObject<LtMatrixLayout> layout(int type, std::int64_t rows, std::int64_t columns) const {
        return {lt_.cublasLtMatrixLayoutDestroy, lt_, "cublasLtMatrixLayoutCreate",
                [&](LtMatrixLayout* made) {
                    return lt_.cublasLtMatrixLayoutCreate(
                        made, type, static_cast<std::uint64_t>(rows),
                        static_cast<std::uint64_t>(columns), rows);
                }};
    }

    void set_operation(int attribute, int operation) const {
        check_lt(lt_, "cublasLtMatmulDescSetAttribute",
                 lt_.cublasLtMatmulDescSetAttribute(desc_.get(), attribute, &operation,
                                                    sizeof operation));
    }

    void choose(const Format& format, const Edges& e) {
        const LtObject<LtPreference> preference(
            lt_.cublasLtMatmulPreferenceDestroy, lt_, "cublasLtMatmulPreferenceCreate",
            [&](LtPreference* made) { return lt_.cublasLtMatmulPreferenceCreate(made); });
        check_lt(lt_, "cublasLtMatmulPreferenceSetAttribute",
                 lt_.cublasLtMatmulPreferenceSetAttribute(
                     preference.get(), lt_preference_workspace_bytes, &workspace_bytes,
                     sizeof workspace_bytes));
        int found = 0;
        int status = lt_.cublasLtMatmulAlgoGetHeuristic(session_.handle(), desc_.get(), a_.get(),
                                                        b_.get(), c_.get(), c_.get(),
                                                        preference.get(), 1, &chosen_, &found);
        if (status == lt_success && found > 0) status = chosen_.state;
        if (status == lt_success && found > 0) return;
        throw std::runtime_error(
            "cuBLASLt " + lt_.version() + " has no algorithm for " + format.precision + " " +
            std::to_string(e.m) + " x " + std::to_string(e.n) + " x " + std::to_string(e.k) +
            " on this GPU" +
            (status == lt_success ? "" : std::string(": ") + lt_.cublasLtGetStatusString(status)));
    }

    const LtSession& session_;
    const LtLibrary& lt_;
    LtObject<LtMatmulDesc> desc_;
    LtObject<LtMatrixLayout> a_, b_, c_;
    LtHeuristicResult chosen_ = {};
};

std::size_t count_of(std::int64_t rows, std::int64_t columns) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

// Odd multiples of a step: every value is exact in the format, and none is zero.
template <typename T>
void fill(std::vector<T>& values, int bits, Random& random) {
    const double step = std::is_integral_v<T> ? 1 : std::ldexp(1.0, -bits);
    for (T& value : values) {
        const auto drawn = static_cast<std::int64_t>(random.next() >> (63 - bits)) | 1;
        value = static_cast<T>(static_cast<double>(drawn - (std::int64_t{1} << bits)) * step);
    }
}

void encode(int type, double value, unsigned char* out) {
    if (type == type_r_8f_e4m3) {
        *out = to_fp8_e4m3(value);
    } else if (type == type_r_8f_e5m2) {
        *out = to_fp8_e5m2(value);
    } else {
        const std::uint16_t bits = type == type_r_16f ? to_fp16(value) : to_bf16(value);
        std::memcpy(out, &bits, sizeof bits);
    }
}

// The values as the GPU takes them: column-major, or where `transposes` the transposed matrix.
template <typename T>
std::vector<unsigned char> encoded(int type, std::int64_t bytes_each, const std::vector<T>& values,
                                   std::int64_t rows, bool transposes) {
    const auto columns = static_cast<std::int64_t>(values.size()) / rows;
    std::vector<unsigned char> out(values.size() * static_cast<std::size_t>(bytes_each));
    for (std::int64_t j = 0; j < columns; ++j)
        for (std::int64_t i = 0; i < rows; ++i) {
            const T value = values[static_cast<std::size_t>(i + j * rows)];
            const std::int64_t at = transposes ? j + i * columns : i + j * rows;
            unsigned char* const to = out.data() + at * bytes_each;
            if (bytes_each == static_cast<std::int64_t>(sizeof(T)))
                std::memcpy(to, &value, sizeof value);
            else
                encode(type, static_cast<double>(value), to);
        }
    return out;
}

// T: how operands are held here; R: results. A format of 8 or 16 bits is held as fp32.
template <typename T, typename R>
class Gemm final : public Problem {
public:
    Gemm(const LtSession& session, const Format& format, const Edges& edges)
        : gpu_(session.gpu()),
          format_(format),
          e_(edges),
          version_(session.lt().version()),
          plan_(session, format, edges) {}

    std::string implementation() const override {
        return "cuBLASLt " + version_ + " " + plan_.algorithm() + " (" + format_.arithmetic + ")";
    }

    double device_bytes() const override {
        const double m = static_cast<double>(e_.m), n = static_cast<double>(e_.n),
                     k = static_cast<double>(e_.k);
        return (m * k + k * n) * static_cast<double>(format_.operand_bytes) +
               m * n * static_cast<double>(format_.result_bytes) + workspace_bytes;
    }
    double host_bytes() const override {
        const double m = static_cast<double>(e_.m), n = static_cast<double>(e_.n),
                     k = static_cast<double>(e_.k);
        // A staged copy of the larger operand, and of the answer.
        return (m * k + k * n + std::max(m, n) * k) * sizeof(T) + 2 * m * n * sizeof(R);
    }

    void allocate(Random& random) override {
        a_values_.resize(count_of(e_.m, e_.k));
        b_values_.resize(count_of(e_.k, e_.n));
        fill(a_values_, format_.bits, random);
        fill(b_values_, format_.bits, random);
        upload(a_, a_values_, format_.a_type, e_.m, format_.transposes_a);
        upload(b_, b_values_, format_.b_type, e_.k, false);
        c_.emplace(gpu_, count_of(e_.m, e_.n) * static_cast<std::size_t>(format_.result_bytes));
        workspace_.emplace(gpu_, workspace_bytes);
    }

    void enqueue(std::int64_t calls) override {
        for (std::int64_t call = 0; call < calls; ++call)
            plan_.multiply(&one_, &zero_, a_->pointer(), b_->pointer(), c_->pointer(),
                           workspace_->pointer());
    }

    double check(Random& random, bool plant) override {
        if constexpr (std::is_same_v<T, float>)
            if (format_.compute_type == compute_32f_fast_tf32) need_rounded_operands(random);
        c_->fill(poison);
        enqueue(1);
        std::vector<R> answer = download();
        if (plant) spoil(answer[random.next() % answer.size()]);
        if constexpr (std::is_integral_v<T>) {
            // C column-major is the transposed C row-major, and that is B^T A^T.
            return integer_gemm_error(e_.n, e_.m, e_.k, b_values_.data(), a_values_.data(),
                                      answer.data(), random);
        } else {
            return gemm_error(e_.m, e_.n, e_.k, a_values_.data(), b_values_.data(), answer.data(),
                              random);
        }
    }

    std::string device() const override { return c_->device(); }

private:
    using Scale = R;  // fp64, int32, and fp32 for all others

    void upload(std::optional<DeviceBuffer>& buffer, const std::vector<T>& values, int type,
                std::int64_t rows, bool transposes) {
        buffer.emplace(gpu_, values.size() * static_cast<std::size_t>(format_.operand_bytes));
        if (format_.operand_bytes == static_cast<std::int64_t>(sizeof(T)) && !transposes) {
            buffer->write(values.data(), buffer->bytes());
            return;
        }
        const auto bytes = encoded(type, format_.operand_bytes, values, rows, transposes);
        buffer->write(bytes.data(), bytes.size());
    }

    // The operands of the check have no bits that tf32 drops, so that its answer is exact and
    // fp32's is the same one. With all 23 bits in A the two part: rounding A to 10 bits moves half
    // of the elements by more than 1.4e-4 of their size, and sums in fp32 are off by 0.4 x 2^-24
    // sqrt(k), 4e-6 at k = 32768.
    void need_rounded_operands(Random& random)
        requires std::is_same_v<T, float>
    {
        constexpr double least = 0x1p-15;
        constexpr int samples = 65, all_bits = 23;
        fill(a_values_, all_bits, random);
        a_->write(a_values_.data(), a_->bytes());
        c_->fill(poison);
        enqueue(1);
        const std::vector<R> answer = download();
        std::vector<double> deviations;
        for (int sample = 0; sample < samples; ++sample) {
            const auto i =
                static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(e_.m));
            const auto j =
                static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(e_.n));
            deviations.push_back(sum_error(e_.m, e_.k, a_values_.data() + i,
                                           b_values_.data() + j * e_.k,
                                           answer[static_cast<std::size_t>(i + j * e_.m)]));
        }
        std::nth_element(deviations.begin(), deviations.begin() + samples / 2, deviations.end());
        if (deviations[samples / 2] < least)
            throw std::runtime_error("cuBLASLt " + version_ +
                                     " was asked for tf32 and computed in fp32: its answer keeps "
                                     "bits of the operands that tf32 drops");
        fill(a_values_, format_.bits, random);
        a_->write(a_values_.data(), a_->bytes());
    }

    std::vector<R> download() const {
        std::vector<R> answer(count_of(e_.m, e_.n));
        if (format_.result_bytes == static_cast<std::int64_t>(sizeof(R))) {
            c_->read(answer.data(), c_->bytes());
            return answer;
        }
        std::vector<std::uint16_t> bits(answer.size());
        c_->read(bits.data(), c_->bytes());
        const bool is_fp16 = format_.c_type == type_r_16f;
        std::transform(bits.begin(), bits.end(), answer.begin(), [is_fp16](std::uint16_t value) {
            return static_cast<R>(is_fp16 ? from_fp16(value) : from_bf16(value));
        });
        return answer;
    }

    // By about three times the usual size of such a sum, or by the least that an integer can be.
    void spoil(R& element) const {
        if constexpr (std::is_integral_v<R>)
            element += 1;
        else
            element += static_cast<R>(std::sqrt(static_cast<double>(e_.k)));
    }

    const Gpu& gpu_;
    const Format& format_;
    Edges e_;
    std::string version_;
    Plan plan_;
    std::vector<T> a_values_, b_values_;
    std::optional<DeviceBuffer> a_, b_, c_, workspace_;
    Scale one_ = 1, zero_ = 0;
};

}  // namespace

LtSession::LtSession(const LtLibrary& lt, const Gpu& gpu) : lt_(lt), gpu_(gpu) {
    gpu.use();
    check_lt(lt, "cublasLtCreate", lt.cublasLtCreate(&handle_));
}

LtSession::~LtSession() { lt_.cublasLtDestroy(handle_); }

const std::vector<std::string>& gemm_precisions() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (const Format& format : formats) all.emplace_back(format.precision);
        return all;
    }();
    return names;
}

std::string gemm_refuses(const GpuFacts& gpu, const std::string& precision, const Json& shape) {
    const Format& format = *find_format(precision);
    if (gpu.capability < format.capability)
        return gpu.name + " has compute capability " + gpu.capability_words() + ", and matrix " +
               "products in " + precision + " take " + std::to_string(format.capability / 10) +
               "." + std::to_string(format.capability % 10) + " or newer";
    for (const char* axis : {"m", "n", "k"})
        if (shape.at(axis).get<std::int64_t>() % format.edge_step != 0)
            return precision + " takes edges that are multiples of " +
                   std::to_string(format.edge_step) + " on CUDA, and " + axis + " is " +
                   std::to_string(shape.at(axis).get<std::int64_t>());
    return "";
}

std::unique_ptr<Problem> make_gemm(const LtSession& session, const std::string& precision,
                                   const Json& shape) {
    const Format& format = *find_format(precision);
    const Edges edges{shape.at("m").get<std::int64_t>(), shape.at("n").get<std::int64_t>(),
                      shape.at("k").get<std::int64_t>()};
    if (precision == "fp64") return std::make_unique<Gemm<double, double>>(session, format, edges);
    if (precision == "int8")
        return std::make_unique<Gemm<std::int8_t, std::int32_t>>(session, format, edges);
    return std::make_unique<Gemm<float, float>>(session, format, edges);
}

}  // namespace peakward::worker::cuda
