// A ragged batch of kernels/attention/attention_case.h on the device, for tests of its kernels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/attention/attention_case.h"
#include "kernels/attention/attention_path.h"
#include "kernels/device/test_support.h"

namespace moebius::kernels {

inline AttentionShape device_shape(const AttentionArgs& args) {
  return {.heads = args.heads,
          .kv_heads = args.kv_heads,
          .qk_dim = args.qk_dim,
          .v_dim = args.v_dim,
          .k_offset = args.k_offset,
          .v_offset = args.v_offset,
          .scale = args.scale,
          .kv_dtype = args.kv.dtype};
}

inline float bf16_rounded(float x) {
  return bf16_to_f32(f32_to_bf16(x));
}

/// A batch's arrays on the device; rows have 8 elements more than their heads need.
class DeviceAttention {
 public:
  /// `batch` is what the host would run; its queries are rounded if the cache is bf16.
  /// `cache`: where one that several batches share was uploaded before, or null.
  DeviceAttention(AttentionCase::Batch& batch, const Stream& stream, const void* cache = nullptr)
      : host_(batch.args), stream_(stream), q_ld_(ld(host_.qk_dim)), out_ld_(ld(host_.v_dim)) {
    if (!wide()) {
      for (float& q : batch.q) q = bf16_rounded(q);
    }
    const std::int64_t rows = host_.batch.rows, sequences = host_.batch.sequences;
    const std::vector<float> q = spread(batch.q, host_.heads * host_.qk_dim, q_ld_);
    wide() ? void(q_wide_ = upload(q, stream)) : void(q_narrow_ = upload_bf16(q, stream));
    out_ = poisoned<std::byte>(rows * out_ld_ * element(), stream);
    row_begin_ = upload(batch.row_begin, stream);
    position_begin_ = upload(batch.position_begin, stream);
    pages_ = upload(batch.pages, stream);
    if (!cache) upload_cache();
    cache_at_ = cache ? cache : cache_.data();
    for (std::int64_t s = 0; s < sequences; ++s) {
      const std::int64_t tokens = batch.row_begin[s + 1] - batch.row_begin[s];
      limits_.positions = std::max(limits_.positions, batch.position_begin[s] + tokens);
    }
    limits_.rows = rows;
    limits_.sequences = sequences;
  }

  const AttentionLimits& limits() const { return limits_; }
  AttentionCudaArgs args(const void* plan, void* workspace) const {
    Ragged ragged = host_.batch;
    ragged.row_begin = row_begin_.data();
    ragged.position_begin = position_begin_.data();
    ragged.pages = pages_.data();
    KvLayer kv = host_.kv;
    kv.data = const_cast<void*>(cache_at_);
    const Dtype rows = wide() ? Dtype::kF32 : Dtype::kBF16;
    void* q = wide() ? static_cast<void*>(q_wide_.data()) : q_narrow_.data();
    return {.shape = device_shape(host_),
            .q = {.data = q, .dtype = rows, .ld = q_ld_},
            .out = {.data = out_.data(), .dtype = rows, .ld = out_ld_},
            .batch = {.ragged = ragged, .max_positions = limits_.positions},
            .kv = kv,
            .plan = plan,
            .workspace = workspace};
  }

  /// Plans, launches and waits; [rows, heads, v_dim] as float32. Fails the test if the padding
  /// behind a row was written, or if the plan is larger than was said.
  std::vector<float> run(const AttentionPath& path) {
    const AttentionShape shape = device_shape(host_);
    std::vector<std::byte> plan(path.plan_bytes(shape, limits_));
    const std::size_t used = path.plan(shape, host_.batch, plan.data(), plan.size());
    EXPECT_LE(used, plan.size());
    plan.resize(used);
    const auto device_plan = upload(plan, stream_);
    const auto workspace = poisoned<std::byte>(path.workspace_bytes(shape, limits_), stream_);
    path.launch(args(device_plan.data(), workspace.data()), stream_);
    return result();
  }

  std::vector<float> result() const {
    const std::vector<std::byte> bytes = download(out_, stream_);
    const std::int64_t width = host_.heads * host_.v_dim;
    std::vector<float> values;
    std::int64_t written = 0;
    for (std::int64_t row = 0; row < host_.batch.rows; ++row) {
      for (std::int64_t c = 0; c < out_ld_; ++c) {
        const std::byte* at = &bytes[(row * out_ld_ + c) * element()];
        if (c < width) {
          values.push_back(value(at));
        } else {
          written +=
              std::any_of(at, at + element(), [](std::byte b) { return b != std::byte{255}; });
        }
      }
    }
    EXPECT_EQ(written, 0) << "elements behind rows were written";
    return values;
  }

 private:
  bool wide() const { return host_.kv.dtype == Dtype::kF32; }
  std::int64_t element() const { return wide() ? 4 : 2; }
  std::int64_t ld(std::int64_t dim) const { return (host_.heads * dim + 7) / 8 * 8 + 8; }

  static std::vector<float> spread(const std::vector<float>& rows, std::int64_t width,
                                   std::int64_t ld) {
    const std::int64_t count = std::ssize(rows) / width;
    std::vector<float> apart(count * ld, std::numeric_limits<float>::quiet_NaN());
    for (std::int64_t r = 0; r < count; ++r) {
      std::copy_n(&rows[r * width], width, &apart[r * ld]);
    }
    return apart;
  }

  void upload_cache() {
    const std::int64_t elements = host_.kv.pages * kPageTokens * host_.kv.width;
    cache_ = DeviceBuffer<std::byte>(elements * element());
    device_copy(cache_.data(), host_.kv.data, cache_.size(), stream_);
    device_wait(stream_);
  }

  float value(const std::byte* at) const {
    if (wide()) return *reinterpret_cast<const float*>(at);
    return bf16_to_f32(*reinterpret_cast<const std::uint16_t*>(at));
  }

  AttentionArgs host_;
  Stream stream_;
  std::int64_t q_ld_, out_ld_;
  AttentionLimits limits_;
  DeviceBuffer<float> q_wide_;
  DeviceBuffer<std::uint16_t> q_narrow_;
  DeviceBuffer<std::byte> out_, cache_;
  DeviceBuffer<std::int32_t> row_begin_, position_begin_, pages_;
  const void* cache_at_ = nullptr;
};

}  // namespace moebius::kernels
