#include "kernels/attention/attention_cuda.h"

#include <algorithm>

#include "kernels/attention/attention_path.h"

namespace moebius::kernels {
namespace {

// The first that serves; the last serves everything.
const AttentionPath& path_for(const AttentionShape& shape) {
  const AttentionPath* const paths[] = {&kMlaAttention, &kGqaAttention, &kGeneralAttention};
  return **std::find_if(std::begin(paths), std::end(paths) - 1,
                        [&](const AttentionPath* path) { return path->serves(shape); });
}

}  // namespace

bool attention_serves(const AttentionShape& shape) {
  return path_for(shape).serves(shape);
}

std::size_t attention_plan_bytes(const AttentionShape& shape, const AttentionLimits& limits) {
  return path_for(shape).plan_bytes(shape, limits);
}

std::size_t attention_plan(const AttentionShape& shape, const Ragged& batch, void* plan,
                           std::size_t bytes) {
  return path_for(shape).plan(shape, batch, plan, bytes);
}

std::size_t attention_cuda_workspace_bytes(const AttentionShape& shape,
                                           const AttentionLimits& limits) {
  return path_for(shape).workspace_bytes(shape, limits);
}

void attention_cuda(const AttentionCudaArgs& args, const Stream& stream) {
  path_for(args.shape).launch(args, stream);
}

}  // namespace moebius::kernels
