// Runs a set of requests on an engine and hands the answers over in order.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace moebius::runner {

using Sink = std::function<void(const engine::Completion&)>;

struct RunOptions {
  /// Called on the calling thread, about five times a second, with the number of answers
  /// that are there; may be empty.
  std::function<void(std::size_t)> progress;
};

/// Submits `requests` as one set; request ids become their indexes. `sink` gets each completion
/// on the calling thread, in the requests' order, as soon as it and all before it are there.
/// If the sink throws, what is still in flight is cancelled and the exception goes on.
void run_in_order(engine::Engine& engine, std::vector<engine::Request> requests, const Sink& sink,
                  const RunOptions& options = {});

/// A line on standard error that overwrites itself: "17/500 prompts, 3.4/s". Empty function
/// unless standard error is a terminal and there is more than one.
std::function<void(std::size_t)> terminal_progress(std::size_t total, const std::string& noun);

/// Takes the progress line away again.
void clear_progress();

/// Throws engine::Error with the engine's reason if the request was refused.
void require_served(const engine::Completion& completion);

}  // namespace moebius::runner
