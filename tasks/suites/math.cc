// MATH: all 5,000 test problems, with final answers alone, from simple-evals' file.
// Hendrycks et al. 2021, "Measuring Mathematical Problem Solving With the MATH Dataset", MIT.
#include "tasks/dataset.h"
#include "tasks/parts/math_variants.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

Info description() {
  Info info;
  info.name = "math";
  info.description = "MATH, 5,000 competition problems with final answers";
  info.sources = {{.file = "math_test.csv",
                   .url = "https://openaipublic.blob.core.windows.net/simple-evals/math_test.csv",
                   .licence = "MIT",
                   .sha256 = "1835505d451a6f4b8bfdfe11b90bbd6676f382d2aa269acf8d3e4155947fe451",
                   .rows = 5000,
                   .note = "openai/simple-evals, math_test.csv; no subjects, levels or solutions"}};
  info.variants = math_variants(1);
  info.options = math_options();
  return info;
}

MathProblem problem_of(const std::string& where, const CsvRecord& record, std::size_t index) {
  const auto fail = [&](const std::string& expected, const std::string& found) {
    throw Error(where + ": expected " + expected + ", found " + found);
  };
  if (record.fields.size() != 3) {
    fail("3 fields", std::to_string(record.fields.size()));
  }
  if (record.fields[0] != std::to_string(index)) {
    fail("number " + std::to_string(index), "\"" + record.fields[0] + "\"");
  }
  if (record.fields[1].empty() || record.fields[2].empty()) {
    fail("a question and an answer", "an empty field");
  }
  return {.id = record.fields[0], .problem = record.fields[1], .answer = record.fields[2]};
}

std::vector<MathProblem> read_problems(const std::string& path) {
  LineReader reader(path);
  const std::vector<CsvRecord> records = parse_csv(path, reader.rest());
  if (records.empty() || records[0].fields != std::vector<std::string>{"", "Question", "Answer"}) {
    throw Error(path + ":1: expected the header \",Question,Answer\", found another line");
  }
  std::vector<MathProblem> problems;
  for (std::size_t i = 1; i < records.size(); ++i) {
    problems.push_back(problem_of(path + ":" + std::to_string(records[i].line), records[i], i - 1));
  }
  return problems;
}

class Math : public Suite {
 public:
  Math() : Suite(with_file_options(description())) {}

  std::vector<SampleSet> load(const Options& options) const override {
    check_options(options);
    const std::vector<const Variant*> variants = chosen_variants(options);
    const Think thinking = think(options);
    const std::vector<DataFile> files = data_files(options);
    const std::vector<MathProblem> problems = read_problems(files.front().path);
    std::vector<SampleSet> sets;
    for (const Variant* variant : variants) {
      sets.push_back(math_set(*variant, problems, joined_sha256(files), options, thinking));
    }
    return sets;
  }
};

}  // namespace

std::unique_ptr<Task> make_math() {
  return std::make_unique<Math>();
}

}  // namespace moebius::tasks::suites
