// STREAM's four kernels (J. McCalpin, https://www.cs.virginia.edu/stream/ref.html), in fp64 and
// fp32, with the store of the kind that the case names: `temporal` is the ordinary one,
// `nontemporal` the one whose lines leave the caches first (st.global.cs).
//
// nvcc turns this file into PTX, which is compiled into the worker as text and given to the
// driver, so that one build runs on every GPU from the oldest that this nvcc knows.

namespace {

// 16 bytes: the widest access of a thread.
template <typename T>
struct Wide;
template <>
struct Wide<double> {
    using Vector = double2;
    static constexpr int width = 2;
};
template <>
struct Wide<float> {
    using Vector = float4;
    static constexpr int width = 4;
};

// Accesses that a thread has under way: what it takes to fill the memory's pipeline.
constexpr int depth = 4;

struct Copy {
    static constexpr bool takes_y = false;
    template <typename T>
    static __device__ T of(T x, T, T) {
        return x;
    }
};
struct Scale {
    static constexpr bool takes_y = false;
    template <typename T>
    static __device__ T of(T x, T, T s) {
        return s * x;
    }
};
struct Add {
    static constexpr bool takes_y = true;
    template <typename T>
    static __device__ T of(T x, T y, T) {
        return x + y;
    }
};
struct Triad {
    static constexpr bool takes_y = true;
    template <typename T>
    static __device__ T of(T x, T y, T s) {
        return x + s * y;
    }
};

template <typename Kernel>
__device__ double2 apply(double2 x, double2 y, double s) {
    return {Kernel::of(x.x, y.x, s), Kernel::of(x.y, y.y, s)};
}
template <typename Kernel>
__device__ float4 apply(float4 x, float4 y, float s) {
    return {Kernel::of(x.x, y.x, s), Kernel::of(x.y, y.y, s), Kernel::of(x.z, y.z, s),
            Kernel::of(x.w, y.w, s)};
}

// A block does depth x blockDim.x vectors; the last block also does what is left over.
template <typename Kernel, bool streams, typename T>
__device__ void run(T* __restrict__ out, const T* __restrict__ x, const T* __restrict__ y, T s,
                    long long count) {
    using Vector = typename Wide<T>::Vector;
    constexpr int width = Wide<T>::width;
    const long long vectors = count / width;
    const long long first = static_cast<long long>(blockIdx.x) * blockDim.x * depth + threadIdx.x;
    const Vector* const wide_x = reinterpret_cast<const Vector*>(x);
    const Vector* const wide_y = reinterpret_cast<const Vector*>(y);
    Vector* const wide_out = reinterpret_cast<Vector*>(out);
    Vector of_x[depth], of_y[depth] = {};
#pragma unroll
    for (int i = 0; i < depth; ++i) {
        const long long at = first + static_cast<long long>(i) * blockDim.x;
        if (at >= vectors) continue;
        of_x[i] = wide_x[at];
        if (Kernel::takes_y) of_y[i] = wide_y[at];
    }
#pragma unroll
    for (int i = 0; i < depth; ++i) {
        const long long at = first + static_cast<long long>(i) * blockDim.x;
        if (at >= vectors) continue;
        const Vector result = apply<Kernel>(of_x[i], of_y[i], s);
        if (streams)
            __stcs(wide_out + at, result);
        else
            wide_out[at] = result;
    }
    const long long rest = vectors * width + threadIdx.x;
    if (blockIdx.x == gridDim.x - 1 && rest < count)
        out[rest] = Kernel::of(x[rest], Kernel::takes_y ? y[rest] : T(0), s);
}

}  // namespace

#define STREAM_KERNEL(name, kernel, streams, type)                                           \
    extern "C" __global__ void __launch_bounds__(256)                                        \
        name(type* out, const type* x, const type* y, type s, long long count) {             \
        run<kernel, streams>(out, x, y, s, count);                                           \
    }
#define STREAM_KERNELS(name, kernel)                                \
    STREAM_KERNEL(name##_fp64_temporal, kernel, false, double)      \
    STREAM_KERNEL(name##_fp64_nontemporal, kernel, true, double)    \
    STREAM_KERNEL(name##_fp32_temporal, kernel, false, float)       \
    STREAM_KERNEL(name##_fp32_nontemporal, kernel, true, float)

STREAM_KERNELS(stream_copy, Copy)
STREAM_KERNELS(stream_scale, Scale)
STREAM_KERNELS(stream_add, Add)
STREAM_KERNELS(stream_triad, Triad)
