// Memory operations: STREAM by kernels of ours, and the driver's own copy. No array is both read
// and written in a case, so that every pass leaves the same answer; all of it is looked at.
#include <algorithm>
#include <array>
#include <optional>

#include "cuda/problem.hpp"
#include "sdk/gemm_check.hpp"

namespace peakward::worker::cuda {
namespace {

constexpr double scalar = 3;  // STREAM's
constexpr unsigned block_threads = 256;
constexpr std::int64_t vectors_per_thread = 4;  // `depth` in kernels.cu
constexpr std::int64_t vector_bytes = 16;

// The values of an array, made anew wherever they are needed. Odd multiples of 2^-10, moved: exact,
// in (1, 2), so that no sum of them is near zero.
template <typename T>
class Values {
public:
    Values(std::uint64_t seed, std::uint64_t array) : random_(seed + array) {}
    T next() {
        const std::uint64_t drawn = (random_.next() >> 54) | 1;
        return static_cast<T>(1 + static_cast<double>(drawn) * 0x1p-10);
    }

private:
    Random random_;
};

// What an element becomes.
enum class Kernel { copy, scale, add, triad };

long double result_of(Kernel kernel, long double x, long double y) {
    switch (kernel) {
        case Kernel::scale:
            return scalar * x;
        case Kernel::add:
            return x + y;
        case Kernel::triad:
            return x + scalar * y;
        case Kernel::copy:
            break;
    }
    return x;
}

// x, y where it is read, and out.
template <typename T>
class Arrays : public Problem {
public:
    Arrays(const Gpu& gpu, Kernel kernel, std::int64_t elements)
        : gpu_(gpu), kernel_(kernel), elements_(elements) {}

    double device_bytes() const override {
        return (takes_y() ? 3.0 : 2.0) * static_cast<double>(elements_) * sizeof(T);
    }
    double host_bytes() const override { return static_cast<double>(bytes()); }

    void allocate(Random& random) override {
        seed_ = random.next();
        upload(x_, 0);
        if (takes_y()) upload(y_, 1);
        out_.emplace(gpu_, bytes());
    }

    double check(Random& random, bool plant) override {
        out_->fill(poison);
        enqueue(1);
        const auto spoiled =
            static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(elements_));
        std::vector<T> seen(static_cast<std::size_t>(elements_));
        out_->read(seen.data(), bytes());
        if (plant) seen[static_cast<std::size_t>(spoiled)] *= static_cast<T>(1.01);
        Values<T> x(seed_, 0), y(seed_, 1);
        double error = 0;
        for (const T value : seen) {
            const long double of_x = x.next(), of_y = takes_y() ? y.next() : T(0);
            const long double wanted = result_of(kernel_, of_x, of_y);
            error = std::max(error, relative_deviation(value - wanted, wanted));
        }
        return error;
    }

    std::string device() const override { return out_->device(); }

protected:
    bool takes_y() const { return kernel_ == Kernel::add || kernel_ == Kernel::triad; }
    std::size_t bytes() const { return static_cast<std::size_t>(elements_) * sizeof(T); }
    const Gpu& gpu() const { return gpu_; }
    std::int64_t elements() const { return elements_; }
    CuPointer x() const { return x_->at(); }
    CuPointer y() const { return takes_y() ? y_->at() : x_->at(); }
    CuPointer out() const { return out_->at(); }

private:
    void upload(std::optional<DeviceBuffer>& buffer, std::uint64_t array) {
        buffer.emplace(gpu_, bytes());
        std::vector<T> values(static_cast<std::size_t>(elements_));
        Values<T> next(seed_, array);
        for (T& value : values) value = next.next();
        buffer->write(values.data(), bytes());
    }

    const Gpu& gpu_;
    Kernel kernel_;
    std::int64_t elements_;
    std::uint64_t seed_ = 0;
    std::optional<DeviceBuffer> x_, y_, out_;
};

template <typename T>
class Stream final : public Arrays<T> {
public:
    Stream(const Gpu& gpu, const Kernels& kernels, Kernel kernel, const std::string& name,
           std::int64_t elements)
        : Arrays<T>(gpu, kernel, elements), name_(name), function_(kernels.find(name)) {}

    std::string implementation() const override {
        return name_ + ", " + std::to_string(blocks()) + " blocks of " +
               std::to_string(block_threads) + " threads, PTX by " + Kernels::built_by();
    }

    void enqueue(std::int64_t calls) override {
        CuPointer out = this->out(), x = this->x(), y = this->y();
        T factor = static_cast<T>(scalar);
        long long count = this->elements();
        std::array<void*, 5> parameters = {&out, &x, &y, &factor, &count};
        const DriverLibrary& cu = this->gpu().cu();
        for (std::int64_t call = 0; call < calls; ++call)
            ::peakward::worker::cuda::check(
                cu, "cuLaunchKernel",
                cu.cuLaunchKernel(function_, blocks(), 1, 1, block_threads, 1, 1, 0,
                                  this->gpu().stream(), parameters.data(), nullptr));
    }

private:
    unsigned blocks() const {
        const std::int64_t vectors = this->elements() / (vector_bytes / std::int64_t{sizeof(T)});
        const std::int64_t of_block = vectors_per_thread * block_threads;
        return static_cast<unsigned>(
            std::max<std::int64_t>(1, (vectors + of_block - 1) / of_block));
    }

    std::string name_;
    CuFunction function_;
};

template <typename T>
class DeviceCopy final : public Arrays<T> {
public:
    DeviceCopy(const Gpu& gpu, std::int64_t elements) : Arrays<T>(gpu, Kernel::copy, elements) {}

    std::string implementation() const override { return "cuMemcpyDtoDAsync of the driver"; }

    void enqueue(std::int64_t calls) override {
        const DriverLibrary& cu = this->gpu().cu();
        for (std::int64_t call = 0; call < calls; ++call)
            ::peakward::worker::cuda::check(
                cu, "cuMemcpyDtoDAsync",
                cu.cuMemcpyDtoDAsync(this->out(), this->x(), this->bytes(), this->gpu().stream()));
    }
};

Kernel kernel_of(const std::string& operation) {
    if (operation == "stream_scale") return Kernel::scale;
    if (operation == "stream_add") return Kernel::add;
    return operation == "stream_triad" ? Kernel::triad : Kernel::copy;
}

}  // namespace

const std::vector<std::string>& memory_operations() {
    static const std::vector<std::string> names = {"stream_copy", "stream_scale", "stream_add",
                                                   "stream_triad", "device_copy"};
    return names;
}

std::unique_ptr<Problem> make_stream(const Gpu& gpu, const Kernels& kernels,
                                     const std::string& operation, const std::string& precision,
                                     const Json& shape) {
    const std::string name =
        operation + "_" + precision + "_" + shape.at("store").get<std::string>();
    const Kernel kernel = kernel_of(operation);
    const auto elements = shape.at("elements").get<std::int64_t>();
    if (precision == "fp64")
        return std::make_unique<Stream<double>>(gpu, kernels, kernel, name, elements);
    return std::make_unique<Stream<float>>(gpu, kernels, kernel, name, elements);
}

std::unique_ptr<Problem> make_device_copy(const Gpu& gpu, const std::string& precision,
                                          const Json& shape) {
    const auto elements = shape.at("elements").get<std::int64_t>();
    if (precision == "fp64") return std::make_unique<DeviceCopy<double>>(gpu, elements);
    return std::make_unique<DeviceCopy<float>>(gpu, elements);
}

}  // namespace peakward::worker::cuda
