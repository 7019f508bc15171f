// model verify --determinism: the same tokens must give the same bits, whatever else is
// computed beside them and however the work is cut.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace moebius::runner {

/// Loads the model under test.
using EngineFactory =
    std::function<std::unique_ptr<engine::LocalEngine>(const engine::LocalOptions&)>;

/// One way to compute everything again.
struct VariantReport {
  std::string name;
  std::int64_t values = 0;       // token ids and log-probabilities compared
  std::int64_t differences = 0;  // of those, how many differ in any bit
  std::int64_t not_finite = 0;   // NaN and infinite log-probabilities
  std::string first;             // where the first difference is; empty if there is none

  bool pass() const { return values > 0 && differences == 0 && not_finite == 0; }
};

struct DeterminismReport {
  std::vector<std::int32_t> lengths;  // tokens of the sequences
  std::int64_t requests = 0;          // made of them
  std::vector<VariantReport> variants;

  bool pass() const;
};

struct DeterminismOptions {
  std::uint64_t seed = 1;
  int devices = 1;
  std::vector<std::int32_t> batches = {1, 2, 7, 64};  // requests at once, each 1 .. 4096
};

/// Chooses token sequences by the seed, of 5, 64, 65, 150, 600 tokens as far as the context
/// allows and one that begins as another does, scores and continues each alone (one thread, nothing
/// shared, nothing cut), and then again in batches, orders, chunks, with shared prefixes and with
/// two threads; all on one device, and, if there are several, on so many as well. `progress` is
/// told each variant's name before it runs; may be empty.
DeterminismReport verify_determinism(const EngineFactory& load, const DeterminismOptions& options,
                                     const std::function<void(const std::string&)>& progress = {});

}  // namespace moebius::runner
