// A Stepper with a model behind it: what the local engine runs, on whichever device.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/forward/stepper.h"

namespace moebius::engine {

class ModelStepper : public Stepper {
 public:
  /// One sequence from position 0, everything recorded; uses the cache's first pages.
  virtual Trace trace(std::span<const std::int32_t> ids) = 0;

  /// LocalEngine::follow(); first in 0 .. ids.size() - 1. Uses the cache's first pages too.
  virtual Trace follow(std::span<const std::int32_t> ids, std::int32_t first) = 0;

  /// LocalEngine::take_expert_loads().
  virtual std::vector<std::vector<std::int64_t>> take_expert_loads() = 0;

  /// Where and how it computes, for the fingerprint: "cpu bf16".
  virtual std::string arithmetic() const = 0;
};

}  // namespace moebius::engine
