// Figures of kernels on their way from an engine to the store.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/engine.h"
#include "reports/store.h"

namespace moebius::runner {

/// The engine's limits as the store keeps them.
reports::MachineLimits stored_limits(const engine::EngineLimits& limits);

/// Keeps the profile of an evaluation, if there is to be one.
class ProfileKeeper {
 public:
  /// Measures the machine's limits if options.profile: before the engine is loaded, which may
  /// take all memory of a GPU.
  explicit ProfileKeeper(const engine::LocalOptions& options);

  /// Puts what the engine did since the last call into the store. Nothing may be in flight.
  void keep(engine::LocalEngine& engine, reports::Store& store, std::int64_t run) const;

 private:
  std::optional<reports::MachineLimits> limits_;  // none: no profile
};

}  // namespace moebius::runner
