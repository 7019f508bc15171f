// The graders by name, with what a scorer needs to know about each.
#pragma once

#include <string_view>

#include "scorers/scorer.h"

namespace moebius::scorers::math {

struct Grader {
  const char* name;
  const char* function;  // the reference's function, accepted as a name; may be null
  int version;
  Equality (*equal)(std::string_view gold, std::string_view pred);
  // As the project's own evaluation judges a final answer: normalised first.
  Equality (*evaluate)(std::string_view gold, std::string_view pred);
};

/// By name or function. Throws Error that lists the names.
const Grader& find_grader(std::string_view name);

/// "x: expected one of a, b, c, found y" as an Error.
[[noreturn]] void throw_unknown(const char* what, std::span<const char* const> names,
                                std::string_view found);

}  // namespace moebius::scorers::math
