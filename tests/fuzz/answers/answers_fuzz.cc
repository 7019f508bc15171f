// Fuzz: every extractor on the whole input, every grader on its two halves.
//
// The first zero byte separates gold from prediction; without one both are the input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "scorers/scorer.h"

using moebius::scorers::extract;
using moebius::scorers::extractor_names;
using moebius::scorers::math_equal;
using moebius::scorers::math_grader_names;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const char* name : extractor_names()) extract(name, input);
  const std::size_t zero = input.find('\0');
  const bool split = zero != std::string_view::npos;
  const std::string_view gold = split ? input.substr(0, zero) : input;
  const std::string_view pred = split ? input.substr(zero + 1) : input;
  for (const char* name : math_grader_names()) {
    // A verdict without a reason is a path nobody thought of.
    if (math_equal(name, gold, pred).reason.empty()) std::abort();
  }
  return 0;
}
