// JSON lines in, JSON lines out, in the same order, worked on by several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "runner/input.h"
#include "runner/output.h"

namespace moebius::runner {

/// From one object to the fields of its result. May throw InputError (ends everything) or
/// scorers::Error (the line says {"error": ...} and the others go on).
using LineWork = std::function<Json(const Fields& fields)>;

/// Reads `path` ("-": standard input). A field "id" or "task_id" or "question_id" of a line is
/// repeated in its result. Returns how many lines ended in a scorers::Error.
std::int64_t filter_lines(const std::string& path, int threads, const LineWork& work, Output& out);

}  // namespace moebius::runner
