// What gemm_cuda refuses, and in which words; none of it reaches a device.
#include "kernels/gemm/gemm_cuda.h"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>

namespace moebius::kernels {
namespace {

alignas(16) std::byte memory[64];  // never read: every call is refused first

GemmCudaArgs valid() {
  return {.x = {memory, Dtype::kBF16, 64, nullptr, 0},
          .w = {memory, Dtype::kBF16, 32, 64, 64, nullptr},
          .y = {memory, Dtype::kBF16, 32, nullptr, 0},
          .rows = 3,
          .n = 32};
}

std::string refusal(const std::function<void(GemmCudaArgs&)>& spoil) {
  GemmCudaArgs args = valid();
  spoil(args);
  try {
    gemm_cuda(args, Stream::device(nullptr));
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "accepted";
}

TEST(GemmCuda, NoRowsIsNoWork) {
  EXPECT_EQ(refusal([](GemmCudaArgs& a) { a.rows = 0; }), "accepted");
}

TEST(GemmCuda, RefusesBrokenLimits) {
  struct Case {
    const char* says;
    std::function<void(GemmCudaArgs&)> spoil;
  };
  const Case cases[] = {
      {"rows < 0", [](auto& a) { a.rows = -1; }},
      {"a null pointer", [](auto& a) { a.y.data = nullptr; }},
      {"x is neither", [](auto& a) { a.x.dtype = Dtype::kF16; }},
      {"w must be of x's dtype", [](auto& a) { a.w.dtype = Dtype::kF32; }},
      {"y is neither", [](auto& a) { a.y.dtype = Dtype::kF8E4M3; }},
      {"without scales", [](auto& a) { a.x.dtype = a.w.dtype = Dtype::kF8E4M3; }},
      {"w.cols is no multiple", [](auto& a) { a.w.cols = 60; }},
      {"n is no multiple", [](auto& a) { a.n = 20; }},
      {"n is no multiple", [](auto& a) { a.pairs = true, a.n = 24; }},
      {"2^31 or more", [](auto& a) { a.rows = std::int64_t{1} << 31; }},
      {"shorter than its row", [](auto& a) { a.x.ld = 56; }},
      {"shorter than its row", [](auto& a) { a.y.ld = 24; }},
      {"multiples of 16 bytes", [](auto& a) { a.w.ld = 68; }},
      {"multiples of 16 bytes", [](auto& a) { a.x.data = memory + 8; }},
      {"heads < 1", [](auto& a) { a.heads = 0; }},
      {"heads with groups, pairs or a bias", [](auto& a) { a.heads = 2, a.pairs = true; }},
      {"heads beyond the row", [](auto& a) { a.heads = 2, a.x_head = 64; }},
      {"heads that do not start",
       [](auto& a) { a.heads = 2, a.x.ld = a.y.ld = 128, a.x_head = 4; }},
      {"groups outside", [](auto& a) { a.groups = -1; }},
      {"groups without offsets", [](auto& a) { a.groups = 1; }},
      {"fewer rows than groups",
       [](auto& a) { a.groups = 2, a.offsets = reinterpret_cast<std::int32_t*>(memory); }},
      {"full groups with more rows",
       [](auto& a) {
         a.groups = a.full_groups = 1, a.full_rows = 4;
         a.offsets = reinterpret_cast<std::int32_t*>(memory);
       }},
      {"one_row without groups", [](auto& a) { a.one_row = true; }},
      {"more rows than groups",
       [](auto& a) {
         a.groups = 1, a.one_row = true;
         a.offsets = reinterpret_cast<std::int32_t*>(memory);
       }},
      {"w has too few rows", [](auto& a) { a.w_first = 1; }},
  };
  for (const Case& c : cases) {
    const std::string said = refusal(c.spoil);
    EXPECT_NE(said.find(c.says), std::string::npos) << said << ", not: " << c.says;
  }
}

}  // namespace
}  // namespace moebius::kernels
