// Programs cut out of answers, each rule with its oddities.
#include "scorers/code/extraction.h"

#include <gtest/gtest.h>

#include <string>

namespace moebius::scorers::code {
namespace {

HumanEvalProblem problem() {
  HumanEvalProblem p;
  p.prompt = "import math\n\n\ndef area(r):\n    \"\"\"Area.\n    \"\"\"\n";
  p.entry_point = "area";
  return p;
}

std::string shown(CodeExtraction extraction, const std::string& text) {
  return humaneval_program(problem(), extraction, text).shown;
}

TEST(Extraction, CompletionIsWhatWasWritten) {
  const HumanEvalProgram program =
      humaneval_program(problem(), CodeExtraction::kCompletion, "    return 1\ndef x(): pass\n");
  EXPECT_EQ(program.source, problem().prompt + "    return 1\ndef x(): pass\n");
  EXPECT_EQ(humaneval_program(problem(), CodeExtraction::kWholeProgram, "a").source, "a");
}

TEST(Extraction, SimpleEvals) {
  const auto fenced = [](const std::string& text) { return shown(CodeExtraction::kFenced, text); };
  EXPECT_EQ(fenced("x\n```python\ndef area(r):\n    return 1\n```\ny"), "    return 1\n");
  // The first block counts, and the first signature in it, whatever function it is of.
  EXPECT_EQ(fenced("```python\ndef a():\n    x\n```\n```python\ndef b():\n    y\n```"), "    x\n");
  EXPECT_EQ(fenced("def area(r):\n    return 1"), "    return 1");
  EXPECT_EQ(fenced("```\ndef area(r):\n    return 1\n```"), "    return 1\n```");
  // Nothing to cut: the first character is lost.
  EXPECT_EQ(fenced("    return 1"), "   return 1");
  EXPECT_EQ(fenced("\xC3\xA9x"), "x");
  EXPECT_EQ(fenced(""), "");
  // An unclosed fence is no block.
  EXPECT_EQ(fenced("```python\ndef area(r):\n    return 1"), "    return 1");
}

TEST(Extraction, DeepSeek) {
  const auto cut = [](const std::string& text) { return shown(CodeExtraction::kDeepSeek, text); };
  EXPECT_EQ(cut("Sure:\n```Python\nimport os\n\ndef area(r):\n    return 1\n```"),
            "import math\ndef area(r):\n    return 1\n\n");
  // Up to the last line that is the indentation and a brace.
  EXPECT_EQ(cut("```python\ndef area(r):\n    return {\n}\n```"),
            "import math\ndef area(r):\n    return {\n");
  // Not found: all of the block, to the last brace behind four blanks.
  EXPECT_EQ(cut("```python\nx = 1\n```"), "import math\nx = 1\n\n");
  // No block: the prompt and everything.
  EXPECT_EQ(cut("    return 1"), problem().prompt + "\n    return 1");
  const HumanEvalProgram program =
      humaneval_program(problem(), CodeExtraction::kDeepSeek, "    return 1");
  EXPECT_TRUE(program.source.starts_with("import math\nimport re\n"));
  EXPECT_NE(program.source.find("from collections import *\n"), std::string::npos);
}

TEST(Extraction, InvalidBytesAreReplaced) {
  EXPECT_EQ(shown(CodeExtraction::kWholeProgram, "a\xFF"), "a\xEF\xBF\xBD");
}

TEST(Extraction, LiveCodeBench) {
  EXPECT_EQ(extract_livecodebench("a\n```python\nx\ny\n```\nb", false), "x\ny");
  // Between the last two fences, whatever they are.
  EXPECT_EQ(extract_livecodebench("```\nx\n```\nprose\n```\ny\n```", false), "y");
  EXPECT_EQ(extract_livecodebench("```\nx\n```\nprose\n```\ny", false), "prose");
  EXPECT_EQ(extract_livecodebench("```\n```", false), "");
  EXPECT_EQ(extract_livecodebench("```x```", false), "");
  EXPECT_EQ(extract_livecodebench("no fence", false), "");
  EXPECT_EQ(extract_livecodebench("see ``` here\nx\n  ```", false), "x");
  EXPECT_EQ(extract_livecodebench("\n x = 1 \n", true), "x = 1");
}

TEST(Extraction, LongAnswersAreLinear) {
  std::string fences;
  for (int i = 0; i < 2'000'000; ++i) fences += "```\n";
  EXPECT_EQ(extract_livecodebench(fences, false), "");
  EXPECT_EQ(shown(CodeExtraction::kDeepSeek, fences).size(),
            problem().prompt.size() + 1 + fences.size());
}

}  // namespace
}  // namespace moebius::scorers::code
