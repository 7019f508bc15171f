// The one door to the judges: an answer goes in, a verdict with its reasons comes out.
// A scorer knows its target; it is a pure function but for code, whose only side door is
// the sandbox.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moebius::scorers {

/// A failure of ours: sandbox, checker, dataset. Never a verdict, never stored as a score.
/// what() is one line that says where, what was expected and what was found.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What became of an answer. Only kPass counts; the others say why not.
enum class Verdict : std::uint8_t {
  kPass,
  kWrong,          // an answer was found and it is not the right one
  kNoAnswer,       // nothing could be extracted
  kThinkUnclosed,  // <think> without </think>: there is no answer part
  kSyntaxError,    // code that does not compile
  kRuntimeError,
  kTimeLimit,  // reason says whether of processor time or of the clock
  kMemoryLimit,
  kProcessLimit,
  kOutputLimit,
  kDiskLimit,
  kProtocolViolation,  // solver wrote what no honest program writes
};
const char* verdict_name(Verdict verdict);  // "pass", "wrong_answer", "time_limit", ...
bool parse_verdict(std::string_view name, Verdict& to);  // false if unknown

/// Log-probability of one continuation, as the engine gave it.
struct Choice {
  double logprob = 0;       // sum over its tokens, natural logarithm
  std::int32_t tokens = 0;  // > 0
  std::int32_t bytes = 0;   // of the continuation's text
};

/// What a model said: text, or the log-probabilities of the continuations asked for.
struct Answer {
  std::string_view text;   // any bytes, any length
  bool truncated = false;  // ended by a length limit, not by the model
  std::span<const Choice> choices;
};

/// One test of a program.
struct TestOutcome {
  Verdict verdict = Verdict::kPass;
  double cpu_seconds = 0;
  std::string detail;  // one line, bounded
};

struct Score {
  Verdict verdict = Verdict::kWrong;
  double value = 0;                // 0 .. 1; what is averaged
  std::string extracted;           // what was judged, valid UTF-8, at most kMaxExtracted bytes
  std::string reason;              // one line
  std::vector<TestOutcome> tests;  // code only, in order, up to the first failure
  std::string sandbox;             // code only: level and limits the verdict was reached under
};
inline constexpr std::size_t kMaxExtracted = 64 << 10;

/// A judge with its target. Thread-safe.
class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual std::string_view name() const = 0;  // "choice", "math.moebius", "code.humaneval", ...
  virtual int version() const = 0;            // rises whenever a verdict could change
  virtual Score score(const Answer& answer) const = 0;  // throws Error: a failure of ours
};
using ScorerPtr = std::shared_ptr<const Scorer>;

// ---- reasoning models -----------------------------------------------------------------

/// The part of an answer after its thinking.
struct Spoken {
  std::string_view text;        // after the last </think>, or all of it if there is none
  bool think_unclosed = false;  // <think> was opened (by the prompt if `opened`) and never closed
};
Spoken spoken_part(std::string_view text, bool opened = false);

// ---- multiple choice ------------------------------------------------------------------

enum class ChoiceNorm : std::uint8_t { kSum, kPerByte, kPerToken };  // what is compared

/// Best continuation wins, ties to the first (as argmax in the reference).
ScorerPtr make_choice_scorer(int gold, ChoiceNorm norm);

/// Letter of a written answer, simple-evals' regexes (mmlu_eval.py, common.py). gold: 'A' .. 'D'.
ScorerPtr make_letter_scorer(char gold, bool think_opened);

// ---- mathematics ----------------------------------------------------------------------

/// Names for --extractor and --grader, in the order shown to users.
std::span<const char* const>
extractor_names();  // "boxed", "simple-evals", "minerva", "qwen2.5-math", ...
std::span<const char* const> math_grader_names();  // "moebius", "hendrycks", "prm800k", ...

/// The final answer of a response; empty pair.second if none. Throws Error on an unknown name.
/// Lists (DeepSeek-Math) are joined with ", " here.
std::pair<std::string, bool> extract(std::string_view extractor, std::string_view response);
/// Rises whenever any response could give another answer. Throws Error on an unknown name.
int extractor_version(std::string_view extractor);

struct Equality {
  bool equal = false;
  std::string reason;  // which rule decided, one line
};
/// Whether two final answers are the same for the named grader. Bounded in time and memory
/// for any input. Throws Error on an unknown name.
Equality math_equal(std::string_view grader, std::string_view gold, std::string_view pred);
/// Rises whenever any pair could be judged otherwise. Throws Error on an unknown name.
int math_grader_version(std::string_view grader);

ScorerPtr make_math_scorer(std::string grader, std::string extractor, std::string gold,
                           bool think_opened);

/// AIME: last boxed integer, else last integer; leading zeros, commas and "\," do not matter.
ScorerPtr make_integer_scorer(std::int64_t gold, bool think_opened);

// ---- code -----------------------------------------------------------------------------

namespace sandbox {
class Sandbox;
}

struct HumanEvalProblem {
  std::string id;      // "HumanEval/0"
  std::string prompt;  // signature and docstring
  std::string test;    // defines check(candidate)
  std::string entry_point;
  double seconds = 3;  // of processor time, all calls together
  std::int64_t memory_bytes = std::int64_t{1} << 30;
};

/// How the program is cut out of what the model wrote.
enum class CodeExtraction : std::uint8_t {
  kCompletion,  // the text continues the prompt (base models), stops already cut
  kFenced,      // first ```python block or all, then cut as simple-evals does, off-by-one included
  kDeepSeek,    // DeepSeek-Coder: first ```python block from "def name" on, behind its imports
                // and what the prompt has above that line
  kWholeProgram,  // the text is the complete function, nothing is put in front
};

ScorerPtr make_humaneval_scorer(HumanEvalProblem problem, CodeExtraction extraction,
                                bool think_opened, std::shared_ptr<sandbox::Sandbox> sandbox);

struct ProgramTest {
  std::string input;   // standard input, or one JSON argument a line (functional)
  std::string output;  // expected standard output, or one JSON value (functional)
};

struct LiveCodeBenchProblem {
  std::string id;
  std::string fn_name;  // empty: standard input and output
  std::vector<ProgramTest> tests;
  double seconds = 6;  // of processor time per test
  std::int64_t memory_bytes = std::int64_t{4} << 30;
};

enum class LiveCodeBenchMode : std::uint8_t {
  kSubprocess,  // a real process with real pipes, a fresh one per test
  kOfficial,    // lcb_runner/evaluation/testing_util.py, verdict for verdict
};

/// Cuts the program out as lcb_runner/utils/extraction_utils.py does: between the last two
/// fences. `base`: the whole text stripped (GenericBase).
std::string extract_livecodebench(std::string_view response, bool base);

/// `extracted`: the answer is the program itself, nothing is cut out.
ScorerPtr make_livecodebench_scorer(std::shared_ptr<const LiveCodeBenchProblem> problem,
                                    LiveCodeBenchMode mode, bool base, bool extracted,
                                    bool think_opened, std::shared_ptr<sandbox::Sandbox> sandbox);

// ---- sandbox --------------------------------------------------------------------------

namespace sandbox {

enum class Level : std::uint8_t {
  kFull,      // namespaces, private root, Landlock, seccomp, rlimits; cgroup where writable
  kLandlock,  // no namespaces: Landlock, seccomp, rlimits. Explicit, stamped on every result
  kNone,      // rlimits only. Explicit, stamped UNSANDBOXED on every result
};
const char* level_name(Level level);  // "full", "landlock", "none"

struct Options {
  Level level = Level::kFull;
  std::string python = "/usr/bin/python3";
  int workers = 0;    // programs at the same time; 0: from the number of cores
  bool numpy = true;  // imported beforehand if it is installed
};

/// Starts nothing yet; probes what the level needs. Throws Error that says which layer is
/// missing, why, and the ways out ("Model-written code will NOT be run.").
std::shared_ptr<Sandbox> open(const Options& options);

struct Probe {
  std::string layer;      // "user namespace", "landlock", "seccomp", "cgroup memory", ...
  bool required = false;  // for kFull
  bool ok = false;
  std::string detail;  // measured, one line
};
/// Tries every layer and a dozen attacks live. Never throws for a missing layer.
std::vector<Probe> doctor(const Options& options);

}  // namespace sandbox
}  // namespace moebius::scorers
