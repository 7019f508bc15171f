#include "kernels/device/tma.h"

#include <cuda_runtime.h>

#include <string>

#include "kernels/device/device.h"

namespace moebius::kernels {
namespace {

using Encode = decltype(&cuTensorMapEncodeTiled);

// The driver's function by name, so that nothing links against the driver.
Encode find_encode() {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  check_device(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000,
                                                cudaEnableDefault, &found),
               "looking up cuTensorMapEncodeTiled");
  if (found != cudaDriverEntryPointSuccess) {
    throw DeviceError("GPU: the driver has no cuTensorMapEncodeTiled");
  }
  return reinterpret_cast<Encode>(function);
}

CUtensorMapDataType map_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
    case Dtype::kF16:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
    case Dtype::kBF16:
      return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
    case Dtype::kF8E4M3:
      return CU_TENSOR_MAP_DATA_TYPE_UINT8;
    case Dtype::kI8:
    case Dtype::kI4:
      break;  // no product on the device reads them yet
  }
  throw DeviceError(std::string("tensor map: no matrices of ") + dtype_name(dtype));
}

CUtensorMapSwizzle map_swizzle(Swizzle swizzle) {
  switch (swizzle) {
    case Swizzle::kNone:
      return CU_TENSOR_MAP_SWIZZLE_NONE;
    case Swizzle::k32:
      return CU_TENSOR_MAP_SWIZZLE_32B;
    case Swizzle::k64:
      return CU_TENSOR_MAP_SWIZZLE_64B;
    case Swizzle::k128:
      return CU_TENSOR_MAP_SWIZZLE_128B;
  }
  throw DeviceError("tensor map: unknown swizzle");
}

std::string describe(const TensorMapSpec& spec) {
  std::string text = std::string(dtype_name(spec.dtype)) + " [";
  for (int i = 0; i < spec.rank; ++i) {
    text += (i ? ", " : "") + std::to_string(spec.size[i]) + " by " + std::to_string(spec.step[i]) +
            " box " + std::to_string(spec.box[i]);
  }
  return text + "]";
}

}  // namespace

CUtensorMap make_tensor_map(const TensorMapSpec& spec) {
  static const Encode encode = find_encode();
  const auto element = static_cast<std::int64_t>(dtype_bytes(spec.dtype));
  std::array<cuuint64_t, 5> size{}, step_bytes{};
  std::array<cuuint32_t, 5> box{}, one{};
  for (int i = 0; i < spec.rank; ++i) {
    size[i] = static_cast<cuuint64_t>(spec.size[i]);
    if (i > 0) step_bytes[i - 1] = static_cast<cuuint64_t>(spec.step[i] * element);
    box[i] = static_cast<cuuint32_t>(spec.box[i]);
    one[i] = 1;
  }
  CUtensorMap map;
  const CUresult result =
      encode(&map, map_type(spec.dtype), static_cast<cuuint32_t>(spec.rank),
             const_cast<void*>(spec.data), size.data(), step_bytes.data(), box.data(), one.data(),
             CU_TENSOR_MAP_INTERLEAVE_NONE, map_swizzle(spec.swizzle),
             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS) {
    throw DeviceError("GPU: tensor map refused (" + std::to_string(result) +
                      "): " + describe(spec));
  }
  return map;
}

}  // namespace moebius::kernels
