// Fuzz target: everything a solver says in a HumanEval verdict, against a checker that plays its
// part. The first byte chooses what is done: a value to parse, a conversation, output to compare.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "scorers/code/decimal.h"
#include "scorers/code/json_value.h"
#include "scorers/code/relay.h"
#include "scorers/code/wire.h"
#include "scorers/sandbox/sandbox.h"

namespace code = moebius::scorers::code;
using moebius::scorers::Error;
using moebius::scorers::HumanEvalProblem;
using moebius::scorers::Verdict;
using moebius::scorers::sandbox::Outcome;
using moebius::scorers::sandbox::Session;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Says the frames of the input, one after the other: a length byte pair, then the bytes.
class Solver final : public Session {
 public:
  explicit Solver(std::string_view input) : input_(input) {}
  bool send(std::string_view) override { return true; }
  Heard receive(std::string& frame, double, std::size_t) override {
    if (input_.size() < 2) return Heard::kEnded;
    const auto low = static_cast<unsigned char>(input_[0]);
    const auto high = static_cast<unsigned char>(input_[1]);
    if (high == 0xFF) return Heard::kTooLong;
    frame = input_.substr(2, low | high << 8);
    input_.remove_prefix(std::min(input_.size(), 2 + frame.size()));
    return Heard::kFrame;
  }
  Outcome finish() override { return {}; }

 private:
  std::string_view input_;
};

/// Calls twice, and is content with nothing: a pass would be the solver's own making.
class Checker final : public Session {
 public:
  bool send(std::string_view frame) override {
    replies_ += frame.starts_with('R') || frame.starts_with('E') ? 1 : 0;
    if (replies_ == 0 || frame.starts_with('P')) return true;
    std::string problem;
    require(code::parse_value(frame.substr(5), problem).has_value());
    return true;
  }
  Heard receive(std::string& frame, double, std::size_t) override {
    frame = replies_ < 2 ? "C" : "V0123456789abcdefA";
    if (replies_ < 2) {
      code::put_u32(frame, static_cast<std::uint32_t>(replies_ + 1));
      code::put_tuple(frame, 0);
    } else {
      code::put_str(frame, "AssertionError: ");
    }
    return Heard::kFrame;
  }
  Outcome finish() override { return {}; }

 private:
  int replies_ = 0;
};

void converse(std::string_view input) {
  const HumanEvalProblem problem{"fuzz/0", "", "", "f"};
  const std::string source;
  code::Process solver(std::make_unique<Solver>(input));
  code::Process checker(std::make_unique<Checker>());
  code::Relay relay{problem, source, "0123456789abcdef", 1};
  require(relay.run(solver, checker).verdict != Verdict::kPass);
}

void parse(std::string_view input) {
  std::string problem;
  const std::optional<code::Value> value = code::parse_value(input, problem);
  require(value.has_value() == problem.empty());
  if (!value) return;
  static const code::Json kExpected = code::parse_json(R"([1, {"a": 0.5, "b": [null, "x"]}])");
  (void)code::python_equal(*value, kExpected, true, code::Arrays::kAsLists);
  (void)code::python_equal(*value, code::parse_json("1e22"), true, code::Arrays::kAmbiguous);
  (void)code::show(*value);
}

void read_json(std::string_view input) {
  try {
    (void)code::parse_json(input);
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      parse(input);
      break;
    case 1:
      converse(input);
      break;
    case 2:
      require(code::outputs_match(input, input));
      (void)code::outputs_match(input, "1 2.50\n-3e5 x");
      break;
    default:
      read_json(input);
  }
  return 0;
}
