// Teacher forcing: two models follow the same answer, and what each says of every next token is
// compared position by position. No logits are kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "reports/divergence.h"

namespace moebius::runner {

/// A prompt and what came after it.
struct ForcedQuestion {
  std::string item;
  std::vector<std::int32_t> prompt;  // >= 1 id
  std::vector<std::vector<std::int32_t>>
      answers;          // the base's; of choices all, its favourite first
  bool written = true;  // the base wrote it, it was not given
};

struct ForcingOptions {
  std::int32_t max_positions = 0;                     // of each answer; 0: all
  std::int64_t chunk_bytes = std::int64_t{64} << 20;  // logits held of each model at a time
  int threads = 0;                                    // that compare rows; 0: one per usable core
};

/// A question, followed.
struct Forced {
  reports::ForcedAnswer answer;
  bool cut = false;  // an answer had more positions than max_positions, or than a context holds
};

/// Borrows two engines with the same vocabulary, between whose requests it works.
class Forcing {
 public:
  Forcing(engine::LocalEngine& base, engine::LocalEngine& candidate, const ForcingOptions& options);

  /// Whether both have the same layers, so that their routers can be compared.
  bool same_layers() const { return same_layers_; }

  /// Throws engine::Error that names item, position and side if a logit is not finite.
  Forced follow(const ForcedQuestion& question);

 private:
  struct Span {
    std::int32_t begin;  // of an answer: the row whose next token is the answer's number `begin`
    std::int32_t end;
  };
  void follow_span(const ForcedQuestion& question, std::size_t which, Span span,
                   reports::ForcedAnswer& to);

  engine::LocalEngine& base_;
  engine::LocalEngine& candidate_;
  ForcingOptions options_;
  bool same_layers_;
  std::int32_t context_;
  std::int32_t chunk_rows_;
};

}  // namespace moebius::runner
