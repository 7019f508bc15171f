// Deals a set of requests out to several engines that hold the same model.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/engine.h"

namespace moebius::engine {

/// `ways` lists of requests with equal work to do as far as it can be told beforehand, each in
/// the order of the set. Neighbours whose prompts share most of the shorter one stay
/// together, so that their prefix is computed once; only a run of them that is more than one
/// part's work is cut. Which list a request is in changes no bit of its answer.
std::vector<std::vector<Request>> deal(std::vector<Request> requests, std::size_t ways);

}  // namespace moebius::engine
