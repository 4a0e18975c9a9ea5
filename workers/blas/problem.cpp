#include "blas/problem.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "blas/check.hpp"
#include "sdk/gemm_check.hpp"

namespace peakward::worker::blas {
namespace {

constexpr std::size_t alignment = 64;  // a cache line, and the widest vector register

template <typename T>
class Buffer {
public:
    explicit Buffer(std::int64_t count) : count_(static_cast<std::size_t>(count)) {
        const std::size_t bytes = (count_ * sizeof(T) + alignment - 1) / alignment * alignment;
        data_ = static_cast<T*>(std::aligned_alloc(alignment, bytes));
        if (data_ == nullptr) throw std::bad_alloc();
        std::fill_n(data_, count_, T(0));
    }
    Buffer(std::int64_t count, Random& random) : Buffer(count) {
        // Odd multiples of 2^-23 (fp32) or 2^-52, moved down by one: exact, and never zero.
        constexpr int bits = sizeof(T) == 4 ? 24 : 53;
        const T step = std::ldexp(T(1), 1 - bits);
        for (std::size_t i = 0; i < count_; ++i)
            data_[i] = static_cast<T>((random.next() >> (64 - bits)) | 1) * step - T(1);
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(data_); }

    T* get() const { return data_; }
    // What no right answer holds: an element that the library leaves unwritten shows. Finite,
    // because some libraries multiply by beta = 0 and NaN would stay NaN.
    void poison() { std::fill_n(data_, count_, T(1e30)); }

private:
    std::size_t count_;
    T* data_ = nullptr;
};

// Spoils by about three times the usual size of a sum of `terms` products.
template <typename T>
void spoil(T& element, std::int64_t terms) {
    element += std::sqrt(static_cast<T>(terms));
}

template <typename T>
class Dot final : public Problem {
public:
    Dot(const Library& library, std::int64_t n, Random& random)
        : dot_(library.kernels<T>().dot), n_(n), x_(n, random), y_(n, random) {}

    void call(std::int64_t calls) override {
        T sum = 0;
        for (std::int64_t i = 0; i < calls; ++i) sum += dot_(n_, x_.get(), 1, y_.get(), 1);
        sink_ = sum;
    }
    double check(Random&, bool plant) override {
        T answer = dot_(n_, x_.get(), 1, y_.get(), 1);
        if (plant) spoil(answer, n_);
        return dot_error(n_, x_.get(), y_.get(), answer);
    }

private:
    decltype(Kernels<T>::dot) dot_;
    std::int64_t n_;
    Buffer<T> x_, y_;
    volatile T sink_ = 0;  // an unused sum could be left out by a clever linker
};

template <typename T>
class Axpy final : public Problem {
public:
    Axpy(const Library& library, std::int64_t n, Random& random)
        : axpy_(library.kernels<T>().axpy), n_(n), x_(n, random), y_(n, random) {}

    void call(std::int64_t calls) override {
        for (std::int64_t i = 0; i < calls; ++i) {
            axpy_(n_, alpha_, x_.get(), 1, y_.get(), 1);
            alpha_ = -alpha_;
        }
    }
    double check(Random&, bool plant) override {
        const std::vector<T> before(y_.get(), y_.get() + n_);
        const T alpha = alpha_;
        call(1);
        if (plant) spoil(y_.get()[n_ / 2], 1);
        return axpy_error(n_, alpha, x_.get(), before.data(), y_.get());
    }

private:
    decltype(Kernels<T>::axpy) axpy_;
    std::int64_t n_;
    T alpha_ = T(0.6180339887498949);
    Buffer<T> x_, y_;
};

template <typename T>
class Gemv final : public Problem {
public:
    Gemv(const Library& library, std::int64_t m, std::int64_t n, Random& random)
        : gemv_(library.kernels<T>().gemv), m_(m), n_(n), a_(m * n, random), x_(n, random), y_(m) {}

    void call(std::int64_t calls) override {
        for (std::int64_t i = 0; i < calls; ++i)
            gemv_(column_major, no_transpose, m_, n_, T(1), a_.get(), m_, x_.get(), 1, T(0),
                  y_.get(), 1);
    }
    double check(Random&, bool plant) override {
        y_.poison();
        call(1);
        if (plant) spoil(y_.get()[m_ / 2], n_);
        return gemv_error(m_, n_, a_.get(), x_.get(), y_.get());
    }

private:
    decltype(Kernels<T>::gemv) gemv_;
    std::int64_t m_, n_;
    Buffer<T> a_, x_, y_;
};

template <typename T>
class Gemm final : public Problem {
public:
    Gemm(const Library& library, std::int64_t m, std::int64_t n, std::int64_t k, Random& random)
        : gemm_(library.kernels<T>().gemm),
          m_(m),
          n_(n),
          k_(k),
          a_(m * k, random),
          b_(k * n, random),
          c_(m * n) {}

    void call(std::int64_t calls) override {
        for (std::int64_t i = 0; i < calls; ++i)
            gemm_(column_major, no_transpose, no_transpose, m_, n_, k_, T(1), a_.get(), m_,
                  b_.get(), k_, T(0), c_.get(), m_);
    }
    double check(Random& random, bool plant) override {
        c_.poison();
        call(1);
        if (plant) spoil(c_.get()[random.next() % static_cast<std::uint64_t>(m_ * n_)], k_);
        return gemm_error(m_, n_, k_, a_.get(), b_.get(), c_.get(), random);
    }

private:
    decltype(Kernels<T>::gemm) gemm_;
    std::int64_t m_, n_, k_;
    Buffer<T> a_, b_, c_;
};

template <typename T>
std::unique_ptr<Problem> make(const Library& library, const std::string& operation,
                              const Json& shape, Random& random) {
    const auto axis = [&](const char* name) { return shape.at(name).get<std::int64_t>(); };
    if (operation == "dot") return std::make_unique<Dot<T>>(library, axis("n"), random);
    if (operation == "axpy") return std::make_unique<Axpy<T>>(library, axis("n"), random);
    if (operation == "gemv")
        return std::make_unique<Gemv<T>>(library, axis("m"), axis("n"), random);
    return std::make_unique<Gemm<T>>(library, axis("m"), axis("n"), axis("k"), random);
}

}  // namespace

const std::vector<std::string>& operation_names() {
    static const std::vector<std::string> names = {"dot", "axpy", "gemv", "gemm"};
    return names;
}

std::vector<std::string> axes_of(const std::string& operation) {
    if (operation == "dot" || operation == "axpy") return {"n"};
    if (operation == "gemv") return {"m", "n"};
    if (operation == "gemm") return {"m", "n", "k"};
    return {};
}

double bytes_of(const std::string& operation, const std::string& precision, const Json& shape) {
    const auto axis = [&](const char* name) { return shape.at(name).get<double>(); };
    double elements = 2 * axis("n");
    if (operation == "axpy") elements = 3 * axis("n");  // the check keeps the old y
    if (operation == "gemv") elements = axis("m") * axis("n") + axis("m") + axis("n");
    if (operation == "gemm")
        elements = axis("m") * axis("k") + axis("k") * axis("n") + axis("m") * axis("n");
    return elements * (precision == "fp64" ? 8 : 4);
}

std::unique_ptr<Problem> make_problem(const Library& library, const std::string& operation,
                                      const std::string& precision, const Json& shape,
                                      Random& random) {
    return precision == "fp64" ? make<double>(library, operation, shape, random)
                               : make<float>(library, operation, shape, random);
}

}  // namespace peakward::worker::blas
