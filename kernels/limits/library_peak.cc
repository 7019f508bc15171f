// What a tuned library makes of a big product: cuBLASLt, loaded at run time if it is there.
#include <cublasLt.h>
#include <dlfcn.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "kernels/device/device.h"
#include "kernels/device/timer.h"
#include "kernels/limits/limits_cuda.h"

namespace moebius::kernels {
namespace {

constexpr std::int64_t kSide = 8192;
constexpr std::size_t kWorkspace = std::size_t{32} << 20;
constexpr int kRuns = 9;

void* open_library() {
  const char* given = std::getenv("MOEBIUS_CUBLASLT");
  if (given != nullptr && *given != '\0') return dlopen(given, RTLD_NOW | RTLD_LOCAL);
  const std::string name = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
  return dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
}

struct Library {
// One a line; the formatter never settles on how to break it.
// clang-format off
#define MOEBIUS_CUBLASLT_FUNCTIONS(X)     \
  X(cublasLtCreate)                       \
  X(cublasLtDestroy)                      \
  X(cublasLtMatmul)                       \
  X(cublasLtMatmulAlgoGetHeuristic)       \
  X(cublasLtMatmulDescCreate)             \
  X(cublasLtMatmulDescDestroy)            \
  X(cublasLtMatmulDescSetAttribute)       \
  X(cublasLtMatmulPreferenceCreate)       \
  X(cublasLtMatmulPreferenceDestroy)      \
  X(cublasLtMatmulPreferenceSetAttribute) \
  X(cublasLtMatrixLayoutCreate)           \
  X(cublasLtMatrixLayoutDestroy)
// clang-format on
#define X(name) decltype(&::name) name = nullptr;
  MOEBIUS_CUBLASLT_FUNCTIONS(X)
#undef X

  bool load(void* library) {
    bool complete = true;
#define X(function)                                                           \
  function = reinterpret_cast<decltype(function)>(dlsym(library, #function)); \
  complete = complete && function != nullptr;
    MOEBIUS_CUBLASLT_FUNCTIONS(X)
#undef X
    return complete;
  }
};

bool fine(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS;
}

/// Normally distributed, as weights and activations are: the power limit makes the speed of a
/// product depend on its data. bf16 or e4m3 of deviation 1/4, rounded towards zero.
template <typename T>
std::vector<T> random_values(std::size_t count) {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal(0.0F, 0.25F);
  std::vector<T> values(count);
  for (T& value : values) {
    const float x = normal(random);
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if constexpr (sizeof(T) == 2) {
      value = static_cast<T>(bits >> 16);
      continue;
    }
    // e4m3: exponent bias 7, three bits of mantissa; below 2^-6 it becomes zero.
    const int exponent = static_cast<int>(bits >> 23 & 0xff) - 127 + 7;
    const auto magnitude = exponent >= 1 ? (exponent << 3 | static_cast<int>(bits >> 20 & 7)) : 0;
    value = static_cast<T>((bits >> 31) << 7 | static_cast<unsigned>(magnitude));
  }
  return values;
}

DeviceMemory random_matrix(bool fp8, const Stream& stream) {
  constexpr std::size_t kPattern = std::size_t{1}
                                   << 20;  // repeated: drawing all would take seconds
  const std::vector<std::uint8_t> narrow = random_values<std::uint8_t>(fp8 ? kPattern : 0);
  const std::vector<std::uint16_t> wide = random_values<std::uint16_t>(fp8 ? 0 : kPattern);
  const void* pattern = fp8 ? static_cast<const void*>(narrow.data()) : wide.data();
  const std::size_t piece = kPattern * (fp8 ? 1 : 2);
  const std::size_t bytes = kSide * kSide * (fp8 ? 1 : 2);
  DeviceMemory memory(bytes);
  for (std::size_t at = 0; at < bytes; at += piece) {
    device_copy(static_cast<std::byte*>(memory.data()) + at, pattern, piece, stream);
  }
  device_wait(stream);
  return memory;
}

/// One product of kSide^3 with everything that describes it. C = A^T B, column-major, as K-major
/// operands want; bf16 out.
class Product {
 public:
  Product(const Library& library, bool fp8, const Stream& stream)
      : library_(library),
        stream_(stream),
        a_(random_matrix(fp8, stream)),
        b_(random_matrix(fp8, stream)),
        c_(kSide * kSide * 2),
        workspace_(kWorkspace) {
    const cudaDataType_t type = fp8 ? CUDA_R_8F_E4M3 : CUDA_R_16BF;
    const cublasOperation_t transposed = CUBLAS_OP_T;
    ready_ = fine(library_.cublasLtCreate(&handle_)) &&
             fine(library_.cublasLtMatmulDescCreate(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F)) &&
             fine(library_.cublasLtMatmulDescSetAttribute(operation_, CUBLASLT_MATMUL_DESC_TRANSA,
                                                          &transposed, sizeof transposed)) &&
             fine(library_.cublasLtMatrixLayoutCreate(&in_, type, kSide, kSide, kSide)) &&
             fine(library_.cublasLtMatrixLayoutCreate(&out_, CUDA_R_16BF, kSide, kSide, kSide)) &&
             fine(library_.cublasLtMatmulPreferenceCreate(&preference_)) &&
             fine(library_.cublasLtMatmulPreferenceSetAttribute(
                 preference_, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &kWorkspace,
                 sizeof kWorkspace)) &&
             choose();
  }
  ~Product() {
    if (preference_ != nullptr) (void)library_.cublasLtMatmulPreferenceDestroy(preference_);
    if (out_ != nullptr) (void)library_.cublasLtMatrixLayoutDestroy(out_);
    if (in_ != nullptr) (void)library_.cublasLtMatrixLayoutDestroy(in_);
    if (operation_ != nullptr) (void)library_.cublasLtMatmulDescDestroy(operation_);
    if (handle_ != nullptr) (void)library_.cublasLtDestroy(handle_);
  }
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  bool ready() const { return ready_; }

  bool run() {
    const float one = 1, zero = 0;
    return fine(library_.cublasLtMatmul(handle_, operation_, &one, a_.data(), in_, b_.data(), in_,
                                        &zero, c_.data(), out_, c_.data(), out_, &choice_.algo,
                                        workspace_.data(), kWorkspace,
                                        static_cast<cudaStream_t>(stream_.handle())));
  }

 private:
  bool choose() {
    int found = 0;
    return fine(library_.cublasLtMatmulAlgoGetHeuristic(handle_, operation_, in_, in_, out_, out_,
                                                        preference_, 1, &choice_, &found)) &&
           found == 1;
  }

  const Library& library_;
  const Stream& stream_;
  DeviceMemory a_, b_, c_, workspace_;
  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t in_ = nullptr, out_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
  cublasLtMatmulHeuristicResult_t choice_{};
  bool ready_ = false;
};

double product_flops(const Library& library, bool fp8, const Stream& stream) {
  Product product(library, fp8, stream);
  bool works = product.ready();
  if (!works) return 0;
  constexpr int kLaunches = 8;
  const double ns = median_ns(stream, kRuns, [&] {
    for (int i = 0; i < kLaunches; ++i) works = works && product.run();
  });
  if (!works) return 0;
  return 2.0 * kSide * kSide * kSide * kLaunches / (ns * 1e-9);
}

}  // namespace

LibraryPeak measure_library_peak(const Stream& stream) {
  void* handle = open_library();  // stays loaded
  Library library;
  if (handle == nullptr || !library.load(handle)) return {};
  return {.bf16_flops = product_flops(library, false, stream),
          .fp8_flops = product_flops(library, true, stream)};
}

}  // namespace moebius::kernels
