// Between the two processes of a HumanEval verdict: calls go from the checker to the solver,
// replies back, and nothing the solver sends reaches the checker unread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "scorers/code/verdict.h"
#include "scorers/sandbox/sandbox.h"
#include "scorers/scorer.h"

namespace moebius::scorers::code {

/// Frames, first byte first. Solver: 'L' names of its globals (list of str); 'X' kind ('S' syntax,
/// 'R' otherwise) and exception; 'R' id value; 'E' id exception; 'B' after 'Q'. Checker: 'C' id
/// (t args kwargs); 'V' nonce kind ('P' passed, 'A' failed, 'E' the candidate's exception,
/// 'M' the program lacks a helper the test needs) and a text; 'D' text: the data set is at fault.
/// An exception: list of class names and a text.
struct Relay {
  const HumanEvalProblem& problem;
  const std::string& source;  // the program
  std::string nonce;          // 16 random bytes; only the checker is told
  double seconds;             // processor time per reply and for the checker's work

  /// Runs it to a verdict. Throws Error if the checker or the data set fails through no act of
  /// the solver's.
  Judgement run(Process& solver, Process& checker);
};

}  // namespace moebius::scorers::code
