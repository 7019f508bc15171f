// LiveCodeBench's test cases: JSON, or that JSON as base64(zlib(pickle(str))). The pickle is
// parsed, never run: of its language only what one string needs is understood.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "scorers/scorer.h"

namespace moebius::tasks {

inline constexpr std::size_t kMaxTestBytes = std::size_t{512} << 20;  // unpacked, of one problem

/// The string that a pickle of protocol 2 to 5 holds. Anything else, another value, a second
/// one, a byte too many or text that is not UTF-8, throws Error. As Python writes it: PROTO,
/// FRAME (absent round strings of 64 KiB and more), BINUNICODE in one of three widths, MEMOIZE
/// or BINPUT, STOP.
std::string parse_string_pickle(const std::string& where, std::string_view bytes);

/// Strict: the standard alphabet, padded, no line breaks. Throws Error.
std::string decode_base64(const std::string& where, std::string_view text);

/// One zlib stream and nothing behind it, at most `limit` bytes unpacked. Throws Error.
std::string inflate_zlib(const std::string& where, std::string_view bytes, std::size_t limit);

/// The tests of a field as the data set writes it: [{"input", "output", "testtype"}, ...].
/// `functional`: the testtype that all must have, "functional" or "stdin" (else Error).
/// Source: LiveCodeBench lcb_runner/benchmarks/code_generation.py at 28fef95.
std::vector<scorers::ProgramTest> parse_tests(const std::string& where, std::string_view field,
                                              bool functional);

}  // namespace moebius::tasks
