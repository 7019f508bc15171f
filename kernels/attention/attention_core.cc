// The SIMD core of attention, built once per target.
#include "kernels/attention/attention_core.h"

#include "kernels/simd/targets.h"
// (before any header of Highway)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/attention_core.cc"
#include "hwy/foreach_target.h"
// (after foreach_target)
#include "hwy/highway.h"
#include "kernels/attention/few_rows-inl.h"
#include "kernels/attention/row_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moebius::kernels::HWY_NAMESPACE {
namespace {

bool few_rows(const AttentionBlock& block) {
  return attention_few(*block.args, block.rows);
}

void pack(const AttentionBlock& block, float* scratch) {
  few_rows(block) ? pack_few(block, scratch) : pack_rows(block, scratch);
}

void chunk(const AttentionBlock& block, std::int64_t index, float* scratch, float* state) {
  const bool wide = block.args->kv.dtype == Dtype::kF32;
  if (few_rows(block)) {
    wide ? chunk_few<float>(block, index, scratch, state)
         : chunk_few<std::uint16_t>(block, index, scratch, state);
  } else {
    wide ? chunk_rows<float>(block, index, scratch, state)
         : chunk_rows<std::uint16_t>(block, index, scratch, state);
  }
}

void merge(const AttentionBlock& block, std::int64_t index, const float* part, float* total) {
  few_rows(block) ? merge_few(block, index, part, total) : merge_rows(block, index, part, total);
}

void finish(const AttentionBlock& block, const float* total) {
  few_rows(block) ? finish_few(block, total) : finish_rows(block, total);
}

}  // namespace
}  // namespace moebius::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moebius::kernels {

HWY_EXPORT(pack);
HWY_EXPORT(chunk);
HWY_EXPORT(merge);
HWY_EXPORT(finish);

void attention_pack(const AttentionBlock& block, float* scratch) {
  HWY_DYNAMIC_DISPATCH(pack)(block, scratch);
}

void attention_chunk(const AttentionBlock& block, std::int64_t chunk, float* scratch,
                     float* state) {
  HWY_DYNAMIC_DISPATCH(chunk)(block, chunk, scratch, state);
}

void attention_merge(const AttentionBlock& block, std::int64_t chunk, const float* part,
                     float* total) {
  HWY_DYNAMIC_DISPATCH(merge)(block, chunk, part, total);
}

void attention_finish(const AttentionBlock& block, const float* total) {
  HWY_DYNAMIC_DISPATCH(finish)(block, total);
}

}  // namespace moebius::kernels
#endif  // HWY_ONCE
