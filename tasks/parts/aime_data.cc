// Reads AIME problems from their public copies and asks them in the variants of their users.
#include "tasks/parts/aime_data.h"

#include "tasks/dataset.h"
#include "tasks/parts/math_variants.h"

namespace moebius::tasks {
namespace {

constexpr int kProblems = 15;  // of a paper

struct AimeProblem {
  std::string name;  // "I-3"
  std::string problem;
  std::int64_t answer = 0;
};

/// lighteval src/lighteval/tasks (math_500 and aime prompts) at 3fd1526.
std::string lighteval_prompt(const std::string& problem) {
  return "Solve the following math problem efficiently and clearly.  The last line of your "
         "response "
         "should be of the following format: 'Therefore, the final answer is: $\\boxed{ANSWER}$. I "
         "hope it is correct' (without quotes) where ANSWER is just the final number or expression "
         "that solves the problem. Think step by step before answering.\n\n" +
         problem;
}

Ask ask_of(const std::string& variant, const std::string& problem, Think think) {
  constexpr std::int32_t kTokens = 32768;
  if (variant == "lm-eval") {  // lm-evaluation-harness lm_eval/tasks/aime at 4e7e0d4
    return text_ask("Question: " + problem + "\nAnswer:", kTokens,
                    {"Question:", "</s>", "<|im_end|>", "<|eot_id|>"});
  }
  if (variant == "lighteval") return chat_ask(lighteval_prompt(problem), kTokens, think);
  return chat_ask(boxed_prompt(problem), variant == "v3" ? 8192 : kTokens, think);
}

/// "..._AIME_II_Problems/Problem_4" -> "II-4"; empty if the address is of another form.
std::string name_in_url(const std::string& url) {
  const std::size_t paper = url.find("_AIME_");
  const std::size_t number = url.rfind("/Problem_");
  if (paper == std::string::npos || number == std::string::npos) return "";
  const std::size_t begin = paper + 6;
  return url.substr(begin, url.find('_', begin) - begin) + "-" + url.substr(number + 9);
}

/// What the row itself says about its place must be what its position says.
void check_name(const Row& row, const std::string& name) {
  const std::string url = row.text_or("url", "");
  if (!url.empty() && name_in_url(url) != name) {
    row.fail("url", "the address of problem " + name, "\"" + url + "\"");
  }
  if (!row.has("id")) return;
  const std::string id = row.scalar("id");
  if (id.find('-') != std::string::npos && id != name) row.fail("id", name, "\"" + id + "\"");
}

AimeProblem problem_of(const Row& row, const std::string& name) {
  check_name(row, name);
  const std::string answer = row.scalar("answer");
  AimeProblem problem{.name = name,
                      .problem = row.filled(row.has("problem") ? "problem" : "question"),
                      .answer = aime_answer(answer)};
  if (problem.answer < 0) row.fail("answer", "an integer from 0 to 999", "\"" + answer + "\"");
  return problem;
}

std::vector<AimeProblem> read_problems(const AimeYear& year, const std::vector<DataFile>& files) {
  std::vector<AimeProblem> problems;
  for (const DataFile& file : files) {
    LineReader lines(file.path);
    each_row(lines, [&](const Row& row) {
      if (problems.size() == year.names.size()) {
        throw Error(row.where() + ": expected 30 problems, found more");
      }
      problems.push_back(problem_of(row, year.names[problems.size()]));
    });
  }
  if (problems.size() != year.names.size()) {
    throw Error(files.back().path + ": expected 30 problems, found " +
                std::to_string(problems.size()));
  }
  return problems;
}

Sample sample_of(const std::string& variant, const AimeYear& year, const AimeProblem& problem,
                 Think think) {
  Sample sample;
  sample.item = year.year + "-" + problem.name;
  sample.cluster = year.year + "-" + problem.name.substr(0, problem.name.find('-'));
  sample.target = std::to_string(problem.answer);
  sample.asks.push_back(ask_of(variant, problem.problem, think));
  const bool opened = think != Think::kNone && variant != "lm-eval";
  sample.scorers.push_back(scorers::make_integer_scorer(problem.answer, opened));
  return sample;
}

}  // namespace

std::int64_t aime_answer(const std::string& text) {
  if (text.empty() || text.size() > 4) return -1;
  std::int64_t value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return -1;
    value = value * 10 + (digit - '0');
  }
  return value <= 999 ? value : -1;
}

AimeYear aime_2024() {
  AimeYear year{.year = "2024"};
  for (const char* paper : {"I", "II"}) {
    for (const int number : {1, 10, 11, 12, 13, 14, 15, 2, 3, 4, 5, 6, 7, 8, 9}) {
      year.names.push_back(std::string(paper) + "-" + std::to_string(number));
    }
  }
  return year;
}

AimeYear aime_2025() {
  AimeYear year{.year = "2025"};
  for (const char* paper : {"I", "II"}) {
    for (int number = 1; number <= kProblems; ++number) {
      year.names.push_back(std::string(paper) + "-" + std::to_string(number));
    }
  }
  return year;
}

std::vector<Variant> aime_variants() {
  return {{"boxed", "DeepSeek-R1's prompt, greedy, one answer, 32,768 tokens", {}, "accuracy"},
          {"r1",
           "the same prompt as R1 reports: T 0.6, top-p 0.95, 64 answers",
           {.temperature = 0.6, .top_p = 0.95, .repeats = 64},
           "avg@k"},
          {"v3",
           "the same prompt as DeepSeek-V3 reports: T 0.7, 16 answers, 8,192 tokens",
           {.temperature = 0.7, .repeats = 16},
           "avg@k"},
          {"lighteval", "lighteval's prompt, greedy", {}, "accuracy"},
          {"lm-eval",
           "lm-evaluation-harness: \"Question: ... Answer:\" continued, greedy",
           {},
           "accuracy"}};
}

std::map<std::string, std::string> aime_options() {
  return {{"think", kThinkHelp}};
}

std::vector<SampleSet> load_aime(const AimeYear& year, const std::vector<DataFile>& files,
                                 const std::vector<const Variant*>& variants, Think think) {
  const std::vector<AimeProblem> problems = read_problems(year, files);
  std::vector<SampleSet> sets;
  for (const Variant* variant : variants) {
    sets.push_back(empty_set(*variant, joined_sha256(files)));
    for (const AimeProblem& problem : problems) {
      sets.back().samples.push_back(sample_of(variant->name, year, problem, think));
    }
  }
  return sets;
}

}  // namespace moebius::tasks
