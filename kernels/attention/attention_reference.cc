// The definition of correct for attention: one row and head after another.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/attention/attention_core.h"
#include "kernels/simd/math.h"

namespace moebius::kernels {
namespace {

/// One query head of one row.
struct Query {
  const AttentionArgs& args;
  std::int64_t sequence, head, position;
  const float* q;
  float* out;
};

/// Softmax over some keys: maximum, sum of weights, weighted sum of values.
struct State {
  float m = 0, l = 0;
  std::vector<float> o;
};

float cached(const Query& query, std::int64_t position, std::int64_t element) {
  const Ragged& batch = query.args.batch;
  const KvLayer& kv = query.args.kv;
  const std::int64_t page = batch.pages[query.sequence * batch.max_pages + position / kPageTokens];
  const std::int64_t i = (page * kPageTokens + position % kPageTokens) * kv.width + element;
  if (kv.dtype == Dtype::kF32) return static_cast<const float*>(kv.data)[i];
  const std::uint32_t high = static_cast<const std::uint16_t*>(kv.data)[i];
  return std::bit_cast<float>(high << 16);
}

std::int64_t kv_head(const Query& query) {
  return query.head / (query.args.heads / query.args.kv_heads);
}

float score(const Query& query, std::int64_t key) {
  const std::int64_t first = query.args.k_offset + kv_head(query) * query.args.qk_dim;
  float s = 0;
  for (std::int64_t d = 0; d < query.args.qk_dim; ++d) {
    s = std::fma(query.q[d], cached(query, key, first + d), s);
  }
  return s * query.args.scale;
}

State attend(const Query& query, std::int64_t begin, std::int64_t end) {
  const std::int64_t first = query.args.v_offset + kv_head(query) * query.args.v_dim;
  State state{-std::numeric_limits<float>::infinity(), 0, std::vector<float>(query.args.v_dim)};
  std::vector<float> scores;
  for (std::int64_t key = begin; key < end; ++key) {
    scores.push_back(score(query, key));
    state.m = std::max(state.m, scores.back());
  }
  for (std::int64_t key = begin; key < end; ++key) {
    const float e = exp_scalar(scores[key - begin] - state.m);
    state.l += e;
    for (std::int64_t d = 0; d < query.args.v_dim; ++d) {
      state.o[d] = std::fma(e, cached(query, key, first + d), state.o[d]);
    }
  }
  return state;
}

void merge(State& a, const State& b) {
  const float m = std::max(a.m, b.m);
  const float e_a = exp_scalar(a.m - m);
  const float e_b = exp_scalar(b.m - m);
  a.m = m;
  a.l = std::fma(b.l, e_b, a.l * e_a);
  for (std::size_t d = 0; d < a.o.size(); ++d) a.o[d] = std::fma(b.o[d], e_b, a.o[d] * e_a);
}

void attend_all(const Query& query) {
  const std::int64_t end = query.position + 1;
  State state = attend(query, 0, std::min(end, kAttentionChunk));
  for (std::int64_t begin = kAttentionChunk; begin < end; begin += kAttentionChunk) {
    merge(state, attend(query, begin, std::min(end, begin + kAttentionChunk)));
  }
  for (std::int64_t d = 0; d < query.args.v_dim; ++d) query.out[d] = state.o[d] / state.l;
}

void attend_sequence(const AttentionArgs& args, std::int64_t s) {
  for (std::int64_t row = args.batch.row_begin[s]; row < args.batch.row_begin[s + 1]; ++row) {
    const std::int64_t position = args.batch.position_begin[s] + row - args.batch.row_begin[s];
    for (std::int64_t h = 0; h < args.heads; ++h) {
      attend_all({args, s, h, position, args.q + (row * args.heads + h) * args.qk_dim,
                  args.out + (row * args.heads + h) * args.v_dim});
    }
  }
}

}  // namespace

void attention_reference(const AttentionArgs& args) {
  check_attention(args);
  if (args.batch.rows == 0) return;
  ThreadPool serial(1);  // for its arithmetic mode: subnormals count as zero
  serial.run(args.batch.sequences, [&](std::int64_t s, int) { attend_sequence(args, s); });
}

}  // namespace moebius::kernels
